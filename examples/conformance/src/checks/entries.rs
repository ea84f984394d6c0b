//! Many entries at a time.

use crate::cache::Cache;
use crate::cache::are_letters;
use crate::check::{Check, Verdict};

const LENGTH: usize = 16;

pub fn checks(size: usize) -> Vec<Check> {
    vec![Check::new(
        "entries: many keep their own values",
        move |cache| many(cache, size),
    )]
}

/// Sets many entries. A cache may forget some, but may not confuse any.
fn many(cache: &Cache, size: usize) -> Verdict {
    for number in 0..size {
        cache.set_letters(&key(cache, number), number as u64, LENGTH, None)?;
    }
    for number in 0..size {
        let key = key(cache, number);
        if let Some(found) = cache.get_unless_forgotten(&key)? {
            are_letters(&key, number as u64, LENGTH, &found)?;
        }
    }
    Ok(())
}

fn key(cache: &Cache, number: usize) -> String {
    cache.key(&number.to_string())
}
