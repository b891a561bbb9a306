//! Aggregated records: the many user records that the Kinesis Producer Library packs into one.
//!
//! Four magic bytes, a protocol buffer, and the MD5 sum of the latter. Whatever is not exactly that is an ordinary record.

use bytes::Bytes;
use md5::{Digest, Md5};

const MAGIC: &[u8] = &[0xf3, 0x89, 0x9a, 0xc2];
const SUM_BYTES: usize = 16;

/// One user record of an aggregate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UserRecord {
    /// Its partition key.
    pub(crate) key: Bytes,
    /// What decides which shard it belongs to.
    pub(crate) hash: u128,
    /// Its bytes.
    pub(crate) data: Bytes,
}

/// The user records of an aggregate, none of them copied; `None` when the record is not one.
pub(crate) fn unpack(record: &Bytes) -> Option<Vec<UserRecord>> {
    let body = record.strip_prefix(MAGIC)?;
    let (message, sum) = body.split_at_checked(body.len().checked_sub(SUM_BYTES)?)?;
    if Md5::digest(message).as_slice() != sum {
        return None;
    }
    let message = record.slice(MAGIC.len()..MAGIC.len() + message.len());
    let (mut keys, mut hashes, mut records) = (Vec::new(), Vec::new(), Vec::new());
    for field in fields(&message) {
        match field? {
            (1, Value::Bytes(key)) => keys.push(key),
            (2, Value::Bytes(hash)) => hashes.push(hash),
            (3, Value::Bytes(record)) => records.push(record),
            _ => {}
        }
    }
    let records: Option<Vec<UserRecord>> = records.iter().map(|record| user_record(record, &keys, &hashes)).collect();
    // One without user records would vanish.
    records.filter(|records| !records.is_empty())
}

fn user_record(record: &Bytes, keys: &[Bytes], hashes: &[Bytes]) -> Option<UserRecord> {
    let (mut key, mut hash, mut data) = (None, None, None);
    for field in fields(record) {
        match field? {
            (1, Value::Number(i)) => key = keys.get(usize::try_from(i).ok()?),
            (2, Value::Number(i)) => hash = Some(hashes.get(usize::try_from(i).ok()?)?),
            (3, Value::Bytes(bytes)) => data = Some(bytes),
            _ => {}
        }
    }
    let key = key?.clone();
    let hash = match hash {
        Some(explicit) => std::str::from_utf8(explicit).ok()?.parse().ok()?,
        None => hash_of(&key),
    };
    Some(UserRecord { key, hash, data: data? })
}

/// Where a partition key stands among the hashes that shards divide between them.
fn hash_of(key: &[u8]) -> u128 {
    u128::from_be_bytes(Md5::digest(key).into())
}

/// A value of a protocol buffer.
enum Value {
    Number(u64),
    Bytes(Bytes),
}

/// The fields of a message with their numbers; `None` stands for what cannot be read, and is the last one.
fn fields(message: &Bytes) -> impl Iterator<Item = Option<(u64, Value)>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= message.len() {
            return None;
        }
        let field = field(message, &mut at);
        if field.is_none() {
            at = message.len();
        }
        Some(field)
    })
}

fn field(message: &Bytes, at: &mut usize) -> Option<(u64, Value)> {
    let tag = varint(message, at)?;
    let value = match tag & 7 {
        0 => Value::Number(varint(message, at)?),
        1 => Value::Bytes(take(message, at, 8)?),
        2 => {
            let n_bytes = usize::try_from(varint(message, at)?).ok()?;
            Value::Bytes(take(message, at, n_bytes)?)
        }
        5 => Value::Bytes(take(message, at, 4)?),
        _ => return None,
    };
    Some((tag >> 3, value))
}

fn take(message: &Bytes, at: &mut usize, n_bytes: usize) -> Option<Bytes> {
    let end = at.checked_add(n_bytes).filter(|end| *end <= message.len())?;
    Some(message.slice(std::mem::replace(at, end)..end))
}

fn varint(message: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *message.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn put(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
        out.push(field << 3 | 2);
        put_varint(out, bytes.len() as u64);
        out.extend_from_slice(bytes);
    }

    fn put_varint(out: &mut Vec<u8>, mut value: u64) {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }

    /// An aggregate as a producer writes it: key, explicit hash, data.
    pub(in super::super) fn pack(records: &[(&str, Option<u128>, &[u8])]) -> Vec<u8> {
        let mut message = Vec::new();
        records.iter().for_each(|(key, _, _)| put(&mut message, 1, key.as_bytes()));
        let hashes: Vec<u128> = records.iter().filter_map(|(_, hash, _)| *hash).collect();
        hashes.iter().for_each(|hash| put(&mut message, 2, hash.to_string().as_bytes()));
        let mut n_hashes = 0;
        for (i, (_, hash, data)) in records.iter().enumerate() {
            let mut record = vec![1 << 3];
            put_varint(&mut record, i as u64);
            if hash.is_some() {
                record.push(2 << 3);
                put_varint(&mut record, n_hashes);
                n_hashes += 1;
            }
            put(&mut record, 3, data);
            put(&mut message, 3, &record);
        }
        let sum = Md5::digest(&message);
        [MAGIC, &message, sum.as_slice()].concat()
    }

    #[test]
    fn user_records_come_back_with_their_keys_and_hashes() {
        let long = vec![b'x'; 300];
        let packed = Bytes::from(pack(&[("a", None, b"one"), ("b", Some(u128::MAX), &long), ("c", Some(7), b"")]));
        let records = unpack(&packed).unwrap();
        let seen: Vec<(&[u8], usize)> = records.iter().map(|record| (&*record.key, record.data.len())).collect();
        assert_eq!(seen, [(&b"a"[..], 3), (&b"b"[..], 300), (&b"c"[..], 0)]);
        // The MD5 sum of "a".
        assert_eq!(records[0].hash, 0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661);
        assert_eq!((records[1].hash, records[2].hash), (u128::MAX, 7));
        assert!(packed.as_ptr_range().contains(&records[1].data.as_ptr()), "the data was copied");
    }

    #[test]
    fn what_is_not_an_aggregate_is_left_as_it_is() {
        let packed = pack(&[("a", None, b"one")]);
        let mut damaged = packed.clone();
        damaged[6] ^= 1;
        let mut cut = packed.clone();
        cut.truncate(packed.len() - 1);
        for other in [damaged, cut, MAGIC.to_vec(), b"{}".to_vec(), Vec::new(), pack(&[]), [MAGIC, &[0; 16]].concat()] {
            assert_eq!(unpack(&Bytes::from(other)), None);
        }
    }

    #[test]
    fn a_message_that_lies_about_its_lengths_is_no_aggregate() {
        for message in [&b"\x1a\x7f"[..], b"\x1a\x02\x08\x05", b"\x0b", b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"] {
            let sum = Md5::digest(message);
            assert_eq!(unpack(&Bytes::from([MAGIC, message, sum.as_slice()].concat())), None);
        }
    }
}
