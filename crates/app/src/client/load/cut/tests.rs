//! Chunks end where records end, put together they are the whole, and going on from any of them gives the same rest.

use super::{Cutter, Layout};
use std::io::BufReader;

fn cut(text: &str, layout: Layout, from: u64, chunk_bytes: usize) -> Vec<(String, u64)> {
    // A tiny read buffer, so that nothing depends on how much comes at once.
    let reader = BufReader::with_capacity(3, text.as_bytes());
    let cutter = Cutter::with_chunk_bytes(reader, layout, from, chunk_bytes).unwrap();
    cutter.map(|chunk| chunk.map(|chunk| (String::from_utf8(chunk.body).unwrap(), chunk.to)).unwrap()).collect()
}

fn bodies(text: &str, layout: Layout, chunk_bytes: usize) -> Vec<String> {
    cut(text, layout, 0, chunk_bytes).into_iter().map(|(body, _)| body).collect()
}

#[test]
fn lines() {
    let text = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}";
    assert_eq!(bodies(text, Layout::Lines, 100), [text]);
    assert_eq!(bodies(text, Layout::Lines, 17), ["{\"a\":1}\n{\"a\":2}\n", "{\"a\":3}"]);
    assert_eq!(bodies(text, Layout::Lines, 1), ["{\"a\":1}\n", "{\"a\":2}\n", "{\"a\":3}"]);
    assert_eq!(bodies("", Layout::Lines, 8), [""; 0]);
    assert_eq!(bodies("\n\n  \n", Layout::Lines, 2), [""; 0]);
}

#[test]
fn csv_repeats_its_header_and_keeps_quoted_line_ends() {
    let text = "id,note\r\n1,\"a\n\"\"b\"\"\n\"\r\n2,c\r\n3,d";
    assert_eq!(bodies(text, Layout::Csv, 3), ["id,note\r\n1,\"a\n\"\"b\"\"\n\"\r\n", "id,note\r\n2,c\r\n", "id,note\r\n3,d"]);
    assert_eq!(bodies("id,note\n", Layout::Csv, 8), [""; 0]);
    assert_eq!(bodies("", Layout::Csv, 8), [""; 0]);
}

#[test]
fn array_items_become_small_arrays() {
    let text = " [ {\"a\":\"],{\\\"\"} , [1,2],\n3 ] \n";
    assert_eq!(bodies(text, Layout::Array, 1), ["[{\"a\":\"],{\\\"\"} ]", "[[1,2]]", "[3 ]"]);
    assert_eq!(bodies(text, Layout::Array, 100), ["[{\"a\":\"],{\\\"\"} , [1,2],\n3 ]"]);
    assert_eq!(bodies("[]", Layout::Array, 8), [""; 0]);
    assert_eq!(bodies("[{\"a\":1},{\"a\"", Layout::Array, 8), ["[{\"a\":1}]", "[{\"a\"]"]);
}

#[test]
fn what_follows_an_array_is_an_error() {
    let mut cutter = Cutter::new("[{}] [{}]".as_bytes(), Layout::Array, 0).unwrap();
    assert_eq!(cutter.next().unwrap().unwrap().body, b"[{}]");
    assert!(cutter.next().unwrap().unwrap_err().message().contains("at byte 3"));
}

#[test]
fn objects_may_be_spread_over_lines() {
    let text = "{\n \"a\": {\"b\": \"}\"}\n}\n\n{\n}";
    assert_eq!(bodies(text, Layout::Objects, 1), ["{\n \"a\": {\"b\": \"}\"}\n}", "{\n}"]);
}

#[test]
fn going_on_gives_the_same_rest() {
    let texts = [
        (Layout::Lines, "{\"a\":1}\n\n{\"a\":22}\n{\"a\":333}\n{\"a\":4444}\n".to_owned()),
        (Layout::Csv, "a,b\n1,\"x\ny\"\n2,z\n3,\n".to_owned()),
        (Layout::Array, "[{\"a\":1}, {\"a\":22},{\"a\":[3,3]} , {}]\n".to_owned()),
        (Layout::Objects, "{\"a\":1} {\"a\":\n22}{\"a\":{}}".to_owned()),
    ];
    for (layout, text) in texts {
        for chunk_bytes in 1..text.len() {
            let whole = cut(&text, layout, 0, chunk_bytes);
            for (i, (_, to)) in whole.iter().enumerate() {
                assert_eq!(cut(&text, layout, *to, chunk_bytes), whole[i + 1..], "{layout:?} after {to}, {chunk_bytes} bytes");
            }
        }
    }
}

#[test]
fn a_position_behind_the_end_is_an_error() {
    assert!(Cutter::new("{}\n".as_bytes(), Layout::Lines, 4).is_err());
    assert_eq!(Cutter::new("{}\n".as_bytes(), Layout::Lines, 3).unwrap().count(), 0);
}

#[test]
fn a_record_too_large_to_push_is_named() {
    let text = [b"{}\n".to_vec(), vec![b'x'; 130 << 20]].concat();
    let mut cutter = Cutter::new(&text[..], Layout::Lines, 0).unwrap();
    assert_eq!(cutter.next().unwrap().unwrap().body, b"{}\n");
    assert!(cutter.next().unwrap().unwrap_err().message().starts_with("the record at byte 3 is larger"));
}
