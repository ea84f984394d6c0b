//! A check: a name, and a function that says whether the rule holds.

use crate::cache::Cache;
use std::pin::Pin;

/// `Err` holds the facts: the call, what was expected and what was found.
pub type Verdict = Result<(), String>;

pub struct Check {
    /// The area, a colon and the rule.
    pub name: &'static str,
    run: Box<dyn Fn(Cache) -> Running>,
}

/// A check under way.
pub type Running = Pin<Box<dyn Future<Output = Finding>>>;

/// What a check has found.
pub struct Finding {
    pub verdict: Verdict,
    /// How many entries were missing that a cache may forget.
    pub misses: usize,
}

impl Check {
    pub fn new(name: &'static str, run: impl Fn(&Cache) -> Verdict + Copy + 'static) -> Self {
        Self::waiting(name, async move |cache: &Cache| run(cache))
    }

    /// A check that pauses: others go on in the meantime.
    pub fn waiting(
        name: &'static str,
        run: impl AsyncFn(&Cache) -> Verdict + Copy + 'static,
    ) -> Self {
        let run = move |cache: Cache| -> Running {
            Box::pin(async move {
                let verdict = run(&cache).await;
                Finding {
                    verdict,
                    misses: cache.misses(),
                }
            })
        };
        Self {
            name,
            run: Box::new(run),
        }
    }

    pub fn start(&self, cache: Cache) -> Running {
        (self.run)(cache)
    }
}
