//! Fields that records have and the table does not: seen, counted, and proposed as columns.

use crate::clock::Timestamp;
use crate::column::{Column, ColumnType};
use arrow::array::{ArrayRef, StringArray};

/// A field without a column, as the records of one commit have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Where it stands in the record, as `a.b`.
    pub path: String,
    /// The narrowest type that takes the values seen.
    pub proposed: ColumnType,
    /// Records that have it.
    pub n_records: u64,
    /// When the first of them arrived.
    pub time: Timestamp,
}

/// Reads a column's values out of `_rest`: the first of the column's places that has a value that fits; else null.
///
/// A function and no trait: it is pure, and there is one.
pub type Backfill = fn(&Column, &StringArray) -> ArrayRef;

/// What a stream does with a value whose type is not its column's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTypeChange {
    /// Numbers get a wider column, in which every earlier value keeps its meaning; anything else is quarantined.
    #[default]
    Widen,
    /// The same, and at last the column becomes `TEXT`.
    WidenToText,
    /// The record is quarantined.
    Quarantine,
    /// The value is kept in `_rest`, the column is null.
    Sidecar,
}

impl OnTypeChange {
    /// All with the words SQL uses, longest first where one begins another.
    pub const ALL: [(OnTypeChange, &'static str); 4] = [
        (OnTypeChange::WidenToText, "WIDEN TO TEXT"),
        (OnTypeChange::Widen, "WIDEN"),
        (OnTypeChange::Quarantine, "QUARANTINE"),
        (OnTypeChange::Sidecar, "SIDECAR"),
    ];

    /// The words SQL uses.
    pub fn sql(self) -> &'static str {
        OnTypeChange::ALL.iter().find(|(policy, _)| *policy == self).map(|(_, words)| *words).expect("ALL lists every policy")
    }
}

impl ColumnType {
    /// The narrowest type that holds what is stored as this type, and values of the other; `None` when only text or JSON does.
    pub fn wider(&self, other: &ColumnType) -> Option<ColumnType> {
        use ColumnType::{BigInt, Decimal, Double, Int, Real, UnsignedBigInt};
        if self == other {
            return Some(self.clone());
        }
        let is_number = |t: &ColumnType| matches!(t, Int | BigInt | UnsignedBigInt | Real | Double | Decimal(..));
        if !is_number(self) || !is_number(other) {
            return None;
        }
        // What a type needs left and right of the point, when it is exact.
        let digits = |t: &ColumnType| match t {
            Int => Some((10, 0)),
            BigInt => Some((19, 0)),
            UnsignedBigInt => Some((20, 0)),
            Decimal(precision, scale) => Some((i16::from(*precision) - i16::from(*scale), i16::from(*scale))),
            _ => None,
        };
        match (self, other) {
            (Int, BigInt) | (BigInt, Int) => return Some(BigInt),
            // A double holds 32-bit integers exactly.
            (Int | Real, Double | Real) | (Double, Int | Real) | (Real, Int) => return Some(Double),
            _ => {}
        }
        let (whole, fraction) = match (digits(self), digits(other)) {
            (Some(a), Some(b)) => (a.0.max(b.0), a.1.max(b.1)),
            // What is stored as a double has no digits to lose any more, and may be larger than every decimal.
            (None, Some(_)) => return Some(Double),
            // A 64-bit integer loses digits in a double, but not in a decimal; nine places are kept of the fraction.
            (Some(a), None) => (a.0.max(20), a.1.max(9)),
            (None, None) => return Some(Double),
        };
        let precision = u8::try_from(whole + fraction).ok().filter(|precision| *precision <= 38)?;
        Some(Decimal(precision, i8::try_from(fraction).ok()?))
    }

    /// The narrowest type that takes the values of both, whatever they are.
    pub fn or_json(&self, other: &ColumnType) -> ColumnType {
        self.wider(other).unwrap_or(ColumnType::Json)
    }

    /// Whether every value of `other` can be held by this type, too.
    pub fn takes(&self, other: &ColumnType) -> bool {
        let is_single = !matches!(other, ColumnType::Struct(_) | ColumnType::List(_));
        match self {
            ColumnType::Text => is_single,
            ColumnType::Json => matches!(other, ColumnType::Json),
            ColumnType::Double | ColumnType::Real => {
                matches!(other, ColumnType::Int | ColumnType::Real | ColumnType::Double)
                    && self.wider(other).as_ref() == Some(self)
            }
            ColumnType::Decimal(..) => {
                !matches!(other, ColumnType::Real | ColumnType::Double) && self.wider(other).as_ref() == Some(self)
            }
            _ => self.wider(other).as_ref() == Some(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ColumnType::{BigInt, Decimal, Double, Int, Real, Text, UnsignedBigInt};

    #[test]
    fn wider_types_lose_nothing() {
        assert_eq!(Int.wider(&BigInt), Some(BigInt));
        assert_eq!(Int.wider(&Double), Some(Double));
        assert_eq!(BigInt.wider(&Double), Some(Decimal(29, 9)));
        assert_eq!(Double.wider(&BigInt), Some(Double));
        assert_eq!(BigInt.wider(&UnsignedBigInt), Some(Decimal(20, 0)));
        assert_eq!(Decimal(10, 2).wider(&Decimal(8, 4)), Some(Decimal(12, 4)));
        assert_eq!(Decimal(38, 2).wider(&Decimal(38, 4)), None);
        assert_eq!(Real.wider(&Double), Some(Double));
        assert_eq!(Text.wider(&Int), None);
    }

    #[test]
    fn a_type_takes_what_it_is_wider_than() {
        assert!(BigInt.takes(&Int) && !Int.takes(&BigInt));
        assert!(Text.takes(&Double) && !Text.takes(&ColumnType::List(Box::new(Int))));
        assert!(Decimal(29, 9).takes(&BigInt) && !Double.takes(&BigInt));
        assert!(!Decimal(29, 9).takes(&Double) && Double.takes(&Real));
    }
}
