//! One text, one statement: reads it, or says where it stops making sense.

use crate::dialect::HeliosDialect;
use crate::statement::{self, Cursor, QuarantineStatement, RehearsalStatement};
use datafusion::sql::sqlparser::ast::{DescribeAlias, Statement as SqlStatement};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Word};
use helios_contract::error::{Error, Result, TextPosition, nearest};
use helios_contract::sink::OutletCommand;
use helios_contract::stream::StreamCommand;

/// Longest text read.
const SQL_BYTES_MAX: usize = 1 << 20;
/// Deepest nesting of parentheses and brackets.
const NESTING_MAX: usize = 100;
/// Deepest tree a statement may become; evaluating one takes about 2 KB of stack a level.
const DEPTH_MAX: usize = 400;
/// Most queries joined with UNION, EXCEPT and INTERSECT.
const UNIONS_MAX: usize = 200;

const RUNS: &str = "Helios runs SELECT, WITH, VALUES, EXPLAIN, SHOW, DESCRIBE and statements about streams.";
const STARTS: [&str; 16] = [
    "SELECT", "WITH", "VALUES", "EXPLAIN", "SHOW", "DESCRIBE", "DESC", "CREATE", "ALTER", "DROP", "PAUSE", "RESUME", "INSERT",
    "UPDATE", "DISCARD", "REPLAY",
];
const CLAUSES: [&str; 22] = [
    "FROM",
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "CROSS",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "QUALIFY",
    "WINDOW",
    "USING",
    "BETWEEN",
    "LIKE",
    "SELECT",
];
const SHOW_TABLES: &str = "SELECT table_schema AS \"schema\", table_name AS \"table\" FROM information_schema.tables \
     WHERE table_schema <> 'information_schema' ORDER BY table_schema, table_name";

/// A statement, read.
#[derive(Debug)]
pub(crate) enum Statement {
    /// Planned and run by DataFusion: a query, or `EXPLAIN` of one.
    Query(Box<SqlStatement>),
    /// Carried out by the stream control.
    Stream(StreamCommand),
    /// Carried out by the quarantine's control.
    Quarantine(QuarantineStatement),
    /// Carried out by the outlets: about clusters and sinks.
    Outlet(OutletCommand),
    /// `SHOW CLUSTERS`
    ShowClusters,
    /// `SHOW SINKS`
    ShowSinks,
    /// `EXPLAIN ALTER STREAM`
    Rehearsal(RehearsalStatement),
    /// `SHOW STREAMS`
    ShowStreams,
    /// `SHOW FUNCTIONS`
    ShowFunctions,
    /// `SHOW CREATE STREAM name`
    ShowCreateStream(String),
    /// `DESCRIBE [schema.]name`
    Describe(Vec<String>),
}

/// The words of a statement and where they stand.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    tokens: Vec<TokenWithSpan>,
}

impl Text {
    /// Where `name` stands for the first time as an identifier.
    pub(crate) fn position_of(&self, name: &str) -> Option<TextPosition> {
        let is_name = |word: &Word| word.value == name || (word.quote_style.is_none() && word.value.eq_ignore_ascii_case(name));
        self.tokens.iter().find(|t| matches!(&t.token, Token::Word(word) if is_name(word))).map(start)
    }

    /// Whether `name` stands anywhere as an identifier.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.position_of(name).is_some()
    }
}

/// Reads the one statement in `sql`.
///
/// # Errors
/// `Invalid`, with the place and, where there is one, the likely correction.
pub(crate) fn parse(sql: &str) -> Result<(Statement, Text)> {
    let text = Text { tokens: tokens(sql)? };
    let statement = statement(&text.tokens, end_of(sql))?;
    Ok((statement, text))
}

/// What may be shown of a statement before it was read: one about streams or clusters may hold a password.
pub(crate) fn unread(sql: &str) -> &str {
    let holds = |word: &[u8]| sql.as_bytes().windows(word.len()).any(|found| found.eq_ignore_ascii_case(word));
    if holds(b"STREAM") || holds(b"CLUSTER") { "(a statement that was not read)" } else { sql }
}

/// The words of a text of any number of statements, without spaces and comments.
///
/// # Errors
/// `Invalid` for a text that is too long, or does not divide into words.
pub(crate) fn words(sql: &str) -> Result<Vec<TokenWithSpan>> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(Error::invalid(format!("the statement is {} bytes long; at most {SQL_BYTES_MAX} are read", sql.len()))
            .hint("Shorten it; long lists of values belong into a stream that the query joins."));
    }
    let dialect = HeliosDialect::default();
    let mut tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|e| Error::invalid(sentence(&e.message)).at(e.location.line, e.location.column))?;
    tokens.retain(|t| !matches!(t.token, Token::Whitespace(_)));
    Ok(tokens)
}

fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>> {
    let mut tokens = words(sql)?;
    if let Some(first) = tokens.iter().position(|t| t.token == Token::SemiColon) {
        if let Some(second) = tokens[first..].iter().find(|t| t.token != Token::SemiColon) {
            return Err(
                at(Error::invalid("the request holds several statements"), start(second)).hint("Send one statement at a time.")
            );
        }
        tokens.truncate(first);
    }
    refuse_depth(&tokens)?;
    Ok(tokens)
}

/// Refuses what would become a tree too deep for the stack of whoever plans, runs or drops it.
fn refuse_depth(tokens: &[TokenWithSpan]) -> Result<()> {
    let mut chains = vec![Chain::default()];
    let mut n_unions = 0_usize;
    for token in tokens {
        let grows = grows(&token.token);
        if matches!(grows, Grows::Closes) && chains.len() > 1 {
            chains.pop();
        }
        let chain = chains.last_mut().expect("the outermost chain stays");
        match grows {
            Grows::Opens | Grows::Link => chain.n_links += 1,
            Grows::Condition => *chain = Chain { n_conditions: chain.n_conditions + 1, n_links: 0 },
            Grows::NewChain | Grows::Unions => *chain = Chain::default(),
            Grows::Closes | Grows::Nothing => {}
        }
        n_unions += usize::from(matches!(grows, Grows::Unions));
        if matches!(grows, Grows::Opens) {
            chains.push(Chain::default());
        }
        let depth: usize = chains.iter().map(|chain| chain.n_conditions + chain.n_links).sum();
        if depth > DEPTH_MAX || chains.len() > NESTING_MAX {
            return Err(at(Error::invalid("the statement nests too deeply, or chains too many operators"), start(token)).hint(
                "Split it with WITH, write long chains of OR as one IN list, and remove parentheses that change nothing.",
            ));
        }
        if n_unions > UNIONS_MAX {
            return Err(at(
                Error::invalid(format!("the statement joins more than {UNIONS_MAX} queries with UNION")),
                start(token),
            ));
        }
    }
    Ok(())
}

/// A chain of operators within one pair of brackets: each deepens the tree by one.
#[derive(Default)]
struct Chain {
    /// `AND` and `OR` since the chain began.
    n_conditions: usize,
    /// Other operators since the last of those.
    n_links: usize,
}

/// What a token does to a chain.
enum Grows {
    Opens,
    Closes,
    Link,
    Condition,
    NewChain,
    Unions,
    Nothing,
}

