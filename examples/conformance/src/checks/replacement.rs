//! Replacement: `set` replaces the whole old value, permanently.

use super::LONG;
use crate::cache::Cache;
use crate::check::{Check, Verdict};

pub fn checks() -> Vec<Check> {
    vec![
        Check::new("replacement: by a value of the same length", same_length),
        Check::new("replacement: by a shorter value", shorter),
        Check::new("replacement: by a longer value", longer),
        Check::new(
            "replacement: a deleted entry can be set again",
            after_delete,
        ),
        Check::new(
            "replacement: `delete` brings no earlier value back",
            no_way_back,
        ),
    ]
}

fn same_length(cache: &Cache) -> Verdict {
    replaces(cache, LONG, LONG)
}

fn shorter(cache: &Cache) -> Verdict {
    replaces(cache, LONG, LONG - 1000)?;
    replaces(cache, LONG, 5)
}

fn longer(cache: &Cache) -> Verdict {
    replaces(cache, 0, LONG)?;
    replaces(cache, 5, LONG)?;
    replaces(cache, LONG, LONG + 1000)
}

fn replaces(cache: &Cache, old: usize, new: usize) -> Verdict {
    let key = cache.key(&format!("{old}-{new}"));
    cache.set_letters(&key, 1, old, None)?;
    cache.set_letters(&key, 2, new, None)?;
    cache.expect_letters(&key, 2, new)
}

fn after_delete(cache: &Cache) -> Verdict {
    let key = cache.key("again");
    cache.set_letters(&key, 1, LONG, None)?;
    cache.delete(&key)?;
    cache.set_letters(&key, 2, LONG, None)?;
    cache.expect_letters(&key, 2, LONG)
}

fn no_way_back(cache: &Cache) -> Verdict {
    let key = cache.key("back");
    cache.set_letters(&key, 1, LONG, None)?;
    cache.set_letters(&key, 2, 5, None)?;
    cache.delete(&key)?;
    cache.expect_nothing(&key)
}
