//! Chains of moves: whole, broken, and merged.

use super::*;

fn step(from: Option<&str>, to: &str) -> Move {
    Move { partition: "0".to_owned(), from: from.map(str::to_owned), to: to.to_owned() }
}

fn cover(set: i64, part: u32, last: bool, moves: Vec<Move>) -> Coverage {
    Coverage {
        set,
        part,
        last,
        commit_min: CommitId(set),
        commit_max: CommitId(set),
        at: Timestamp(set),
        newest: None,
        moves,
        ledger: Vec::new(),
    }
}

#[test]
fn neighbouring_moves_join_in_any_order() {
    let moves = [step(Some("5"), "9"), step(None, "5"), step(Some("20"), "30"), step(Some("9"), "10")];
    assert_eq!(join_moves(&moves), [step(None, "10"), step(Some("20"), "30")]);
}

#[test]
fn a_circle_of_moves_ends() {
    let moves = [step(Some("1"), "2"), step(Some("2"), "1")];
    assert_eq!(join_moves(&moves).len(), 1);
}

#[test]
fn sets_join_only_when_whole() {
    let folded = fold(
        9,
        vec![
            cover(1, 0, true, vec![step(None, "1")]),
            cover(2, 0, false, vec![step(Some("1"), "2")]),
            cover(3, 1, true, vec![step(Some("2"), "3")]),
            cover(3, 0, false, vec![step(Some("2"), "3")]),
        ],
    );
    assert_eq!(folded.len(), 2);
    assert_eq!((folded[0].set, folded[0].part), (2, 0));
    assert_eq!(folded[1].moves, [step(None, "1"), step(Some("2"), "3")]);
    assert_eq!((folded[1].set, folded[1].commit_max), (9, CommitId(3)));
}
