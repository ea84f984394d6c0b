//! A backend of one's own behind the cache of a consumer:
//! `cargo run -p wit-host --example cache_backend -- CONSUMER`.

use bytes::Bytes;
use std::{
    collections::HashMap,
    error::Error,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use wit_host::{
    Cache, CacheError, Component, Form, HostInterface, Limits, Outcome, Part, Runtime,
    RuntimeOptions, Sandbox, Sandboxes, compose,
};

/// Values, and the times at which they expire. It has no bound.
#[derive(Default)]
struct Map(Mutex<HashMap<String, (Bytes, Option<Instant>)>>);

impl Map {
    /// The entries without those that have expired.
    fn entries(&self) -> MutexGuard<'_, HashMap<String, (Bytes, Option<Instant>)>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, (_, expiry)| expiry.is_none_or(|expiry| Instant::now() < expiry));
        entries
    }
}

impl Cache for Map {
    async fn set(&self, key: &str, value: &[u8], ttl: Option<u32>) -> Result<(), CacheError> {
        let expiry = ttl.map(|ttl| Instant::now() + Duration::from_secs(ttl.into()));
        let value = Bytes::copy_from_slice(value);
        self.entries().insert(key.to_owned(), (value, expiry));
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Bytes, CacheError> {
        let value = self.entries().get(key).map(|(value, _)| value.clone());
        value.ok_or(CacheError::NotFound)
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        let removed = self.entries().remove(key);
        removed.map(drop).ok_or(CacheError::NotFound)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let [_, consumer] = &std::env::args().collect::<Vec<_>>()[..] else {
        return Err("usage: cache_backend CONSUMER".into());
    };
    let cache = HostInterface::cache(Map::default());
    let consumer = Part::new("consumer", Component::open(consumer)?)?.provide(cache);
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
