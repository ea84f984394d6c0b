//! F11: the same random program runs on the engine, in memory and on the operating system's
//! directory, and on a map. All give the same answers; with a bound, the engine may also miss.

use crate::count::{Count, Scale, rule};
use crate::disk::Disk;
use crate::world::{SECOND, Time, got, open, scratch};
use dir_cache::{Clock, Directory, Durability, MaxBytes, NativeDirectory, Timestamp};
use fastrand::Rng;
use std::collections::HashMap;

pub fn run(scale: &Scale, count: &mut Count) {
    let operations = scale.times(5_000, 100_000);
    for bound in [None, MaxBytes::new(400_000)] {
        let time = Time::new();
        program(scale.seed, operations, Disk::new(&time), time, bound, count);

        let root = scratch();
        let directory = NativeDirectory::open(root.path()).expect("a directory");
        program(scale.seed, operations, directory, Time::new(), bound, count);
    }
}

struct Entry {
    value: Vec<u8>,
    expires: Option<Timestamp>,
}

fn program(
    seed: u64,
    operations: u64,
    directory: impl Directory,
    time: Time,
    bound: Option<MaxBytes>,
    count: &mut Count,
) {
    let random = &mut Rng::with_seed(seed);
    let store = open(directory, time.clone(), Durability::None);
    let store = match bound {
        Some(bound) => store.bounded(bound),
        None => store,
    };
    let mut map: HashMap<String, Entry> = HashMap::new();
    for number in 0..operations {
        let key = key(random);
        let now = time.now();
        map.retain(|_, entry| entry.expires.is_none_or(|expires| now < expires));
        let outcome = match random.u8(..10) {
            0..4 => {
                let len = random
                    .choice([0, 1, 10, 100, 1000, 5000, 10_000, 50_000])
                    .expect("a length");
                let value: Vec<u8> = number.to_le_bytes().into_iter().cycle().take(len).collect();
                let ttl = random
                    .choice([None, None, Some(0), Some(1), Some(60), Some(u32::MAX)])
                    .expect("a ttl");
                let outcome = store.set(&key, &value, ttl);
                let expires = ttl.map(|ttl| now.plus_seconds(ttl));
                match ttl {
                    Some(0) => map.remove(&key),
                    _ => map.insert(key, Entry { value, expires }),
                };
                outcome.map_err(|error| format!("failed to set: {error:?}"))
            }
            4 => {
                let deleted = store.delete(&key).is_ok();
                let expected = map.remove(&key).is_some();
                let may_miss = bound.is_some() && !deleted;
                rule(deleted == expected || may_miss, || {
                    format!("deleted: {deleted}")
                })
            }
            5 => {
                time.forwards(random.u64(..2 * SECOND));
                Ok(())
            }
            _ => got(store.get(&key)).and_then(|got| {
                let expected = map.get(&key).map(|entry| &entry.value);
                let may_miss = bound.is_some() && got.is_none();
                rule(got.as_ref() == expected || may_miss, || {
                    format!("got {got:?}")
                })
            }),
        };
        count.case(outcome.map_err(|what| format!("{what} at operation {number}")));
    }
}

fn key(random: &mut Rng) -> String {
    match random.u8(..20) {
        0 => String::new(),
        1 => "k".repeat(4096),
        2 => "../\0".into(),
        _ => format!("key {}", random.u8(..200)),
    }
}
