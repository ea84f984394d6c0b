//! Satisfies the cache of a consumer with functions of Rust types:
//! `cargo run -p wit-host --example typed_functions -- CONSUMER`.
//!
//! The same works for any interface whose functions pass values. `satisfy_an_interface` does it with
//! dynamic values.

use bytes::Bytes;
use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use wit_host::{
    Component, Enumeration, Form, HostCall, HostInterface, Limits, Outcome, Part, Runtime,
    RuntimeOptions, Sandbox, Sandboxes, compose,
};

/// `enum error` of `wit/cache.wit`.
#[derive(Debug, Clone, Copy)]
enum CacheError {
    Runtime,
    NotFound,
}

impl Enumeration for CacheError {
    const CASES: &'static [(&'static str, Self)] = &[
        ("runtime-error", Self::Runtime),
        ("not-found-error", Self::NotFound),
    ];

    fn position(&self) -> usize {
        *self as usize
    }
}

/// A value, and the time at which it expires.
type Entry = (Bytes, Option<Instant>);

/// `toolkit:cache/cache` of `wit/cache.wit`. The inner results are the guest's, the outer ones would be
/// traps.
fn cache() -> HostInterface {
    let entries = Arc::new(Mutex::new(HashMap::<String, Entry>::new()));
    let (of_get, of_delete) = (entries.clone(), entries.clone());
    let is_fresh = |(_, expiry): &Entry| expiry.is_none_or(|expiry| Instant::now() < expiry);
    HostInterface::new("toolkit:cache/cache@0.1.0")
        .typed_function(
            "set",
            move |call: HostCall<(String, Bytes, Option<u32>)>| {
                let (key, value, ttl) = call.arguments;
                if key.len() > 4096 {
                    return Ok(Err(CacheError::Runtime));
                }
                let expiry = ttl.map(|ttl| Instant::now() + Duration::from_secs(ttl.into()));
                let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
                entries.insert(key, (value, expiry));
                Ok(Ok(()))
            },
        )
        .typed_function("get", move |call: HostCall<(String,)>| {
            let (key,) = call.arguments;
            let entries = of_get.lock().unwrap_or_else(PoisonError::into_inner);
            let found = entries.get(&key).filter(|entry| is_fresh(entry));
            Ok(found
                .map(|(value, _)| value.clone())
                .ok_or(CacheError::NotFound))
        })
        .typed_function("delete", move |call: HostCall<(String,)>| {
            let (key,) = call.arguments;
            let mut entries = of_delete.lock().unwrap_or_else(PoisonError::into_inner);
            let removed = entries.remove(&key).filter(is_fresh);
            Ok(removed.map(drop).ok_or(CacheError::NotFound))
        })
}

fn main() -> Result<(), Box<dyn Error>> {
    let [_, consumer] = &std::env::args().collect::<Vec<_>>()[..] else {
        return Err("usage: typed_functions CONSUMER".into());
    };
    let consumer = Part::new("consumer", Component::open(consumer)?)?.provide(cache());
    let sandboxes = Sandboxes::new(Sandbox::new().inherit_stdout().inherit_stderr());

    let composition = compose(&consumer, &[], Form::Granted)?;
    let program = Runtime::new(&RuntimeOptions::default())?.load(&composition)?;
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let instance = tokio.block_on(program.instantiate(&sandboxes, &Limits::default()))?;
    match tokio.block_on(instance.run()) {
        Outcome::Exited(code) => std::process::exit(code),
        Outcome::Trapped(trap) => Err(trap.into()),
        Outcome::TimedOut(timed_out) => Err(timed_out.into()),
    }
}
