//! Sorting, against rows in every order.

use super::*;

#[test]
fn labels_read_as_dates() {
    let at = Some(1_795_254_000_000_000);
    assert_eq!(label(at, TimePart::Hour), "2026-11-21T09");
    assert_eq!(label(at, TimePart::Day), "2026-11-21");
    assert_eq!(label(at, TimePart::Month), "2026-11");
    assert_eq!(label(None, TimePart::Day), "none");
    assert_eq!(label(Some(i64::MAX), TimePart::Day), "far");
    assert_eq!(label(Some(i64::MIN), TimePart::Month), "far");
}
