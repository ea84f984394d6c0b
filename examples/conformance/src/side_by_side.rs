//! Runs the checks in order; those that wait for time to pass all wait at once.

use crate::check::{Finding, Running};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread::sleep;
use std::time::{Duration, Instant};

const NAP: Duration = Duration::from_millis(10);

/// Calls `report` with the name and the finding of every check when it ends.
pub fn run(mut running: Vec<(&str, Running)>, mut report: impl FnMut(&str, Finding)) {
    // Nothing wakes this thread: it polls again after every nap.
    let mut context = Context::from_waker(Waker::noop());
    loop {
        running.retain_mut(|(name, check)| match check.as_mut().poll(&mut context) {
            Poll::Ready(finding) => {
                report(name, finding);
                false
            }
            Poll::Pending => true,
        });
        if running.is_empty() {
            return;
        }
        sleep(NAP);
    }
}

/// Lets at least `duration` pass, while the other checks continue.
pub fn pause(duration: Duration) -> impl Future<Output = ()> {
    Pause {
        end: Instant::now() + duration,
    }
}

struct Pause {
    end: Instant,
}

impl Future for Pause {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if Instant::now() < self.end {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}
