//! Calls into a program: with a deadline, and with an explanation of how they ended.

use crate::{
    compose::layout::Layout, names::part::PartName, store::limits::MAX_PASSED, store::state::State,
    store::trap::Trap,
};
use std::time::{Duration, Instant};
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::I32Exit;

/// How a call ended that did not return.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The program was ended with this code.
    Exited(i32),
    /// A part trapped.
    Trapped(Box<Trap>),
    /// The deadline passed.
    TimedOut(TimedOut),
}

/// A program that took longer than it may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} not done within {after:?}", who(.part))]
pub struct TimedOut {
    /// The part that was computing; `None` if the program was waiting for the host.
    pub part: Option<PartName>,
    /// The time that it had.
    pub after: Duration,
}

fn who(part: &Option<PartName>) -> String {
    match part {
        Some(part) => format!("`{part}` was computing, and was"),
        None => "the program was waiting for the host, and was".to_owned(),
    }
}

/// A store that stays within the limits its state was made with.
pub(crate) fn new_store<W: 'static>(
    engine: &Engine,
    fuel: Option<u64>,
    state: State<W>,
) -> wasmtime::Result<Store<State<W>>> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(MAX_PASSED);
    match fuel {
        Some(fuel) => store.set_fuel(fuel)?,
        // This fails where no fuel is counted, and then there is no tank to fill either.
        None => drop(store.set_fuel(u64::MAX)),
    }
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| match store.data().deadline {
        Some(deadline) if Instant::now() >= deadline => Err(wasmtime::Trap::Interrupt.into()),
        // Other programs of the same thread get their turn.
        _ => Ok(UpdateDeadline::Yield(1)),
    });
    Ok(store)
}

/// Makes one call. Code is stopped by the epoch, and a wait for the host by dropping it.
pub(crate) async fn call<W: 'static, T>(
    store: &mut Store<State<W>>,
    timeout: Option<Duration>,
    layout: &Layout,
    call: impl AsyncFnOnce(&mut Store<State<W>>) -> wasmtime::Result<T>,
) -> Result<T, Ended> {
    let result = match timeout {
        None => {
            store.data_mut().deadline = None;
            call(store).await
        }
        Some(after) => {
            // A deadline that the clock cannot tell is never reached.
            store.data_mut().deadline = Instant::now().checked_add(after);
            match tokio::time::timeout(after, call(store)).await {
                Ok(result) => result,
                Err(_) => return Err(Ended::TimedOut(TimedOut { part: None, after })),
            }
        }
    };
    result.map_err(|error| explain(error, store, timeout, layout))
}

fn explain<W>(
    error: wasmtime::Error,
    store: &Store<State<W>>,
    timeout: Option<Duration>,
    layout: &Layout,
) -> Ended {
    if let Some(I32Exit(code)) = error.downcast_ref() {
        return Ended::Exited(*code);
    }
    let trap = Trap::explain(
        error,
        store.data().limiter.last_refusal(),
        layout,
        store.hostcall_fuel(),
    );
    match timeout {
        Some(after) if trap.is_interrupt() => Ended::TimedOut(TimedOut {
            part: trap.part,
            after,
        }),
        _ => Ended::Trapped(Box::new(trap)),
    }
}
