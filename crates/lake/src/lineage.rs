//! Where the rows of a file come from: what its footer says so that the catalog can be rebuilt from files alone.
//!
//! Every commit is covered by exactly one *set* of files, written together. A set is whole once all its parts are
//! there, in whatever files they have been merged into since.

use helios_contract::clock::Timestamp;
use helios_contract::commit::{CommitId, LedgerEntry, Move};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a set of files says about the commits in it. Each part of the set carries it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Coverage {
    /// The number of the set.
    pub(crate) set: i64,
    /// Which part of the set this is, from 0.
    pub(crate) part: u32,
    /// Whether it is the last part.
    pub(crate) last: bool,
    /// The oldest commit covered.
    pub(crate) commit_min: CommitId,
    /// The newest commit covered.
    pub(crate) commit_max: CommitId,
    /// When the newest commit was made.
    pub(crate) at: Timestamp,
    /// The arrival of the newest record.
    pub(crate) newest: Option<Timestamp>,
    /// How the commits moved the source's positions; neighbouring moves are joined.
    pub(crate) moves: Vec<Move>,
    /// What became of the records, one entry for a partition, and one for a gap.
    pub(crate) ledger: Vec<LedgerEntry>,
}

/// Everything a file says about its past.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Lineage {
    /// The sets it holds parts of.
    pub(crate) covers: Vec<Coverage>,
    /// Rows of those that retention removed, by source partition.
    pub(crate) expired: BTreeMap<String, u64>,
}

impl Lineage {
    /// The lineage of one file that replaces all of these, as the only part of `set`.
    pub(crate) fn merged(set: i64, parts: Vec<Lineage>) -> Lineage {
        let mut expired = BTreeMap::new();
        for (partition, n) in parts.iter().flat_map(|part| &part.expired) {
            *expired.entry(partition.clone()).or_default() += n;
        }
        let covers = fold(set, parts.into_iter().flat_map(|part| part.covers).collect());
        Lineage { covers, expired }
    }
}

/// The sets of which all parts are among these.
pub(crate) fn whole_sets<'a>(covers: impl IntoIterator<Item = &'a Coverage>) -> BTreeSet<i64> {
    let mut parts: BTreeMap<i64, (BTreeSet<u32>, Option<u32>)> = BTreeMap::new();
    for cover in covers {
        let (present, last) = parts.entry(cover.set).or_default();
        present.insert(cover.part);
        if cover.last {
            *last = Some(cover.part);
        }
    }
    let whole =
        |(present, last): &(BTreeSet<u32>, Option<u32>)| last.is_some_and(|last| present.len() as u64 == u64::from(last) + 1);
    parts.into_iter().filter(|(_, parts)| whole(parts)).map(|(set, _)| set).collect()
}

/// Joins everything whole into one coverage, the only part of `set`; parts of others stay as they are.
pub(crate) fn fold(set: i64, mut covers: Vec<Coverage>) -> Vec<Coverage> {
    let whole = whole_sets(&covers);
    covers.sort_by_key(|cover| (cover.commit_min, cover.set, cover.part));
    let (joined, mut rest): (Vec<_>, Vec<_>) = covers.into_iter().partition(|cover| whole.contains(&cover.set));
    // Each part repeats what the set says: one is enough.
    let joined: Vec<Coverage> = joined.into_iter().filter(|cover| cover.part == 0).collect();
    let Some(first) = joined.first() else { return rest };
    rest.push(Coverage {
        set,
        part: 0,
        last: true,
        commit_min: first.commit_min,
        commit_max: joined.iter().map(|cover| cover.commit_max).max().unwrap_or(first.commit_max),
        at: joined.iter().map(|cover| cover.at).max().unwrap_or(first.at),
        newest: joined.iter().filter_map(|cover| cover.newest).max(),
        moves: join_moves(joined.iter().flat_map(|cover| &cover.moves)),
        ledger: join_ledger(joined.iter().flat_map(|cover| &cover.ledger)),
    });
    rest
}

/// Joins moves of which one ends where the next begins; the rest stays.
pub(crate) fn join_moves<'a>(moves: impl IntoIterator<Item = &'a Move>) -> Vec<Move> {
    let moves: Vec<&Move> = moves.into_iter().collect();
    let mut by_from: HashMap<(&str, &str), usize> = HashMap::new();
    for (i, step) in moves.iter().enumerate() {
        if let Some(from) = &step.from {
            by_from.insert((&step.partition, from), i);
        }
    }
    let ends: BTreeSet<(&str, &str)> = moves.iter().map(|step| (step.partition.as_str(), step.to.as_str())).collect();
    let continues = |step: &Move| step.from.as_deref().is_some_and(|from| ends.contains(&(step.partition.as_str(), from)));
    let mut used = vec![false; moves.len()];
    let mut joined = Vec::new();
    // Chains start at moves that continue no other; what is left after those runs in a circle and is cut anywhere.
    let starts = (0..moves.len()).filter(|i| !continues(moves[*i])).chain(0..moves.len());
    for start in starts {
        if used[start] {
            continue;
        }
        used[start] = true;
        let mut chain = moves[start].clone();
        while let Some(&next) = by_from.get(&(chain.partition.as_str(), chain.to.as_str())) {
            if used[next] {
                break;
            }
            used[next] = true;
            chain.to.clone_from(&moves[next].to);
        }
        joined.push(chain);
    }
    joined
}

/// Adds up entries by partition, oldest first; gaps stay on their own.
pub(crate) fn join_ledger<'a>(entries: impl IntoIterator<Item = &'a LedgerEntry>) -> Vec<LedgerEntry> {
    let mut sums: BTreeMap<&str, LedgerEntry> = BTreeMap::new();
    let mut gaps = Vec::new();
    for entry in entries {
        if entry.gap.is_some() {
            gaps.push(entry.clone());
            continue;
        }
        match sums.get_mut(entry.partition.as_str()) {
            Some(sum) => {
                // What is replayed stands far before what is received; it does not end the range.
                if entry.counts.received > 0 {
                    sum.last.clone_from(&entry.last);
                }
                sum.counts.add(&entry.counts);
                sum.n_lost += entry.n_lost;
            }
            None => {
                sums.insert(&entry.partition, entry.clone());
            }
        }
    }
    sums.into_values().chain(gaps).collect()
}

#[cfg(test)]
mod tests;
