//! Blocks to Arrow, as they come.

use crate::types::{Type, entry_fields, tuple_fields};
use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array, Int64Array, ListArray,
    NullArray, RecordBatch, RecordBatchOptions, StringBuilder, StructArray, TimestampMicrosecondArray, TimestampNanosecondArray,
    UInt64Array, make_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{Field, Schema};
use helios_contract::error::{Error, Result};
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// A value longer than this is taken for noise.
const LENGTH_MAX: u64 = 1 << 30;

/// Reads blocks one after the other.
pub struct Blocks<R>(R);

impl<R: Read> Blocks<R> {
    /// Reads from `from`, which should be buffered.
    pub fn new(from: R) -> Blocks<R> {
        Blocks(from)
    }

    /// The next block; `None` at the end.
    ///
    /// # Errors
    /// `Unavailable` when the answer breaks off; `Corrupt` when it is no block.
    pub fn next_block(&mut self) -> Result<Option<RecordBatch>> {
        let Some(n_columns) = self.first_length()? else { return Ok(None) };
        let n_rows = self.length()?;
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for _ in 0..n_columns {
            let name = self.text()?;
            let words = self.text()?;
            let remote = Type::parse(&words).ok_or_else(|| {
                Error::invalid(format!("the answer's column {name} is of the type {words}, which Helios cannot read"))
                    .hint("Turn it into text in the statement, as with toString().")
            })?;
            fields.push(Field::new(name, remote.arrow(), true));
            let column = if n_rows == 0 { arrow::array::new_empty_array(&remote.arrow()) } else { self.column(&remote, n_rows)? };
            columns.push(column);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).map(Some).map_err(broken)
    }

    fn column(&mut self, remote: &Type, n_rows: usize) -> Result<ArrayRef> {
        self.prefix(remote)?;
        self.values(remote, n_rows)
    }

    /// What stands before the values of a column: the versions of its dictionaries.
    fn prefix(&mut self, remote: &Type) -> Result<()> {
        match remote {
            Type::LowCardinality(_) => self.number::<8>().map(drop),
            Type::Nullable(inner) | Type::Array(inner) => self.prefix(inner),
            Type::Tuple(fields) => fields.iter().try_for_each(|(_, field)| self.prefix(field)),
            Type::Map(key, value) => self.prefix(key).and_then(|()| self.prefix(value)),
            _ => Ok(()),
        }
    }

    fn values(&mut self, remote: &Type, n: usize) -> Result<ArrayRef> {
        Ok(match remote {
            Type::Nullable(inner) => {
                let nulls: NullBuffer = self.bytes(n)?.into_iter().map(|is_null| is_null == 0).collect();
                with_nulls(&self.values(inner, n)?, nulls)?
            }
            Type::LowCardinality(inner) => self.dictionary(inner, n)?,
            Type::Array(item) => {
                let (offsets, n_items) = self.offsets(n)?;
                let items = self.values(item, n_items)?;
                Arc::new(
                    ListArray::try_new(Arc::new(Field::new("item", item.arrow(), true)), offsets, items, None).map_err(broken)?,
                )
            }
            Type::Tuple(fields) => {
                let columns = fields.iter().map(|(_, field)| self.values(field, n)).collect::<Result<Vec<_>>>()?;
                Arc::new(StructArray::try_new_with_length(tuple_fields(fields), columns, None, n).map_err(broken)?)
            }
            Type::Map(key, value) => {
                let (offsets, n_items) = self.offsets(n)?;
                let entries = vec![self.values(key, n_items)?, self.values(value, n_items)?];
                let entries = StructArray::try_new(entry_fields(key, value), entries, None).map_err(broken)?;
                let item = Arc::new(Field::new("item", entries.data_type().clone(), true));
                Arc::new(ListArray::try_new(item, offsets, Arc::new(entries), None).map_err(broken)?)
            }
            Type::Nothing => {
                self.bytes(n)?;
                Arc::new(NullArray::new(n))
            }
            plain => self.plain(plain, n)?,
        })
    }

