//! Counters for fault injection: the number of cases per fault, and the number of violations.
//!
//! The numbers that are printed also decide the trial, so the output cannot claim more cases than were
//! tried.

use libtest_mimic::Failed;
use std::fmt::Display;

/// The cases of one fault, and the violations among them.
pub struct Count {
    fault: &'static str,
    tried: usize,
    violations: Vec<String>,
}

impl Count {
    /// A count of zero cases for a fault, such as `F12`.
    pub fn of(fault: &'static str) -> Self {
        Self {
            fault,
            tried: 0,
            violations: Vec::new(),
        }
    }

    /// Counts a case. An error is a violation; it names the case and what happened.
    pub fn case(&mut self, rule: Result<(), impl Display>) {
        self.tried += 1;
        self.violations
            .extend(rule.err().map(|error| error.to_string()));
    }

    /// Counts a case. If the rule does not hold, `otherwise` names the case and what happened.
    pub fn holds(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        self.case(if holds { Ok(()) } else { Err(otherwise()) });
    }

    /// Prints the count and the note. Fails if there was a violation, or no case at all.
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
