//! Statements about streams: what they mean, and what they say when they mean nothing.

use crate::parse::{Statement, parse};
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::error::TextPosition;
use helios_contract::stream::{
    Deduplicate, Format, OptionValue, PartitionBy, SourceKind, StreamChange, StreamCommand, StreamDefinition, TimePart,
};
use std::time::Duration;

fn command(sql: &str) -> StreamCommand {
    match parse(sql) {
        Ok((Statement::Stream(command), _)) => command,
        other => panic!("{sql}: {other:?}"),
    }
}

fn created(sql: &str) -> StreamDefinition {
    match command(sql) {
        StreamCommand::Create { definition, .. } => *definition,
        other => panic!("{sql}: {other:?}"),
    }
}

const ORDERS: &str = "CREATE STREAM IF NOT EXISTS orders (
  order_id BIGINT NOT NULL, \"userId\" TEXT, price DECIMAL(10, 2), ts TIMESTAMP FORMAT EPOCH_MS,
  cart STRUCT<items ARRAY<STRUCT<sku TEXT, n INT>>, total DOUBLE PRECISION>, tags TEXT[], n BIGINT UNSIGNED, doc JSON
) FROM KAFKA (brokers = 'localhost:9092', topic = 'orders', message_max_bytes = 1000, sasl_password = SECRET 'kafka', tls = true)
  FORMAT JSON EVENT TIME ts ALLOW LATENESS INTERVAL '5 minutes'
  DEDUPLICATE BY (order_id, ts) WITHIN INTERVAL '1 day'
  PARTITION BY day(ts) ORDER BY (\"userId\", ts) RETAIN INTERVAL '30' DAY;";

#[test]
fn create_stream_with_everything() {
    let StreamCommand::Create { definition, if_not_exists } = command(ORDERS) else { panic!() };
    assert!(if_not_exists);
    assert_eq!(definition.source, SourceKind::Kafka);
    assert_eq!(definition.format, Format::Json);
    assert_eq!(definition.columns[0], Column { required: true, ..Column::new("order_id", ColumnType::BigInt) });
    assert_eq!(definition.columns[1].name, "userId");
    assert_eq!(definition.columns[2].data_type, ColumnType::Decimal(10, 2));
    assert_eq!(definition.columns[3].data_type, ColumnType::Timestamp(TimeFormat::EpochMillis));
    let item = ColumnType::Struct(vec![Column::new("sku", ColumnType::Text), Column::new("n", ColumnType::Int)]);
    let cart = vec![Column::new("items", ColumnType::List(Box::new(item))), Column::new("total", ColumnType::Double)];
    assert_eq!(definition.columns[4].data_type, ColumnType::Struct(cart));
    assert_eq!(definition.columns[5].data_type, ColumnType::List(Box::new(ColumnType::Text)));
    assert_eq!(definition.columns[6].data_type, ColumnType::UnsignedBigInt);
    assert_eq!(definition.options["sasl_password"], OptionValue::Secret("kafka".into()));
    assert_eq!(definition.options["message_max_bytes"], OptionValue::Number(1000));
    assert_eq!(definition.options["tls"], OptionValue::Bool(true));
    assert_eq!(definition.event_time.as_deref(), Some("ts"));
    assert_eq!(definition.lateness, Some(Duration::from_secs(300)));
    let by = vec!["order_id".to_owned(), "ts".to_owned()];
    assert_eq!(definition.deduplicate, Some(Deduplicate { by, within: Duration::from_secs(86_400) }));
    assert_eq!(definition.partition_by, Some(PartitionBy { unit: TimePart::Day, column: "ts".into() }));
    assert_eq!(definition.order_by, ["userId", "ts"]);
    assert_eq!(definition.retain, Some(Duration::from_secs(30 * 86_400)));
}

#[test]
fn a_definition_reads_back_as_it_was_written() {
    for sql in [ORDERS, "create stream a from http", "CREATE STREAM d FROM DEMO FORMAT CSV RETAIN INTERVAL '1 day 2 hours'"] {
        let definition = created(sql);
        assert_eq!(created(&definition.to_string()), definition);
    }
}

#[test]
fn a_format_may_have_options() {
    let definition = created("CREATE STREAM s FROM HTTP FORMAT CSV (delimiter = ';', header) RETAIN INTERVAL '1 day'");
    assert_eq!(definition.format, Format::Csv);
    assert_eq!(definition.format_options["delimiter"], OptionValue::Text(";".into()));
    assert_eq!(definition.format_options["header"], OptionValue::Bool(true));
    for sql in [
        "CREATE STREAM s FROM HTTP FORMAT AVRO (registry = 'http://r:1', registry_password = ENV 'P')",
        "CREATE STREAM s FROM HTTP FORMAT PROTOBUF (schema = 'syntax = \"proto3\"; // it''s', message = 'a.B')",
        "CREATE STREAM s FROM HTTP FORMAT TSV (header = true)",
        "CREATE STREAM s FROM HTTP FORMAT TEXT",
        "CREATE STREAM s FROM HTTP FORMAT MSGPACK (compression = 'gzip')",
    ] {
        assert_eq!(created(&created(sql).to_string()), created(sql), "{sql}");
    }
    let StreamCommand::Alter { change, .. } = command("ALTER STREAM s SET FORMAT TSV (header)") else { panic!() };
    assert_eq!(change, StreamChange::Format(Format::Tsv, [("header".into(), OptionValue::Bool(true))].into()));
}

#[test]
fn the_other_statements() {
    let alter = |sql: &str| match command(sql) {
        StreamCommand::Alter { name, change } if name.as_str() == "s" => change,
        other => panic!("{other:?}"),
    };
    assert_eq!(alter("ALTER STREAM s SET (a = -5)"), StreamChange::SetOptions([("a".into(), OptionValue::Number(-5))].into()));
    assert_eq!(alter("ALTER STREAM s RESET (a, b)"), StreamChange::ResetOptions(vec!["a".into(), "b".into()]));
    assert_eq!(alter("ALTER STREAM s ADD COLUMN c INT"), StreamChange::AddColumn(Column::new("c", ColumnType::Int)));
    assert_eq!(alter("ALTER STREAM S DROP COLUMN C"), StreamChange::DropColumn("c".into()));
    assert_eq!(alter("ALTER STREAM s RENAME COLUMN a TO \"B\""), StreamChange::RenameColumn("a".into(), "B".into()));
    assert_eq!(alter("ALTER STREAM s SET RETAIN INTERVAL '2 days'"), StreamChange::Retain(Some(Duration::from_secs(172_800))));
    assert_eq!(alter("ALTER STREAM s DROP RETAIN"), StreamChange::Retain(None));
    assert_eq!(alter("ALTER STREAM s SET ALLOW LATENESS INTERVAL '1 s'"), StreamChange::Lateness(Duration::from_secs(1)));
    assert!(matches!(command("DROP STREAM IF EXISTS s"), StreamCommand::Drop { if_exists: true, .. }));
    assert!(matches!(command("PAUSE STREAM s;"), StreamCommand::Pause(_)));
    assert!(matches!(command("RESUME STREAM s"), StreamCommand::Resume(_)));
    assert!(matches!(parse("SHOW STREAMS").unwrap().0, Statement::ShowStreams));
    assert!(matches!(parse("show create stream s").unwrap().0, Statement::ShowCreateStream(name) if name == "s"));
    assert!(matches!(parse("DESCRIBE system.queries").unwrap().0, Statement::Describe(name) if name == ["system", "queries"]));
}

#[test]
fn mistakes_name_their_place_and_the_likely_correction() {
    let mistakes = [
        ("CREATE STREAM s (a INTT) FROM HTTP", 20, "expected a type, found INTT", "Did you mean INT?"),
        ("CREATE STREAM s FROM KAFKAA", 22, "expected where records come from, found KAFKAA", "Did you mean KAFKA?"),
        ("CREATE STREAM s FROM HTTP FROMAT JSON", 27, "expected a clause of CREATE STREAM, found FROMAT", "Did you mean FORMAT?"),
        ("CREATE STREAM s FROM HTTP RETAIN INTERVAL '1 month'", 43, "INTERVAL '1 month' has no fixed length", "write days"),
        ("CREATE STREAM s FROM HTTP RETAIN INTERVAL 'soon'", 43, "is not a length of time", "5 minutes"),
        ("CREATE STREAM s FROM HTTP FORMAT JSON FORMAT CSV", 39, "FORMAT stands twice", "Keep one"),
        ("CREATE STREAM s (a INT, a INT) FROM HTTP", 25, "column `a` is declared twice", ""),
        ("CREATE STREAM \"No/No\" FROM HTTP", 15, "'No/No' cannot name a stream", "lower-case"),
        ("CREATE STREAM s (t TIMESTAMP FORMAT EPOCH) FROM HTTP", 37, "expected a timestamp format, found EPOCH", "EPOCH_S"),
        ("CREATE STREAM s (d DECIMAL(40)) FROM HTTP", 27, "digits of a DECIMAL", "1 to 38"),
        ("ALTER STREAM s RENAM COLUMN a TO b", 16, "expected a change, found RENAM", "RENAME COLUMN"),
        ("DROP STREAM s CASCADE", 15, "expected the end of the statement, found CASCADE", ""),
        ("PAUSE STREAM", 13, "expected the stream's name, found the end of the statement", ""),
    ];
    for (sql, column, message, hint) in mistakes {
        let error = parse(sql).expect_err(sql);
        assert!(error.message().contains(message), "{sql}: {error}");
        assert_eq!(error.position(), Some(TextPosition { line: 1, column }), "{sql}: {error}");
        assert!(error.hint_text().unwrap_or_default().contains(hint), "{sql}: {error}");
    }
}

#[test]
fn complaints_about_options_never_repeat_what_may_be_a_password() {
    for sql in [
        "CREATE STREAM s FROM KAFKA (sasl_password = hunter2)",
        "CREATE STREAM s FROM KAFKA (sasl_password = 'x' hunter2)",
        "CREATE STREAM s FROM KAFKA (sasl_password 'hunter2')",
        "ALTER STREAM s SET (sasl_password = -'hunter2')",
    ] {
        let error = parse(sql).expect_err(sql).to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

fn quarantine(sql: &str) -> (String, crate::statement::Verb) {
    match parse(sql) {
        Ok((Statement::Quarantine(statement), _)) => (statement.which.to_string(), statement.verb),
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn quarantine_statements_select_open_records_of_their_stream() {
    use crate::statement::Verb;
    const OPEN: &str = "SELECT id FROM system.quarantine WHERE stream = 'orders' AND state = 'open'";
    let (which, verb) = quarantine("DISCARD QUARANTINE orders REASON 'x'");
    assert_eq!((which, verb), (format!("{OPEN} ORDER BY id"), Verb::Discard("x".to_owned())));
    let (which, verb) = quarantine("discard quarantine orders where reason = 'a' or (path = 'reason') reason 'it''s'");
    assert_eq!(
        (which, verb),
        (format!("{OPEN} AND (reason = 'a' OR (path = 'reason')) ORDER BY id"), Verb::Discard("it's".to_owned()))
    );
    let (which, verb) = quarantine("EXPLAIN REPLAY QUARANTINE orders WHERE time > now() - INTERVAL '1 hour'");
    assert_eq!((which, verb), (format!("{OPEN} AND (time > now() - INTERVAL '1 hour') ORDER BY id"), Verb::Rehearse(Vec::new())));
}

#[test]
fn fixes_read_back_as_they_are_written() {
    let fixes = "SET a.b[2].c = NULL, SET items[].\"unitPrice\" = -12.50, SET d = 'it''s', SET e = true, RENAME \"Id\" TO id, DROP f, \
                 SET PAYLOAD = '{}'";
    let (_, verb) = quarantine(&format!("REPLAY QUARANTINE orders WITH {fixes}"));
    let crate::statement::Verb::Replay(read) = verb else { panic!("{verb:?}") };
    assert_eq!(read.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "), fixes);
}

#[test]
fn what_is_no_statement_about_quarantine_says_where() {
    for (sql, message, column) in [
        ("REPLAY QUARANTINE orders WITH SET a = b", "this is no value that can be set", 39),
        ("REPLAY QUARANTINE orders WITH SET a[x] = 1", "expected an item's number, from 0, found x", 37),
        ("REPLAY QUARANTINE orders WITH DELETE a", "expected a fix, found DELETE", 31),
        (
            "REPLAY QUARANTINE orders WHERE",
            "expected a condition on the columns of system.quarantine, found the end of the statement",
            31,
        ),
        ("REPLAY QUARANTINE orders WHERE a = 1) OR (b = 2", "expected a condition, found )", 37),
        ("REPLAY QUARANTINE orders WHERE id == ==", "expected an expression, found ==", 38),
        ("REPLAY QUARANTINE Orders!", "expected the end of the statement, found !", 25),
        ("DISCARD QUARANTINE orders WHERE id = 1", "expected REASON '...', found the end of the statement", 39),
    ] {
        let error = parse(sql).err().unwrap_or_else(|| panic!("{sql} was read"));
        assert_eq!(error.message(), message, "{sql}");
        assert_eq!(error.position(), Some(TextPosition { line: 1, column }), "{sql}");
    }
}
