//! Panics: none is wanted, and if there is one, it is said as an error.

use std::{
    panic,
    sync::{Arc, Mutex, PoisonError},
};

/// The words and the place of the last panic.
pub struct LastPanic(Arc<Mutex<String>>);

/// From here on a panic prints nothing: those of libraries that are caught have become errors.
pub fn silence() -> LastPanic {
    let last = Arc::new(Mutex::new(String::new()));
    let recorded = Arc::clone(&last);
    panic::set_hook(Box::new(move |panic| {
        *recorded.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
    LastPanic(last)
}

impl LastPanic {
    /// One that nobody caught.
    pub fn defect(&self) -> anyhow::Error {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        anyhow::anyhow!("{last}").context("this is a defect of `wit-host`; please report it")
    }
}
