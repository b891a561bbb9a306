//! The statements we add to SQL: those about streams.

mod cursor;
mod stream;
mod types;

pub(crate) use cursor::Cursor;
pub(crate) use stream::stream_command;

#[cfg(test)]
mod tests;
