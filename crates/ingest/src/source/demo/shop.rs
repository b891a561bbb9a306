//! What happens in the shop: visits that view a product, some of which put it into the cart, some of which buy.
//!
//! A visit is made from the seed, its tick and its number alone. The events of a tick are therefore the views of the visits
//! that begin in it, and the later steps of visits that began a known number of ticks ago: nothing has to be remembered.

use super::TICK_MICROS;
use fastrand::Rng;
use helios_contract::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::f64::consts::TAU;
use xxhash_rust::xxh3::xxh3_64_with_seed;

const REGIONS: [&str; 6] = ["us-east", "us-west", "eu-west", "eu-central", "ap-south", "sa-east"];
const CATEGORIES: [&str; 8] = ["electronics", "books", "clothing", "home", "sports", "toys", "beauty", "grocery"];
const BRANDS: [&str; 12] =
    ["acme", "borealis", "cobalt", "dune", "ember", "fjord", "granite", "harbor", "indigo", "juniper", "kestrel", "lumen"];
const DEVICES: [&str; 3] = ["mobile", "desktop", "tablet"];
const DISCOUNTS: [&str; 3] = ["WELCOME10", "SUMMER15", "FREESHIP"];

const N_USERS: u64 = 20_000;
const N_PRODUCTS: u64 = 400;
/// Ticks from the view to the cart, and from the view to the purchase: each visit has one of each.
const CART_AFTER: [i64; 5] = [60, 130, 240, 410, 700];
const PURCHASE_AFTER: [i64; 4] = [900, 1_300, 1_900, 3_000];
const CART_SHARE: f64 = 0.22;
/// Of those with a full cart.
const PURCHASE_SHARE: f64 = 0.35;
const EVENTS_A_VISIT: f64 = 1.0 + CART_SHARE + CART_SHARE * PURCHASE_SHARE;
const LATE_SHARE: f64 = 0.02;
const LATE_MICROS_MAX: u64 = 300_000_000;
const TICKS_A_SESSION: i64 = 18_000;
const DAY_MICROS: i64 = 86_400_000_000;
/// The busiest hour has 1.6 times, the quietest 0.4 times the mean.
const RHYTHM: f64 = 0.6;
const BUSIEST_HOUR: f64 = 18.0;

/// The shop's rules.
pub(super) struct Shop {
    seed: u64,
    visits_a_tick: f64,
    malformed: f64,
}

#[derive(Serialize)]
struct Event<'a> {
    timestamp: String,
    product_id: String,
    price: f64,
    quantity: u32,
    user_id: String,
    action_type: &'a str,
    session_id: String,
    region: &'a str,
    user_type: &'a str,
    category: &'a str,
    brand: &'a str,
    device_type: &'a str,
    cart: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount_code: Option<&'a str>,
}

#[derive(Serialize)]
struct Item {
    product_id: String,
    quantity: u32,
    price: f64,
}

/// Somebody looks at a product; what follows from it is settled then.
struct Visit {
    user: u64,
    product: u64,
    tick: i64,
    quantity: u32,
    n_more_items: u64,
    discount: Option<&'static str>,
    cart_after: Option<i64>,
    purchase_after: Option<i64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Action {
    View,
    AddToCart,
    Purchase,
}

impl Shop {
    /// `rate` is events a second on the mean of a day; `malformed` the share of records that do not fit.
    pub(super) fn new(seed: u64, rate: f64, malformed: f64) -> Shop {
        Shop { seed, visits_a_tick: rate * TICK_MICROS as f64 / 1e6 / EVENTS_A_VISIT, malformed }
    }

    /// The records of one tick, as JSON.
    pub(super) fn events(&self, tick: i64) -> Vec<Vec<u8>> {
        let views = self.visits(tick).map(|visit| (visit, Action::View));
        let carts = CART_AFTER.into_iter().flat_map(|after| {
            let visits = self.visits(tick - after).filter(move |visit| visit.cart_after == Some(after));
            visits.map(|visit| (visit, Action::AddToCart))
        });
        let purchases = PURCHASE_AFTER.into_iter().flat_map(|after| {
            let visits = self.visits(tick - after).filter(move |visit| visit.purchase_after == Some(after));
            visits.map(|visit| (visit, Action::Purchase))
        });
        let mut rng = self.rng(tick, u64::MAX);
        views.chain(carts).chain(purchases).map(|(visit, action)| self.record(&mut rng, tick, &visit, action)).collect()
    }

    fn visits(&self, tick: i64) -> impl Iterator<Item = Visit> {
        let mean = self.visits_a_tick * rhythm(tick);
        let n = (mean + self.rng(tick, u64::MAX - 1).f64()) as u64;
        (0..n).map(move |i| self.visit(tick, i))
    }

