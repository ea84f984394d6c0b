//! A program in a store.

use crate::{
    ending::Ended,
    program::{
        Program, call::CallError, handles::Handles, isolated::IsolatedPlugs, prepared::Entry,
    },
    store::{
        deadline::{Deadline, Elapsed},
        state::State,
    },
};
use std::{
    fmt,
    time::{Duration, Instant},
};
use wasmtime::Store;

/// An instance of a program, in a store of its own. It can be moved between threads, and so can the
/// futures of its methods.
///
/// After a call that did not return, or whose future was dropped, everything in the store is lost, and no more calls can be made.
pub struct Instance {
    pub(crate) program: Program,
    pub(crate) store: Store<State>,
    pub(crate) entry: Entry,
    /// The handles that calls have returned, and that later calls can pass.
    pub(crate) handles: Handles,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    /// `true` during a call, and after one that did not return.
    is_lost: bool,
    /// The store has only a weak reference to them.
    pub(super) isolated_plugs: Option<IsolatedPlugs>,
}

impl Instance {
    pub(crate) fn new(program: Program, store: Store<State>, entry: Entry) -> Self {
        Self {
            program,
            timeout: store.data().limiter.limits().timeout,
            store,
            entry,
            handles: Handles::default(),
            deadline: None,
            is_lost: false,
            isolated_plugs: None,
        }
    }

    /// The program of this instance.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Sets the longest duration of each later call, in place of [`Limits::timeout`](crate::Limits::timeout). `None` removes
    /// the bound.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Stops each later call at this time, unless its timeout stops it earlier. An instance that is
    /// called on behalf of another call can thus get the time that this other call has left. `None`
    /// removes the bound.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Begins a call, and returns the deadline at which its code is stopped.
    pub(crate) fn begin(&mut self) -> Option<Deadline> {
        let deadline = self.deadline_of_call();
        self.begin_until(deadline);
        deadline
    }

    /// The deadline of a call that begins now.
    pub(crate) fn deadline_of_call(&self) -> Option<Deadline> {
        Deadline::of(self.timeout, self.deadline)
    }

    /// Begins a call, or a part of a call, with this deadline.
    pub(crate) fn begin_until(&mut self, deadline: Option<Deadline>) {
        // A call that is dropped does not end.
        self.is_lost = true;
        self.store.data_mut().deadline = deadline.map(|deadline| deadline.at);
        self.store.set_hostcall_fuel(self.program.passing_fuel());
    }

    /// Returns the value of a call, or the ending of the call if it did not return.
    pub(crate) fn end<T>(
        &mut self,
        result: Result<wasmtime::Result<T>, Elapsed>,
        deadline: Option<Deadline>,
    ) -> Result<T, Ended> {
        let ended = Ended::of(result, &self.store, deadline, self.program.layout());
        self.is_lost = ended.is_err();
        ended
    }

    /// Refuses a call after one that did not return or was dropped: it may have left anything in the memory
    /// of the guest.
    pub(crate) fn expect_whole(&self) -> Result<(), CallError> {
        if self.is_lost {
            return Err(CallError::Lost);
        }
        Ok(())
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}
