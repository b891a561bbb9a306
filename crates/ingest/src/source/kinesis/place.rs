//! Where reading a shard stands, as the lake keeps it.

use super::api::From;
use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use helios_contract::{Error, Result, Timestamp};
use std::fmt;

/// The position of a shard. Sequence numbers are opaque: up to 128 digits, compared for equality only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing is read yet; its first record is the oldest there is.
    Earliest,
    /// Nothing is read yet; its first record is the first one that arrived at this moment or later.
    Since(Timestamp),
    /// Read up to this sequence number, with all user records of an aggregate that has it.
    Read(String),
    /// The shard is closed and everything in it was read.
    Closed,
}

const EARLIEST: &str = "earliest";
const SINCE: &str = "since ";
const CLOSED: &str = "closed";

impl Place {
    /// Reads what [`fmt::Display`] wrote.
    ///
    /// # Errors
    /// `Corrupt` when it is none of ours.
    pub(super) fn parse(shard: &str, text: &str) -> Result<Place> {
        let is_number = !text.is_empty() && text.len() <= 128 && text.bytes().all(|b| b.is_ascii_digit());
        let since = || string_to_timestamp_nanos(text.strip_prefix(SINCE)?).ok();
        match text {
            EARLIEST => Ok(Place::Earliest),
            CLOSED => Ok(Place::Closed),
            _ if is_number => Ok(Place::Read(text.to_owned())),
            _ => match since() {
                Some(nanos) => Ok(Place::Since(Timestamp(nanos / 1_000))),
                None => Err(Error::corrupt(format!("the stored position '{text}' of shard {shard} is no kinesis position"))),
            },
        }
    }

    /// Whether a stored position says that a shard is done with.
    pub(super) fn is_closed(text: &str) -> bool {
        text == CLOSED
    }

    /// Where to ask the service to begin. The record read last is asked for again: if it does not come, it has expired.
    pub(super) fn from(&self) -> From {
        match self {
            Place::Earliest | Place::Closed => From::Earliest,
            Place::Since(time) => From::Time(*time),
            Place::Read(sequence) => From::At(sequence.clone()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Earliest => f.write_str(EARLIEST),
            Place::Since(time) => write!(f, "{SINCE}{time}"),
            Place::Read(sequence) => f.write_str(sequence),
            Place::Closed => f.write_str(CLOSED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_back_as_they_were_written() {
        let sequence = "9".repeat(128);
        for place in [Place::Earliest, Place::Since(Timestamp(1_767_225_600_123_000)), Place::Read(sequence), Place::Closed] {
            assert_eq!(Place::parse("shardId-000000000000", &place.to_string()).unwrap(), place);
        }
        for strange in ["", "12a", "latest", "since", "since soon", &"9".repeat(129)] {
            assert_eq!(Place::parse("s", strange).unwrap_err().kind(), helios_contract::Kind::Corrupt, "{strange}");
        }
    }
}
