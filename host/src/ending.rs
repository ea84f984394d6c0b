//! The endings of calls that do not return.

pub(crate) mod trap;

use crate::{
    compose::layout::Layout,
    ending::trap::Trap,
    names::part::PartName,
    store::{
        deadline::{Deadline, Elapsed},
        state::State,
    },
};
use std::time::Duration;
use wasmtime::Store;
use wasmtime_wasi::I32Exit;

/// The ending of a call that did not return.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The program exited with this code.
    Exited(i32),
    /// A part trapped.
    Trapped(Box<Trap>),
    /// The deadline passed.
    TimedOut(TimedOut),
}

/// A call that took longer than its time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} not done within {after:?}", subject(.part))]
#[non_exhaustive]
pub struct TimedOut {
    /// The part that was computing; `None` if the program was waiting for the host.
    pub part: Option<PartName>,
    /// The time from the start of the call to its deadline.
    pub after: Duration,
}

fn subject(part: &Option<PartName>) -> String {
    match part {
        Some(part) => format!("`{part}` was computing, and was"),
        None => "the program was waiting for the host, and was".to_owned(),
    }
}

impl Ended {
    /// Returns the value of a call into `store`, or the ending of the call if it did not return.
    pub(crate) fn of<T>(
        result: Result<wasmtime::Result<T>, Elapsed>,
        store: &Store<State>,
        deadline: Option<Deadline>,
        layout: &Layout,
    ) -> Result<T, Self> {
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Self::explain(error, store, deadline, layout)),
            Err(Elapsed { after }) => Err(Self::TimedOut(TimedOut { part: None, after })),
        }
    }

    fn explain(
        error: wasmtime::Error,
        store: &Store<State>,
        deadline: Option<Deadline>,
        layout: &Layout,
    ) -> Self {
        if let Some(I32Exit(code)) = error.downcast_ref() {
            return Self::Exited(*code);
        }
        let refusal = store.data().limiter.last_refusal();
        let trap = Trap::explain(error, refusal, layout, store.hostcall_fuel());
        match deadline {
            Some(Deadline { after, .. }) if trap.is_interrupt() => Self::TimedOut(TimedOut {
                part: trap.part,
                after,
            }),
            _ => Self::Trapped(Box::new(trap)),
        }
    }
}
