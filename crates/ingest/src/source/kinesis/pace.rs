//! How fast one shard is read: within the service's limits, which all readers of a shard share, and slower where nothing comes.

use std::time::Duration;

/// The service takes five reads a second; one is left to others.
const READ_MIN: Duration = Duration::from_millis(250);
/// While catching up, all five are used.
const CATCH_UP_MIN: Duration = Duration::from_millis(200);
const BYTES_A_SECOND: f64 = 2_000_000.0;
/// Reads that give nothing, over all shards of a stream: many shards are looked at less often each.
const EMPTY_READS_A_SECOND: f64 = 40.0;
/// The pauses after a throttled read, and from how many in a row on somebody should know.
const THROTTLED_MIN: Duration = Duration::from_millis(400);
const THROTTLED_MAX: Duration = Duration::from_secs(10);
const THROTTLED_TOLD: u32 = 6;
/// What one read should bring: enough to be worth it, and bounded memory for many shards.
const READ_BYTES: usize = 1_500_000;
const RECORDS_FIRST: usize = 1_000;
const RECORDS_MAX: usize = 10_000;

/// The pace of one shard.
#[derive(Debug)]
pub(super) struct Pace {
    idle_max: Duration,
    pause: Duration,
    n_throttled: u32,
    n_records: usize,
    random: fastrand::Rng,
}

impl Pace {
    /// `idle_max` is the longest pause of a stream with few shards.
    pub(super) fn new(shard: &str, idle_max: Duration) -> Pace {
        // Each shard has pauses of its own, the same in every run.
        let random = fastrand::Rng::with_seed(xxhash_rust::xxh3::xxh3_64(shard.as_bytes()));
        Pace { idle_max, pause: READ_MIN, n_throttled: 0, n_records: RECORDS_FIRST, random }
    }

    /// How many records to ask for.
    pub(super) fn n_records(&self) -> usize {
        self.n_records
    }

    /// From the beginning of a read that gave something, or nothing, to that of the next one.
    pub(super) fn after(&mut self, n_records: usize, n_bytes: usize, is_behind: bool, n_shards: usize) -> Duration {
        self.n_throttled = 0;
        if let Some(mean_bytes) = n_bytes.checked_div(n_records) {
            self.n_records = (READ_BYTES / mean_bytes.max(1)).clamp(1, RECORDS_MAX);
        }
        let idle_max = self.idle_max.max(Duration::from_secs_f64(n_shards as f64 / EMPTY_READS_A_SECOND));
        self.pause = match () {
            () if is_behind => CATCH_UP_MIN,
            () if n_records > 0 => READ_MIN,
            () => (self.pause * 2).min(idle_max),
        };
        self.jittered(self.pause).max(Duration::from_secs_f64(n_bytes as f64 / BYTES_A_SECOND))
    }

    /// After a read that was refused because of the limits; the second is whether that has gone on for long.
    pub(super) fn throttled(&mut self) -> (Duration, bool) {
        let pause = THROTTLED_MIN.saturating_mul(1 << self.n_throttled.min(10)).min(THROTTLED_MAX);
        self.n_throttled += 1;
        // Readers that were refused together must not come back together.
        let pause = pause.mul_f64(0.5 + self.random.f64());
        (pause, self.n_throttled.is_multiple_of(THROTTLED_TOLD))
    }

    fn jittered(&mut self, pause: Duration) -> Duration {
        pause.mul_f64(1.0 + self.random.f64() / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new("shardId-000000000000", Duration::from_secs(1))
    }

    fn millis(pause: Duration) -> u128 {
        pause.as_millis()
    }

    #[test]
    fn reads_stay_within_the_limits_of_a_shard() {
        let mut pace = pace();
        assert!((200..=220).contains(&millis(pace.after(100, 10_000, true, 1))));
        assert!((250..=275).contains(&millis(pace.after(100, 10_000, false, 1))));
        // Ten megabytes at once are the share of five seconds.
        assert_eq!(millis(pace.after(10_000, 10_000_000, true, 1)), 5_000);
    }

    #[test]
    fn empty_reads_become_rare_and_rarer_with_many_shards() {
        let mut pace = pace();
        let pauses: Vec<u128> = (0..4).map(|_| millis(pace.after(0, 0, false, 1))).collect();
        assert!((500..=550).contains(&pauses[0]) && (1_000..=1_100).contains(&pauses[3]), "{pauses:?}");
        for _ in 0..10 {
            pace.after(0, 0, false, 200);
        }
        assert!((5_000..=5_500).contains(&millis(pace.after(0, 0, false, 200))));
        assert!((250..=275).contains(&millis(pace.after(1, 100, false, 200))), "one record, and it is read quickly again");
    }

    #[test]
    fn reads_ask_for_as_many_records_as_are_worth_a_read() {
        let mut pace = pace();
        assert_eq!(pace.n_records(), 1_000);
        pace.after(10, 1_000, false, 1);
        assert_eq!(pace.n_records(), 10_000);
        pace.after(10, 10 << 20, false, 1);
        assert_eq!(pace.n_records(), 1);
    }

    #[test]
    fn throttled_reads_wait_longer_each_time_and_tell_somebody_at_last() {
        let mut pace = pace();
        let pauses: Vec<(u128, bool)> = (0..6).map(|_| pace.throttled()).map(|(pause, told)| (millis(pause), told)).collect();
        assert!((200..=600).contains(&pauses[0].0) && (5_000..=15_000).contains(&pauses[5].0), "{pauses:?}");
        assert_eq!(pauses.iter().map(|(_, told)| *told).collect::<Vec<_>>(), [false, false, false, false, false, true]);
        pace.after(1, 1, false, 1);
        assert!(millis(pace.throttled().0) <= 600);
    }
}
