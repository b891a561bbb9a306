//! What is counted, what is given up, and how long a footer may get.

use super::*;
use arrow::array::{BooleanArray, Float64Array, Int32Array, Int64Array, StringArray};
use serde_json::json;
use std::collections::HashMap as Metadata;

fn field(name: &str, id: i32, data_type: DataType) -> Field {
    Field::new(name, data_type, true).with_metadata(Metadata::from([(FIELD_ID.to_owned(), id.to_string())]))
}

fn counted(fields: Vec<Field>, batches: Vec<Vec<ArrayRef>>) -> Json {
    let schema = Arc::new(Schema::new(fields));
    let mut counting = Counting::new(&schema);
    for columns in batches {
        counting.add(&RecordBatch::try_new(Arc::clone(&schema), columns).unwrap());
    }
    let pairs = counting.finish().unwrap().into_iter();
    pairs.map(|pair| (pair.key, serde_json::from_str::<Json>(&pair.value.unwrap()).unwrap())).collect()
}

type Json = serde_json::Value;

#[test]
fn values_are_counted_across_batches_the_most_frequent_first() {
    let fields = vec![
        field("a", 1, DataType::Utf8),
        field("b", 2, DataType::Int32),
        field("c", 3, DataType::Boolean),
        field("d", 4, DataType::Float64),
    ];
    let batch = |a: Vec<Option<&str>>, b: Vec<i32>, c: Vec<Option<bool>>| -> Vec<ArrayRef> {
        let d = Float64Array::from(vec![1.0; b.len()]);
        vec![Arc::new(StringArray::from(a)), Arc::new(Int32Array::from(b)), Arc::new(BooleanArray::from(c)), Arc::new(d)]
    };
    let found = counted(
        fields,
        vec![
            batch(
                vec![Some("x"), Some("y"), Some("y"), None],
                vec![7, 7, -1, 7],
                vec![None, Some(true), Some(true), Some(false)],
            ),
            batch(vec![Some("y"), Some("x")], vec![-1, -1], vec![Some(true), None]),
        ],
    );
    let expected = json!({
        "helios.value_counts.1": [["y", 3], ["x", 2], [null, 1]],
        "helios.value_counts.2": [[-1, 3], [7, 3]],
        "helios.value_counts.3": [[true, 3], [null, 2], [false, 1]],
    });
    assert_eq!(found, expected);
}

#[test]
fn a_column_with_many_values_or_a_long_one_is_not_counted() {
    let n = i64::try_from(VALUES_MAX).unwrap();
    let numbers = |n: i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(0..n)) };
    let text = |len: usize| -> ArrayRef { Arc::new(StringArray::from_iter_values((0..n).map(|_| "x".repeat(len)))) };
    let int = || vec![field("a", 1, DataType::Int64)];
    assert_eq!(
        counted(int(), vec![vec![numbers(n)], vec![numbers(n)]])["helios.value_counts.1"].as_array().unwrap().len(),
        VALUES_MAX
    );
    assert_eq!(counted(int(), vec![vec![numbers(n + 1)], vec![numbers(1)]]), json!({}));
    let words = || vec![field("a", 1, DataType::Utf8)];
    assert_eq!(counted(words(), vec![vec![text(TEXT_BYTES_MAX)]])["helios.value_counts.1"][0][1], json!(VALUES_MAX));
    assert_eq!(counted(words(), vec![vec![text(TEXT_BYTES_MAX + 1)]]), json!({}));
}

#[test]
fn a_footer_stays_short_however_many_columns_there_are() {
    let fields: Vec<Field> = (0..500).map(|i| field(&format!("c{i}"), i, DataType::Int64)).collect();
    let columns = (0..500).map(|_| Arc::new(Int64Array::from_iter_values(0..100)) as ArrayRef).collect();
    let found = counted(fields, vec![columns]);
    assert!(found.to_string().len() <= BYTES_MAX + 10_000);
    assert!(found.as_object().unwrap().len() > 50);
}
