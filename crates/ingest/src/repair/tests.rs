//! Fixes on payloads: what they change, and that they change nothing else.

use super::document::Node;
use helios_contract::quarantine::fix::{Path, Step};

fn path(text: &str) -> Path {
    let steps = text.split('.').flat_map(|part| {
        let (name, lists) = part.split_once('[').unwrap_or((part, ""));
        let items = lists.split_terminator(']').map(|item| item.trim_start_matches('['));
        let step = |index: &str| index.parse().map_or(Step::Items, Step::Item);
        std::iter::once(Step::Field(name.to_owned())).chain(items.map(step)).collect::<Vec<_>>()
    });
    Path(steps.collect())
}

fn changed(payload: &str, change: impl FnOnce(&mut Node) -> bool) -> String {
    let mut node = Node::read(payload.as_bytes()).unwrap_or_else(|misfit| panic!("{payload}: {misfit:?}"));
    let touched = change(&mut node);
    let mut text = String::new();
    node.write(&mut text);
    if touched { text } else { format!("untouched: {text}") }
}

fn set(payload: &str, place: &str) -> String {
    changed(payload, |node| node.set(&path(place).0, &Node::Leaf("0".to_owned())))
}

#[test]
fn numbers_and_the_order_of_fields_stay_as_they_were() {
    let payload = r#"{"z":1e400,"a":0.10000000000000000001,"\u00e9":"\u00e9\n","n":null,"l":[[],{}]}"#;
    assert_eq!(changed(payload, |_| false), format!("untouched: {}", payload.replacen("\\u00e9", "é", 1)));
}

#[test]
fn a_value_is_set_where_it_is_and_added_where_its_object_is() {
    assert_eq!(set(r#"{"a":"x"}"#, "a"), r#"{"a":0}"#);
    assert_eq!(set(r#"{"b":1}"#, "a"), r#"{"b":1,"a":0}"#);
    assert_eq!(set(r#"{"a":1,"a":"x"}"#, "a"), r#"{"a":1,"a":0}"#);
    assert_eq!(set(r#"{"o":{"b":[{"c":1},{"c":2}]}}"#, "o.b[1].c"), r#"{"o":{"b":[{"c":1},{"c":0}]}}"#);
    assert_eq!(set(r#"{"l":[1,2]}"#, "l[]"), r#"{"l":[0,0]}"#);
    assert_eq!(set(r#"{"l":[1,2]}"#, "l[2]"), r#"untouched: {"l":[1,2]}"#);
    assert_eq!(set(r#"{"o":7}"#, "o.a"), r#"untouched: {"o":7}"#);
}

#[test]
fn a_field_is_dropped_wherever_it_is() {
    let drop = |payload: &str, place: &str| changed(payload, |node| node.remove(&path(place).0));
    assert_eq!(drop(r#"{"a":1,"b":2,"a":3}"#, "a"), r#"{"b":2}"#);
    assert_eq!(drop(r#"{"l":[{"x":1,"y":2},{"y":3}]}"#, "l[].x"), r#"{"l":[{"y":2},{"y":3}]}"#);
    assert_eq!(drop(r#"{"l":[1,2,3]}"#, "l[1]"), r#"{"l":[1,3]}"#);
    assert_eq!(drop(r#"{"a":1}"#, "b"), r#"untouched: {"a":1}"#);
}

#[test]
fn a_field_is_renamed_unless_the_new_name_is_taken() {
    let rename = |payload: &str, from: &str, to: &str| changed(payload, |node| node.rename(&path(from), &path(to)));
    assert_eq!(rename(r#"{"preis":1,"b":2}"#, "preis", "price"), r#"{"b":2,"price":1}"#);
    assert_eq!(rename(r#"{"preis":1,"price":2}"#, "preis", "price"), r#"untouched: {"preis":1,"price":2}"#);
    assert_eq!(rename(r#"{"b":2}"#, "preis", "price"), r#"untouched: {"b":2}"#);
    assert_eq!(rename(r#"{"o":{"a":1}}"#, "o.a", "p.b"), r#"{"o":{},"p":{"b":1}}"#);
    assert_eq!(rename(r#"{"l":[{"a":1},{"c":2},{"a":3}]}"#, "l[].a", "l[].b"), r#"{"l":[{"b":1},{"c":2},{"b":3}]}"#);
    assert_eq!(rename(r#"{"a":1}"#, "a", "a.b"), r#"{"a":{"b":1}}"#);
}

#[test]
fn what_is_not_json_is_left_alone() {
    for payload in ["{\"id\":7", "", "[1,", "{\"a\":NaN}", "\u{7f}"] {
        assert!(Node::read(payload.as_bytes()).is_err(), "{payload}");
    }
}
