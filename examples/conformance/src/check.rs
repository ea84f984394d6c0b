//! A check: a name, and a function that tests a rule.

use crate::cache::Cache;
use std::pin::Pin;

/// The result of a check; `Err` holds the facts: the call, the expected and the actual result.
pub type Verdict = Result<(), String>;

pub struct Check {
    /// The area, a colon and the rule.
    pub name: &'static str,
    run: Box<dyn Fn(Cache) -> Running>,
}

/// A running check.
pub type Running = Pin<Box<dyn Future<Output = Finding>>>;

/// The result of a check.
pub struct Finding {
    pub verdict: Verdict,
    /// The number of missing entries that a cache may forget.
    pub misses: usize,
}

impl Check {
    pub fn new(name: &'static str, run: impl Fn(&Cache) -> Verdict + Copy + 'static) -> Self {
        Self::waiting(name, async move |cache: &Cache| run(cache))
    }

    /// A check that pauses; others continue in the meantime.
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
