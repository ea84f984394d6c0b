//! The component of the cache on key-value storage: it exports `toolkit:cache/cache` and imports
//! `wasi:keyvalue/store`.
//!
//! From the outside in:
//! - `component`: the exports, and the bucket of the host.
//! - `cache`: `set`, `get` and `delete` as operations on a bucket.
//! - `entry`: the name and the bytes of an entry in a bucket, as pure functions.

#[cfg(any(target_family = "wasm", test))]
mod cache;
#[cfg(target_family = "wasm")]
mod component;
#[cfg(any(target_family = "wasm", test))]
mod entry;
