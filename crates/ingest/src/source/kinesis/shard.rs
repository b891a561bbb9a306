//! One shard on its way into chunks: what was read, from where to where, and what was passed over.

use super::aggregate;
use super::api::{From, Page, Raw, Shard};
use super::place::Place;
use super::trouble::named;
use bytes::Bytes;
use helios_contract::record::{Chunk, Gap, Position, Record};
use helios_contract::{Kind, Result};
use std::sync::Arc;

const RETENTION_PASSED: &str = "retention passed: the shard was gone before everything in it was read";
const LAST_EXPIRED: &str = "retention passed: the record read last has expired, and others behind it may have";
const ELSEWHERE: &str = "user records of aggregates that belong to other shards, where their producer sends them again";

/// A shard, and how far it was handed over.
pub(super) struct Reading {
    pub(super) shard: Shard,
    name: Arc<str>,
    what: String,
    record_bytes_max: usize,
    /// What the lake has, or will have once everything handed over is committed.
    stored: Option<String>,
    place: Place,
    /// The record read last before this process; it comes again first, unless it has expired.
    expected: Option<String>,
    /// Where a subscription goes on; it may be further than the last record.
    continuation: Option<String>,
}

impl Reading {
    /// One that begins at `place`; it `is_stored` unless the shard is new.
    pub(super) fn new(shard: Shard, place: Place, is_stored: bool, what: String, record_bytes_max: usize) -> Reading {
        let expected = match &place {
            Place::Read(sequence) => Some(sequence.clone()),
            _ => None,
        };
        let stored = is_stored.then(|| place.to_string());
        let name = shard.id.as_str().into();
        Reading { shard, name, what, record_bytes_max, stored, place, expected, continuation: None }
    }

    /// Where to ask the service to go on.
    pub(super) fn from(&self) -> From {
        match &self.continuation {
            Some(continuation) => From::After(continuation.clone()),
            None if self.expected.is_some() => self.place.from(),
            None => match &self.place {
                Place::Read(sequence) => From::After(sequence.clone()),
                place => place.from(),
            },
        }
    }

    /// A subscription goes on here.
    pub(super) fn goes_on(&mut self, continuation: Option<String>) {
        self.continuation = continuation;
    }

    /// Makes a chunk of a page; `None` when nothing moves.
    ///
    /// # Errors
    /// `record_too_large`: the record stays unread.
    pub(super) fn take(&mut self, page: Page) -> Result<Option<Chunk>> {
        let mut gaps = Vec::new();
        let is_last = page.next.is_none();
        let mut raws = page.records.into_iter().peekable();
        if let Some(first) = raws.peek()
            && let Some(expected) = self.expected.take()
        {
            if first.sequence == expected {
                raws.next();
            } else {
                let last = first.sequence.clone();
                gaps.push(Gap { first: expected, last, n_lost: None, reason: LAST_EXPIRED.to_owned() });
            }
        }
        let mut records = Vec::new();
        let mut elsewhere: Option<Gap> = None;
        let mut place = None;
        for raw in raws {
            self.check_size(&raw)?;
            place = Some(Place::Read(raw.sequence.clone()));
            self.add(raw, &mut records, &mut elsewhere);
        }
        gaps.extend(elsewhere);
        let place = if is_last { Some(Place::Closed) } else { place };
        Ok(place.map(|place| self.moved(place, records, gaps)))
    }

    /// The chunk that says that the rest of the shard is gone.
    pub(super) fn gone(&mut self) -> Chunk {
        let gap = expired_gap(self.stored.as_deref());
        self.moved(Place::Closed, Vec::new(), vec![gap])
    }

    fn moved(&mut self, place: Place, records: Vec<Record>, gaps: Vec<Gap>) -> Chunk {
        let to = place.to_string();
        self.place = place;
        self.continuation = None;
        let from = self.stored.replace(to.clone());
        Chunk { partition: self.name.clone(), from, to, records, gaps, idempotency_key: None, tag: 0 }
    }

    fn check_size(&self, raw: &Raw) -> Result<()> {
        if raw.data.len() <= self.record_bytes_max {
            return Ok(());
        }
        let detail = format!("the record {} of {} has {} bytes", raw.sequence, self.shard.id, raw.data.len());
        Err(named(Kind::Invalid, "record_too_large", &self.what, detail)
            .hint("Raise the option record_max_bytes; no record was skipped."))
    }

    // An aggregate is never divided between two chunks, so that it is committed whole or not at all.
    fn add(&self, raw: Raw, records: &mut Vec<Record>, elsewhere: &mut Option<Gap>) {
        let data = Bytes::from(raw.data);
        let Some(user_records) = aggregate::unpack(&data) else {
            let position = Position::Text(raw.sequence.into());
            records.push(Record { position, time: raw.time, key: Some(raw.key.into()), headers: Vec::new(), payload: data });
            return;
        };
        let (first, last) = self.shard.hashes;
        for (i, user) in user_records.into_iter().enumerate() {
            let position = format!("{}/{i}", raw.sequence);
            // The shard was split while the producer sent: it learns that, and sends these again to where they belong.
            if !(first..=last).contains(&user.hash) {
                let gap = elsewhere.get_or_insert_with(|| Gap {
                    first: position.clone(),
                    last: position.clone(),
                    n_lost: None,
                    reason: ELSEWHERE.to_owned(),
                });
                gap.last = position;
                continue;
            }
            let position = Position::Text(position.into());
            records.push(Record { position, time: raw.time, key: Some(user.key), headers: Vec::new(), payload: user.data });
        }
    }
}

