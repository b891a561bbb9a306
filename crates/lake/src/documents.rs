//! Small JSON documents in the catalog database, written by its one writer like everything else there.

use crate::Lake;
use crate::catalog;
use crate::failure::Doing;
use async_trait::async_trait;
use helios_contract::clock::Timestamp;
use helios_contract::documents::{Document, DocumentKind, Documents, Page, WhenFull};
use helios_contract::error::{Error, Result};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Made whenever the catalog is opened for writing: nothing else refers to it, so it has no part in the catalog's version.
pub(crate) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, expires_at INTEGER, text TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS documents_by_time ON documents (kind, at, id);
";

#[async_trait]
impl Documents for Lake {
    async fn get(&self, kind: DocumentKind, id: &str) -> Result<Option<Document>> {
        let (id, now) = (id.to_owned(), self.clock.now());
        catalog::read(self.catalog_path(), move |conn| {
            let select = "SELECT id, at, expires_at, text, body FROM documents
                          WHERE kind = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)";
            conn.query_row(select, params![kind.as_str(), id, now.0], document).optional().doing("read a document")
        })
        .await
    }

    async fn put(&self, kind: DocumentKind, document: Document) -> Result<()> {
        let now = self.clock.now();
        self.writer.write(move |conn| put(conn, kind, &document, now), |_, ()| ()).await
    }

    async fn list(&self, kind: DocumentKind, page: Page) -> Result<Vec<Document>> {
        let now = self.clock.now();
        catalog::read(self.catalog_path(), move |conn| list(conn, kind, &page, now).doing("list documents")).await
    }

    async fn delete(&self, kind: DocumentKind, id: &str) -> Result<bool> {
        let id = id.to_owned();
        let delete = move |conn: &Connection| {
            let values = params![kind.as_str(), id];
            conn.execute("DELETE FROM documents WHERE kind = ? AND id = ?", values).doing("delete a document")
        };
        self.writer.write(delete, |_, n_deleted| n_deleted > 0).await
    }
}

fn put(conn: &Connection, kind: DocumentKind, document: &Document, now: Timestamp) -> Result<()> {
    let what = "keep a document";
    let body = document.body.to_string();
    conn.execute("DELETE FROM documents WHERE kind = ? AND expires_at <= ?", params![kind.as_str(), now.0]).doing(what)?;
    conn.prepare_cached("INSERT OR REPLACE INTO documents (kind, id, at, expires_at, text, body) VALUES (?, ?, ?, ?, ?, ?)")
        .and_then(|mut insert| {
            let expires_at = document.expires_at.map(|at| at.0);
            insert.execute(params![kind.as_str(), document.id, document.at.0, expires_at, document.text, body])
        })
        .doing(what)?;
    let count = "SELECT count(*) FROM documents WHERE kind = ?";
    let n_kept: i64 = conn.query_row(count, [kind.as_str()], |row| row.get(0)).doing(what)?;
    let (n_max, when_full) = kind.bound();
    let n_over = n_kept.saturating_sub(i64::try_from(n_max).unwrap_or(i64::MAX));
    match when_full {
        _ if n_over <= 0 => Ok(()),
        WhenFull::Refuse => Err(Error::exhausted(format!("there are {n_max} of the kind {} already", kind.as_str()))
            .hint("Delete some that nobody needs.")),
        WhenFull::DropOldest => {
            let delete = "DELETE FROM documents WHERE kind = ?1
                          AND id IN (SELECT id FROM documents WHERE kind = ?1 ORDER BY at, id LIMIT ?2)";
            conn.execute(delete, params![kind.as_str(), n_over]).map(drop).doing(what)
        }
    }
}

fn list(conn: &Connection, kind: DocumentKind, page: &Page, now: Timestamp) -> rusqlite::Result<Vec<Document>> {
    // The place of the one to list behind; where it is gone, nothing is behind it.
    let after: Option<(i64, String)> = match &page.after {
        None => Some((i64::MAX, String::new())),
        Some(id) => conn
            .query_row("SELECT at, id FROM documents WHERE kind = ? AND id = ?", params![kind.as_str(), id], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?,
    };
    let Some((at, id)) = after else { return Ok(Vec::new()) };
    let mut select = conn.prepare(
        "SELECT id, at, expires_at, text, body FROM documents
         WHERE kind = ?1 AND (expires_at IS NULL OR expires_at > ?2) AND (at, id) < (?3, ?4)
               AND (?5 IS NULL OR instr(lower(text), lower(?5)) > 0)
         ORDER BY at DESC, id DESC LIMIT ?6",
    )?;
    let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
    let rows = select.query_map(params![kind.as_str(), now.0, at, id, page.containing, limit], document)?;
    rows.collect()
}

fn document(row: &Row<'_>) -> rusqlite::Result<Document> {
    let body: String = row.get(4)?;
    let body =
        serde_json::from_str(&body).map_err(|cause| rusqlite::Error::FromSqlConversionFailure(4, Type::Text, Box::new(cause)))?;
    Ok(Document {
        id: row.get(0)?,
        at: Timestamp(row.get(1)?),
        expires_at: row.get::<_, Option<i64>>(2)?.map(Timestamp),
        text: row.get(3)?,
        body,
    })
}
