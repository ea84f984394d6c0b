//! The exports of `wit/cache.wit`, implemented with the engine.

mod setup;

use crate::grant::Complaint;
use alloc::string::String;
use alloc::vec::Vec;
use bindings::exports::toolkit::cache::cache;
use core::sync::atomic::{AtomicBool, Ordering};
use dir_cache::Error;
use setup::Setup;

#[expect(unsafe_code, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../wit", world: "provider" });
    use super::Component;
    export!(Component with_types_in self);
}

struct Component;

impl cache::Guest for Component {
    fn set(key: String, value: Vec<u8>, ttl: Option<u32>) -> Result<(), cache::Error> {
        call(|store| store.set(&key, &value, ttl))
    }

    fn get(key: String) -> Result<Vec<u8>, cache::Error> {
        call(|store| store.get(&key))
    }

    fn delete(key: String) -> Result<(), cache::Error> {
        call(|store| store.delete(&key))
    }
}

fn call<T>(
    operation: impl FnOnce(&setup::GuestStore) -> Result<T, Error>,
) -> Result<T, cache::Error> {
    let setup = Setup::get().map_err(|complaint| {
        tell_once(&complaint);
        cache::Error::RuntimeError
    })?;
    operation(&setup.store).map_err(|error| {
        if let Some(complaint) = setup.complaint(&error) {
            tell_once(&complaint);
        }
        match error {
            Error::NotFound => cache::Error::NotFoundError,
            _ => cache::Error::RuntimeError,
        }
    })
}

/// Writes a complaint once: every call may fail for the same reason.
fn tell_once(complaint: &Complaint) {
    static TOLD: AtomicBool = AtomicBool::new(false);
    if TOLD.swap(true, Ordering::Relaxed) {
        return;
    }
    // A variable quoted in it could contain a line break or a terminal control sequence.
    let harmless = |byte: u8| if byte.is_ascii_control() { b'?' } else { byte };
    let mut line = Vec::from(*b"cache-impl: ");
    line.extend(complaint.bytes().map(harmless));
    line.push(b'\n');

    let stderr = wasip2::cli::stderr::get_stderr();
    for part in line.chunks(MAX_STREAM_WRITE) {
        // A failure of stderr cannot be reported anywhere.
        let _ = stderr.blocking_write_and_flush(part);
    }
}

/// The maximal number of bytes that a WASI stream accepts in one blocking call.
const MAX_STREAM_WRITE: usize = 4096;
