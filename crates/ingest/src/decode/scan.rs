//! A cursor over JSON text that reads one value at a time, strictly by RFC 8259, without building a tree.
//!
//! Values are slices of the payload: numbers keep every digit, and values without a column are copied as they were written.

use super::misfit::{Fit, Misfit, shown};
use super::number::Number;
use std::borrow::Cow;

/// Objects and arrays inside each other; the record itself is the first.
const DEPTH_MAX: usize = 128;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A place in a JSON text.
pub(crate) struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

/// A string as it stands in the text.
#[derive(Clone, Copy)]
pub(crate) struct Quoted<'a> {
    /// With its quotes and escapes.
    pub source: &'a str,
    has_escapes: bool,
}

impl<'a> Scan<'a> {
    /// A cursor at the start of `payload`, after a byte order mark if there is one.
    pub fn open(payload: &'a [u8]) -> Fit<Scan<'a>> {
        let text = utf8(payload)?;
        let at = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Ok(Scan { text, bytes: payload, at, depth: 0 })
    }

    /// The first byte of what comes next, after white space; 0 at the end.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        while let Some(&byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return byte;
            }
            self.at += 1;
        }
        0
    }

    /// Steps over `byte` if it comes next.
    #[inline]
    pub fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    /// Steps over `byte`, which must come next.
    #[inline]
    pub fn expect(&mut self, byte: u8) -> Fit {
        if self.eat(byte) { Ok(()) } else { Err(self.unexpected(&format!("'{}'", char::from(byte)))) }
    }

    /// Steps over `text` if exactly that comes next.
    #[inline]
    pub fn eat_exactly(&mut self, text: &str) -> bool {
        let found = self.bytes[self.at..].starts_with(text.as_bytes());
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// Steps over the bracket of an object or array.
    #[inline]
    pub fn enter(&mut self) -> Fit {
        self.depth += 1;
        self.at += 1;
        if self.depth > DEPTH_MAX {
            return Err(Misfit::whole(format!("nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(())
    }

    /// After a member of an object or array: true when another one follows, false when `close` ended it.
    #[inline]
    pub fn another(&mut self, close: u8) -> Fit<bool> {
        match self.peek() {
            b',' => {
                self.at += 1;
                Ok(true)
            }
            byte if byte == close => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            _ => Err(self.unexpected(&format!("',' or '{}'", char::from(close)))),
        }
    }

    /// Right after [`Scan::enter`]: whether `close` follows at once.
    #[inline]
    pub fn is_empty(&mut self, close: u8) -> bool {
        let empty = self.eat(close);
        self.depth -= usize::from(empty);
        empty
    }

    /// Nothing but white space may follow.
    #[inline]
    pub fn end(&mut self) -> Fit {
        self.peek();
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.unexpected("the end of the record")) }
    }

    /// Reads a string.
    #[inline]
    pub fn string(&mut self) -> Fit<Quoted<'a>> {
        let start = self.at;
        let mut end = start + 1;
        let mut has_escapes = false;
        loop {
            end = end_of_plain(self.bytes, end);
            match self.bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escapes = true;
                    (_, end) = escape(self.bytes, end).map_err(|what| invalid(self.bytes, end, what))?;
                }
                Some(_) => return Err(invalid(self.bytes, end, "control character in a string")),
                None => return Err(invalid(self.bytes, self.bytes.len(), "a string is not closed")),
            }
        }
        self.at = end + 1;
        Ok(Quoted { source: &self.text[start..self.at], has_escapes })
    }

    /// Reads a number.
    #[inline]
    pub fn number(&mut self) -> Fit<Number<'a>> {
        let number = self.any_number()?;
        if number.is_finite() { Ok(number) } else { Err(Misfit::value(format!("number out of range: {}", number.raw()))) }
    }

    /// Reads a number, also one that is too large for every column.
    #[inline]
    pub fn any_number(&mut self) -> Fit<Number<'a>> {
        let (number, end) = Number::read(self.text, self.at).map_err(|(at, what)| invalid(self.bytes, at, what))?;
        self.at = end;
        Ok(number)
    }

    /// Reads `true`, `false` or `null`.
    #[inline]
    pub fn word(&mut self, word: &str) -> Fit {
        if !self.eat_exactly(word) {
            return Err(self.unexpected("a value"));
        }
        Ok(())
    }

    /// Reads any value and writes it to `out` without white space.
    pub fn copy(&mut self, out: &mut String) -> Fit {
        let word = match self.peek() {
            b'"' => self.string()?.source,
            b'-' | b'0'..=b'9' => self.number()?.raw(),
            b'{' => return self.copy_object(out),
            b'[' => return self.copy_array(out),
            b't' => self.word("true").map(|()| "true")?,
            b'f' => self.word("false").map(|()| "false")?,
            b'n' => self.word("null").map(|()| "null")?,
            _ => return Err(self.unexpected("a value")),
        };
        out.push_str(word);
        Ok(())
    }

    fn copy_object(&mut self, out: &mut String) -> Fit {
        self.enter()?;
        out.push('{');
        let mut more = !self.is_empty(b'}');
        while more {
            out.push_str(self.key()?.source);
            out.push(':');
            self.copy(out)?;
            more = self.another(b'}')?;
            out.push_str(if more { "," } else { "" });
        }
        out.push('}');
        Ok(())
    }

    fn copy_array(&mut self, out: &mut String) -> Fit {
        self.enter()?;
        out.push('[');
        let mut more = !self.is_empty(b']');
        while more {
            self.copy(out)?;
            more = self.another(b']')?;
            out.push_str(if more { "," } else { "" });
        }
        out.push(']');
        Ok(())
    }

    /// Reads a field's name and the colon after it.
    pub fn key(&mut self) -> Fit<Quoted<'a>> {
        if self.peek() != b'"' {
            return Err(self.unexpected("a field name"));
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// The value that comes next is not what its column takes.
    #[cold]
    pub fn mismatch(&mut self, expected: &str) -> Box<Misfit> {
        let found = match self.peek() {
            b'"' => match self.string() {
                Ok(text) => format!("text {}", shown(&text.text())),
                Err(misfit) => return misfit,
            },
            b'-' | b'0'..=b'9' => "a number".to_owned(),
            b'{' => "an object".to_owned(),
            b'[' => "an array".to_owned(),
            b't' | b'f' => "a boolean".to_owned(),
            b'n' => "null".to_owned(),
            _ => return self.unexpected("a value"),
        };
        Misfit::value(format!("expected {expected}, found {found}"))
    }

    /// What comes next is not JSON.
    #[cold]
    pub fn unexpected(&mut self, expected: &str) -> Box<Misfit> {
        self.peek();
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) => invalid(self.bytes, self.at, &format!("expected {expected}, found '{}'", c.escape_debug())),
            None => invalid(self.bytes, self.at, "more was expected"),
        }
    }

    /// Whether nothing but white space is left.
    pub fn is_at_end(&mut self) -> bool {
        self.peek();
        self.at == self.bytes.len()
    }
}

