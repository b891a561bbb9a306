//! Where statements end: at semicolons that stand in no string, quoted name, comment or dollar quote.

/// A statement of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Statement<'a> {
    /// Without the semicolon and the blanks around it.
    pub(crate) sql: &'a str,
    /// The line of the text it begins on, from 1.
    pub(crate) line: usize,
}

/// The statements of a text, without those that are blank or only a comment; the last may lack its semicolon.
pub(crate) fn split(text: &str) -> Vec<Statement<'_>> {
    let mut statements = Vec::new();
    let mut start = 0;
    let mut blank = true;
    for token in tokens(text) {
        match token.kind {
            Kind::Blank => {}
            Kind::Semicolon => {
                statements.extend(statement(text, start, token.start, blank));
                (start, blank) = (token.end, true);
            }
            Kind::Text | Kind::Open => blank = false,
        }
    }
    statements.extend(statement(text, start, text.len(), blank));
    statements
}

/// Whether a prompt has read enough: the text ends with a semicolon, or with nothing but blanks and comments after it.
pub(crate) fn is_complete(text: &str) -> bool {
    let mut complete = true;
    for token in tokens(text) {
        match token.kind {
            Kind::Blank => {}
            Kind::Semicolon => complete = true,
            Kind::Text | Kind::Open => complete = false,
        }
    }
    complete
}

fn statement(text: &str, start: usize, end: usize, blank: bool) -> Option<Statement<'_>> {
    let sql = text[start..end].trim_start();
    let begin = end - sql.len();
    let line = 1 + text[..begin].matches('\n').count();
    (!blank).then(|| Statement { sql: sql.trim_end(), line })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// White space or a whole comment.
    Blank,
    Semicolon,
    Text,
    /// A string, quoted name, comment or dollar quote that does not end.
    Open,
}

struct Token {
    kind: Kind,
    start: usize,
    end: usize,
}

fn tokens(text: &str) -> impl Iterator<Item = Token> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let (kind, length) = first_token(rest);
        let start = at;
        at += length;
        Some(Token { kind, start, end: at })
    })
}

/// What `text`, which is not empty, begins with, and its length in bytes.
fn first_token(text: &str) -> (Kind, usize) {
    let first = text.chars().next().expect("the text is not empty");
    match first {
        ';' => (Kind::Semicolon, 1),
        '\'' | '"' | '`' => until(text, 1, &first.to_string(), Kind::Text),
        '-' if text.starts_with("--") => (Kind::Blank, text.find('\n').map_or(text.len(), |end| end + 1)),
        '/' if text.starts_with("/*") => block_comment(text),
        '$' => match dollar_tag(text) {
            Some(tag) => until(text, tag.len(), tag, Kind::Text),
            None => (Kind::Text, 1),
        },
        _ if first.is_whitespace() => (Kind::Blank, first.len_utf8()),
        // A whole word, so that the dollar sign in `a$b$c` opens nothing.
        _ if is_word(first) => (Kind::Text, text.find(|c| !is_word(c) && c != '$').unwrap_or(text.len())),
        _ => (Kind::Text, first.len_utf8()),
    }
}

/// Up to and with the first `end` after `from`. A doubled quote reads as two strings side by side, which does no harm here.
fn until(text: &str, from: usize, end: &str, kind: Kind) -> (Kind, usize) {
    match text[from..].find(end) {
        Some(found) => (kind, from + found + end.len()),
        None => (Kind::Open, text.len()),
    }
}

/// Block comments nest.
fn block_comment(text: &str) -> (Kind, usize) {
    let mut depth = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find(['/', '*']) {
        at += found;
        let step = &text[at..];
        (depth, at) = match () {
            () if step.starts_with("/*") => (depth + 1, at + 2),
            () if step.starts_with("*/") => (depth - 1, at + 2),
            () => (depth, at + 1),
        };
        if depth == 0 {
            return (Kind::Blank, at);
        }
    }
    (Kind::Open, text.len())
}

/// `$$` or `$tag$` at the beginning; not the parameters `$1` and `$name`.
fn dollar_tag(text: &str) -> Option<&str> {
    let length = text[1..].find('$')? + 2;
    let tag = &text[..length];
    let name = &tag[1..length - 1];
    let is_tag = name.chars().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit());
    is_tag.then_some(tag)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests;
