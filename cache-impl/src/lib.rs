//! The component of the cache on a directory: the exports of `wit/cache.wit`, over the engine in
//! `dir-cache/`.
//!
//! From the outside in:
//! - `component`: the exports, and the setup that the host granted and set.
//! - `grant`: which of the granted directories holds the cache.
//! - `clock` and `directory`: the engine's time and its files, on WASI.
//! - `runtime`: what the standard library would do.

// The standard library would nearly double the guest's size, and have it import all of
// `wasi:cli` to print panic messages.
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
