//! The clock that lets running code notice its deadline.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use wasmtime::Engine;

/// The time between two checks of the clock by running code.
const TICK: Duration = Duration::from_millis(10);

/// Advances an engine's epoch until it is dropped.
pub(crate) struct Ticker(Arc<AtomicBool>);

impl Ticker {
    /// Starts the thread. Fails if the system cannot start one.
    pub(crate) fn start(engine: &Engine) -> io::Result<Self> {
        let stopped = Arc::new(AtomicBool::new(false));
        let engine = engine.weak();
        let is_stopped = stopped.clone();
        thread::Builder::new().spawn(move || {
            while !is_stopped.load(Ordering::Relaxed) {
                thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        })?;
        Ok(Self(stopped))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use wasmtime::{Config, Instance, Module, Store};

    /// The number of ticks before a loop is interrupted.
    const TICKS: u32 = 20;

    /// The duration of a loop that is interrupted after [`TICKS`] ticks. The loop runs through all
    /// ticks in one call: on a busy machine it would otherwise have to wait for its turn at each tick.
    fn ticking() -> Duration {
        let engine = Engine::new(Config::new().epoch_interruption(true)).expect("an engine");
        let looping = wat::parse_str("(module (func (export \"f\") (loop $l (br $l))))");
        let module = Module::new(&engine, looping.expect("valid text")).expect("it compiles");
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).expect("it instantiates");
        let f = instance.get_typed_func::<(), ()>(&mut store, "f");
        let f = f.expect("it exports `f`");
        store.set_epoch_deadline(TICKS.into());
        let started = Instant::now();
        let _ticker = Ticker::start(&engine);
        f.call(&mut store, ()).expect_err("it is interrupted");
        started.elapsed()
    }

    /// The duration is compared with that of a thread that sleeps as often at the same time, because a
    /// busy machine delays both.
    #[test]
    fn running_code_looks_at_the_clock_every_ten_milliseconds() {
        let tick = Duration::from_millis(10);
        let sleeping = thread::spawn(move || {
            let started = Instant::now();
            (0..TICKS).for_each(|_| thread::sleep(tick));
            started.elapsed()
        });
        let ticked = ticking();
        let slept = sleeping.join().expect("it does not panic");
        assert!(ticked >= tick * TICKS, "{ticked:?} for {TICKS} ticks");
        assert!(ticked < 4 * slept, "{ticked:?}, beside {slept:?}");
    }
}