fn grows(token: &Token) -> Grows {
    const LINKS: [&str; 7] = ["NOT", "IS", "IN", "LIKE", "ILIKE", "BETWEEN", "AT"];
    const NEW_CHAIN: [&str; 11] = ["SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "ON", "WHEN", "THEN", "ELSE", "JOIN"];
    const UNIONS: [&str; 3] = ["UNION", "EXCEPT", "INTERSECT"];
    let is_one =
        |word: &Word, words: &[&str]| word.quote_style.is_none() && words.iter().any(|w| word.value.eq_ignore_ascii_case(w));
    match token {
        // Brackets may be links of a chain themselves: a[1][1][1].
        Token::LParen | Token::LBracket | Token::LBrace => Grows::Opens,
        Token::RParen | Token::RBracket | Token::RBrace => Grows::Closes,
        Token::Comma => Grows::NewChain,
        Token::Word(word) if is_one(word, &["AND", "OR"]) => Grows::Condition,
        Token::Word(word) if is_one(word, &LINKS) => Grows::Link,
        Token::Word(word) if is_one(word, &NEW_CHAIN) => Grows::NewChain,
        Token::Word(word) if is_one(word, &UNIONS) => Grows::Unions,
        Token::Word(_) | Token::Number(..) | Token::SingleQuotedString(_) | Token::Placeholder(_) => Grows::Nothing,
        _ => Grows::Link,
    }
}

fn statement(tokens: &[TokenWithSpan], end: TextPosition) -> Result<Statement> {
    let mut cursor = Cursor::new(tokens, end);
    if cursor.at_end() {
        return Err(Error::invalid("there is no statement").hint(RUNS));
    }
    if let Some(command) = statement::outlet_command(&mut cursor, end)? {
        cursor.expect_end()?;
        return Ok(Statement::Outlet(command));
    }
    if let Some(command) = statement::stream_command(&mut cursor)? {
        cursor.expect_end()?;
        return Ok(Statement::Stream(command));
    }
    if let Some(statement) = statement::quarantine_statement(&mut cursor, end)? {
        cursor.expect_end()?;
        return Ok(Statement::Quarantine(statement));
    }
    if let Some(statement) = statement::rehearsal_statement(tokens, end)? {
        return Ok(Statement::Rehearsal(statement));
    }
    let shown = if cursor.take("SHOW STREAMS") {
        Statement::ShowStreams
    } else if cursor.take("SHOW CLUSTERS") {
        Statement::ShowClusters
    } else if cursor.take("SHOW SINKS") {
        Statement::ShowSinks
    } else if cursor.take("SHOW FUNCTIONS") {
        Statement::ShowFunctions
    } else if cursor.take("SHOW CREATE STREAM") {
        Statement::ShowCreateStream(cursor.identifier("the stream's name")?)
    } else if cursor.take("SHOW TABLES") {
        return query(Tokens::Fixed(SHOW_TABLES), end);
    } else if cursor.take("DESCRIBE") || cursor.take("DESC") {
        Statement::Describe(cursor.qualified_name("a table's name")?)
    } else {
        refuse_start(&cursor)?;
        return query(Tokens::Given(tokens), end);
    };
    cursor.expect_end()?;
    Ok(shown)
}

/// The query `from [AND (condition)] rest`; `end` is where the condition stops.
///
/// # Errors
/// `Invalid`, with the place in the condition.
pub(crate) fn selection(from: &str, condition: Vec<TokenWithSpan>, rest: &str, end: TextPosition) -> Result<Box<SqlStatement>> {
    let mut given = tokens(from)?;
    if !condition.is_empty() {
        given.extend(tokens("AND (")?);
        given.extend(condition);
        given.extend(tokens(")")?);
    }
    given.extend(tokens(rest)?);
    match query(Tokens::Given(&given), end)? {
        Statement::Query(query) => Ok(query),
        _ => Err(Error::internal("a selection did not read as a query")),
    }
}

/// Whether a statement may take as long as it needs: it commits as it goes.
pub(crate) fn commits_as_it_goes(sql: &str) -> bool {
    let first = sql.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    ["REPLAY", "DISCARD"].iter().any(|verb| first.eq_ignore_ascii_case(verb))
}

/// A condition as it is kept: read to its end, and written the same way every time. `end` is where it stops.
///
/// # Errors
/// `Invalid`, with the place.
pub(crate) fn condition(tokens: &[TokenWithSpan], end: TextPosition) -> Result<String> {
    let dialect = HeliosDialect::default();
    let mut parser = Parser::new(&dialect).with_recursion_limit(2 * NESTING_MAX).with_tokens_with_locations(tokens.to_vec());
    let read = parser.parse_expr().and_then(|expr| match parser.peek_token_ref() {
        TokenWithSpan { token: Token::EOF, .. } => Ok(expr),
        more => parser.expected_ref("the end of the condition", more),
    });
    read.map(|expr| expr.to_string()).map_err(|e| syntax_error(e, tokens, end))
}

/// Refuses whatever does not begin like a query, before the parser sees it.
fn refuse_start(cursor: &Cursor) -> Result<()> {
    const QUERIES: [&str; 5] = ["SELECT", "WITH", "VALUES", "EXPLAIN", "SHOW"];
    let first = cursor.peek_text().to_uppercase();
    if first == "(" || QUERIES.contains(&first.as_str()) {
        return Ok(());
    }
    let near = nearest(&first, STARTS).filter(|near| *near != first);
    let hint = match (first.as_str(), near) {
        ("CREATE", _) => "Tables are filled by streams: CREATE STREAM name FROM KAFKA | HTTP | DEMO (...).".to_owned(),
        ("INSERT" | "COPY" | "LOAD", _) => {
            "Rows arrive through streams: send them to an HTTP stream, or use `helios load`.".to_owned()
        }
        ("ALTER" | "DROP", _) => format!("Streams, clusters and sinks can be changed: {first} STREAM name ..."),
        (_, Some(near)) => format!("Did you mean {near}?"),
        _ => RUNS.to_owned(),
    };
    Err(at(Error::invalid(format!("{} does not begin a statement that Helios runs", cursor.peek_text())), cursor.position())
        .hint(hint))
}

enum Tokens<'a> {
    Given(&'a [TokenWithSpan]),
    Fixed(&'static str),
}

/// Reads a query, or `EXPLAIN [ANALYZE] [VERBOSE]` of one, or a `SHOW` that DataFusion knows.
fn query(tokens: Tokens, end: TextPosition) -> Result<Statement> {
    let given = match tokens {
        Tokens::Given(given) => given.to_vec(),
        Tokens::Fixed(sql) => self::tokens(sql)?,
    };
    let mut cursor = Cursor::new(&given, end);
    let explain = cursor.take("EXPLAIN");
    let analyze = explain && cursor.take("ANALYZE");
    let verbose = explain && cursor.take("VERBOSE");
    if explain {
        refuse_start(&cursor)?;
    }
    let dialect = HeliosDialect::default();
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(2 * NESTING_MAX)
        .with_tokens_with_locations(given[cursor.n_taken()..].to_vec());
    let read = parser.parse_statement().and_then(|statement| match parser.peek_token_ref() {
        TokenWithSpan { token: Token::EOF, .. } => Ok(statement),
        more => parser.expected_ref("the end of the statement", more),
    });
    let statement = match read.map_err(|e| syntax_error(e, &given, end))? {
        SqlStatement::Query(query) => SqlStatement::Query(query),
        shown @ (SqlStatement::ShowColumns { .. } | SqlStatement::ShowVariable { .. }) if !explain => shown,
        other => {
            let verb = other.to_string().split_whitespace().take(2).collect::<Vec<_>>().join(" ");
            return Err(Error::invalid(format!("{verb} is not a statement that Helios runs")).hint(RUNS));
        }
    };
    if !explain {
        return Ok(Statement::Query(Box::new(statement)));
    }
    Ok(Statement::Query(Box::new(SqlStatement::Explain {
        describe_alias: DescribeAlias::Explain,
        analyze,
        verbose,
        query_plan: false,
        estimate: false,
        statement: Box::new(statement),
        format: None,
        options: None,
    })))
}

/// The parser's complaint in our words, with the place and the keyword that was probably meant.
fn syntax_error(error: ParserError, tokens: &[TokenWithSpan], end: TextPosition) -> Error {
    let (ParserError::ParserError(text) | ParserError::TokenizerError(text)) = error else {
        return Error::invalid(format!("the statement nests more than {NESTING_MAX} levels deep")).hint("Split it with WITH.");
    };
    let (text, position) = split_position(&text);
    let position = position.unwrap_or(end);
    let text = text
        .replace("Expected: ", "expected ")
        .replace("found: EOF", "found the end of the statement")
        .replace("found: ", "found ");
    let error = at(Error::invalid(sentence(&text)), position);
    let found = tokens.iter().position(|t| start(t) == position).unwrap_or(tokens.len());
    if tokens.get(found).is_some_and(|t| ["VERSION", "TIMESTAMP"].contains(&t.token.to_string().to_uppercase().as_str())) {
        return error.hint("Write VERSION AS OF or TIMESTAMP AS OF before the table's alias.");
    }
    // A misspelt keyword often reads as an alias, and the complaint comes one word later.
    let suspects = tokens.iter().skip(found.saturating_sub(1)).take(2);
    match suspects.filter_map(misspelt).next() {
        Some(keyword) => error.hint(format!("Did you mean {keyword}?")),
        None => error,
    }
}

fn misspelt(token: &TokenWithSpan) -> Option<&'static str> {
    let Token::Word(word) = &token.token else { return None };
    let given = word.value.to_uppercase();
    nearest(&given, CLAUSES).filter(|keyword| given.len() >= 4 && *keyword != given)
}

/// Takes ` at Line: 1, Column: 8` off the parser's message.
fn split_position(text: &str) -> (&str, Option<TextPosition>) {
    let Some((message, place)) = text.rsplit_once(" at Line: ") else { return (text, None) };
    let position = place.split_once(", Column: ").and_then(|(line, column)| {
        let column: String = column.chars().take_while(char::is_ascii_digit).collect();
        Some(TextPosition { line: line.parse().ok()?, column: column.parse().ok()? })
    });
    (message, position)
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

fn end_of(sql: &str) -> TextPosition {
    let sql = sql.trim_end();
    let line = sql.lines().count().max(1) as u64;
    TextPosition { line, column: sql.lines().last().unwrap_or_default().chars().count() as u64 + 1 }
}

/// Where a token starts.
pub(crate) fn start(token: &TokenWithSpan) -> TextPosition {
    TextPosition { line: token.span.start.line, column: token.span.start.column }
}

/// An error at a place.
pub(crate) fn at(error: Error, position: TextPosition) -> Error {
    error.at(position.line, position.column)
}
