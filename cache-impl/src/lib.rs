//! The component of the cache on a directory: the exports of `wit/cache.wit`, implemented with the
//! engine in `dir-cache/`.
//!
//! From the outside in:
//! - `component`: the exports, and the setup from the host's grants and variables.
//! - `grant`: the choice of the granted directory that holds the cache.
//! - `clock` and `directory`: the engine's clock and files, on WASI.
//! - `runtime`: the parts that the standard library would provide.

// The standard library would nearly double the guest's size, and make it import all of `wasi:cli`
// to print panic messages.
#![no_std]

extern crate alloc;
#[cfg(not(target_family = "wasm"))]
extern crate std;

#[cfg(target_family = "wasm")]
mod clock;
#[cfg(target_family = "wasm")]
mod component;
#[cfg(target_family = "wasm")]
mod directory;
#[cfg(any(target_family = "wasm", test))]
mod grant;
#[cfg(target_family = "wasm")]
mod runtime;
