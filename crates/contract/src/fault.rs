//! Faults that tests switch on: the next N passes of a named point fail. In production no point is ever armed.

use crate::error::{Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Which points fail, and how many more times. Clones share the same state.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<HashMap<String, u32>>>);

impl Faults {
    /// Makes the next `times` passes of `point` fail.
    pub fn arm(&self, point: &str, times: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(point.to_owned(), times);
    }

    /// Passes `point`.
    ///
    /// # Errors
    /// `Unavailable` while the point is armed.
    pub fn pass(&self, point: &str) -> Result<()> {
        let mut armed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match armed.get_mut(point) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Err(Error::unavailable(format!("injected fault at {point}")))
            }
            _ => Ok(()),
        }
    }
}
