//! The bound on time: what the command may take to prepare a program, and what a program may take
//! that cannot be stopped in order.

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
use wit_host::{Outcome, TimedOut};

/// What preparing may take where nothing else is said. The largest component that is common, of a
/// Python program, takes 35 s of the processor's time to compile, with a host that is not optimised.
pub const DEFAULT: Duration = Duration::from_secs(300);

/// What a program that can be stopped in order is given to stop, and its end to be explained.
const GRACE: Duration = Duration::from_millis(190);

/// The stack of the command. Only what is used of it takes memory.
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
    /// Somebody else is waited for.
    None,
    /// The host is at work.
    Host { until: Instant, after: Duration },
    /// The program runs, or its end is explained.
    Program { until: Instant, after: Duration },
    /// The command has ended.
    Ended,
}

/// The time that a command has, or a call: `--timeout`, from its start.
#[derive(Clone, Copy)]
pub struct Budget {
    started: Instant,
    all: Option<Duration>,
}

impl Budget {
    /// This much from then on; `None` is for ever.
    pub fn new(started: Instant, all: Option<Duration>) -> Self {
        Self { started, all }
    }

    /// What there was at the start.
    pub fn all(self) -> Option<Duration> {
        self.all
    }

    /// What is left now.
    pub fn left(self) -> Option<Duration> {
        let all = self.all?;
        Some(all.saturating_sub(self.started.elapsed()))
    }

    fn until(self) -> Option<Instant> {
        self.started.checked_add(self.all?)
    }

    /// How a program ended that had what was left: told of the whole, which is what the user gave.
    pub fn of_all(self, outcome: Outcome) -> Outcome {
        match (outcome, self.all) {
            (Outcome::TimedOut(timed_out), Some(after)) => {
                Outcome::TimedOut(TimedOut { after, ..timed_out })
            }
            (outcome, _) => outcome,
        }
    }
}

/// Does the work of the command on a thread of its own, and ends the process where it is not done in
/// time. Until something else is said, it is preparing and has [`DEFAULT`].
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
    // It has ended, and has caught its panics.
    command
        .join()
        .map_err(|_| io::Error::other("the command has ended without a result"))
}

/// From here on the host is at work, and may take this long.
pub fn prepare(after: Duration) {
    WATCH.set(match Instant::now().checked_add(after) {
        Some(until) => Bound::Host { until, after },
        None => Bound::None,
    });
}

/// From here on the program runs.
pub fn run(budget: Budget) {
    let until = budget.all.zip(budget.until());
    WATCH.set(
        match until.and_then(|(after, until)| Some((after, until.checked_add(GRACE)?))) {
            Some((after, until)) => Bound::Program { until, after },
            None => Bound::None,
        },
    );
}

/// From here on nobody is waited for but who makes the next call.
pub fn wait_for_calls() {
    WATCH.set(Bound::None);
}

/// From here on the end of the program is explained: within its time, if it has one.
pub fn explain() {
    if matches!(*WATCH.bound(), Bound::None) {
        prepare(DEFAULT);
    }
}

/// From here on nothing is left to be bounded: how the program ended has been told.
pub fn done() {
    WATCH.set(Bound::Ended);
}

/// Waits for whoever reads the output. The host is not at work meanwhile; a program's time goes on.
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

    /// Returns when the command has ended; where it does not in time, nobody does.
    fn keep(&self) {
        let mut bound = self.bound();
        loop {
            let now = Instant::now();
            let until = match *bound {
                Bound::Ended => return,
                Bound::None => None,
                Bound::Host { until, after } if until <= now => end_host(after),
                Bound::Program { until, after } if until <= now => end_program(after),
                Bound::Host { until, .. } | Bound::Program { until, .. } => Some(until - now),
            };
            bound = match until {
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

/// A host call that blocks its thread, such as reading a FIFO that nobody writes, can be stopped in no
/// other way than with the process, and neither can an explanation that takes too long.
fn end_program(after: Duration) -> ! {
    last_words::end(
        TIMEOUT,
        format_args!("the program was in a call to the host, and was not done within {after:?}"),
    )
}

/// Also where the command panics.
struct EndsTheWatch;

impl Drop for EndsTheWatch {
    fn drop(&mut self) {
        WATCH.set(Bound::Ended);
    }
}
