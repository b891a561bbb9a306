//! Parquet rows become NDJSON, and going on continues at the row number.

use super::chunks;
use arrow::array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray};
use indicatif::ProgressBar;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

fn parquet(dir: &tempfile::TempDir, n_rows: i64, note: &str) -> PathBuf {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..n_rows));
    let prices: ArrayRef =
        Arc::new(Decimal128Array::from_iter_values((0..n_rows).map(i128::from)).with_precision_and_scale(20, 2).unwrap());
    let notes: ArrayRef = Arc::new(StringArray::from_iter((0..n_rows).map(|i| (i > 0).then_some(note))));
    let batch =
        RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("price", prices, true), ("note", notes, true)]).unwrap();
    let path = dir.path().join("rows.parquet");
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(3000)).build();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

#[test]
fn rows_become_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = parquet(&dir, 2, "a");
    let chunk = chunks(&path, 0, ProgressBar::hidden()).unwrap().next().unwrap().unwrap();
    assert_eq!(
        String::from_utf8(chunk.body).unwrap(),
        "{\"id\":0,\"price\":\"0.00\"}\n{\"id\":1,\"price\":\"0.01\",\"note\":\"a\"}\n"
    );
    assert_eq!(chunk.to, 2);
}

#[test]
fn going_on_gives_the_same_rest() {
    let dir = tempfile::tempdir().unwrap();
    let path = parquet(&dir, 20_000, &"x".repeat(1500));
    let read = |from| {
        chunks(&path, from, ProgressBar::hidden())
            .unwrap()
            .map(|chunk| chunk.map(|c| (c.body, c.to)).unwrap())
            .collect::<Vec<_>>()
    };
    let whole = read(0);
    assert!(whole.len() > 2 && whole.last().unwrap().1 == 20_000);
    for (i, (_, to)) in whole.iter().enumerate() {
        assert!(read(*to) == whole[i + 1..], "after row {to}");
    }
}
