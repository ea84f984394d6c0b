//! Warnings about calls of a cache that failed.

use crate::cli::console;
use std::{
    iter,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use wit_host::CacheFailure;

/// The shortest time between two warnings. A guest can make calls fail as often as it wants.
const INTERVAL: Duration = Duration::from_secs(1);

/// The failures of one cache. The first one is printed, and then one a second at most.
pub struct Failures {
    cache: String,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    printed: Option<Instant>,
    /// The number of failures since then.
    unprinted: u64,
}

impl Failures {
    pub fn new(cache: String) -> Self {
        Self {
            cache,
            last: Mutex::default(),
        }
    }

    /// The number of failures since the last one that was printed, if another one is to be printed now.
    fn unprinted_if_due(&self) -> Option<u64> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.printed.is_none_or(|at| at.elapsed() >= INTERVAL);
        if !is_due {
            last.unprinted += 1;
            return None;
        }
        last.printed = Some(Instant::now());
        Some(std::mem::take(&mut last.unprinted))
    }

    pub fn warn(&self, failure: &CacheFailure<'_>) {
        let Some(unprinted) = self.unprinted_if_due() else {
            return;
        };
        let CacheFailure {
            part,
            function,
            error,
            ..
        } = failure;
        let error: &(dyn std::error::Error + 'static) = *error;
        let reasons: Vec<String> = iter::successors(Some(error), |&error| error.source())
            .map(ToString::to_string)
            .collect();
        let others = match unprinted {
            0 => String::new(),
            1 => ", after another failure".to_owned(),
            unprinted => format!(", after {unprinted} other failures"),
        };
        console::warning(format_args!(
            "the cache `{}` failed in `{function}` of `{part}`{others}: {}",
            self.cache,
            reasons.join(": ")
        ));
    }
}
