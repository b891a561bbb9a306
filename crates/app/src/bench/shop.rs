//! Seeded shop events of about 280 bytes, and the typed stream they fill.

use std::io::Write;

macro_rules! columns {
    () => {
        "(timestamp TIMESTAMP FORMAT EPOCH_MS, product_id INT, price DOUBLE, quantity INT, user_id BIGINT, action_type TEXT, \
         session_id TEXT, region TEXT, user_type TEXT, category TEXT, brand TEXT, device_type TEXT, tick BIGINT)"
    };
}

/// The stream the events fill, with every field typed.
pub const CREATE: &str = concat!(
    "CREATE STREAM shop ",
    columns!(),
    " FROM HTTP FORMAT JSON EVENT TIME timestamp PARTITION BY day(timestamp) ORDER BY (timestamp)"
);

/// Its columns.
pub const COLUMNS: &str = columns!();

/// When events begin: 2026-01-01.
pub const START_MS: i64 = 1_767_225_600_000;

const ACTIONS: [&str; 8] = ["view", "view", "view", "view", "view", "add_to_cart", "add_to_cart", "purchase"];
const REGIONS: [&str; 6] = ["us-east", "us-west", "eu-central", "eu-west", "ap-south", "ap-northeast"];
const USERS: [&str; 3] = ["guest", "registered", "premium"];
const CATEGORIES: [&str; 8] = ["electronics", "fashion", "home", "garden", "sports", "books", "toys", "beauty"];
const BRANDS: [&str; 10] = ["Acme", "Globex", "Initech", "Umbrella", "Hooli", "Stark", "Wayne", "Wonka", "Soylent", "Tyrell"];
const DEVICES: [&str; 3] = ["mobile", "desktop", "tablet"];

/// Writes events one after another; the same seed gives the same bytes.
pub struct Shop {
    rng: fastrand::Rng,
}

impl Shop {
    /// A shop whose events follow from `seed`.
    pub fn new(seed: u64) -> Shop {
        Shop { rng: fastrand::Rng::with_seed(seed) }
    }

    /// Appends one event and a line break. `at_ms` is the event time, `tick` whatever the measurement wants to find again.
    pub fn write(&mut self, out: &mut Vec<u8>, at_ms: i64, tick: u64) {
        let rng = &mut self.rng;
        let (product, user) = (rng.u32(0..5_000), rng.u64(0..100_000));
        let (cents, quantity, session) = (rng.u32(100..99_999), rng.u32(1..6), rng.u128(..));
        let (action, region, kind) = (pick(rng, &ACTIONS), pick(rng, &REGIONS), pick(rng, &USERS));
        let (category, brand, device) = (pick(rng, &CATEGORIES), pick(rng, &BRANDS), pick(rng, &DEVICES));
        writeln!(
            out,
            "{{\"timestamp\":{at_ms},\"product_id\":{product},\"price\":{}.{:02},\"quantity\":{quantity},\
             \"user_id\":{user},\"action_type\":\"{action}\",\"session_id\":\"{session:032x}\",\"region\":\"{region}\",\
             \"user_type\":\"{kind}\",\"category\":\"{category}\",\"brand\":\"{brand}\",\"device_type\":\"{device}\",\
             \"tick\":{tick}}}",
            cents / 100,
            cents % 100
        )
        .expect("writing to a vector cannot fail");
    }
}

fn pick<'a>(rng: &mut fastrand::Rng, among: &[&'a str]) -> &'a str {
    among[rng.usize(0..among.len())]
}
