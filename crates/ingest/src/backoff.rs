//! Pauses between tries: they double up to a cap, so that what is away is neither hammered nor forgotten.

use std::time::Duration;

/// The pauses of one run of failures.
#[derive(Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    /// Starts at `min_ms` and stays at `max_ms` once there.
    pub(crate) fn new(min_ms: u64, max_ms: u64) -> Backoff {
        let min = Duration::from_millis(min_ms);
        Backoff { min, max: Duration::from_millis(max_ms).max(min), next: min }
    }

    /// The next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.max);
        pause
    }

    /// Something worked: the next failure starts a new run.
    pub(crate) fn reset(&mut self) {
        self.next = self.min;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_and_start_again_after_success() {
        let mut backoff = Backoff::new(100, 350);
        let pauses: Vec<u128> = (0..4).map(|_| backoff.pause().as_millis()).collect();
        assert_eq!(pauses, [100, 200, 350, 350]);
        backoff.reset();
        assert_eq!(backoff.pause().as_millis(), 100);
    }
}
