//! A long random program, compared with a map step by step.
//!
//! Its keys and values are plain and short: it finds faults that only a combination of calls reveals.

use crate::cache::{Cache, are_letters};
use crate::check::{Check, Verdict};
use fastrand::Rng;
use std::collections::BTreeMap;

const KEYS: u8 = 16;
const LENGTHS: std::ops::Range<usize> = 8..1000;
const AN_HOUR: u32 = 3600;

pub fn checks(seed: u64, size: usize) -> Vec<Check> {
    vec![Check::new(
        "random program: the cache agrees with a map",
        move |cache| agrees_with_a_map(cache, seed, size),
    )]
}

/// The length of each value that is not deleted and not expired, and the step that set it.
type Map = BTreeMap<String, (usize, usize)>;

fn agrees_with_a_map(cache: &Cache, seed: u64, size: usize) -> Verdict {
    let mut random = Rng::with_seed(seed);
    let mut map = Map::new();
    for number in 0..size {
        step(cache, &mut map, &mut random, number)
            .map_err(|facts| format!("step {number} of {size}: {facts}"))?;
    }
    Ok(())
}

fn step(cache: &Cache, map: &mut Map, random: &mut Rng, number: usize) -> Verdict {
    let key = cache.key(&format!("{:02}", random.u8(..KEYS)));
    match random.u8(..10) {
        0..5 => {
            let length = random.usize(LENGTHS);
            let ttl = [None, Some(AN_HOUR), Some(0)][random.usize(..3)];
            cache.set_letters(&key, number as u64, length, ttl)?;
            match ttl {
                Some(0) => map.remove(&key),
                _ => map.insert(key, (length, number)),
            };
        }
        5..8 => match map.get(&key) {
            None => cache.expect_nothing(&key)?,
            Some(&(length, setter)) => {
                if let Some(found) = cache.get_unless_forgotten(&key)? {
                    are_letters(&key, setter as u64, length, &found)
                        .map_err(|facts| format!("{facts}; step {setter} set it"))?;
                }
            }
        },
        _ => match map.remove(&key) {
            None => cache.expect_nothing_to_delete(&key)?,
            Some(_) => cache.delete_unless_forgotten(&key)?,
        },
    }
    Ok(())
}