impl<'a> Quoted<'a> {
    /// The text it stands for.
    pub fn text(&self) -> Cow<'a, str> {
        if !self.has_escapes {
            return Cow::Borrowed(self.inner());
        }
        let mut text = String::new();
        self.append_to(&mut text);
        Cow::Owned(text)
    }

    /// Appends the text it stands for.
    #[inline]
    pub fn append_to(&self, out: &mut String) {
        let inner = self.inner();
        if !self.has_escapes {
            out.push_str(inner);
            return;
        }
        let mut at = 0;
        while let Some(plain) = inner[at..].find('\\') {
            out.push_str(&inner[at..at + plain]);
            let (c, end) = escape(inner.as_bytes(), at + plain).expect("escapes were checked when the string was read");
            out.push(c);
            at = end;
        }
        out.push_str(&inner[at..]);
    }

    fn inner(&self) -> &'a str {
        &self.source[1..self.source.len() - 1]
    }
}

/// The payload as text.
#[inline]
pub(crate) fn utf8(payload: &[u8]) -> Fit<&str> {
    std::str::from_utf8(payload).map_err(|e| Misfit::whole(format!("invalid UTF-8 at byte {}", e.valid_up_to())))
}

/// Records that break off are one reason, wherever they break off: in quarantine they belong together.
#[cold]
fn invalid(bytes: &[u8], at: usize, what: &str) -> Box<Misfit> {
    match at < bytes.len() {
        true => Misfit::whole(format!("invalid JSON at byte {at}: {what}")),
        false => Misfit::whole("invalid JSON: the record breaks off"),
    }
}

/// The first byte from `at` on that is not plain string content: a quote, a backslash or a control character.
///
/// Looks at eight bytes at a time; the lowest byte flagged is always a true one, and only the lowest is used.
#[inline]
fn end_of_plain(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let quotes = zero_bytes(word ^ (ONES * u64::from(b'"')));
        let backslashes = zero_bytes(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word;
        let hits = (quotes | backslashes | controls) & HIGHS;
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        at += 1;
    }
    at
}

/// The character that the escape at `at` stands for, and where the escape ends.
fn escape(bytes: &[u8], at: usize) -> Result<(char, usize), &'static str> {
    let c = match bytes.get(at + 1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode_escape(bytes, at),
        _ => return Err("unknown escape in a string"),
    };
    Ok((c, at + 2))
}

/// `\uXXXX`, or two of them where one character takes a surrogate pair.
fn unicode_escape(bytes: &[u8], at: usize) -> Result<(char, usize), &'static str> {
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6).filter(|escape| escape.starts_with(b"\\u"))?;
        digits[2..].iter().try_fold(0, |code, digit| Some(code * 16 + char::from(*digit).to_digit(16)?))
    };
    let first = unit(at).ok_or("'\\u' without four hexadecimal digits in a string")?;
    if let Some(c) = char::from_u32(first) {
        return Ok((c, at + 6));
    }
    let second = unit(at + 6).filter(|second| (0xdc00..0xe000).contains(second) && first < 0xdc00);
    let pair = second.and_then(|second| char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)));
    pair.map(|c| (c, at + 12)).ok_or("half of a surrogate pair in a string")
}
