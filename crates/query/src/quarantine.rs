//! Carries out statements about quarantine: finds the records by SQL, and hands their numbers over.

use crate::engine::Engine;
use crate::errors::from_datafusion;
use crate::limits::Allowed;
use crate::parse::Text;
use crate::statement::{QuarantineStatement, Verb};
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use helios_contract::error::{Error, Result};
use helios_contract::quarantine::{Fate, Outcome, QuarantineId};
use helios_contract::query::Parameters;
use std::sync::Arc;
use std::time::Duration;

/// A replay commits as it goes and may take long; it ends when whoever asked goes away.
pub(crate) const REPLAY_WITHIN: Duration = Duration::from_secs(24 * 3600);

impl Engine {
    pub(crate) async fn quarantine(
        &self,
        statement: QuarantineStatement,
        text: Text,
        parameters: &Parameters,
        allowed: &Allowed,
    ) -> Result<RecordBatch> {
        let QuarantineStatement { stream, which, verb } = statement;
        self.stream(stream.as_str())?;
        let found = Box::pin(self.select(*which, text, parameters, allowed, None)).await?;
        let ids = ids(found.rows.try_collect().await.map_err(|error| from_datafusion(error, None))?);
        // The slot for queries is free again once the numbers are known.
        drop((found.snapshots, found.slot));
        match verb {
            Verb::Discard(reason) => {
                let n = self.parts.quarantine.discard(&stream, ids, &reason).await?;
                discarded(Some((stream.as_str(), n)))
            }
            Verb::Replay(fixes) => outcomes(&self.parts.quarantine.replay(&stream, ids, fixes).await?, &Verb::Replay(Vec::new())),
            Verb::Rehearse(fixes) => {
                outcomes(&self.parts.quarantine.rehearse(&stream, ids, fixes).await?, &Verb::Rehearse(Vec::new()))
            }
        }
    }
}

pub(crate) fn ids(batches: Vec<RecordBatch>) -> Vec<QuarantineId> {
    let of = |batch: &RecordBatch| batch.column(0).as_primitive::<Int64Type>().values().to_vec();
    batches.iter().flat_map(of).map(QuarantineId).collect()
}

/// An answer without rows, for its fields.
pub(crate) fn blank(verb: &Verb) -> Result<RecordBatch> {
    match verb {
        Verb::Discard(_) => discarded(None),
        Verb::Replay(_) | Verb::Rehearse(_) => outcomes(&[], verb),
    }
}

fn discarded(done: Option<(&str, u64)>) -> Result<RecordBatch> {
    batch(vec![
        ("stream", Arc::new(done.iter().map(|(stream, _)| Some(*stream)).collect::<StringArray>())),
        ("n_discarded", Arc::new(done.iter().map(|(_, n)| i64::try_from(*n).ok()).collect::<Int64Array>())),
    ])
}

fn outcomes(outcomes: &[Outcome], verb: &Verb) -> Result<RecordBatch> {
    let rehearses = matches!(verb, Verb::Rehearse(_));
    let text = |of: &dyn Fn(&Outcome) -> String| -> ArrayRef {
        Arc::new(outcomes.iter().map(|outcome| Some(of(outcome)).filter(|text| !text.is_empty())).collect::<StringArray>())
    };
    let n_records: Int64Array = outcomes.iter().map(|outcome| i64::try_from(outcome.n_records).ok()).collect();
    batch(vec![
        ("outcome", text(&|outcome| word(outcome.fate, rehearses).to_owned())),
        ("reason", text(&|outcome| outcome.reason.clone())),
        ("path", text(&|outcome| outcome.path.clone())),
        ("n_records", Arc::new(n_records)),
        ("sample", text(&|outcome| outcome.sample.clone())),
    ])
}

fn word(fate: Fate, rehearses: bool) -> &'static str {
    match (fate, rehearses) {
        (Fate::Stored, false) => "stored",
        (Fate::Stored, true) => "would pass",
        (Fate::Filtered, false) => "filtered",
        (Fate::Filtered, true) => "would be filtered",
        (Fate::Deduplicated, false) => "deduplicated",
        (Fate::Deduplicated, true) => "would be deduplicated",
        (Fate::Unfit, false) => "still quarantined",
        (Fate::Unfit, true) => "would stay",
    }
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .map_err(|e| Error::internal("cannot build the answer").because(e))
}
