//! How many cases a fault of TARGETS was tried in, and how often its rule did not hold.
//!
//! What is printed and what decides the trial are the same numbers, so a count cannot claim more
//! than was tried.

use libtest_mimic::Failed;
use std::fmt::Display;

/// The cases of one fault.
pub struct Count {
    fault: &'static str,
    tried: usize,
    violations: Vec<String>,
}

impl Count {
    /// Nothing tried yet of the fault `F12`, for example.
    pub fn of(fault: &'static str) -> Self {
        Self {
            fault,
            tried: 0,
            violations: Vec::new(),
        }
    }

    /// Counts a case; the error says which one it was and what happened instead of what the rule says.
    pub fn case(&mut self, rule: Result<(), impl Display>) {
        self.tried += 1;
        self.violations
            .extend(rule.err().map(|error| error.to_string()));
    }

    /// Counts a case whose rule `holds`, or else which one it was and what happened instead.
    pub fn holds(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        self.case(if holds { Ok(()) } else { Err(otherwise()) });
    }

    /// Prints the count, with what else is good to know, and fails if any rule did not hold or nothing
    /// was tried.
    pub fn finish(self, note: impl Display) -> Result<(), Failed> {
        let Self {
            fault,
            tried,
            violations,
        } = self;
        println!(
            "{fault}: tried {tried}, violated {}{note}",
            violations.len()
        );
        match violations.as_slice() {
            [] if tried == 0 => Err(format!("{fault}: nothing was tried").into()),
            [] => Ok(()),
            violations => Err(violations.join("\n").into()),
        }
    }
}
