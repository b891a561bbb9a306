//! What files are taken for, by name and content.

use super::{Kind, Layout, Source, kind};
use crate::client::load::FileFormat;
use flate2::Compression;
use flate2::write::GzEncoder;
use indicatif::ProgressBar;
use std::io::Write;
use std::path::PathBuf;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn file(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn files_are_told_by_name_and_content() {
    let dir = tempfile::tempdir().unwrap();
    let csv = b"id\n1\n";
    let cases: [(&str, Vec<u8>, Kind); 11] = [
        ("a.ndjson", b"{\"a\":1}\n{\"a\":2}\n".to_vec(), Kind::Text(Layout::Lines)),
        ("a.json", b"{\"a\":1}\n{\"a\":2}\n".to_vec(), Kind::Text(Layout::Lines)),
        ("b.json", b"\xef\xbb\xbf [{}]".to_vec(), Kind::Text(Layout::Array)),
        ("c.json", b"{\n\"a\":1}\n".to_vec(), Kind::Text(Layout::Objects)),
        ("d.json", b"{\"a\":1}".to_vec(), Kind::Text(Layout::Lines)),
        ("a.csv", csv.to_vec(), Kind::Text(Layout::Csv)),
        ("a.CSV.gz", gzip(csv), Kind::Text(Layout::Csv)),
        ("e", gzip(b"[{}]"), Kind::Text(Layout::Array)),
        ("f.jsonl.zst", zstd::encode_all(&b"odd\n"[..], 1).unwrap(), Kind::Text(Layout::Lines)),
        ("empty", Vec::new(), Kind::Text(Layout::Lines)),
        ("g", b"PAR1....".to_vec(), Kind::Parquet),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(kind(&file(&dir, name, &bytes), FileFormat::Auto).unwrap(), expected, "{name}");
    }
    assert!(kind(&file(&dir, "h.txt", csv), FileFormat::Auto).is_err());
    assert_eq!(kind(&file(&dir, "h.txt", csv), FileFormat::Csv).unwrap(), Kind::Text(Layout::Csv));
    assert!(kind(&file(&dir, "h.txt", csv), FileFormat::Parquet).is_err());
}

#[test]
fn the_content_names_the_partition() {
    let dir = tempfile::tempdir().unwrap();
    let open = |name, bytes| Source::open(&file(&dir, name, bytes), FileFormat::Auto, &ProgressBar::hidden()).unwrap();
    let (first, same, other) = (open("a.ndjson", b"{}\n"), open("b.ndjson", b"{}\n"), open("c.ndjson", b"{} \n"));
    assert_eq!(first.partition, "file:7809095c382d5f77daa13e4f205dc5ba");
    assert!(first.partition == same.partition && first.partition != other.partition);
    assert!(Source::open(dir.path(), FileFormat::Auto, &ProgressBar::hidden()).is_err());
}

#[test]
fn a_truncated_file_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let whole = gzip("{\"a\":\"0123456789\"}\n".repeat(10_000).as_bytes());
    let path = file(&dir, "a.ndjson.gz", &whole[..whole.len() - 20]);
    let source = Source::open(&path, FileFormat::Ndjson, &ProgressBar::hidden()).unwrap();
    let error = source.chunks(0, &ProgressBar::hidden()).unwrap().find_map(Result::err).unwrap();
    assert_eq!(error.hint_text(), Some("Is the file whole?"), "{error}");
}
