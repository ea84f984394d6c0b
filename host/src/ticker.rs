//! The clock that lets running code notice its deadline.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use wasmtime::Engine;

/// How often running code looks at the clock.
const TICK: Duration = Duration::from_millis(10);

/// Advances an engine's epoch until it is dropped.
pub(crate) struct Ticker(Arc<AtomicBool>);

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let engine = engine.weak();
        let is_stopped = stopped.clone();
        thread::spawn(move || {
            while !is_stopped.load(Ordering::Relaxed) {
                thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        });
        Self(stopped)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
