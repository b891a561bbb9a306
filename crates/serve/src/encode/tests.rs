//! Types that need care: nested values in CSV, decimals within objects, numbers JSON does not have.

use super::{Encoder, Format, columns};
use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int32Array, ListArray, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Int32Type};
use std::sync::Arc;

fn nested() -> RecordBatch {
    let amount: ArrayRef = Arc::new(Decimal128Array::from(vec![150, 250]).with_precision_and_scale(8, 2).unwrap());
    let unit: ArrayRef = Arc::new(StringArray::from(vec![Some("kg"), None]));
    let part = StructArray::from(vec![
        (Arc::new(Field::new("amount", DataType::Decimal128(8, 2), true)), amount),
        (Arc::new(Field::new("unit", DataType::Utf8, true)), unit),
    ]);
    let tags = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
    let ratio = Float64Array::from(vec![f64::NAN, f64::INFINITY]);
    let columns: [(&str, ArrayRef); 4] = [
        ("n", Arc::new(Int32Array::from(vec![1, 2]))),
        ("part", Arc::new(part)),
        ("tags", Arc::new(tags)),
        ("ratio", Arc::new(ratio)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

fn written(format: Format) -> String {
    let mut encoder = Encoder::new(format, &nested().schema()).unwrap();
    encoder.write(&nested()).unwrap();
    encoder.finish().unwrap();
    String::from_utf8(encoder.take().to_vec()).unwrap()
}

#[test]
fn csv_holds_nested_values_as_json() {
    assert_eq!(
        written(Format::Csv),
        "n,part,tags,ratio\n1,\"{\"\"amount\"\":\"\"1.50\"\",\"\"unit\"\":\"\"kg\"\"}\",\"[1,null]\",NaN\n2,\"{\"\"amount\"\":\"\"2.50\"\",\"\"unit\"\":null}\",,inf\n"
    );
}

#[test]
fn json_has_no_infinity() {
    assert_eq!(
        written(Format::Ndjson),
        "{\"n\":1,\"part\":{\"amount\":\"1.50\",\"unit\":\"kg\"},\"tags\":[1,null],\"ratio\":null}\n{\"n\":2,\"part\":{\"amount\":\"2.50\",\"unit\":null},\"tags\":null,\"ratio\":null}\n"
    );
}

#[test]
fn types_are_named_as_in_sql() {
    let types: Vec<String> =
        columns(&nested().schema()).iter().map(|column| column["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(types, ["INT", "STRUCT<amount DECIMAL(8, 2), unit TEXT>", "ARRAY<INT>", "DOUBLE"]);
}
