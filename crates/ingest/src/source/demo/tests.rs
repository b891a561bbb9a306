//! The shop tells the same story each time, and goes on where it was left.

use super::*;
use crate::source::demo::shop::Shop;
use crate::world::World;
use std::collections::BTreeMap;

fn all(chunks: &[Chunk]) -> Vec<(String, Bytes)> {
    chunks.iter().flat_map(|c| &c.records).map(|r| (r.position.to_string(), r.payload.clone())).collect()
}

/// Pulls until `n` chunks came or the shop is up to date.
async fn pull(world: &World, stored: Option<&str>, n: usize) -> Vec<Chunk> {
    let job = world.job(definition(StreamName::new("shop").unwrap())).await;
    let offsets = stored.map(|at| (PARTITION.to_owned(), at.to_owned())).into_iter().collect();
    let mut shop = open(&job, &offsets).unwrap();
    let mut chunks = Vec::new();
    while chunks.len() < n && shop.lag()[0].1 > 0 {
        chunks.push(shop.next().await.unwrap().unwrap());
    }
    chunks
}

#[tokio::test(start_paused = true)]
async fn starting_again_continues_and_never_doubles() {
    let world = World::new();
    let whole = pull(&world, None, usize::MAX).await;
    let first = pull(&world, None, 3).await;
    let rest = pull(&world, Some(&first[2].to), usize::MAX).await;
    assert_eq!(rest[0].from.as_deref(), Some(first[2].to.as_str()));
    assert_eq!([all(&first), all(&rest)].concat(), all(&whole));
    assert!(whole.windows(2).all(|pair| pair[1].from.as_ref() == Some(&pair[0].to)));
}

#[tokio::test(start_paused = true)]
async fn after_a_long_stop_the_gap_is_told() {
    let world = World::new();
    let begin = tick_at(world.clock.now()) - 15 * TICKS_A_MINUTE;
    let chunks = pull(&world, Some("1000"), 1).await;
    assert_eq!(chunks[0].from.as_deref(), Some("1000"));
    assert_eq!(chunks[0].gaps[0].first, "1000");
    assert_eq!(chunks[0].gaps[0].last, (begin - 1).to_string());
    assert_eq!(chunks[0].records[0].position, Position::Number(begin));
}

#[test]
fn the_day_has_its_mean_rate_a_rhythm_a_funnel_and_flaws() {
    let shop = Shop::new(1, 400.0, 0.004);
    let noon = 17_000 * 864_000;
    let mut actions: BTreeMap<String, u32> = BTreeMap::new();
    let (mut n, mut n_broken) = (0_u32, 0_u32);
    // One tick of every two minutes of a day.
    for minute in 0..720 {
        for event in shop.events(noon + minute * 1_200) {
            n += 1;
            match serde_json::from_slice::<serde_json::Value>(&event) {
                Ok(event) if event["price"].is_f64() => {
                    *actions.entry(event["action_type"].as_str().unwrap().to_owned()).or_default() += 1;
                }
                _ => n_broken += 1,
            }
        }
    }
    assert!((27_000..31_000).contains(&n), "{n} events in 720 ticks at 400 a second should be near 28,800");
    assert!((20..200).contains(&n_broken), "{n_broken} of {n} are broken");
    assert!(actions["view"] > 3 * actions["add_to_cart"] && actions["add_to_cart"] > 2 * actions["purchase"], "{actions:?}");
    let evening: usize = (0..20).map(|t| shop.events(noon + 648_000 + t).len()).sum();
    let morning: usize = (0..20).map(|t| shop.events(noon + 216_000 + t).len()).sum();
    assert!(evening > 2 * morning, "{evening} in the evening, {morning} in the morning");
}

#[test]
fn whoever_buys_has_looked_and_filled_the_cart_before() {
    let shop = Shop::new(7, 400.0, 0.0);
    let begin = 17_000 * 864_000;
    let mut seen: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for tick in begin..begin + 6_000 {
        for event in shop.events(tick) {
            let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            let steps = seen.entry((text("session_id"), text("product_id"))).or_default();
            if text("action_type") == "purchase" && tick > begin + 3_000 {
                assert!(steps.contains(&"view".to_owned()) && steps.contains(&"add_to_cart".to_owned()), "{steps:?}");
            }
            steps.push(text("action_type"));
        }
    }
}
