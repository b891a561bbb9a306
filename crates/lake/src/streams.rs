//! Stream definitions in the catalog.

use crate::Lake;
use crate::catalog::{count, signed};
use crate::drift;
use crate::failure::Doing;
use helios_contract::column::{Column, ColumnType};
use helios_contract::error::{Error, Result};
use helios_contract::name::StreamName;
use helios_contract::stream::{Stream, StreamDefinition, StreamId};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;

/// Adds a stream; see `Catalog::create`.
pub(crate) async fn create(lake: &Lake, mut definition: StreamDefinition) -> Result<Arc<Stream>> {
    let created_at = lake.clock.now();
    let work = move |conn: &Connection| {
        if find(conn, &definition.name)?.is_some() {
            return Err(Error::conflict(format!("there is a stream '{}' already", definition.name))
                .hint("Choose another name, or write CREATE STREAM IF NOT EXISTS."));
        }
        let mut last_field = 0;
        definition.columns.iter_mut().for_each(|column| assign_ids(column, &mut last_field));
        let json = serde_json::to_string(&definition).doing("describe a stream")?;
        let mut insert = conn
            .prepare(
                "INSERT INTO streams (name, version, definition, paused, created_at, last_field) VALUES (?, 1, ?, FALSE, ?, ?)",
            )
            .doing("add a stream")?;
        let id = insert.insert(params![definition.name.as_str(), json, created_at.0, last_field]).doing("add a stream")?;
        Ok(Arc::new(Stream { id: StreamId(id), version: 1, definition, paused: false, created_at }))
    };
    lake.writer.write(work, define).await
}

fn define(state: &mut crate::state::State, stream: Arc<Stream>) -> Arc<Stream> {
    state.define(Arc::clone(&stream));
    stream
}

fn find(conn: &Connection, name: &StreamName) -> Result<Option<i64>> {
    conn.query_row("SELECT id FROM streams WHERE name = ?", [name.as_str()], |row| row.get(0))
        .optional()
        .doing("look up a stream")
}

/// Gives an Iceberg field id to the column and its fields where they have none; an id is never given twice.
fn assign_ids(column: &mut Column, last_field: &mut i32) {
    if column.id == 0 {
        *last_field += 1;
        column.id = *last_field;
    }
    visit_fields(&mut column.data_type, &mut |field| assign_ids(field, last_field));
}

/// Visits the fields directly below a type.
fn visit_fields(data_type: &mut ColumnType, visit: &mut dyn FnMut(&mut Column)) {
    match data_type {
        ColumnType::Struct(fields) => fields.iter_mut().for_each(visit),
        ColumnType::List(item) => visit_fields(item, visit),
        _ => {}
    }
}

/// The greatest field id of the column and its fields.
pub(crate) fn greatest_id(column: &Column) -> i32 {
    fn within(data_type: &ColumnType) -> i32 {
        match data_type {
            ColumnType::Struct(fields) => fields.iter().map(greatest_id).max().unwrap_or(0),
            ColumnType::List(item) => within(item),
            _ => 0,
        }
    }
    column.id.max(within(&column.data_type))
}

/// Replaces a stream's definition; see `Catalog::replace`.
pub(crate) async fn replace(lake: &Lake, mut stream: Stream) -> Result<Arc<Stream>> {
    let at = lake.clock.now();
    let work = move |conn: &Connection| {
        let stored = conn
            .query_row("SELECT version, last_field, name FROM streams WHERE id = ?", [stream.id.0], |row| {
                Ok((count(row, 0)?, row.get::<_, i32>(1)?, row.get::<_, String>(2)?))
            })
            .optional()
            .doing("look up the stream")?;
        let name = &stream.definition.name;
        let (version, mut last_field, stored_name) =
            stored.ok_or_else(|| Error::not_found(format!("the stream '{name}' was dropped")))?;
        if version != stream.version {
            return Err(Error::conflict(format!("the stream '{name}' was changed by somebody else"))
                .hint("Look at its definition again and repeat the statement."));
        }
        if stored_name != name.as_str() {
            return Err(Error::invalid(format!("the stream '{stored_name}' cannot be renamed to '{name}'")));
        }
        stream.definition.columns.iter_mut().for_each(|column| assign_ids(column, &mut last_field));
        drift::changed(conn, &stream, at)?;
        stream.version += 1;
        let json = serde_json::to_string(&stream.definition).doing("describe a stream")?;
        let values = params![signed(stream.version), json, stream.paused, last_field, stream.id.0];
        conn.execute("UPDATE streams SET version = ?, definition = ?, paused = ?, last_field = ? WHERE id = ?", values)
            .doing("change a stream")?;
        Ok(Arc::new(stream))
    };
    lake.writer.write(work, define).await
}

/// Removes a stream and everything of it; queries that run keep what they see.
pub(crate) async fn remove(lake: &Lake, name: &StreamName) -> Result<()> {
    let name = name.clone();
    let work = move |conn: &Connection| {
        let id = find(conn, &name)?.ok_or_else(|| Error::not_found(format!("there is no stream '{name}'")))?;
        conn.execute("INSERT OR REPLACE INTO doomed SELECT path, file_set FROM files WHERE stream = ?", [id])
            .doing("drop a stream")?;
        conn.execute("DELETE FROM streams WHERE id = ?", [id]).doing("drop a stream")?;
        Ok(StreamId(id))
    };
    lake.writer.write(work, |state, id| state.remove(id)).await
}
