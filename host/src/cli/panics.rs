//! Reports a panic as an error. Each panic is a defect.

use std::{
    panic,
    sync::{Arc, Mutex, PoisonError},
};

/// The message and the place of the last panic.
pub struct LastPanic(Arc<Mutex<String>>);

/// Stops panics from being printed. Those of libraries that are caught become errors.
pub fn silence() -> LastPanic {
    let last = Arc::new(Mutex::new(String::new()));
    let recorded = Arc::clone(&last);
    panic::set_hook(Box::new(move |panic| {
        *recorded.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
    LastPanic(last)
}

impl LastPanic {
    /// The error for a panic that was not caught.
    pub fn defect(&self) -> anyhow::Error {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        anyhow::anyhow!("{last}").context("this is a defect of `wit-host`; please report it")
    }
}
