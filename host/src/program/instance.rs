//! A program in a store.

use crate::{
    program::{Program, handles::Handles, prepared::Entry},
    store::{
        deadline::{Deadline, Elapsed},
        ending::Ended,
        limits::Limits,
        state::State,
    },
};
use std::{
    fmt,
    time::{Duration, Instant},
};
use wasmtime::Store;

/// A program in a store of its own. It can be moved between threads, and so can what its methods
/// return.
///
/// After a call that did not return, everything in the store is lost, and no more calls can be made.
pub struct Instance {
    pub(crate) program: Program,
    pub(crate) store: Store<State>,
    pub(crate) entry: Entry,
    /// What calls have returned, to be arguments of later ones.
    pub(crate) handles: Handles,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
}

impl Instance {
    pub(crate) fn new(
        program: Program,
        store: Store<State>,
        entry: Entry,
        limits: &Limits,
    ) -> Self {
        Self {
            program,
            store,
            entry,
            handles: Handles::default(),
            timeout: limits.timeout,
            deadline: None,
        }
    }

    /// The program that it is an instance of.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Gives each call from here on this long, instead of [`Limits::timeout`].
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Ends each call from here on at this time, if its own timeout does not end it earlier: a call
    /// that is made for another one has what is left to that. `None` is no such bound.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Begins a call: from here on its code is stopped at the deadline.
    pub(crate) fn begin(&mut self) -> Option<Deadline> {
        let deadline = Deadline::of(self.timeout, self.deadline);
        self.store.data_mut().deadline = deadline.map(|deadline| deadline.at);
        deadline
    }

    /// How a call has ended, if it did not return.
    pub(crate) fn end<T>(
        &self,
        result: Result<wasmtime::Result<T>, Elapsed>,
        deadline: Option<Deadline>,
    ) -> Result<T, Ended> {
        Ended::of(result, &self.store, deadline, self.program.layout())
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}
