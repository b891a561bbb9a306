//! What records with the same trouble have in common: the reason without its values, and the path without indexes.

use crate::name::StreamName;

/// The class of a quarantined record: the same for records of a stream with the same trouble, in every process and for ever.
pub fn class(stream: &StreamName, reason: &str, path: &str) -> String {
    let hash = [stream.as_str(), &reason_shape(reason), &path_shape(path)].into_iter().fold(FNV_OFFSET, |hash, part| {
        let bytes = part.bytes().chain([0xff]);
        bytes.fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME))
    });
    // Twelve digits: among a thousand classes of a stream, two are the same once in half a billion streams.
    format!("{:012x}", hash >> 16)
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// A reason without the values in it: quoted texts go, numbers become `#`. What was expected stays as it is written.
pub fn reason_shape(reason: &str) -> String {
    // The condition of a rule has values that are the same for all records.
    if reason.starts_with("breaks the rule ") {
        return reason.to_owned();
    }
    let shape = match reason.split_once(", found ") {
        Some((expected, found)) if expected.starts_with("expected ") => format!("{expected}, found {}", valueless(found)),
        _ => valueless(reason),
    };
    shape.trim_end().to_owned()
}

/// A path with list indexes as `[]`.
pub fn path_shape(path: &str) -> String {
    let mut shape = String::with_capacity(path.len());
    let mut parts = path.split('[');
    shape.push_str(parts.next().unwrap_or_default());
    for part in parts {
        shape.push('[');
        shape.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    shape
}

fn valueless(text: &str) -> String {
    let mut shape = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    // Digits within a name (`DECIMAL(10, 2)`, `UTF-8`) are part of it.
    let mut in_name = false;
    while let Some(c) = chars.next() {
        match c {
            '"' | '\'' if !in_name => {
                skip_quoted(&mut chars, c);
                if shape.ends_with(' ') {
                    shape.pop();
                }
            }
            '0'..='9' if !in_name => {
                if shape.ends_with(['-', '+']) {
                    shape.pop();
                }
                while chars.peek().is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-')) {
                    chars.next();
                }
                shape.push('#');
            }
            _ => {
                in_name = c.is_alphanumeric() || c == '_' || in_name && c == '-';
                shape.push(c);
                if in_name && chars.peek() == Some(&'(') {
                    let arguments = chars.by_ref().take_while(|c| *c != ')');
                    shape.extend(arguments);
                    shape.push(')');
                    in_name = false;
                }
            }
        }
    }
    shape
}

fn skip_quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char) {
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            c if c == quote => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_has_no_values_and_keeps_what_was_expected() {
        for (reason, shape) in [
            (r#"expected a number, found text "abc""#, "expected a number, found text"),
            (r#"expected a number, found text "say \"4, found 7\" and mo..."#, "expected a number, found text"),
            (r#"expected a date like 2026-11-21, found "2026-13-45""#, "expected a date like 2026-11-21, found"),
            ("expected an RFC 3339 timestamp, found a number", "expected an RFC 3339 timestamp, found a number"),
            ("expected a whole number, found -1.5e7", "expected a whole number, found #"),
            ("out of range for DECIMAL(10, 2): 12345678901.5", "out of range for DECIMAL(10, 2): #"),
            ("number out of range: 1e400", "number out of range: #"),
            ("expected 3 fields, found 5 or more", "expected 3 fields, found # or more"),
            ("breaks the rule r1: price > 0 AND who <> 'x'", "breaks the rule r1: price > 0 AND who <> 'x'"),
            ("invalid UTF-8 at byte 17", "invalid UTF-8 at byte #"),
            ("invalid JSON at byte 9: expected a value, found 'N'", "invalid JSON at byte #: expected a value, found"),
        ] {
            assert_eq!(reason_shape(reason), shape, "{reason}");
        }
        assert_eq!(path_shape("cart[12].tags[3][4].x"), "cart[].tags[][].x");
    }

    #[test]
    fn a_class_is_the_same_for_the_same_trouble_and_for_ever() {
        let orders = StreamName::new("orders").expect("a name");
        let of = |reason, path| class(&orders, reason, path);
        let cheap = of(r#"expected a number, found text "cheap""#, "items[0].price");
        assert_eq!(cheap, of(r#"expected a number, found text "dear""#, "items[17].price"));
        assert_eq!(cheap.len(), 12);
        let others = [of("expected a number, found an object", "items[].price"), of("expected a number, found text", "price")];
        assert!(!others.contains(&cheap));
        assert_ne!(cheap, class(&StreamName::new("clicks").expect("a name"), "expected a number, found text", "items[].price"));
        // Users keep classes in their own programs: a change of this line breaks them.
        assert_eq!(of("required field is missing", "id"), "ff70af87294b");
    }
}
