//! One call of a function of an isolated plug.

use super::{
    Pools,
    pool::{Lease, NoLease, Pool, Running},
};
use crate::{
    ending::{
        Ended,
        plug_failure::{OutOfFuelInPlug, PlugFailure, PlugFailureCause, TimedOutInPlug},
    },
    names::part::PartName,
    program::prepared::Entry,
    store::{
        deadline::{Deadline, Elapsed},
        state::State,
    },
};
use std::{sync::Arc, time::Instant};
use wasmtime::{
    Store, StoreContextMut,
    component::{ComponentNamedList, Func, Lift, Lower, TypedFunc},
};

/// A function of an isolated plug, as another unit imports it.
#[derive(Debug, Clone)]
pub(crate) struct IsolatedFunction {
    /// The position of the plug's pool.
    pub(crate) pool: usize,
    pub(crate) plug: PartName,
    /// The position of the function among the exports of the plug.
    pub(crate) index: usize,
    /// `interface#name`.
    pub(crate) name: String,
}

/// The state of the program that calls, at the time of the call.
pub(crate) struct Caller {
    pools: Option<Arc<Pools>>,
    deadline: Option<Instant>,
    /// The fuel that is left; `None` if the engine does not count fuel.
    fuel: Option<u64>,
}

impl Caller {
    pub(crate) fn of(store: &StoreContextMut<'_, State>) -> Self {
        Self {
            pools: Pools::of(store.data()),
            deadline: store.data().deadline,
            fuel: match store.data().counts_fuel {
                true => store.get_fuel().ok(),
                false => None,
            },
        }
    }
}

/// A call that has an instance of the plug for itself.
pub(crate) struct IsolatedCall {
    lease: Lease,
    pub(crate) deadline: Option<Deadline>,
    /// `true` if the deadline is the caller's.
    is_callers_deadline: bool,
    fuel: Option<Fuel>,
}

/// The fuel of a call, if the engine counts it.
struct Fuel {
    /// The fuel that the caller had.
    callers: u64,
    /// The fuel that the call was given.
    given: u64,
}

/// A call that could not begin.
pub(crate) struct NotBegun {
    no_result: NoResult,
    /// The steps that the start-up code of the plug took nevertheless.
    steps: u64,
}

/// The reason why a call gave no result.
pub(crate) enum NoResult {
    /// The plug failed, which only this call suffers from.
    Plug(PlugFailure),
    /// The caller is at its own end: its time is up, or its fuel.
    Caller(wasmtime::Error),
}

impl IsolatedFunction {
    /// Begins a call. [`end`](Self::end) must be called whether it begins or not.
    pub(crate) async fn begin(&self, caller: Caller) -> Result<IsolatedCall, NotBegun> {
        let callers = caller.deadline;
        let Some(pools) = caller.pools else {
            // An instance keeps the plugs that it calls.
            let error = wasmtime::Error::msg("the isolated plugs have ended");
            return Err(NotBegun {
                no_result: NoResult::Caller(error),
                steps: 0,
            });
        };
        let lease = match Lease::new(pools.clone(), self.pool, callers, caller.fuel).await {
            Ok(lease) => lease,
            Err(NoLease { steps, .. }) if callers.is_some_and(|at| Instant::now() >= at) => {
                let no_result = callers_time_is_up(self.plug.clone());
                return Err(NotBegun { no_result, steps });
            }
            // The start-up code of the plug was given no more steps than the caller has left.
            Err(NoLease { steps, .. })
                if steps > 0 && caller.fuel.is_some_and(|left| steps >= left) =>
            {
                let no_result = callers_fuel_is_used_up(self.plug.clone());
                return Err(NotBegun { no_result, steps });
            }
            Err(NoLease { cause, steps }) => {
                let pool = &pools.0[self.pool];
                if cause.is_of_plug() {
                    pool.count_failure();
                }
                let no_result = self.failed(cause, pool);
                return Err(NotBegun { no_result, steps });
            }
        };
        let mut call = IsolatedCall {
            deadline: Deadline::of(lease.place.pool().timeout(), callers),
            is_callers_deadline: false,
            fuel: None,
            lease,
        };
        call.is_callers_deadline = callers.is_some() && call.deadline.map(|own| own.at) == callers;
        let running = &mut call.lease.running;
        running.instance.begin_until(call.deadline);
        if let Some(callers) = caller.fuel {
            let unpaid = std::mem::take(&mut running.unpaid);
            let callers = callers.saturating_sub(unpaid);
            let own = call.lease.place.pool().isolation.fuel.unwrap_or(u64::MAX);
            let given = own.min(callers);
            // The engine counts fuel, so setting it cannot fail.
            let _ = running.instance.store.set_fuel(given);
            call.fuel = Some(Fuel { callers, given });
        }
        Ok(call)
    }

