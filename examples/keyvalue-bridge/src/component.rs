//! The exports of `wit/cache.wit`, implemented on the bucket that the host provides.

use crate::cache::{Bucket, Cache, Error};
use bindings::{
    exports::toolkit::cache::cache as wit,
    wasi::keyvalue::store::{self, Error as StoreError},
};
use dir_cache::{Clock, Timestamp};
use std::{
    env,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

#[expect(unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "wit"],
        world: "toolkit:keyvalue-bridge/bridge",
        generate_all,
    });
    use super::Component;
    export!(Component with_types_in self);
}

struct Component;

impl wit::Guest for Component {
    fn set(key: String, value: Vec<u8>, ttl: Option<u32>) -> Result<(), wit::Error> {
        call(|cache| cache.set(&key, &value, ttl))
    }

    fn get(key: String) -> Result<Vec<u8>, wit::Error> {
        call(|cache| cache.get(&key))
    }

    fn delete(key: String) -> Result<(), wit::Error> {
        call(|cache| cache.delete(&key))
    }
}

type HostCache = Cache<store::Bucket, WallClock>;

fn call<T>(
    operation: impl FnOnce(&HostCache) -> Result<T, Error<StoreError>>,
) -> Result<T, wit::Error> {
    let cache = opened().map_err(|complaint| {
        tell_once(&complaint);
        wit::Error::RuntimeError
    })?;
    operation(cache).map_err(|error| match error {
        Error::NotFound => wit::Error::NotFoundError,
        Error::TooLong => wit::Error::RuntimeError,
        Error::Store(error) => {
            tell_once(&format!("the store failed: {}", reason(&error)));
            wit::Error::RuntimeError
        }
    })
}

/// The cache on the bucket, which is opened once. Until that succeeds, every call tries again, because a missing
/// bucket may appear later.
fn opened() -> Result<&'static HostCache, String> {
    static CACHE: OnceLock<HostCache> = OnceLock::new();
    if let Some(cache) = CACHE.get() {
        return Ok(cache);
    }
    let identifier = env::var(CACHE_BUCKET).unwrap_or_default();
    let bucket = store::open(&identifier).map_err(|error| {
        let which = match identifier.as_str() {
            "" => "the default bucket".into(),
            name => format!("the bucket `{name}`"),
        };
        format!(
            "failed to open {which}: {}; name one that exists, for example with `--env {CACHE_BUCKET}=default`",
            reason(&error)
        )
    })?;
    Ok(CACHE.get_or_init(|| Cache::new(bucket, WallClock)))
}

/// The variable that holds the identifier of the bucket. Without it the identifier is empty, which is the default
/// bucket of Wasmtime.
const CACHE_BUCKET: &str = "CACHE_BUCKET";

impl Bucket for store::Bucket {
    type Error = StoreError;

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(name)
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.set(name, value)
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.delete(name)
    }
}

/// The clock of the WASI host.
struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let since_epoch = since_epoch.unwrap_or_default();
        Timestamp::from_parts(since_epoch.as_secs(), since_epoch.subsec_nanos())
    }
}

fn reason(error: &StoreError) -> &str {
    match error {
        StoreError::NoSuchStore => "the host has no such bucket",
        StoreError::AccessDenied => "access is denied",
        StoreError::Other(message) => message,
    }
}

/// Writes a complaint once: every call may fail for the same reason.
fn tell_once(complaint: &str) {
    static TOLD: AtomicBool = AtomicBool::new(false);
    if !TOLD.swap(true, Ordering::Relaxed) {
        // The text of the host could contain a line break or a terminal control sequence.
        eprintln!(
            "keyvalue-bridge: {}",
            complaint.replace(char::is_control, "?")
        );
    }
}
