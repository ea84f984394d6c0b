//! Counting failures, to decide whether an isolated plug is instantiated anew.

use crate::compose::isolation::Restarts;
use std::{collections::VecDeque, time::Instant};

/// The recent failures of a plug.
#[derive(Debug)]
pub(crate) struct Failures {
    allowed: Restarts,
    recent: VecDeque<Instant>,
    is_down: bool,
    is_reported: bool,
}

impl Failures {
    pub(crate) fn new(allowed: Restarts) -> Self {
        Self {
            allowed,
            recent: VecDeque::new(),
            is_down: false,
            is_reported: false,
        }
    }

    /// `true` if the plug has failed too often.
    pub(crate) fn is_down(&self) -> bool {
        self.is_down
    }

    /// `true` for the first call that finds the plug down. The calls after it fail for the same reason.
    pub(crate) fn is_first_report(&mut self) -> bool {
        !std::mem::replace(&mut self.is_reported, true)
    }

    /// Counts a failure. The plug stays down if it failed more often than it may be restarted.
    pub(crate) fn count(&mut self, now: Instant) {
        let Restarts { count, within } = self.allowed;
        let is_old = |failure: &Instant| now.saturating_duration_since(*failure) > within;
        while self.recent.front().is_some_and(is_old) {
            self.recent.pop_front();
        }
        if self.recent.len() >= count as usize {
            self.is_down = true;
            self.recent = VecDeque::new();
        } else {
            self.recent.push_back(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    /// Whether the plug is down after failures at these seconds.
    fn is_down(allowed: Restarts, seconds: &[u32]) -> bool {
        let start = Instant::now();
        let mut failures = Failures::new(allowed);
        for second in seconds {
            failures.count(start + *second * SECOND);
        }
        failures.is_down()
    }

    #[test]
    fn a_plug_stays_down_when_it_fails_more_often_than_it_may_be_restarted() {
        let three_in_ten = Restarts::new(3, 10 * SECOND);
        assert!(!is_down(three_in_ten, &[0, 1, 2]));
        assert!(is_down(three_in_ten, &[0, 1, 2, 3]));
        assert!(is_down(three_in_ten, &[0, 1, 2, 10]));
        assert!(!is_down(three_in_ten, &[0, 1, 2, 11, 12, 13]));
        assert!(is_down(three_in_ten, &[0, 1, 2, 11, 12, 12]));
        // Down is for good.
        assert!(is_down(three_in_ten, &[0, 1, 2, 3, 100]));
    }

    #[test]
    fn without_restarts_the_first_failure_is_the_last() {
        let none = Restarts::new(0, SECOND);
        assert!(!is_down(none, &[]));
        assert!(is_down(none, &[0]));
    }
}
