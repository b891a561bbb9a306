//! A place in a list of tokens, with the few moves our statements need.

use crate::parse::{at, start};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};
use helios_contract::error::{Error, Result, TextPosition, nearest};
use std::time::Duration;

/// Walks over tokens; every complaint names the place.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    tokens: &'a [TokenWithSpan],
    next: usize,
    end: TextPosition,
    /// Set after the first half of `>>` was taken as the `>` that closes a type.
    half: bool,
    /// Set while option values are read: complaints then do not repeat what they found, it may be a password.
    pub(super) discreet: bool,
}

impl<'a> Cursor<'a> {
    /// At the first of `tokens`; `end` is where the text ends.
    pub(crate) fn new(tokens: &'a [TokenWithSpan], end: TextPosition) -> Cursor<'a> {
        Cursor { tokens, next: 0, end, half: false, discreet: false }
    }

    /// How many tokens were taken.
    pub(crate) fn n_taken(&self) -> usize {
        self.next
    }

    /// Whether nothing is left.
    pub(crate) fn at_end(&self) -> bool {
        self.next >= self.tokens.len()
    }

    /// Where the next token stands.
    pub(crate) fn position(&self) -> TextPosition {
        self.tokens.get(self.next).map_or(self.end, start)
    }

    /// The next token as text, for complaints.
    pub(crate) fn peek_text(&self) -> String {
        self.peek().map_or("the end of the statement".to_owned(), ToString::to_string)
    }

    /// The next token.
    pub(crate) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next).map(|t| &t.token)
    }

    /// The tokens that were not taken yet.
    pub(crate) fn left(&self) -> &'a [TokenWithSpan] {
        self.tokens.get(self.next..).unwrap_or_default()
    }

    /// Takes the next token, whatever it is.
    pub(crate) fn skip(&mut self) {
        self.next += 1;
    }

    /// The tokens up to `end` outside of brackets, or up to the end of the statement.
    pub(crate) fn until(&mut self, end: Option<&Token>) -> Result<&'a [TokenWithSpan]> {
        let start = self.next;
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            match token {
                _ if depth == 0 && Some(token) == end => break,
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.next += 1;
        }
        if start == self.next { Err(self.expected("a condition")) } else { Ok(&self.tokens[start..self.next]) }
    }

    /// Takes all of `words` (separated by blanks) if they are next, or nothing.
    pub(crate) fn take(&mut self, words: &str) -> bool {
        let mut n = 0;
        for word in words.split(' ') {
            match self.tokens.get(self.next + n).map(|t| &t.token) {
                Some(Token::Word(Word { value, quote_style: None, .. })) if value.eq_ignore_ascii_case(word) => n += 1,
                _ => return false,
            }
        }
        self.next += n;
        true
    }

    /// Takes `token` if it is next.
    pub(crate) fn take_token(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.next += usize::from(found);
        found
    }

    /// Takes one `>`, also the halves of a `>>`.
    pub(crate) fn take_closing_angle(&mut self) -> bool {
        if self.peek() != Some(&Token::ShiftRight) {
            return self.take_token(&Token::Gt);
        }
        self.next += usize::from(self.half);
        self.half = !self.half;
        true
    }

    /// Takes all of `words`, or complains.
    pub(crate) fn expect(&mut self, words: &str) -> Result<()> {
        if self.take(words) { Ok(()) } else { Err(self.expected(words)) }
    }

    /// Takes `token`, or complains.
    pub(crate) fn expect_token(&mut self, token: &Token) -> Result<()> {
        if self.take_token(token) { Ok(()) } else { Err(self.expected(&format!("'{token}'"))) }
    }

    /// Complains when something is left.
    pub(crate) fn expect_end(&self) -> Result<()> {
        if self.at_end() { Ok(()) } else { Err(self.expected("the end of the statement")) }
    }

    /// Takes one of `words`; complains with the nearest of them.
    pub(crate) fn one_of<T: Copy>(&mut self, what: &str, words: &[(T, &str)]) -> Result<T> {
        let found = words.iter().find(|(_, word)| self.take(word));
        match found {
            Some((value, _)) => Ok(*value),
            None => Err(self.expected_one_of(what, words.iter().map(|(_, word)| *word))),
        }
    }

    /// An identifier: lower-cased unless it stands in double quotes.
    pub(crate) fn identifier(&mut self, what: &str) -> Result<String> {
        let name = match self.peek() {
            Some(Token::Word(Word { value, quote_style: None, .. })) => value.to_lowercase(),
            Some(Token::Word(Word { value, quote_style: Some('"'), .. })) => value.clone(),
            _ => return Err(self.expected(what)),
        };
        self.next += 1;
        Ok(name)
    }

    /// Identifiers separated by dots.
    pub(crate) fn qualified_name(&mut self, what: &str) -> Result<Vec<String>> {
        let mut parts = vec![self.identifier(what)?];
        while self.take_token(&Token::Period) {
            parts.push(self.identifier(what)?);
        }
        Ok(parts)
    }

    /// `(item, item, ...)`, at least one.
    pub(crate) fn list<T>(&mut self, mut item: impl FnMut(&mut Cursor<'a>) -> Result<T>) -> Result<Vec<T>> {
        self.expect_token(&Token::LParen)?;
        let mut items = Vec::new();
        loop {
            items.push(item(self)?);
            if !self.take_token(&Token::Comma) {
                break;
            }
        }
        if !self.take_token(&Token::RParen) {
            return Err(self.expected("',' or ')'"));
        }
        Ok(items)
    }

    /// `'text'`
    pub(crate) fn text(&mut self, what: &str) -> Result<String> {
        match self.peek() {
            Some(Token::SingleQuotedString(text)) => {
                self.next += 1;
                Ok(text.clone())
            }
            _ => Err(self.expected(what)),
        }
    }

    /// A whole number without a sign.
    pub(crate) fn number<T: std::str::FromStr>(&mut self, what: &str) -> Result<T> {
        let number = match self.peek() {
            Some(Token::Number(digits, _)) => digits.parse().ok(),
            _ => None,
        };
        self.next += usize::from(number.is_some());
        number.ok_or_else(|| self.expected(what))
    }

    /// `INTERVAL '5 minutes'` or `INTERVAL '5' MINUTE`, of a fixed length.
    pub(crate) fn interval(&mut self) -> Result<Duration> {
        self.expect("INTERVAL")?;
        let position = self.position();
        let mut text = self.text("a length of time such as '5 minutes'")?;
        const UNITS: [&str; 12] =
            ["SECOND", "SECONDS", "MINUTE", "MINUTES", "HOUR", "HOURS", "DAY", "DAYS", "WEEK", "WEEKS", "MONTH", "YEAR"];
        if let Some(unit) = UNITS.into_iter().find(|unit| self.take(unit)) {
            text = format!("{text} {unit}");
        }
        duration(&text).map_err(|error| at(error, position))
    }

    /// A complaint about the next token.
    pub(crate) fn expected(&self, what: &str) -> Error {
        let found = if self.discreet { String::new() } else { format!(", found {}", self.peek_text()) };
        at(Error::invalid(format!("expected {what}{found}")), self.position())
    }

    /// A complaint about the next token that names the nearest of `words`.
    pub(crate) fn expected_one_of<'w>(&self, what: &str, words: impl Iterator<Item = &'w str> + Clone) -> Error {
        let given = self.peek_text().to_uppercase();
        let hint = match nearest(&given, words.clone()) {
            Some(near) => format!("Did you mean {near}?"),
            None => format!("Write one of {}.", words.collect::<Vec<_>>().join(", ")),
        };
        self.expected(what).hint(hint)
    }
}

/// A fixed length of time.
fn duration(text: &str) -> Result<Duration> {
    use arrow::compute::kernels::cast_utils::parse_interval_month_day_nano;
    const DAY_NS: i64 = 86_400_000_000_000;
    let wrong = |why: &str, hint: &str| Err(Error::invalid(format!("INTERVAL '{text}' {why}")).hint(hint));
    let Ok(interval) = parse_interval_month_day_nano(text) else {
        return wrong("is not a length of time", "Write a number and a unit, such as '5 minutes' or '1 day'.");
    };
    if interval.months != 0 {
        return wrong("has no fixed length", "Months and years differ in length: write days.");
    }
    let nanos = i64::from(interval.days).checked_mul(DAY_NS).and_then(|days| days.checked_add(interval.nanoseconds));
    match nanos.and_then(|nanos| u64::try_from(nanos).ok()) {
        Some(nanos) if nanos > 0 => Ok(Duration::from_nanos(nanos)),
        _ => wrong("is not a length of time", "Write a length greater than zero and below 292 years."),
    }
}
