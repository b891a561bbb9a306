//! What a console asks beside answers: what a text says, how a query is run, how far one is, what there is to ask about.

use crate::Site;
use crate::asked;
use crate::encode::{columns, sql_type};
use crate::failure::{Failure, error_json};
use crate::gate::RequestId;
use crate::history::millis;
use crate::nonces::digits;
use crate::page::has_already;
use crate::query::parameters;
use crate::records::bad_path;
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::{ETAG, HeaderMap};
use axum::response::{IntoResponse, Json, Response};
use helios_contract::column::{ColumnType, hidden, table_schema};
use helios_contract::console::{Explained, Progress, Reading, StatementRead};
use helios_contract::query::Query;
use helios_contract::store::Version;
use helios_contract::stream::Stream;
use helios_contract::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checked {
    sql: String,
}

/// `POST /api/v1/query/check`
pub(crate) async fn check(
    State(site): State<Arc<Site>>,
    Extension(request_id): Extension<RequestId>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let (_, Checked { sql }) = asked::json(&site, request, site.config.sql_bytes_max).await?;
    let reading = site.parts.console.read(&sql).await;
    Ok(Json(reading_json(&sql, &reading, &request_id.0)))
}

fn reading_json(sql: &str, reading: &Reading, request_id: &str) -> Value {
    // Editors in browsers count in UTF-16. Statements stand in the order of the text: one walk counts them all.
    let (mut byte, mut n_units) = (0, 0);
    let mut utf16 = |to: usize| {
        n_units += sql.get(byte..to).map_or(0, |passed| passed.encode_utf16().count());
        byte = to;
        n_units
    };
    let statement = |read: &StatementRead| {
        let (start, end) = (utf16(read.bytes.start), utf16(read.bytes.end));
        json!({"start": start, "end": end, "kind": read.kind, "read_only": read.read_only})
    };
    let parameter = |(name, data_type): &(String, Option<_>)| json!({"name": name, "type": data_type.as_ref().map(sql_type)});
    json!({
        "statements": reading.statements.iter().map(statement).collect::<Vec<_>>(),
        "params": reading.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "columns": reading.fields.as_ref().map(|fields| columns(fields)),
        "error": reading.error.as_ref().map(|error| error_json(error, request_id)),
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToExplain {
    sql: String,
    #[serde(default)]
    params: Option<Value>,
    #[serde(default)]
    analyze: bool,
}

/// `POST /api/v1/query/explain`
pub(crate) async fn explain(State(site): State<Arc<Site>>, request: Request) -> Result<Json<Value>, Failure> {
    let (_, ToExplain { sql, params, analyze }) = asked::json(&site, request, site.config.sql_bytes_max).await?;
    let query = Query { sql, parameters: parameters(params)?, ..Query::default() };
    let explained = site.parts.console.explain(query, analyze).await.map_err(Failure::of_query)?;
    Ok(Json(explained_json(&explained)))
}

fn explained_json(explained: &Explained) -> Value {
    let operator = |operator: &helios_contract::console::Operator| {
        json!({
            "depth": operator.depth,
            "operator": operator.name,
            "detail": operator.detail,
            "rows": operator.n_rows,
            "time_ms": operator.time.map(millis),
        })
    };
    json!({
        "plan": explained.operators.iter().map(operator).collect::<Vec<_>>(),
        "findings": explained.findings,
        "estimate": {"rows": explained.n_rows, "bytes": explained.n_bytes, "files": explained.n_files},
    })
}

/// `GET /api/v1/queries/{id}`
pub(crate) async fn progress(
    State(site): State<Arc<Site>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Failure> {
    let Path(id) = id.map_err(bad_path)?;
    match site.parts.console.progress(&id) {
        Some(progress) => Ok(Json(progress_json(&progress))),
        None => Err(unknown_query(&id).into()),
    }
}

/// Nothing is known of a query.
pub(crate) fn unknown_query(id: &str) -> Error {
    let shown: String = id.chars().take(128).collect();
    Error::not_found(format!("nothing is known of a query '{}'", shown.escape_debug()))
        .hint("Those that run, and the last thousand, are in the table system.queries.")
}

/// How far a statement is, as JSON.
pub(crate) fn progress_json(progress: &Progress) -> Value {
    let mut told = json!({
        "id": progress.id,
        "state": progress.state,
        "sql": progress.sql,
        "started_at": progress.started_at.to_string(),
        "elapsed_ms": millis(progress.elapsed),
        "n_rows": progress.n_rows,
        "rows_read": progress.n_rows_read,
        "bytes_read": progress.n_bytes_read,
    });
    if let Some((kind, message)) = &progress.error {
        told["error"] = json!({"code": kind.as_str(), "message": message});
    }
    told
}

/// `GET /api/v1/functions`
pub(crate) async fn functions(State(site): State<Arc<Site>>) -> Json<Value> {
    let functions = site.parts.console.functions();
    let function = |f: helios_contract::console::Function| json!({"name": f.name, "signature": f.signature, "kind": f.kind.as_str(), "doc": f.doc});
    Json(json!({"functions": functions.into_iter().map(function).collect::<Vec<_>>()}))
}

/// `GET /api/v1/catalog`
pub(crate) async fn catalog(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Response, Failure> {
    let streams = site.parts.catalog.streams();
    let mut tables: Vec<Map<String, Value>> = streams.iter().map(|stream| stream_table(stream)).collect();
    tables.extend(site.parts.system.iter().map(|table| {
        let column = |field: &Arc<arrow::datatypes::Field>| {
            json!({"name": field.name(), "type": sql_type(field.data_type()), "hidden": false})
        };
        let columns: Vec<Value> = table.schema().fields().iter().map(column).collect();
        described(table.name(), "system", "system", columns)
    }));
    // Counts change with every commit: the version is that of names and types.
    let version = digits(&Sha256::digest(serde_json::to_vec(&tables).unwrap_or_default()), 8);
    let etag = format!("\"{version}\"");
    if has_already(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    for (stream, table) in streams.iter().zip(&mut tables) {
        table.insert("n_rows".to_owned(), json!(n_rows(&site, stream).await));
    }
    Ok(([(ETAG, etag)], Json(json!({"version": version, "tables": tables}))).into_response())
}

fn described(name: &str, schema: &str, kind: &str, columns: Vec<Value>) -> Map<String, Value> {
    Map::from_iter([
        ("name".to_owned(), name.into()),
        ("schema".to_owned(), schema.into()),
        ("kind".to_owned(), kind.into()),
        ("n_rows".to_owned(), Value::Null),
        ("columns".to_owned(), columns.into()),
    ])
}

fn stream_table(stream: &Stream) -> Map<String, Value> {
    let declared = &stream.definition.columns;
    let column = |field: &Arc<arrow::datatypes::Field>| {
        let is_json = declared.iter().any(|column| column.name == *field.name() && column.data_type == ColumnType::Json);
        let data_type = if is_json { "JSON".to_owned() } else { sql_type(field.data_type()) };
        json!({"name": field.name(), "type": data_type, "hidden": hidden::ALL.contains(&field.name().as_str())})
    };
    let columns = table_schema(declared).fields().iter().map(column).collect();
    described(stream.definition.name.as_str(), "", "stream", columns)
}

/// The rows of a stream's table now; `None` when it was dropped a moment ago.
pub(crate) async fn n_rows(site: &Site, stream: &Stream) -> Option<u64> {
    let snapshot = site.parts.tables.snapshot(&stream.definition.name, Version::Latest).await.ok()?;
    let in_files: u64 = snapshot.files.iter().map(|file| file.n_rows).sum();
    let in_tail: usize = snapshot.tail.iter().map(|slice| slice.rows.num_rows()).sum();
    Some(in_files + in_tail as u64)
}
