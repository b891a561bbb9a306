//! Which shards may be read: children only once what their parents held is committed, at any depth of splits and merges.

use super::api::Shard;
use super::place::Place;
use helios_contract::Result;
use helios_contract::record::Offsets;
use std::collections::{BTreeMap, BTreeSet};

/// What to do about the shards of a stream.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// To be read now, from these places on; the stored position of a new one is not there yet.
    pub(super) ready: Vec<(Shard, Place)>,
    /// Gone before they were read to their ends, with what is stored of them.
    pub(super) expired: Vec<(String, Option<String>)>,
    /// A shard is closed and read, and nobody knows its children yet: ask again.
    pub(super) is_incomplete: bool,
}

/// Decides from what the service lists and what the lake has committed. Pure, so that nothing else needs to be remembered.
///
/// # Errors
/// `Corrupt` when a stored position is none of ours.
pub(super) fn plan(shards: &[Shard], committed: &Offsets) -> Result<Plan> {
    let listed: BTreeMap<&str, &Shard> = shards.iter().map(|shard| (shard.id.as_str(), shard)).collect();
    let is_done = |id: &str| committed.get(id).is_some_and(|stored| Place::is_closed(stored));
    let is_gone = |id: &str| !listed.contains_key(id);
    let mut plan = Plan::default();
    let mut expired: BTreeSet<(&str, Option<&String>)> = BTreeSet::new();
    expired
        .extend(committed.iter().filter(|(id, _)| is_gone(id) && !is_done(id)).map(|(id, stored)| (id.as_str(), Some(stored))));
    for shard in shards.iter().filter(|shard| !is_done(&shard.id)) {
        // Where a stream begins is stored for all its shards, so what is not stored came later, and so did its parents.
        let unknown = shard.parents.iter().filter(|id| is_gone(id) && !committed.contains_key(*id));
        if !committed.contains_key(&shard.id) {
            expired.extend(unknown.map(|id| (id.as_str(), None)));
        }
    }
    for shard in shards.iter().filter(|shard| !is_done(&shard.id)) {
        let is_free =
            |parent: &String| is_done(parent) || is_gone(parent) && !expired.iter().any(|(id, _)| *id == parent.as_str());
        if shard.parents.iter().all(is_free) {
            let place = committed.get(&shard.id).map_or(Ok(Place::Earliest), |stored| Place::parse(&shard.id, stored))?;
            plan.ready.push((shard.clone(), place));
        }
    }
    let with_children: BTreeSet<&String> = shards.iter().flat_map(|shard| &shard.parents).collect();
    plan.is_incomplete = shards.iter().any(|shard| is_done(&shard.id) && !with_children.contains(&shard.id));
    plan.expired = expired.into_iter().map(|(id, stored)| (id.to_owned(), stored.cloned())).collect();
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: &str, parents: &[&str]) -> Shard {
        let parents = parents.iter().map(|id| (*id).to_owned()).collect();
        Shard { id: id.to_owned(), parents, hashes: (0, u128::MAX), is_closed: false }
    }

    fn planned(shards: &[Shard], committed: &[(&str, &str)]) -> (Vec<String>, Vec<String>, bool) {
        let committed = committed.iter().map(|(id, place)| ((*id).to_owned(), (*place).to_owned())).collect();
        let plan = plan(shards, &committed).unwrap();
        let ready = plan.ready.into_iter().map(|(shard, place)| format!("{} {place}", shard.id)).collect();
        let expired = plan.expired.into_iter().map(|(id, stored)| format!("{id} {}", stored.unwrap_or_default())).collect();
        (ready, expired, plan.is_incomplete)
    }

    #[test]
    fn children_wait_for_their_parents_however_deep() {
        // a is split into b and c; c and d are merged into e; e is split into f and g.
        let all = [
            shard("a", &[]),
            shard("b", &["a"]),
            shard("c", &["a"]),
            shard("d", &[]),
            shard("e", &["c", "d"]),
            shard("f", &["e"]),
            shard("g", &["e"]),
        ];
        let ready = |committed: &[(&str, &str)]| planned(&all, committed).0;
        assert_eq!(ready(&[("a", "17"), ("d", "earliest")]), ["a 17", "d earliest"]);
        assert_eq!(ready(&[("a", "closed"), ("d", "earliest")]), ["b earliest", "c earliest", "d earliest"]);
        assert_eq!(ready(&[("a", "closed"), ("b", "3"), ("c", "closed"), ("d", "5")]), ["b 3", "d 5"]);
        let merged = [("a", "closed"), ("b", "3"), ("c", "closed"), ("d", "closed")];
        assert_eq!(ready(&merged), ["b 3", "e earliest"]);
        let split = [("a", "closed"), ("b", "3"), ("c", "closed"), ("d", "closed"), ("e", "closed")];
        assert_eq!(ready(&split), ["b 3", "f earliest", "g earliest"]);
    }

    #[test]
    fn what_expired_is_told_once_and_then_its_children_are_free() {
        // While nobody read: a was split, then a and its child b expired, and c, b's child, is left.
        let left = [shard("c", &["b"])];
        assert_eq!(planned(&left, &[("a", "17")]), (vec![], vec!["a 17".into(), "b ".into()], false));
        assert_eq!(planned(&left, &[("a", "closed"), ("b", "closed")]), (vec!["c earliest".into()], vec![], false));
        // A parent that was gone before the stream was created promised nothing.
        assert_eq!(planned(&left, &[("c", "earliest")]), (vec!["c earliest".into()], vec![], false));
    }

    #[test]
    fn a_closed_shard_has_children_sooner_or_later() {
        assert!(planned(&[shard("a", &[])], &[("a", "closed")]).2);
        assert!(!planned(&[shard("a", &[]), shard("b", &["a"])], &[("a", "closed")]).2);
        assert!(!planned(&[shard("b", &["a"])], &[("a", "closed")]).2);
        assert!(plan(&[shard("a", &[])], &Offsets::from([("a".into(), "12x".into())])).is_err());
    }
}
