//! Repeats a name: JSON in and out through functions of the host.
//!
//! The host calls `repeat`, which calls the host back: for the order, and with the answer.

// On other systems the functions of the host do not exist.
#![cfg(target_family = "wasm")]

mod host;

/// Answers the order that the host holds.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "the host finds the function by this name")]
pub extern "C" fn repeat() {
    host::write_output(&repeat::answer_json(&host::read_input()));
}
