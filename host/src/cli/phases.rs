//! `-v`: what took how long.

use std::time::{Duration, Instant};

/// Times the phases of a command and shows each on standard error when it ends, if asked to.
pub struct Phases {
    shown: bool,
}

impl Phases {
    pub fn new(shown: bool) -> Self {
        Self { shown }
    }

    /// Does the work of one phase.
    pub fn time<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        if self.shown {
            eprintln!("{name:>12} {}", milliseconds(start.elapsed()));
        }
        result
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:9.3} ms", duration.as_secs_f64() * 1e3)
}
