//! The number of cases to run, and their results.

use libtest_mimic::Failed;
use std::env;
use std::fmt::{self, Display, Formatter};
use std::time::SystemTime;

/// The short form or the long one, and the seed of everything random.
#[derive(Clone)]
pub struct Scale {
    long: bool,
    pub seed: u64,
}

impl Scale {
    pub fn from_environment() -> Self {
        let seed = env::var("TORTURE_SEED").ok().map(|seed| {
            let number = match seed.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16),
                None => seed.parse(),
            };
            number.expect("`TORTURE_SEED` is a number, as `7` or `0x7`")
        });
        let long = env::var_os("TORTURE").is_some_and(|long| long == "1");
        // The short form is a test, and does the same each time. The long one explores.
        let by_default = || match long {
            true => SystemTime::UNIX_EPOCH
                .elapsed()
                .unwrap_or_default()
                .as_nanos() as u64,
            false => 1,
        };
        Self {
            long,
            seed: seed.unwrap_or_else(by_default),
        }
    }

    /// The number of repetitions.
    pub fn times(&self, short: u64, long: u64) -> u64 {
        if self.long { long } else { short }
    }
}

impl Display for Scale {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let form = if self.long { "long" } else { "short" };
        write!(f, "the {form} form, TORTURE_SEED={:#x}", self.seed)
    }
}

/// The number of cases that ran, and the cases that broke their rule.
#[derive(Default)]
pub struct Count {
    tried: u64,
    violated: u64,
    first: Option<String>,
    notes: Vec<String>,
}

impl Count {
    /// Counts a case, and keeps the trace of the first broken rule.
    pub fn case(&mut self, rule: Result<(), String>) {
        self.tried += 1;
        if let Err(trace) = rule {
            self.violated += 1;
            self.first.get_or_insert(trace);
        }
    }

    /// Counts the cases of another process.
    #[cfg(target_os = "linux")]
    pub fn cases(&mut self, tried: u64, violated: u64, trace: &str) {
        self.tried += tried;
        self.violated += violated;
        if violated > 0 {
            self.first.get_or_insert(trace.into());
        }
    }

    /// Records that something was not tried, or another remark.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub fn verdict(self) -> Result<(), Failed> {
        match self.first {
            None => Ok(()),
            Some(trace) => Err(trace.into()),
        }
    }
}

impl Display for Count {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "tried {}, violated {}", self.tried, self.violated)?;
        for note in &self.notes {
            write!(f, "; {note}")?;
        }
        Ok(())
    }
}

/// The rule of a case: `Ok` if it `holds`, or else the trace of the case.
pub fn rule(holds: bool, trace: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(trace()) }
}
