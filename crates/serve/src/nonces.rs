//! Words nobody can guess: ids of exports, nonces of pages. Drawn from a seed, so that a test can own them.

use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes one word after the other.
pub(crate) struct Nonces {
    seed: [u8; 32],
    n_made: AtomicU64,
}

impl Nonces {
    pub(crate) fn new(seed: [u8; 32]) -> Nonces {
        Nonces { seed, n_made: AtomicU64::new(0) }
    }

    /// 32 hex digits that were never made before.
    pub(crate) fn next(&self) -> String {
        let number = self.n_made.fetch_add(1, Ordering::Relaxed);
        digits(&Sha256::new().chain_update(self.seed).chain_update(number.to_le_bytes()).finalize(), 16)
    }
}

/// The first `n_bytes` of a hash as hex digits.
pub(crate) fn digits(hash: &[u8], n_bytes: usize) -> String {
    hash.iter().take(n_bytes).map(|byte| format!("{byte:02x}")).collect()
}
