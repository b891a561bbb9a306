//! A cursor over the bytes of an Avro record that never reads, or makes room for, more than is there.

use crate::decode::misfit::{Fit, Misfit};

pub(super) struct Body<'a> {
    bytes: &'a [u8],
}

impl<'a> Body<'a> {
    pub fn new(bytes: &'a [u8]) -> Body<'a> {
        Body { bytes }
    }

    pub fn n_left(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub fn take(&mut self, n: usize) -> Fit<&'a [u8]> {
        let Some((taken, left)) = self.bytes.split_at_checked(n) else { return Err(broken_off()) };
        self.bytes = left;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Fit<[u8; N]> {
        let Some((taken, left)) = self.bytes.split_first_chunk::<N>() else { return Err(broken_off()) };
        self.bytes = left;
        Ok(*taken)
    }

    /// A zigzag number in groups of seven bits.
    #[inline]
    pub fn long(&mut self) -> Fit<i64> {
        let mut number = 0_u64;
        for (i, byte) in self.bytes.iter().enumerate().take(10) {
            if i == 9 && *byte > 1 {
                break;
            }
            number |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                self.bytes = &self.bytes[i + 1..];
                return Ok((number >> 1) as i64 ^ -((number & 1) as i64));
            }
        }
        Err(if self.bytes.len() < 10 { broken_off() } else { Misfit::value("invalid Avro: a number of more than 64 bits") })
    }

    pub fn boolean(&mut self) -> Fit<bool> {
        match self.array::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [byte] => Err(Misfit::value(format!("invalid Avro: {byte} as a boolean"))),
        }
    }

    pub fn bytes(&mut self) -> Fit<&'a [u8]> {
        let length = self.long()?;
        match usize::try_from(length) {
            Ok(length) => self.take(length),
            Err(_) => Err(Misfit::value(format!("invalid Avro: a length of {length}"))),
        }
    }

    /// Bytes of a size that is known, or that they say.
    pub fn sized(&mut self, size: Option<usize>) -> Fit<&'a [u8]> {
        match size {
            Some(size) => self.take(size),
            None => self.bytes(),
        }
    }

    pub fn text(&mut self) -> Fit<&'a str> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|e| Misfit::value(format!("invalid UTF-8 at byte {} of a text", e.valid_up_to())))
    }

    /// How many items follow in this block of an array or map; none at its end.
    pub fn block(&mut self) -> Fit<u64> {
        let n_items = self.long()?;
        if n_items < 0 {
            // The size in bytes, for readers that skip.
            self.long()?;
        }
        Ok(n_items.unsigned_abs())
    }
}

/// Records that break off are one reason, wherever they break off: in quarantine they belong together.
#[cold]
fn broken_off() -> Box<Misfit> {
    Misfit::whole("invalid Avro: the record breaks off")
}
