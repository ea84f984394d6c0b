//! Uses a cache from many processes at a time, and checks that each value is whole.
//!
//! - `write WRITER SEED KEY...` sets until it is killed, and acknowledges each completed set.
//! - `hammer WRITER SEED OPERATIONS KEY...` sets, reads and deletes, and stops at an error.
//! - `fill SEED BYTES SIZE...` sets values of these sizes, at random, each under a new key, until
//!   BYTES bytes are set.
//! - `check KEY...` shows the entries, and stops at an error.

mod stamp;

use fastrand::Rng;
use stamp::Stamp;
use std::{
    env,
    error::Error,
    io,
    time::{SystemTime, UNIX_EPOCH},
};
use toolkit::cache::cache::{self, Error as CacheError};

mod bindings {
    wit_bindgen::generate!({ path: "../../../../wit", world: "consumer" });
}
use bindings::toolkit;

/// The ttls of entries, in seconds. Most entries are replaced before they expire.
const TTLS: [Option<u32>; 4] = [None, Some(0), Some(1), Some(1)];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["write", writer, seed, keys @ ..] => write(writer.parse()?, seed.parse()?, keys),
        ["hammer", writer, seed, operations, keys @ ..] => {
            hammer(writer.parse()?, seed.parse()?, operations.parse()?, keys)
        }
        ["fill", seed, bytes, sizes @ ..] => fill(seed.parse()?, bytes.parse()?, sizes),
        ["check", keys @ ..] => check(keys),
        _ => Err("expected `write`, `hammer`, `fill` or `check`".into()),
    }
}

/// Begins at the end of standard input, so that many processes can begin together.
fn write(writer: u64, seed: u64, keys: &[&str]) -> Result<(), Box<dyn Error>> {
    println!("ready");
    io::read_to_string(io::stdin())?;
    let mut random = Rng::with_seed(seed);
    for sequence in 0.. {
        let key = *random.choice(keys).ok_or("there is no key")?;
        let stamp = Stamp::new(key, writer, sequence, None, &mut random);
        set(&stamp)?;
        println!("{stamp} {}", now());
    }
    Ok(())
}

fn hammer(writer: u64, seed: u64, operations: u64, keys: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut random = Rng::with_seed(seed);
    let mut hits = 0;
    for sequence in 0..operations {
        let key = *random.choice(keys).ok_or("there is no key")?;
        match random.u8(..8) {
            0..4 => hits += usize::from(get(key)?.is_some()),
            4..7 => {
                let ttl = random.choice(TTLS).expect("a ttl");
                set(&Stamp::new(key, writer, sequence, ttl, &mut random))?;
            }
            _ => delete(key)?,
        }
    }
    match hits {
        0 => Err("nothing was ever there".into()),
        _ => Ok(()),
    }
}

fn fill(seed: u64, bytes: u64, sizes: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut random = Rng::with_seed(seed);
    let mut left = bytes;
    for number in 0.. {
        let size: u64 = random.choice(sizes).ok_or("there is no size")?.parse()?;
        let key = format!("{seed} {number}");
        let value = vec![number as u8; size as usize];
        cache::set(&key, &value, None).map_err(|error| format!("failed to set: {error}"))?;
        left = left.saturating_sub(size.next_multiple_of(4096));
        if left == 0 {
            break;
        }
    }
    Ok(())
}

fn check(keys: &[&str]) -> Result<(), Box<dyn Error>> {
    for key in keys {
        if let Some(stamp) = get(key)? {
            println!("{stamp}");
        }
    }
    Ok(())
}

fn set(stamp: &Stamp) -> Result<(), String> {
    cache::set(stamp.key(), &stamp.value(), stamp.ttl())
        .map_err(|error| format!("failed to set `{stamp}`: {error}"))
}

/// The stamp of the value under `key`, if the value agrees with it and may be there.
fn get(key: &str) -> Result<Option<Stamp>, String> {
    let asked_at = now();
    let value = match cache::get(key) {
        Ok(value) => value,
        Err(CacheError::NotFoundError) => return Ok(None),
        Err(error) => return Err(format!("failed to get `{key}`: {error}")),
    };
    let stamp = Stamp::of(&value).map_err(|trouble| format!("`{key}` is torn: {trouble}"))?;
    if stamp.key() != key {
        return Err(format!("`{key}` has the value of another key, `{stamp}`"));
    }
    if stamp.has_expired(asked_at) {
        return Err(format!("`{stamp}` had expired at {asked_at}"));
    }
    Ok(Some(stamp))
}

fn delete(key: &str) -> Result<(), String> {
    match cache::delete(key) {
        Ok(()) | Err(CacheError::NotFoundError) => Ok(()),
        Err(error) => Err(format!("failed to delete `{key}`: {error}")),
    }
}

/// The time in nanoseconds, by the clock that all processes share.
fn now() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.unwrap_or_default().as_nanos() as u64
}