    fn plain(&mut self, remote: &Type, n: usize) -> Result<ArrayRef> {
        Ok(match remote {
            Type::Bool => Arc::new(self.bytes(n)?.into_iter().map(|value| Some(value != 0)).collect::<BooleanArray>()),
            Type::Int(8) => Arc::new(Int32Array::from(self.numbers(n, |b: [u8; 1]| i32::from(i8::from_le_bytes(b)))?)),
            Type::UInt(8) => Arc::new(Int32Array::from(self.numbers(n, |b: [u8; 1]| i32::from(b[0]))?)),
            Type::Int(16) => Arc::new(Int32Array::from(self.numbers(n, |b| i32::from(i16::from_le_bytes(b)))?)),
            Type::UInt(16) => Arc::new(Int32Array::from(self.numbers(n, |b| i32::from(u16::from_le_bytes(b)))?)),
            Type::Int(32) => Arc::new(Int32Array::from(self.numbers(n, i32::from_le_bytes)?)),
            Type::UInt(32) => Arc::new(Int64Array::from(self.numbers(n, |b| i64::from(u32::from_le_bytes(b)))?)),
            Type::Int(_) => Arc::new(Int64Array::from(self.numbers(n, i64::from_le_bytes)?)),
            Type::UInt(_) => Arc::new(UInt64Array::from(self.numbers(n, u64::from_le_bytes)?)),
            Type::Float32 => Arc::new(Float32Array::from(self.numbers(n, f32::from_le_bytes)?)),
            Type::Float64 => Arc::new(Float64Array::from(self.numbers(n, f64::from_le_bytes)?)),
            Type::Decimal(precision, scale) => {
                let values = match precision {
                    0..=9 => self.numbers(n, |b| i128::from(i32::from_le_bytes(b)))?,
                    10..=18 => self.numbers(n, |b| i128::from(i64::from_le_bytes(b)))?,
                    _ => self.numbers(n, i128::from_le_bytes)?,
                };
                Arc::new(Decimal128Array::from(values).with_precision_and_scale(*precision, *scale).map_err(broken)?)
            }
            Type::Date => Arc::new(Date32Array::from(self.numbers(n, |b| i32::from(u16::from_le_bytes(b)))?)),
            Type::Date32 => Arc::new(Date32Array::from(self.numbers(n, i32::from_le_bytes)?)),
            Type::DateTime(_) => {
                let values = self.numbers(n, |b| i64::from(u32::from_le_bytes(b)) * 1_000_000)?;
                Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
            }
            Type::DateTime64(scale, _) => self.moments(*scale, n)?,
            texts => self.texts(texts, n)?,
        })
    }

    fn moments(&mut self, scale: u8, n: usize) -> Result<ArrayRef> {
        let target = if scale > 6 { 9 } else { 6 };
        let factor = 10_i64.pow(target - u32::from(scale));
        let values = self.numbers(n, |b| i64::from_le_bytes(b).saturating_mul(factor))?;
        Ok(if scale > 6 {
            Arc::new(TimestampNanosecondArray::from(values).with_timezone("UTC"))
        } else {
            Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
        })
    }