/// What the ledger says of a shard that expired before it was read to its end; `stored` is where reading stood.
pub(super) fn expired_gap(stored: Option<&str>) -> Gap {
    let first = stored.unwrap_or("earliest").to_owned();
    Gap { first, last: "closed".to_owned(), n_lost: None, reason: RETENTION_PASSED.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::cause_of;
    use helios_contract::Timestamp;
    use std::time::Duration;

    fn shard(hashes: (u128, u128)) -> Shard {
        Shard { id: "s".into(), parents: Vec::new(), hashes, is_closed: false }
    }

    fn reading(place: Place, is_stored: bool) -> Reading {
        Reading::new(shard((0, u128::MAX)), place, is_stored, "reading".into(), 100)
    }

    fn page(records: &[(&str, &[u8])], next: Option<&str>) -> Page {
        let raw = |(sequence, data): &(&str, &[u8])| Raw {
            sequence: (*sequence).to_owned(),
            time: Timestamp(5),
            key: "k".to_owned(),
            data: data.to_vec(),
        };
        Page { records: records.iter().map(raw).collect(), next: next.map(str::to_owned), behind: Duration::ZERO }
    }

    fn shown(chunk: &Chunk) -> (Option<&str>, &str, Vec<String>) {
        (chunk.from.as_deref(), &chunk.to, chunk.records.iter().map(|record| record.position.to_string()).collect())
    }

    #[test]
    fn chunks_chain_from_the_stored_place_to_the_end() {
        let mut new = reading(Place::Earliest, false);
        assert_eq!(new.from(), From::Earliest);
        assert!(new.take(page(&[], Some("i"))).unwrap().is_none());
        let chunk = new.take(page(&[("1", b"a"), ("2", b"b")], Some("i"))).unwrap().unwrap();
        assert_eq!(shown(&chunk), (None, "2", vec!["1".into(), "2".into()]));
        assert_eq!(new.from(), From::After("2".into()));
        let chunk = new.take(page(&[], None)).unwrap().unwrap();
        assert_eq!(shown(&chunk), (Some("2"), "closed", vec![]));
    }

    #[test]
    fn the_record_read_last_is_asked_for_again_and_not_taken_twice() {
        let mut again = reading(Place::Read("2".into()), true);
        assert_eq!(again.from(), From::At("2".into()));
        let chunk = again.take(page(&[("2", b"b"), ("3", b"c")], Some("i"))).unwrap().unwrap();
        assert_eq!((shown(&chunk), chunk.gaps.len()), ((Some("2"), "3", vec!["3".into()]), 0));
        let mut late = reading(Place::Read("2".into()), true);
        assert!(late.take(page(&[("2", b"b")], Some("i"))).unwrap().is_none());
        assert_eq!(late.from(), From::After("2".into()));
        let mut expired = reading(Place::Read("2".into()), true);
        let chunk = expired.take(page(&[("9", b"c")], Some("i"))).unwrap().unwrap();
        assert_eq!((chunk.gaps[0].first.as_str(), chunk.gaps[0].last.as_str()), ("2", "9"));
        assert_eq!(shown(&chunk), (Some("2"), "9", vec!["9".into()]));
    }

    #[test]
    fn an_aggregate_is_taken_whole_and_without_what_belongs_elsewhere() {
        let packed = aggregate::tests::pack(&[("a", Some(1), b"{}"), ("b", Some(9), b"{}"), ("c", Some(3), b"{}")]);
        let mut half = Reading::new(shard((0, 4)), Place::Earliest, true, "reading".into(), 100);
        let chunk = half.take(page(&[("7", &packed)], Some("i"))).unwrap().unwrap();
        assert_eq!(shown(&chunk), (Some("earliest"), "7", vec!["7/0".into(), "7/2".into()]));
        assert_eq!(chunk.records[1].key.as_deref(), Some(&b"c"[..]));
        assert_eq!((chunk.gaps[0].first.as_str(), chunk.gaps[0].last.as_str()), ("7/1", "7/1"));
    }

    #[test]
    fn a_record_over_the_limit_moves_nothing() {
        let mut small = reading(Place::Earliest, true);
        let error = small.take(page(&[("1", b"a"), ("2", &[0; 101])], Some("i"))).unwrap_err();
        assert_eq!(cause_of(&error), "record_too_large");
        assert_eq!(error.message(), "reading: the record 2 of s has 101 bytes");
        assert_eq!(small.from(), From::Earliest);
    }

    #[test]
    fn a_shard_that_is_gone_leaves_a_gap() {
        let chunk = reading(Place::Read("2".into()), true).gone();
        assert_eq!((shown(&chunk), chunk.gaps[0].first.as_str()), ((Some("2"), "closed", vec![]), "2"));
    }
}
