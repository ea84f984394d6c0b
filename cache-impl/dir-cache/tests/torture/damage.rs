//! F4: an entry is cut short anywhere; any bit before the value is flipped, and bits of the value
//! are; pages of the file are swapped, lost or stale. A read returns the value or a miss, and the
//! next `set` repairs the entry.

use crate::count::{Count, Scale, rule};
use crate::disk::Disk;
use crate::world::{Time, got, open};
use dir_cache::key::Key;
use dir_cache::{Durability, Store};
use fastrand::Rng;
use std::iter::repeat_with;

const KEY: &str = "a key of some length, so that flips in it count";
const HEADER_AND_KEY: usize = 48 + KEY.len();
const PAGE: usize = 4096;

pub fn run(scale: &Scale, count: &mut Count) {
    let random = &mut Rng::with_seed(scale.seed);
    for len in [0, 1, 100, 3 * PAGE] {
        let mut patient = Patient::new(random, len);
        let entry_len = patient.entry.len();
        for len in 0..entry_len {
            patient.damage(count, |entry| entry.truncate(len));
        }
        for bit in 0..8 * HEADER_AND_KEY {
            patient.damage(count, |entry| entry[bit / 8] ^= 1 << (bit % 8));
        }
    }
    for _ in 0..scale.times(20, 250) {
        let len = random
            .choice([1, 50, 1000, PAGE, 16 * PAGE])
            .expect("a length");
        let mut patient = Patient::new(random, len);
        for _ in 0..scale.times(250, 4000) {
            let damage = *random.choice(DAMAGES).expect("a damage");
            patient.damage(count, |entry| damage(entry, random));
        }
    }
}

type Damage = fn(&mut Vec<u8>, &mut Rng);

const DAMAGES: &[Damage] = &[
    |entry, random| {
        let bit = random.usize(..8 * entry.len());
        entry[bit / 8] ^= 1 << (bit % 8);
    },
    |entry, random| {
        for _ in 0..random.u8(1..=16) {
            let at = random.usize(..entry.len());
            entry[at] = random.u8(..);
        }
    },
    |entry, random| {
        let (one, other) = (random.usize(..entry.len()), random.usize(..entry.len()));
        entry.swap(one, other);
    },
    // One page never reached the disk.
    |entry, random| page(entry, random).fill(0),
    // Two pages are swapped.
    |entry, random| {
        let one = page(entry, random).to_vec();
        let other = page(entry, random);
        let len = one.len().min(other.len());
        other[..len].copy_from_slice(&one[..len]);
    },
    |entry, random| {
        let len = random.usize(..entry.len());
        entry.truncate(len);
    },
    |entry, random| {
        let len = random.usize(1..=2 * PAGE);
        entry.extend(repeat_with(|| random.u8(..)).take(len));
    },
    // The last bytes that were written are missing.
    |entry, random| {
        let from = random.usize(..entry.len());
        entry[from..].fill(0);
    },
];

fn page<'a>(entry: &'a mut [u8], random: &mut Rng) -> &'a mut [u8] {
    let pages = entry.len().div_ceil(PAGE);
    let start = PAGE * random.usize(..pages);
    let end = entry.len().min(start + PAGE);
    &mut entry[start..end]
}

/// An entry that is damaged again and again.
struct Patient {
    disk: Disk,
    store: Store<Disk, Time>,
    path: String,
    value: Vec<u8>,
    entry: Vec<u8>,
}

impl Patient {
    fn new(random: &mut Rng, len: usize) -> Self {
        let mut value = vec![0; len];
        random.fill(&mut value);
        let time = Time::new();
        let disk = Disk::new(&time);
        let store = open(disk.clone(), time, Durability::None);
        store.set(KEY, &value, Some(1000)).expect("a set");
        let path = String::from(Key::new(KEY).expect("a short key").path());
        let entry = disk.edit(&path, |bytes| bytes.clone());
        Self {
            disk,
            store,
            path,
            value,
            entry,
        }
    }

    fn damage(&mut self, count: &mut Count, damage: impl FnOnce(&mut Vec<u8>)) {
        let damaged = self.disk.edit(&self.path, |bytes| {
            bytes.clone_from(&self.entry);
            damage(bytes);
            *bytes != self.entry
        });
        let outcome = got(self.store.get(KEY)).and_then(|read| match read {
            None => rule(damaged, || "a miss without damage".into()),
            Some(value) if damaged => {
                let what = if value == self.value {
                    "the"
                } else {
                    "a wrong"
                };
                Err(format!("{what} value of a damaged entry was served"))
            }
            Some(value) => rule(value == self.value, || "a wrong value".into()),
        });
        count.case(outcome);
    }
}
