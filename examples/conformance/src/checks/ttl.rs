//! The time to live: seconds from the call that set it.
//!
//! No check requires an entry to exist *during* its last second: this program may be stopped for
//! longer than that.

use super::LONG;
use crate::cache::Cache;
use crate::check::{Check, Verdict};
use crate::side_by_side::pause;
use std::time::Duration;

/// A little longer than a ttl of 1.
const OVER_A_SECOND: Duration = Duration::from_millis(1100);
const MINUTE: u32 = 60;

pub fn checks() -> Vec<Check> {
    vec![
        Check::new("ttl: 0 leaves no entry", zero),
        Check::new("ttl: 0 takes the earlier entry away", zero_over_another),
        Check::new("ttl: the longest does not overflow", longest),
        Check::waiting("ttl: an entry is gone after its seconds", expires),
        Check::waiting(
            "ttl: an entry is there before its seconds are over",
            not_before,
        ),
        Check::waiting("ttl: an entry without one stays", without),
        Check::waiting(
            "ttl: `delete` of an expired entry finds nothing",
            delete_expired,
        ),
        Check::waiting("ttl: an expired entry can be set again", set_again),
        Check::waiting(
            "ttl: an expired entry brings no earlier value back",
            no_way_back,
        ),
        Check::waiting("ttl: reading does not prolong it", reading),
        Check::waiting("ttl: none takes an earlier one away", none_after_some),
        Check::waiting("ttl: one takes the place of none", some_after_none),
        Check::waiting("ttl: a shorter takes the place of a longer", shorter),
        Check::waiting("ttl: a longer takes the place of a shorter", longer),
        Check::waiting("ttl: `delete` takes it away with the entry", deleted),
    ]
}

fn zero(cache: &Cache) -> Verdict {
    for (key, length) in [(cache.key("short"), 5), (cache.key("long"), LONG)] {
        cache.set_letters(&key, 1, length, Some(0))?;
        cache.expect_nothing(&key)?;
        cache.expect_nothing_to_delete(&key)?;
    }
    Ok(())
}

fn zero_over_another(cache: &Cache) -> Verdict {
    for (key, length) in [(cache.key("short"), 5), (cache.key("long"), LONG)] {
        cache.set_letters(&key, 1, length, None)?;
        cache.set(&key, "new", Some(0))?;
        cache.expect_nothing(&key)?;
        cache.expect_nothing_to_delete(&key)?;
    }
    Ok(())
}

/// Checks long ttls, also ones that overflow a signed number, or 32 bits of milliseconds.
fn longest(cache: &Cache) -> Verdict {
    for ttl in [
        u32::MAX / 1000 + 1,
        i32::MAX as u32,
        i32::MAX as u32 + 1,
        u32::MAX,
    ] {
        let key = cache.key(&ttl.to_string());
        cache.set(&key, "value", Some(ttl))?;
        cache.expect(&key, "value")?;
    }
    Ok(())
}

async fn expires(cache: &Cache) -> Verdict {
    let keys = [(cache.key("short"), 5), (cache.key("long"), LONG)];
    for (key, length) in &keys {
        cache.set_letters(key, 1, *length, Some(1))?;
    }
    pause(OVER_A_SECOND).await;
    keys.iter()
        .try_for_each(|(key, _)| cache.expect_nothing(key))
}

async fn not_before(cache: &Cache) -> Verdict {
    let key = cache.key("key");
    cache.set(&key, "value", Some(MINUTE))?;
    pause(OVER_A_SECOND).await;
    cache.expect(&key, "value")
}

async fn without(cache: &Cache) -> Verdict {
    let keys = [(cache.key("short"), 5), (cache.key("long"), LONG)];
    for (key, length) in &keys {
        cache.set_letters(key, 1, *length, None)?;
    }
    pause(OVER_A_SECOND).await;
    keys.iter()
        .try_for_each(|(key, length)| cache.expect_letters(key, 1, *length))
}

async fn delete_expired(cache: &Cache) -> Verdict {
    let key = cache.key("key");
    cache.set(&key, "value", Some(1))?;
    pause(OVER_A_SECOND).await;
    cache.expect_nothing_to_delete(&key)
}

async fn set_again(cache: &Cache) -> Verdict {
    let key = cache.key("key");
    cache.set(&key, "old", Some(1))?;
    pause(OVER_A_SECOND).await;
    cache.set(&key, "new", None)?;
    cache.expect(&key, "new")
}

async fn no_way_back(cache: &Cache) -> Verdict {
    let key = cache.key("key");
    cache.set_letters(&key, 1, LONG, None)?;
    cache.set(&key, "new", Some(1))?;
    pause(OVER_A_SECOND).await;
    cache.expect_nothing(&key)
}

async fn reading(cache: &Cache) -> Verdict {
    let key = cache.key("key");
    cache.set(&key, "value", Some(1))?;
    for _ in 0..4 {
        pause(OVER_A_SECOND / 5).await;
        // The result is irrelevant; only the `get` itself matters.
        let _ = cache.get(&key);
    }
    pause(OVER_A_SECOND / 5).await;
    cache.expect_nothing(&key)
}

async fn none_after_some(cache: &Cache) -> Verdict {
    let key = cache.key("key");
    cache.set(&key, "old", Some(1))?;
    cache.set(&key, "new", None)?;
    pause(OVER_A_SECOND).await;
    cache.expect(&key, "new")
}

async fn some_after_none(cache: &Cache) -> Verdict {
    let key = cache.key("key");
    cache.set(&key, "old", None)?;
    cache.set(&key, "new", Some(1))?;
    pause(OVER_A_SECOND).await;
    cache.expect_nothing(&key)
}

async fn shorter(cache: &Cache) -> Verdict {
    let key = cache.key("key");
    cache.set(&key, "old", Some(MINUTE))?;
    cache.set(&key, "new", Some(1))?;
    pause(OVER_A_SECOND).await;
    cache.expect_nothing(&key)
}

async fn longer(cache: &Cache) -> Verdict {
    let key = cache.key("key");
    cache.set(&key, "old", Some(1))?;
    cache.set(&key, "new", Some(MINUTE))?;
    pause(OVER_A_SECOND).await;
    cache.expect(&key, "new")
}

/// Checks that a timer started for the first entry does not end the second.
async fn deleted(cache: &Cache) -> Verdict {
    let key = cache.key("key");
    cache.set(&key, "old", Some(1))?;
    cache.delete_unless_forgotten(&key)?;
    cache.set(&key, "new", None)?;
    pause(OVER_A_SECOND).await;
    cache.expect(&key, "new")
}
