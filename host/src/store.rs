//! Stores: their state, their limits, and the deadlines of calls into them.

pub(crate) mod allowance;
pub(crate) mod deadline;
pub(crate) mod exchange;
pub(crate) mod limiter;
pub(crate) mod limits;
pub(crate) mod state;
pub(crate) mod ticker;

use crate::store::state::State;
use std::time::Instant;
use wasmtime::{Engine, Store, UpdateDeadline};

/// A store that stays within the limits of its state. `passing_fuel` bounds what one call passes to the
/// host, in the units of the engine.
pub(crate) fn new(
    engine: &Engine,
    passing_fuel: usize,
    state: State,
) -> wasmtime::Result<Store<State>> {
    let fuel = state.limiter.limits().fuel;
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(passing_fuel);
    let set = store.set_fuel(fuel.unwrap_or(u64::MAX));
    // This fails only if the engine does not count fuel.
    store.data_mut().counts_fuel = set.is_ok();
    if fuel.is_some() {
        set?;
    }
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| match store.data().deadline {
        Some(deadline) if Instant::now() >= deadline => Err(wasmtime::Trap::Interrupt.into()),
        // The thread runs other programs before it goes on with this one.
        _ => Ok(UpdateDeadline::Yield(1)),
    });
    Ok(store)
}
