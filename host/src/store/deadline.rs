//! Deadlines of calls.

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// The time at which a call is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    /// The time from the start of the call to the deadline.
    pub(crate) after: Duration,
}

/// The deadline has passed.
#[derive(Debug)]
pub(crate) struct Elapsed {
    /// The time from the start of the call to the deadline.
    pub(crate) after: Duration,
}

impl Deadline {
    /// The deadline of a call that begins now: the earlier one of its own timeout and of the deadline of
    /// its caller. `None` if there is neither; a timeout that the clock cannot
    /// express never passes.
    pub(crate) fn of(timeout: Option<Duration>, of_caller: Option<Instant>) -> Option<Self> {
        if timeout.is_none() && of_caller.is_none() {
            return None;
        }
        let now = Instant::now();
        let own = timeout.and_then(|after| {
            Some(Self {
                at: now.checked_add(after)?,
                after,
            })
        });
        let of_caller = of_caller.map(|at| Self {
            at,
            after: at.saturating_duration_since(now),
        });
        match (own, of_caller) {
            (Some(own), Some(of_caller)) if of_caller.at < own.at => Some(of_caller),
            (own, of_caller) => own.or(of_caller),
        }
    }
}

/// Waits for `future` until the deadline.
pub(crate) async fn within<T>(
    deadline: Option<Deadline>,
    future: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    match deadline {
        None => Ok(future.await),
        Some(Deadline { at, after }) => tokio::time::timeout_at(at.into(), future)
            .await
            .map_err(|_| Elapsed { after }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_one_of_two_deadlines_counts() {
        let second = Duration::from_secs(1);
        let now = Instant::now();
        let after = |timeout, of_caller: Option<Duration>| {
            let of_caller = of_caller.map(|after| now + after);
            Deadline::of(timeout, of_caller).map(|deadline| deadline.after.as_secs_f64().round())
        };
        assert_eq!(after(None, None), None);
        assert_eq!(after(Some(second), None), Some(1.0));
        assert_eq!(after(None, Some(2 * second)), Some(2.0));
        assert_eq!(after(Some(second), Some(2 * second)), Some(1.0));
        assert_eq!(after(Some(3 * second), Some(2 * second)), Some(2.0));
        assert_eq!(after(Some(Duration::MAX), None), None);
        assert_eq!(after(Some(Duration::MAX), Some(second)), Some(1.0));
        let past = now.checked_sub(second);
        assert_eq!(
            Deadline::of(None, past).map(|past| past.after),
            past.map(|_| Duration::ZERO)
        );
    }
}