    fn visit(&self, tick: i64, i: u64) -> Visit {
        let mut rng = self.rng(tick, i);
        // Few users and products are behind most visits.
        let popular = |rng: &mut Rng, n: u64| (rng.f64().powi(3) * n as f64) as u64;
        let (user, product) = (popular(&mut rng, N_USERS), popular(&mut rng, N_PRODUCTS));
        let has_cart = rng.f64() < CART_SHARE;
        let buys = has_cart && rng.f64() < PURCHASE_SHARE;
        Visit {
            user,
            product,
            tick,
            quantity: if rng.f64() < 0.8 { 1 } else { rng.u32(2..=4) },
            n_more_items: rng.u64(0..3),
            discount: (rng.f64() < 0.15).then(|| DISCOUNTS[rng.usize(..DISCOUNTS.len())]),
            cart_after: has_cart.then(|| CART_AFTER[rng.usize(..CART_AFTER.len())]),
            purchase_after: buys.then(|| PURCHASE_AFTER[rng.usize(..PURCHASE_AFTER.len())]),
        }
    }

    fn record(&self, rng: &mut Rng, tick: i64, visit: &Visit, action: Action) -> Vec<u8> {
        let mut micros = tick * TICK_MICROS + rng.i64(0..TICK_MICROS);
        if rng.f64() < LATE_SHARE {
            micros -= rng.u64(1_000_000..=LATE_MICROS_MAX) as i64;
        }
        let event = self.event(Timestamp(micros), visit, action);
        if rng.f64() < self.malformed { malformed(rng, &event) } else { json(&event) }
    }

    fn event(&self, at: Timestamp, visit: &Visit, action: Action) -> Event<'static> {
        // What belongs to a user or a product is made from it, and so is always the same.
        let user = self.hash(visit.user, 1);
        let product = self.hash(visit.product, 2);
        let session = self.hash(visit.user ^ ((visit.tick.div_euclid(TICKS_A_SESSION) as u64) << 32), 3);
        let quantity = if action == Action::View { 1 } else { visit.quantity };
        Event {
            timestamp: milliseconds(at),
            product_id: product_id(visit.product),
            price: self.price(visit.product),
            quantity,
            user_id: format!("u{:05}", visit.user),
            action_type: match action {
                Action::View => "view",
                Action::AddToCart => "add_to_cart",
                Action::Purchase => "purchase",
            },
            session_id: format!("s{session:016x}"),
            region: pick(&REGIONS, user),
            user_type: if user >> 8 & 7 == 0 {
                "guest"
            } else if user >> 11 & 3 == 0 {
                "premium"
            } else {
                "registered"
            },
            category: pick(&CATEGORIES, product),
            brand: pick(&BRANDS, product >> 16),
            device_type: pick(&DEVICES, session),
            cart: if action == Action::View { Vec::new() } else { self.cart(visit, quantity) },
            discount_code: visit.discount.filter(|_| action == Action::Purchase),
        }
    }

    fn cart(&self, visit: &Visit, quantity: u32) -> Vec<Item> {
        let item = |product: u64, quantity: u32| Item { product_id: product_id(product), quantity, price: self.price(product) };
        let more = (1..=visit.n_more_items).map(|i| item((visit.product + i * 37) % N_PRODUCTS, 1));
        std::iter::once(item(visit.product, quantity)).chain(more).collect()
    }

    fn price(&self, product: u64) -> f64 {
        // From about 2 to about 900, most of them small.
        let share = (self.hash(product, 4) % 10_000) as f64 / 10_000.0;
        ((2.0 * (share * 6.1).exp()) * 100.0).round() / 100.0
    }

    fn hash(&self, of: u64, kind: u64) -> u64 {
        xxh3_64_with_seed(&of.to_le_bytes(), self.seed.wrapping_mul(31).wrapping_add(kind))
    }

    fn rng(&self, tick: i64, i: u64) -> Rng {
        Rng::with_seed(xxh3_64_with_seed(&[tick.to_le_bytes(), i.to_le_bytes()].concat(), self.seed))
    }
}

fn product_id(product: u64) -> String {
    format!("p{product:04}")
}

fn pick(words: &[&'static str], hash: u64) -> &'static str {
    words[(hash % words.len() as u64) as usize]
}

/// How busy the shop is, 1 on the mean of a day.
fn rhythm(tick: i64) -> f64 {
    let hour = (tick * TICK_MICROS).rem_euclid(DAY_MICROS) as f64 / 3.6e9;
    1.0 + RHYTHM * ((hour - BUSIEST_HOUR) / 24.0 * TAU).cos()
}

/// RFC 3339 with milliseconds, as most programs write it.
fn milliseconds(at: Timestamp) -> String {
    let mut text = at.to_string();
    text.replace_range(23..26, "");
    text
}

fn json(event: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(event).expect("an event has only text keys and finite numbers")
}

fn malformed(rng: &mut Rng, event: &Event<'_>) -> Vec<u8> {
    let mut broken = serde_json::to_value(event).expect("an event has only text keys and finite numbers");
    match rng.u8(..4) {
        0 => broken["price"] = Value::from("call us"),
        1 => broken["quantity"] = Value::from(1.5),
        2 => broken["timestamp"] = Value::from("yesterday"),
        _ => {
            let mut cut = json(event);
            cut.truncate(rng.usize(1..cut.len()));
            return cut;
        }
    }
    json(&broken)
}
