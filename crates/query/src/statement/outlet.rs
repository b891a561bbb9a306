//! Statements about clusters and sinks, and `ALTER STREAM ... STORE IN`.

use super::cursor::Cursor;
use super::stream::{name, options};
use crate::parse::at;
use datafusion::sql::sqlparser::tokenizer::Token;
use helios_contract::StreamName;
use helios_contract::cluster::{ClusterCommand, ClusterDefinition};
use helios_contract::error::{Error, Result, TextPosition};
use helios_contract::sink::{OutletCommand, SinkCommand, SinkDefinition};
use helios_contract::stream::Options;

/// Reads a statement about a cluster or a sink; `None` when the words begin none. `end` is where the statement ends.
///
/// # Errors
/// `Invalid`, with the place.
pub(crate) fn outlet_command(cursor: &mut Cursor, end: TextPosition) -> Result<Option<OutletCommand>> {
    let command = if cursor.take("CREATE CLUSTER") {
        create_cluster(cursor)?
    } else if cursor.take("ALTER CLUSTER") {
        let name = named(cursor, "cluster")?;
        OutletCommand::Cluster(match cursor.one_of("a change", &[(true, "SET"), (false, "RESET")])? {
            true => ClusterCommand::Set(name, options(cursor)?),
            false => ClusterCommand::Reset(name, cursor.list(|c| c.identifier("an option's name"))?),
        })
    } else if cursor.take("DROP CLUSTER") {
        let if_exists = cursor.take("IF EXISTS");
        OutletCommand::Cluster(ClusterCommand::Drop { name: named(cursor, "cluster")?, if_exists })
    } else if cursor.take("CREATE SINK") {
        create_sink(cursor)?
    } else if cursor.take("DROP SINK") {
        let if_exists = cursor.take("IF EXISTS");
        OutletCommand::Sink(SinkCommand::Drop { name: named(cursor, "sink")?, if_exists })
    } else if cursor.take("PAUSE SINK") {
        OutletCommand::Sink(SinkCommand::Pause(named(cursor, "sink")?))
    } else if cursor.take("RESUME SINK") {
        OutletCommand::Sink(SinkCommand::Resume(named(cursor, "sink")?))
    } else {
        return store(cursor, end);
    };
    Ok(Some(command))
}

fn named(cursor: &mut Cursor, what: &str) -> Result<StreamName> {
    let position = cursor.position();
    let name = cursor.identifier(&format!("the {what}'s name"))?;
    StreamName::new(&name).map_err(|_| {
        at(Error::invalid(format!("'{}' cannot name a {what}", name.escape_debug())), position)
            .hint("Use lower-case letters, digits and underscores, not starting with a digit, and no reserved word.")
    })
}

fn create_cluster(cursor: &mut Cursor) -> Result<OutletCommand> {
    let if_not_exists = cursor.take("IF NOT EXISTS");
    let name = named(cursor, "cluster")?;
    cursor.expect("FROM")?;
    cursor.one_of("the kind of cluster", &[((), "CLICKHOUSE")])?;
    let options = if cursor.peek() == Some(&Token::LParen) { options(cursor)? } else { Options::new() };
    Ok(OutletCommand::Cluster(ClusterCommand::Create { definition: ClusterDefinition { name, options }, if_not_exists }))
}

fn create_sink(cursor: &mut Cursor) -> Result<OutletCommand> {
    let if_not_exists = cursor.take("IF NOT EXISTS");
    let sink = named(cursor, "sink")?;
    cursor.expect("FROM")?;
    let stream = name(cursor)?;
    cursor.expect("INTO")?;
    let cluster = named(cursor, "cluster")?;
    cursor.expect_token(&Token::Period)?;
    let first = cursor.identifier("a table of the cluster")?;
    let (database, table) = match cursor.take_token(&Token::Period) {
        true => (Some(first), cursor.identifier("a table of the cluster")?),
        false => (None, first),
    };
    let mut definition = SinkDefinition { name: sink, stream, cluster, database, table, engine: None, order_by: Vec::new() };
    while !cursor.at_end() {
        let position = cursor.position();
        let twice = |what: &str| Err(at(Error::invalid(format!("{what} stands twice")), position).hint("Keep one of them."));
        match cursor.one_of("a clause of CREATE SINK", &[(true, "ENGINE"), (false, "ORDER BY")])? {
            true if definition.engine.is_some() => return twice("ENGINE"),
            true => definition.engine = Some(engine(cursor)?),
            false if !definition.order_by.is_empty() => return twice("ORDER BY"),
            false => definition.order_by = cursor.list(|c| c.identifier("a column's name"))?,
        }
    }
    Ok(OutletCommand::Sink(SinkCommand::Create { definition, if_not_exists }))
}

/// `'text'`, or `Name` or `Name(arguments)` as they stand.
fn engine(cursor: &mut Cursor) -> Result<String> {
    cursor.take_token(&Token::Eq);
    let mut engine = match cursor.peek() {
        Some(Token::SingleQuotedString(_)) => return cursor.text("an engine"),
        Some(Token::Word(word)) => word.value.clone(),
        _ => return Err(cursor.expected("an engine, such as MergeTree")),
    };
    cursor.skip();
    if cursor.take_token(&Token::LParen) {
        let arguments = match cursor.peek() {
            Some(Token::RParen) => &[],
            _ => cursor.until(Some(&Token::RParen))?,
        };
        engine += &format!("({})", arguments.iter().map(|token| token.token.to_string()).collect::<String>());
        cursor.expect_token(&Token::RParen)?;
    }
    Ok(engine)
}

/// `ALTER STREAM name STORE IN cluster | LAKE`
fn store(cursor: &mut Cursor, end: TextPosition) -> Result<Option<OutletCommand>> {
    let mut ahead = Cursor::new(cursor.left(), end);
    if !ahead.take("ALTER STREAM") || ahead.identifier("").is_err() || !ahead.take("STORE IN") {
        return Ok(None);
    }
    cursor.expect("ALTER STREAM")?;
    let stream = name(cursor)?;
    cursor.expect("STORE IN")?;
    let cluster = if cursor.take("LAKE") { None } else { Some(named(cursor, "cluster")?) };
    Ok(Some(OutletCommand::Sink(SinkCommand::Store(stream, cluster))))
}