    /// Ends a call. The steps that it took, also those to start an instance, are the caller's too.
    pub(crate) fn end<T>(
        &self,
        call: Result<(IsolatedCall, Result<wasmtime::Result<T>, Elapsed>), NotBegun>,
        store: &mut StoreContextMut<'_, State>,
    ) -> Result<T, NoResult> {
        let (call, result) = match call {
            Ok(call) => call,
            Err(NotBegun { no_result, steps }) => {
                if let Ok(left) = store.get_fuel() {
                    let _ = store.set_fuel(left.saturating_sub(steps));
                }
                return Err(no_result);
            }
        };
        let IsolatedCall {
            mut lease,
            deadline,
            is_callers_deadline,
            fuel,
        } = call;
        let mut is_callers_fuel = false;
        if let Some(Fuel { callers, given }) = fuel {
            let left = lease.running.instance.store.get_fuel().unwrap_or(0);
            let _ = store.set_fuel(callers.saturating_sub(given.saturating_sub(left)));
            is_callers_fuel = left == 0 && given == callers;
        }
        let ended = match lease.running.instance.end(result, deadline) {
            Ok(value) => {
                lease.give_back();
                return Ok(value);
            }
            Err(ended) => ended,
        };
        let plug = self.plug.clone();
        let cause = match ended {
            Ended::TimedOut(timed_out) if is_callers_deadline => {
                return Err(callers_time_is_up(timed_out.part.unwrap_or(plug)));
            }
            Ended::Trapped(trap) if is_callers_fuel => {
                let plug = trap.out_of_fuel_in().cloned().or(trap.part).unwrap_or(plug);
                return Err(callers_fuel_is_used_up(plug));
            }
            Ended::TimedOut(timed_out) => PlugFailureCause::TimedOut(timed_out),
            Ended::Trapped(trap) => PlugFailureCause::Trapped(trap),
            Ended::Exited(code) => PlugFailureCause::Exited(code),
        };
        let Lease { running, place } = lease;
        // The place allows the next call to make another instance, unless the plug is down.
        drop(running);
        place.pool().count_failure();
        Err(self.failed(cause, place.pool()))
    }

    fn failed(&self, cause: PlugFailureCause, pool: &Pool) -> NoResult {
        let failure = PlugFailure {
            plug: self.plug.clone(),
            function: self.name.clone(),
            cause,
        };
        pool.report(&failure);
        NoResult::Plug(failure)
    }
}

/// The caller's time is up, while this plug was running.
fn callers_time_is_up(plug: PartName) -> NoResult {
    let error = wasmtime::Error::from(wasmtime::Trap::Interrupt);
    NoResult::Caller(error.context(TimedOutInPlug { plug }))
}

/// The caller's fuel is used up, while this plug was running.
fn callers_fuel_is_used_up(plug: PartName) -> NoResult {
    NoResult::Caller(wasmtime::Error::new(OutOfFuelInPlug { plug }))
}

impl IsolatedCall {
    /// The store of the plug.
    pub(crate) fn store(&mut self) -> &mut Store<State> {
        &mut self.lease.running.instance.store
    }

    /// Bounds the result, in the units of the engine. The engine has one budget for the result and for
    /// what the plug passes to the host meanwhile, so this never raises the bound of the latter.
    pub(crate) fn bound_result(&mut self, fuel: usize) {
        let passing = self.lease.running.instance.program.passing_fuel();
        self.store().set_hostcall_fuel(fuel.min(passing));
    }

    /// The function at this position of the plug's exports.
    pub(crate) fn function(&mut self, index: usize) -> wasmtime::Result<Func> {
        let Running { instance, .. } = &mut self.lease.running;
        let place = instance.program.exports().place(index).index;
        let Entry::Component(entry) = &instance.entry else {
            return Err(wasmtime::Error::msg("an isolated plug is a component"));
        };
        place
            .and_then(|place| entry.get_func(&mut instance.store, place))
            .ok_or_else(|| wasmtime::Error::msg("the plug exports the function"))
    }

    /// The function at this position of the plug's exports, with these types. It is found and checked
    /// in the first call of an instance.
    pub(crate) fn typed<P, R>(&mut self, index: usize) -> wasmtime::Result<TypedFunc<P, R>>
    where
        P: ComponentNamedList + Lower + 'static,
        R: ComponentNamedList + Lift + 'static,
    {
        let functions = &mut self.lease.running.functions;
        if functions.len() <= index {
            functions.resize_with(index + 1, || None);
        }
        let known = functions[index]
            .as_ref()
            .and_then(|known| known.downcast_ref());
        if let Some(known) = known {
            return Ok(*known);
        }
        let function = self.function(index)?;
        let typed = function.typed::<P, R>(&self.lease.running.instance.store)?;
        self.lease.running.functions[index] = Some(Box::new(typed));
        Ok(typed)
    }
}
