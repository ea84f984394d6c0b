//! A cache in memory that makes one mistake, which the environment variable `FAULT` names.
//!
//! With `none` it makes no mistake. Every other fault breaks one rule of `wit/cache.wit`, as little
//! as possible: exactly one conformance check fails.
//!
//! - `fault`: the faults.
//! - `cache`: `set`, `get` and `delete`, and the faults in them.
//! - `key`, `value`, `expiry`: the faults in the entry that a key names, the bytes that are kept,
//!   and the time when they expire.

mod cache;
mod expiry;
mod fault;
mod key;
mod value;

use bindings::exports::toolkit::cache::cache as wit;
use cache::Cache;
use fault::Fault;
use std::sync::{LazyLock, Mutex, PoisonError};

#[expect(unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../../wit", world: "provider" });
    use super::Component;
    export!(Component with_types_in self);
}

struct Component;

impl wit::Guest for Component {
    fn set(key: String, value: Vec<u8>, ttl: Option<u32>) -> Result<(), wit::Error> {
        call(|cache| cache.set(&key, value, ttl))
    }

    fn get(key: String) -> Result<Vec<u8>, wit::Error> {
        call(|cache| cache.get(&key))
    }

    fn delete(key: String) -> Result<(), wit::Error> {
        call(|cache| cache.delete(&key))
    }
}

/// Without a known fault, every call fails, so that a wrong name cannot pass as correct.
fn call<T>(operation: impl FnOnce(&mut Cache) -> Result<T, wit::Error>) -> Result<T, wit::Error> {
    static CACHE: LazyLock<Option<Mutex<Cache>>> = LazyLock::new(|| {
        let fault = Fault::from_environment().map_err(|message| eprintln!("{message}"));
        Some(Mutex::new(Cache::new(fault.ok()?)))
    });
    let cache = CACHE.as_ref().ok_or(wit::Error::RuntimeError)?;
    operation(&mut cache.lock().unwrap_or_else(PoisonError::into_inner))
}
