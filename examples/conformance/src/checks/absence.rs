//! Absent entries: a key that was never set, or was deleted, is not found.

use super::LONG;
use crate::cache::Cache;
use crate::check::{Check, Verdict};

pub fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "absence: `get` of a key that was never set finds nothing",
            get_never_set,
        ),
        Check::new(
            "absence: `delete` of a key that was never set finds nothing",
            delete_never_set,
        ),
        Check::new("absence: a deleted entry is gone", deleted),
        Check::new("absence: a second `delete` finds nothing", deleted_twice),
        Check::new("absence: reading an entry leaves it there", read_twice),
    ]
}

fn get_never_set(cache: &Cache) -> Verdict {
    never_set(cache)
        .iter()
        .try_for_each(|key| cache.expect_nothing(key))
}

fn delete_never_set(cache: &Cache) -> Verdict {
    never_set(cache)
        .iter()
        .try_for_each(|key| cache.expect_nothing_to_delete(key))
}

/// A short key, and one that cannot be a file name.
fn never_set(cache: &Cache) -> [String; 2] {
    [cache.key("never-set"), cache.key(&"n".repeat(1000))]
}

fn deleted(cache: &Cache) -> Verdict {
    for (key, length) in short_and_long(cache) {
        cache.set_letters(&key, 1, length, None)?;
        cache.delete(&key)?;
        cache.expect_nothing(&key)?;
    }
    Ok(())
}

fn deleted_twice(cache: &Cache) -> Verdict {
    for (key, length) in short_and_long(cache) {
        cache.set_letters(&key, 1, length, None)?;
        cache.delete(&key)?;
        cache.expect_nothing_to_delete(&key)?;
    }
    Ok(())
}

fn read_twice(cache: &Cache) -> Verdict {
    for (key, length) in short_and_long(cache) {
        cache.set_letters(&key, 1, length, None)?;
        cache.expect_letters(&key, 1, length)?;
        cache.expect_letters(&key, 1, length)?;
    }
    Ok(())
}

fn short_and_long(cache: &Cache) -> [(String, usize); 2] {
    [(cache.key("short"), 5), (cache.key("long"), LONG)]
}
