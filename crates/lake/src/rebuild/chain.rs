//! Which files form an unbroken history: for every source partition, each move continues the one before.

use crate::lineage::Coverage;
use crate::parquet_file::FoundFile;
use helios_contract::commit::{Counts, LedgerEntry, Move};
use helios_contract::record::Offsets;
use std::collections::{BTreeMap, BTreeSet};

/// The outcome of [`follow`].
#[derive(Debug, Default)]
pub(crate) struct Chained {
    pub(crate) kept: Vec<FoundFile>,
    pub(crate) aside: Vec<FoundFile>,
    /// Where each partition stands after the files kept.
    pub(crate) positions: Offsets,
    /// The holes that were stepped over.
    pub(crate) gaps: Vec<LedgerEntry>,
}

/// Follows the moves of all files from the beginning of every partition.
///
/// A set is kept or set aside as a whole, and so is a file: this repeats until nothing more has to go.
pub(crate) fn follow(files: Vec<FoundFile>, keep_after_holes: bool) -> Chained {
    let mut kept = files;
    let mut aside: Vec<FoundFile> = Vec::new();
    loop {
        let walk = walk(&kept, keep_after_holes);
        // What is set aside takes with it every set it holds parts of.
        let mut lost = walk.unreached;
        lost.extend(aside.iter().flat_map(|found| &found.file.lineage.covers).map(|cover| cover.set));
        let has_lost = |found: &FoundFile| found.file.lineage.covers.iter().any(|cover| lost.contains(&cover.set));
        let (out, stay): (Vec<_>, Vec<_>) = kept.into_iter().partition(has_lost);
        kept = stay;
        if out.is_empty() {
            return Chained { kept, aside, positions: walk.positions, gaps: walk.gaps };
        }
        aside.extend(out);
    }
}

#[derive(Debug, Default)]
struct Walk {
    unreached: BTreeSet<i64>,
    positions: Offsets,
    gaps: Vec<LedgerEntry>,
}

/// One move and the set that made it.
#[derive(Debug, Clone, Copy)]
struct Step<'a> {
    set: &'a Coverage,
    step: &'a Move,
}

fn walk(files: &[FoundFile], keep_after_holes: bool) -> Walk {
    let covers = files.iter().flat_map(|found| &found.file.lineage.covers);
    // The parts of a set repeat its moves.
    let sets: BTreeMap<i64, &Coverage> = covers.map(|cover| (cover.set, cover)).collect();
    let mut partitions: BTreeMap<&str, Vec<Step<'_>>> = BTreeMap::new();
    for set in sets.into_values() {
        set.moves.iter().for_each(|step| partitions.entry(&step.partition).or_default().push(Step { set, step }));
    }
    let mut walk = Walk::default();
    for (partition, steps) in partitions {
        walk_partition(partition, steps, keep_after_holes, &mut walk);
    }
    walk
}

fn walk_partition(partition: &str, mut steps: Vec<Step<'_>>, keep_after_holes: bool, walk: &mut Walk) {
    // Where two continue from the same place, the later one counts; one that stays in place goes first.
    steps.sort_by_key(|s| (s.step.from.as_ref() != Some(&s.step.to), std::cmp::Reverse(s.set.set)));
    let mut position: Option<String> = None;
    let mut passed: BTreeSet<Option<String>> = BTreeSet::new();
    loop {
        while let Some(next) = steps.iter().position(|s| s.step.from == position) {
            let Step { step, .. } = steps.remove(next);
            passed.insert(position.replace(step.to.clone()));
        }
        let after_hole =
            steps.iter().filter(|s| keep_after_holes && !passed.contains(&s.step.from)).min_by_key(|s| s.set.commit_min);
        let Some(Step { step, .. }) = after_hole else { break };
        walk.gaps.push(gap(partition, position.as_deref(), step.from.as_deref()));
        position.clone_from(&step.from);
    }
    walk.unreached.extend(steps.iter().map(|s| s.set.set));
    walk.positions.extend(position.map(|position| (partition.to_owned(), position)));
}

fn gap(partition: &str, reached: Option<&str>, next: Option<&str>) -> LedgerEntry {
    LedgerEntry {
        partition: partition.to_owned(),
        first: reached.unwrap_or_default().to_owned(),
        last: next.unwrap_or_default().to_owned(),
        counts: Counts::default(),
        gap: Some("rows between these positions were in the lost catalog only".to_owned()),
        n_lost: 0,
    }
}
