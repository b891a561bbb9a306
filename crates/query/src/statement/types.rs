//! Column types as `CREATE STREAM` writes them.

use super::cursor::Cursor;
use datafusion::sql::sqlparser::tokenizer::Token;
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::error::{Error, Result};

/// Words that name a type, longest first where one begins another. `None`: the rest of the type follows.
const SIMPLE: [(&str, ColumnType); 15] = [
    ("BOOLEAN", ColumnType::Boolean),
    ("BOOL", ColumnType::Boolean),
    ("INTEGER", ColumnType::Int),
    ("INT", ColumnType::Int),
    ("BIGINT UNSIGNED", ColumnType::UnsignedBigInt),
    ("BIGINT", ColumnType::BigInt),
    ("REAL", ColumnType::Real),
    ("FLOAT", ColumnType::Real),
    ("DOUBLE PRECISION", ColumnType::Double),
    ("DOUBLE", ColumnType::Double),
    ("TEXT", ColumnType::Text),
    ("VARCHAR", ColumnType::Text),
    ("STRING", ColumnType::Text),
    ("DATE", ColumnType::Date),
    ("JSON", ColumnType::Json),
];
const WORDS: [&str; 15] = [
    "BOOLEAN",
    "INT",
    "INTEGER",
    "BIGINT",
    "REAL",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "TEXT",
    "VARCHAR",
    "TIMESTAMP",
    "DATE",
    "JSON",
    "STRUCT",
    "ARRAY",
];
/// How deep structs and arrays may nest.
const DEPTH_MAX: usize = 32;

/// `name type [NOT NULL] [FROM (path, ...)] [DEFAULT value]`
pub(super) fn column(cursor: &mut Cursor) -> Result<Column> {
    let mut column = nested_column(cursor, 0)?;
    if cursor.take("FROM") {
        column.from = cursor.list(path)?;
    }
    if cursor.take("DEFAULT") {
        column.default = Some(json(cursor)?);
    }
    Ok(column)
}

/// `type`
pub(super) fn whole_type(cursor: &mut Cursor) -> Result<ColumnType> {
    column_type(cursor, 0)
}

/// A place in a record: `a.b`.
pub(super) fn path(cursor: &mut Cursor) -> Result<String> {
    cursor.qualified_name("a field of the record, such as a.b").map(|steps| steps.join("."))
}

/// A single value, as the JSON text that records have for it.
pub(super) fn json(cursor: &mut Cursor) -> Result<String> {
    if cursor.take("TRUE") {
        return Ok("true".to_owned());
    }
    if cursor.take("FALSE") {
        return Ok("false".to_owned());
    }
    let sign = if cursor.take_token(&Token::Minus) { "-" } else { "" };
    match cursor.peek() {
        Some(Token::Number(digits, _)) => {
            let json = format!("{sign}{digits}");
            cursor.skip();
            Ok(json)
        }
        Some(Token::SingleQuotedString(text)) if sign.is_empty() => {
            cursor.skip();
            Ok(serde_json::Value::from(text.as_str()).to_string())
        }
        _ => Err(cursor.expected("a value: 'text', a number, true or false")),
    }
}

fn nested_column(cursor: &mut Cursor, depth: usize) -> Result<Column> {
    let name = cursor.identifier("a column's name")?;
    let data_type = column_type(cursor, depth)?;
    let required = cursor.take("NOT NULL");
    if !required {
        cursor.take("NULL");
    }
    Ok(Column { required, ..Column::new(name, data_type) })
}

fn column_type(cursor: &mut Cursor, depth: usize) -> Result<ColumnType> {
    if depth > DEPTH_MAX {
        return Err(cursor.expected(&format!("a type nested at most {DEPTH_MAX} levels deep")));
    }
    let mut found = base_type(cursor, depth)?;
    while cursor.take_token(&Token::LBracket) {
        cursor.expect_token(&Token::RBracket)?;
        found = ColumnType::List(Box::new(found));
    }
    Ok(found)
}

fn base_type(cursor: &mut Cursor, depth: usize) -> Result<ColumnType> {
    if let Some((_, found)) = SIMPLE.iter().find(|(words, _)| cursor.take(words)) {
        return Ok(found.clone());
    }
    if cursor.take("DECIMAL") || cursor.take("NUMERIC") {
        return decimal(cursor);
    }
    if cursor.take("TIMESTAMP") {
        let format =
            if cursor.take("FORMAT") { cursor.one_of("a timestamp format", &TimeFormat::ALL)? } else { TimeFormat::Rfc3339 };
        return Ok(ColumnType::Timestamp(format));
    }
    if cursor.take("ARRAY") {
        cursor.expect_token(&Token::Lt)?;
        let item = column_type(cursor, depth + 1)?;
        return close(cursor, ColumnType::List(Box::new(item)));
    }
    if cursor.take("STRUCT") {
        cursor.expect_token(&Token::Lt)?;
        let mut fields = vec![nested_column(cursor, depth + 1)?];
        while cursor.take_token(&Token::Comma) {
            fields.push(nested_column(cursor, depth + 1)?);
        }
        return close(cursor, ColumnType::Struct(fields));
    }
    Err(cursor.expected_one_of("a type", WORDS.into_iter()))
}

fn close(cursor: &mut Cursor, found: ColumnType) -> Result<ColumnType> {
    if cursor.take_closing_angle() { Ok(found) } else { Err(cursor.expected("',' or '>'")) }
}

fn decimal(cursor: &mut Cursor) -> Result<ColumnType> {
    const DIGITS_MAX: u8 = 38;
    let position = cursor.position();
    let digits: Vec<u8> = cursor.list(|c| c.number("a number of digits"))?;
    match digits[..] {
        [precision] if (1..=DIGITS_MAX).contains(&precision) => Ok(ColumnType::Decimal(precision, 0)),
        [precision, scale] if (1..=DIGITS_MAX).contains(&precision) && scale <= precision => {
            Ok(ColumnType::Decimal(precision, i8::try_from(scale).expect("the scale is at most 38")))
        }
        _ => Err(Error::invalid("the digits of a DECIMAL do not fit")
            .at(position.line, position.column)
            .hint("Write DECIMAL(precision, scale) with precision 1 to 38 and scale not above it.")),
    }
}
