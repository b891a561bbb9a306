//! Semicolons that end a statement, and those that do not.

use super::{Statement, is_complete, split};

fn texts(text: &str) -> Vec<&str> {
    split(text).into_iter().map(|statement| statement.sql).collect()
}

#[test]
fn statements_end_at_semicolons() {
    assert_eq!(texts("SELECT 1; SELECT 2 ;\n\nSELECT 3"), ["SELECT 1", "SELECT 2", "SELECT 3"]);
    assert_eq!(texts(" ;; ; "), [""; 0]);
    assert_eq!(texts(""), [""; 0]);
}

#[test]
fn quoted_semicolons_do_not_count() {
    for sql in [
        "SELECT 'a;b'",
        "SELECT 'it''s; fine'",
        "SELECT \"a;\"\";b\"",
        "SELECT `a;b`",
        "SELECT $$a;'b$$",
        "SELECT $tag$ $$; $tag$",
        "SELECT 1 -- a; b\n + 1",
        "SELECT /* a; /* b; */ c; */ 1",
        "SELECT 'ü;ß', '日本;語'",
        "SELECT a$b$c, $1",
    ] {
        assert_eq!(texts(&format!("{sql}; SELECT 2;")), [sql, "SELECT 2"]);
    }
}

#[test]
fn parameters_are_no_dollar_quotes() {
    assert_eq!(texts("SELECT $1; SELECT $name; SELECT $2"), ["SELECT $1", "SELECT $name", "SELECT $2"]);
}

#[test]
fn comments_alone_are_no_statement() {
    assert_eq!(texts("-- first; \nSELECT 1; -- the end\n/* nothing */"), ["-- first; \nSELECT 1"]);
}

#[test]
fn statements_know_their_line() {
    let text = "SELECT 1;\n\n  SELECT\n2;SELECT 3";
    let lines: Vec<usize> = split(text).iter().map(|statement| statement.line).collect();
    assert_eq!(lines, [1, 3, 4]);
    assert_eq!(split("\nSELECT 1")[0], Statement { sql: "SELECT 1", line: 2 });
}

#[test]
fn a_prompt_reads_on_until_the_semicolon() {
    for whole in ["SELECT 1;", "SELECT 1; -- done", "SELECT ';';", "", "  "] {
        assert!(is_complete(whole), "{whole}");
    }
    for open in ["SELECT 1", "SELECT ';", "SELECT 1; SELECT", "SELECT /* ;", "SELECT $$;", "SELECT 1; '"] {
        assert!(!is_complete(open), "{open}");
    }
}
