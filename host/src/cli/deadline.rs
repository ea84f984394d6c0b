//! The bound on time: how long the command may prepare a program, and how long a program may run that
//! cannot be interrupted.

use super::{
    exit::{HOST, TIMEOUT},
    last_words,
};
use std::{
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use wit_host::Outcome;

/// The default bound on preparing a program. Compiling the largest component in common use, a Python
/// program, takes 35 s of processor time in a host that is built without optimization.
pub const DEFAULT: Duration = Duration::from_secs(300);

/// The time in which a program that can be interrupted must stop, and its end must be explained, in steps. A virtual
/// machine can be paused for longer than the whole time; such a pause then takes up one step.
const GRACE_STEPS: u32 = 19;
const GRACE_STEP: Duration = Duration::from_millis(10);

/// The size of the command's stack. Only the part that is used takes memory.
const STACK: usize = 256 << 20;

static WATCH: Watch = Watch {
    bound: Mutex::new(Bound::None),
    changed: Condvar::new(),
};

struct Watch {
    bound: Mutex<Bound>,
    changed: Condvar,
}

#[derive(Clone, Copy)]
enum Bound {
    /// The host waits for somebody else.
    None,
    /// The host is at work.
    Host { until: Instant, after: Duration },
    /// The program runs, or the host explains its end. It has so many steps of grace left.
    Program {
        until: Instant,
        after: Duration,
        grace: u32,
    },
    /// The command has ended.
    Ended,
}

/// The time that a command or a call has: `--timeout`, counted from its start.
#[derive(Clone, Copy)]
pub struct Budget {
    started: Instant,
    all: Option<Duration>,
}

impl Budget {
    /// A budget of `all`, counted from `started`. `None` is no bound.
    pub fn new(started: Instant, all: Option<Duration>) -> Self {
        Self { started, all }
    }

    /// The whole time.
    pub fn all(self) -> Option<Duration> {
        self.all
    }

    /// The time that is left.
    pub fn left(self) -> Option<Duration> {
        let all = self.all?;
        Some(all.saturating_sub(self.started.elapsed()))
    }

    fn until(self) -> Option<Instant> {
        self.started.checked_add(self.all?)
    }

    /// The outcome of a program that was given the time that was left. The result names the whole time,
    /// which is what the user gave.
    pub fn of_all(self, outcome: Outcome) -> Outcome {
        match (outcome, self.all) {
            (Outcome::TimedOut(mut timed_out), Some(after)) => {
                timed_out.after = after;
                Outcome::TimedOut(timed_out)
            }
            (outcome, _) => outcome,
        }
    }
}

/// Runs the command on a thread of its own, and ends the process if the command exceeds its bound. At
/// first that is [`DEFAULT`], for preparing.
pub fn watch_over<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    prepare(DEFAULT);
    let command = thread::Builder::new()
        .name("command".to_owned())
        .stack_size(STACK)
        .spawn(|| {
            let _ended = EndsTheWatch;
            work()
        })?;
    WATCH.keep();
    // The command has ended, and has caught its panics.
    command
        .join()
        .map_err(|_| io::Error::other("the command has ended without a result"))
}

/// Starts a phase in which the host works, and may take `after`.
pub fn prepare(after: Duration) {
    WATCH.set(match Instant::now().checked_add(after) {
        Some(until) => Bound::Host { until, after },
        None => Bound::None,
    });
}

/// Starts the phase in which the program runs.
pub fn run(budget: Budget) {
    WATCH.set(match budget.all.zip(budget.until()) {
        Some((after, until)) => Bound::Program {
            until,
            after,
            grace: GRACE_STEPS,
        },
        None => Bound::None,
    });
}

/// Starts a phase without a bound, in which the host waits for the user's next call.
pub fn wait_for_calls() {
    WATCH.set(Bound::None);
}

/// Starts the phase in which the end of the program is explained. The program's own bound stays.
pub fn explain() {
    if matches!(*WATCH.bound(), Bound::None) {
        prepare(DEFAULT);
    }
}

/// Ends the watch: the end of the program has been explained.
pub fn done() {
    WATCH.set(Bound::Ended);
}

/// Does work that waits for the reader of the output. That time is not counted as the host's; the time
/// of a program goes on.
pub fn wait_for_reader<T>(work: impl FnOnce() -> T) -> T {
    let before = *WATCH.bound();
    let Bound::Host { until, after } = before else {
        return work();
    };
    let started = Instant::now();
    WATCH.set(Bound::None);
    let result = work();
    WATCH.set(match until.checked_add(started.elapsed()) {
        Some(until) => Bound::Host { until, after },
        None => Bound::None,
    });
    result
}

impl Watch {
    fn bound(&self) -> MutexGuard<'_, Bound> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, bound: Bound) {
        *self.bound() = bound;
        self.changed.notify_all();
    }

    /// Returns when the command has ended, and ends the process when a bound is exceeded.
    fn keep(&self) {
        let mut bound = self.bound();
        loop {
            let now = Instant::now();
            let left = match &mut *bound {
                Bound::Ended => return,
                Bound::None => None,
                Bound::Host { until, .. } | Bound::Program { until, .. } if *until > now => {
                    Some(*until - now)
                }
                Bound::Host { after, .. } => end_host(*after),
                Bound::Program {
                    after, grace: 0, ..
                } => end_program(*after),
                Bound::Program { grace, .. } => {
                    *grace -= 1;
                    Some(GRACE_STEP)
                }
            };
            bound = match left {
                None => self
                    .changed
                    .wait(bound)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let waited = self.changed.wait_timeout(bound, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

fn end_host(after: Duration) -> ! {
    last_words::end_unfinished(
        HOST,
        format_args!("it was not done within {after:?}; allow more with `--timeout`"),
    )
}

/// Only the end of the process stops a host call that blocks its thread, such as reading a FIFO that
/// nobody writes to, and an explanation that takes too long.
fn end_program(after: Duration) -> ! {
    last_words::end(
        TIMEOUT,
        format_args!(
            "the program was not done within {after:?}, and could not be interrupted in a call to the host"
        ),
    )
}

/// Ends the watch with the command, also when it panics.
struct EndsTheWatch;

impl Drop for EndsTheWatch {
    fn drop(&mut self) {
        WATCH.set(Bound::Ended);
    }
}
