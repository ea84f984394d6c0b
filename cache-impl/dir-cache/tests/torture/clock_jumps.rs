//! F10: the clock jumps by up to decades between any two readings, also within a call. A served
//! value has not expired by the clock that the `get` read, and was not set later than that.

use crate::count::{Count, Scale, rule};
use crate::disk::Disk;
use crate::world::{SECOND, START, Time, got, open};
use dir_cache::{Clock, Durability, MaxBytes, Timestamp};
use fastrand::Rng;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

const YEAR: i64 = 365 * 24 * 3600 * SECOND as i64;

const JUMPS: &[i64] = &[
    0,
    0,
    0,
    0,
    1,
    -1,
    SECOND as i64 - 1,
    SECOND as i64,
    -(SECOND as i64),
    3600 * SECOND as i64,
    -3600 * SECOND as i64,
    YEAR,
    -YEAR,
    50 * YEAR,
    -10 * YEAR,
];

const TTLS: &[Option<u32>] = &[None, Some(0), Some(1), Some(2), Some(3600), Some(u32::MAX)];

/// A clock that jumps at every reading, and records the times that it returned.
#[derive(Clone)]
struct Jumping(Rc<RefCell<State>>);

struct State {
    random: Rng,
    time: Time,
    said: Vec<Timestamp>,
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        let State { random, time, said } = &mut *self.0.borrow_mut();
        let now = time
            .now()
            .as_nanos()
            .saturating_add_signed(*random.choice(JUMPS).expect("a jump"));
        // Jumps stay within the range of a timestamp: at its ends the clock would stand still.
        let near = now.abs_diff(START.as_nanos()) < 100 * YEAR as u64;
        time.set(if near { now } else { START.as_nanos() });
        said.push(time.now());
        time.now()
    }
}

struct Set {
    value: Vec<u8>,
    at: Timestamp,
    ttl: Option<u32>,
}

pub fn run(scale: &Scale, count: &mut Count) {
    let mut random = Rng::with_seed(scale.seed);
    for bound in [None, MaxBytes::new(20 * 4096)] {
        program(scale.times(5_000, 100_000), &mut random, bound, count);
    }
}

fn program(operations: u64, random: &mut Rng, bound: Option<MaxBytes>, count: &mut Count) {
    let time = Time::new();
    let clock = Jumping(Rc::new(RefCell::new(State {
        random: random.fork(),
        time: time.clone(),
        said: Vec::new(),
    })));
    let store = open(Disk::new(&time), clock.clone(), Durability::None);
    let store = match bound {
        Some(bound) => store.bounded(bound),
        None => store,
    };
    let mut sets: HashMap<String, Set> = HashMap::new();
    for number in 0..operations {
        let key = format!("key {}", random.u8(..50));
        clock.0.borrow_mut().said.clear();
        match random.u8(..10) {
            0..4 => {
                let ttl = *random.choice(TTLS).expect("a ttl");
                let value = number.to_le_bytes().repeat(random.usize(1..=10));
                let outcome = store.set(&key, &value, ttl);
                count.case(outcome.map_err(|error| format!("failed to set: {error:?}")));
                let at = clock.0.borrow().said.first().copied();
                match at {
                    Some(at) => sets.insert(key, Set { value, at, ttl }),
                    None => sets.remove(&key),
                };
            }
            4 => {
                if store.delete(&key).is_ok() {
                    sets.remove(&key);
                }
            }
            _ => {
                let outcome = got(store.get(&key));
                let now = clock.0.borrow().said.last().copied();
                count.case(outcome.and_then(|got| served(got, sets.get(&key), now)));
            }
        }
    }
}

fn served(got: Option<Vec<u8>>, set: Option<&Set>, now: Option<Timestamp>) -> Result<(), String> {
    let Some(value) = got else {
        return Ok(());
    };
    let (Some(set), Some(now)) = (set, now) else {
        return Err(
            "something was served that was never set, or without a look at the clock".into(),
        );
    };
    rule(value == set.value, || "another value was served".into())?;
    rule(set.at <= now, || {
        "something from the future was served".into()
    })?;
    let is_live = set.ttl.is_none_or(|ttl| now < set.at.plus_seconds(ttl));
    rule(is_live, || "something expired was served".into())
}