    /// Whatever is shown as text.
    fn texts(&mut self, remote: &Type, n: usize) -> Result<ArrayRef> {
        let mut texts = StringBuilder::with_capacity(n, n * 8);
        for _ in 0..n {
            match remote {
                Type::FixedString(length) => texts.append_value(String::from_utf8_lossy(&self.bytes(*length)?)),
                Type::Enum(bits, names) => {
                    let number =
                        if *bits == 8 { i16::from(self.number::<1>()?[0] as i8) } else { i16::from_le_bytes(self.number()?) };
                    let name = names.iter().find(|(known, _)| *known == number).map(|(_, name)| name.as_str());
                    texts.append_value(name.unwrap_or_default());
                }
                Type::Uuid => {
                    // Two numbers of 64 bits, the high one first, each from its low byte on.
                    let (high, low) = (u64::from_le_bytes(self.number()?), u64::from_le_bytes(self.number()?));
                    let hex = format!("{high:016x}{low:016x}");
                    texts.append_value(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]));
                }
                Type::Ipv4 => texts.append_value(Ipv4Addr::from(u32::from_le_bytes(self.number()?)).to_string()),
                Type::Ipv6 => texts.append_value(Ipv6Addr::from(self.number::<16>()?).to_string()),
                _ => texts.append_value(self.text()?),
            }
        }
        Ok(Arc::new(texts.finish()))
    }

    /// Values by their place in a list of different ones; the first stands for `NULL` where that is possible.
    fn dictionary(&mut self, inner: &Type, n: usize) -> Result<ArrayRef> {
        let flags = u64::from_le_bytes(self.number()?);
        let n_keys = self.long_length()?;
        let keys = match inner {
            Type::Nullable(inner) => {
                let nulls: NullBuffer = (0..n_keys).map(|key| key != 0).collect();
                with_nulls(&self.values(inner, n_keys)?, nulls)?
            }
            inner => self.values(inner, n_keys)?,
        };
        let n_places = self.long_length()?;
        if n_places != n {
            return Err(Error::corrupt(format!("a dictionary has {n_places} places for {n} rows")));
        }
        let places = match flags & 0xff {
            0 => self.numbers(n, |b: [u8; 1]| u64::from(b[0]))?,
            1 => self.numbers(n, |b| u64::from(u16::from_le_bytes(b)))?,
            2 => self.numbers(n, |b| u64::from(u32::from_le_bytes(b)))?,
            _ => self.numbers(n, u64::from_le_bytes)?,
        };
        take(&keys, &UInt64Array::from(places), None).map_err(broken)
    }

    fn offsets(&mut self, n: usize) -> Result<(OffsetBuffer<i32>, usize)> {
        let mut offsets = vec![0_i32];
        for end in self.numbers(n, u64::from_le_bytes)? {
            let end =
                i32::try_from(end).map_err(|cause| Error::exhausted("an array of the answer is too long").because(cause))?;
            if end < offsets[offsets.len() - 1] {
                return Err(Error::corrupt("the arrays of the answer end before they begin"));
            }
            offsets.push(end);
        }
        let n_items = offsets[offsets.len() - 1] as usize;
        Ok((OffsetBuffer::new(offsets.into()), n_items))
    }

    fn numbers<const N: usize, T>(&mut self, n: usize, number: impl Fn([u8; N]) -> T) -> Result<Vec<T>> {
        let bytes = self.bytes(n * N)?;
        Ok(bytes.as_chunks::<N>().0.iter().map(|chunk| number(*chunk)).collect())
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut number = [0; N];
        self.0.read_exact(&mut number).map_err(broken_off)?;
        Ok(number)
    }

    /// Grows as bytes come, so that a length that is noise takes no memory.
    fn bytes(&mut self, n: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let n_read = self.0.by_ref().take(n as u64).read_to_end(&mut bytes).map_err(broken_off)?;
        if n_read == n { Ok(bytes) } else { Err(broken_off(ErrorKind::UnexpectedEof.into())) }
    }

    fn text(&mut self) -> Result<String> {
        let length = self.length()?;
        let bytes = self.bytes(length)?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    fn long_length(&mut self) -> Result<usize> {
        checked(u64::from_le_bytes(self.number()?))
    }

    fn length(&mut self) -> Result<usize> {
        self.first_length()?.ok_or_else(|| broken_off(ErrorKind::UnexpectedEof.into()))
    }

    /// `None` when there is nothing at all.
    fn first_length(&mut self) -> Result<Option<usize>> {
        let mut length = 0_u64;
        for shift in (0..63).step_by(7) {
            let mut byte = [0];
            if self.0.read(&mut byte).map_err(broken_off)? == 0 {
                return if shift == 0 { Ok(None) } else { Err(broken_off(ErrorKind::UnexpectedEof.into())) };
            }
            length |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return checked(length).map(Some);
            }
        }
        Err(Error::corrupt("the answer is no block"))
    }
}

/// All rows of an answer that is not long; `None` when it has not even columns.
///
/// # Errors
/// As [`Blocks::next_block`].
pub fn rows_of(answer: impl Read) -> Result<Option<RecordBatch>> {
    let mut blocks = Blocks::new(answer);
    let mut found = Vec::new();
    while let Some(block) = blocks.next_block()? {
        found.push(block);
    }
    let Some(first) = found.first() else { return Ok(None) };
    concat_batches(&first.schema(), &found).map(Some).map_err(broken)
}

fn with_nulls(values: &ArrayRef, nulls: NullBuffer) -> Result<ArrayRef> {
    if nulls.null_count() == 0 || values.data_type() == &arrow::datatypes::DataType::Null {
        return Ok(values.clone());
    }
    values.to_data().into_builder().nulls(Some(nulls)).build().map(make_array).map_err(broken)
}

fn checked(length: u64) -> Result<usize> {
    match usize::try_from(length) {
        Ok(n) if length <= LENGTH_MAX => Ok(n),
        _ => Err(Error::corrupt("the answer is no block")),
    }
}

fn broken_off(cause: std::io::Error) -> Error {
    Error::unavailable("the answer broke off").because(cause).hint("The log of the server says why; try again.")
}

fn broken(cause: arrow::error::ArrowError) -> Error {
    Error::corrupt("the answer cannot be read").because(cause)
}
