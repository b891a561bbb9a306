//! How often each value of a column occurs in a file: kept in its footer, so that counts by such a column need not read rows.

use serde_json::Value;

/// A column's values in one file, all of them, and in how many rows each is. Text, whole numbers (dates as days), `true` and
/// `false`, and null.
pub type ValueCounts = Vec<(Value, u64)>;

/// The key of a Parquet footer under which the [`ValueCounts`] of a column are, as JSON; `field` is its Iceberg field id.
pub fn key(field: i32) -> String {
    format!("helios.value_counts.{field}")
}
