//! The seam to small JSON documents that people keep on the server: saved queries, history, links, drafts.

use crate::clock::Timestamp;
use crate::error::Result;
use async_trait::async_trait;

/// What a document is for. Each kind has ids of its own and a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// A query with a title.
    SavedQuery,
    /// A statement that was run.
    History,
    /// The place a short link leads to.
    Link,
    /// Something not finished yet.
    Draft,
    /// What a newcomer has done so far.
    Checklist,
}

impl DocumentKind {
    /// The word it is kept under.
    pub fn as_str(self) -> &'static str {
        match self {
            DocumentKind::SavedQuery => "saved_query",
            DocumentKind::History => "history",
            DocumentKind::Link => "link",
            DocumentKind::Draft => "draft",
            DocumentKind::Checklist => "checklist",
        }
    }

    /// How many there may be, and what happens to one more.
    pub fn bound(self) -> (u64, WhenFull) {
        match self {
            DocumentKind::SavedQuery => (10_000, WhenFull::Refuse),
            DocumentKind::History => (20_000, WhenFull::DropOldest),
            DocumentKind::Link => (20_000, WhenFull::DropOldest),
            DocumentKind::Draft => (1_000, WhenFull::DropOldest),
            DocumentKind::Checklist => (100, WhenFull::DropOldest),
        }
    }
}

/// What happens to one document more than there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It is refused.
    Refuse,
    /// The oldest makes room.
    DropOldest,
}

/// A small JSON document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its name among those of its kind.
    pub id: String,
    /// When it was made or changed, whichever its kind is listed by.
    pub at: Timestamp,
    /// From when on it is gone; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// What a search looks through.
    pub text: String,
    /// The document.
    pub body: serde_json::Value,
}

/// Which documents of a kind to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Only those whose text holds this, whatever the case of its ASCII letters.
    pub containing: Option<String>,
    /// Only those listed behind the one with this id.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// Keeps documents. What is answered as kept is on disk.
#[async_trait]
pub trait Documents: Send + Sync {
    /// The document, unless it has expired.
    async fn get(&self, kind: DocumentKind, id: &str) -> Result<Option<Document>>;

    /// Keeps a document in the place of one with the same id, and forgets those that have expired.
    ///
    /// # Errors
    /// `Exhausted` when there are too many of the kind; `Unavailable` when the disk refuses.
    async fn put(&self, kind: DocumentKind, document: Document) -> Result<()>;

    /// Documents that have not expired, newest first.
    async fn list(&self, kind: DocumentKind, page: Page) -> Result<Vec<Document>>;

    /// Forgets a document; false when there was none.
    async fn delete(&self, kind: DocumentKind, id: &str) -> Result<bool>;
}
