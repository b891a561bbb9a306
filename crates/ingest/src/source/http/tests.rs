//! What the inbox lets in, what it says, and what it forgets.

use super::*;
use bytes::Bytes;

fn parcel(n: usize, range: Option<(&str, Option<&str>, &str)>) -> Parcel {
    let range = range.map(|(partition, from, to)| SenderRange {
        partition: partition.to_owned(),
        from: from.map(str::to_owned),
        to: to.to_owned(),
    });
    let record = PushedRecord { payload: Bytes::from_static(b"{}"), key: None, time: None };
    Parcel { records: vec![record; n], at: Timestamp(0), range, key: None }
}

#[tokio::test]
async fn a_range_on_its_way_is_neither_repeated_nor_taken_twice() {
    let inbox = Inbox::new(1_000, 10);
    let mut source = open(inbox.clone(), &Offsets::new());
    let Ok(Admitted::Queued(awaited)) = inbox.admit(parcel(2, Some(("f", None, "2")))) else { panic!("it should be let in") };
    let early = inbox.admit(parcel(2, Some(("f", None, "2")))).err().unwrap();
    assert_eq!(early.kind(), helios_contract::Kind::Unavailable);
    let chunk = source.next().await.unwrap().unwrap();
    let counts = Counts { received: 2, stored: 2, ..Counts::default() };
    source.ack(&Offsets::new(), &[Done { tag: chunk.tag, commit: CommitId(7), counts }]).await.unwrap();
    assert_eq!(awaited.await.unwrap().unwrap().commit, CommitId(7));
    assert!(matches!(inbox.admit(parcel(2, Some(("f", None, "2")))), Ok(Admitted::Repeated)));
}

#[tokio::test]
async fn closing_tells_who_waits_and_opening_starts_at_the_stored_place() {
    let inbox = Inbox::new(1_000, 10);
    let source = open(inbox.clone(), &Offsets::new());
    let Ok(Admitted::Queued(awaited)) = inbox.admit(parcel(2, None)) else { panic!("it should be let in") };
    drop(source);
    assert_eq!(awaited.await.unwrap().unwrap_err().kind(), helios_contract::Kind::Unavailable);
    assert!(inbox.admit(parcel(1, None)).is_err());
    let mut source = open(inbox.clone(), &Offsets::from([(PARTITION.to_owned(), "40".to_owned())]));
    assert!(inbox.admit(parcel(2, None)).is_ok());
    let chunk = source.next().await.unwrap().unwrap();
    assert_eq!((chunk.from.as_deref(), chunk.to.as_str()), (Some("40"), "42"));
    assert_eq!(chunk.records[1].position, Position::Number(41));
}

#[tokio::test]
async fn a_rejection_reaches_all_who_wait_and_lets_nobody_in_behind_them() {
    let inbox = Inbox::new(1_000, 10);
    let mut source = open(inbox.clone(), &Offsets::new());
    let Ok(Admitted::Queued(first)) = inbox.admit(parcel(2, None)) else { panic!("it should be let in") };
    let tag = source.next().await.unwrap().unwrap().tag;
    let Ok(Admitted::Queued(second)) = inbox.admit(parcel(2, None)) else { panic!("it should be let in") };
    source.reject(&[tag], &Arc::new(Error::unavailable("the disk is full"))).await;
    for awaited in [first, second] {
        assert_eq!(awaited.await.unwrap().unwrap_err().message(), "the disk is full");
    }
    assert!(inbox.admit(parcel(1, None)).is_err());
}

#[tokio::test]
async fn one_push_larger_than_the_bound_is_let_in_alone() {
    let inbox = Inbox::new(3, 10);
    let _source = open(inbox.clone(), &Offsets::new());
    assert!(inbox.admit(parcel(100, None)).is_ok());
    assert_eq!(inbox.admit(parcel(1, None)).err().unwrap().kind(), helios_contract::Kind::Exhausted);
}

#[tokio::test]
async fn a_key_is_free_again_when_its_push_gave_up() {
    let inbox = Inbox::new(3, 10);
    let KeyState::Held(held) = inbox.hold("k") else { panic!("nobody holds it") };
    let KeyState::OnItsWay(awaited) = inbox.hold("k") else { panic!("it is held") };
    drop(held);
    assert!(awaited.await.is_err());
    assert!(matches!(inbox.hold("k"), KeyState::Held(_)));
}
