//! A cache on a directory, for native programs and WebAssembly guests.
//!
//! [`Store`] knows neither WIT nor WASI: its caller passes a [`Directory`], a [`Clock`] and a
//! [`Durability`], so the same code runs in a guest and natively:
//!
//! ```
//! use dir_cache::{Durability, NativeDirectory, Store, SystemClock};
//!
//! # let path = tempfile::tempdir()?;
//! let directory = NativeDirectory::open(&path)?;
//! let store = Store::open(directory, SystemClock, Durability::None, 0x5eed)?;
//!
//! store.set("greeting", b"hello", Some(60))?;
//! assert_eq!(store.get("greeting")?, b"hello");
//! store.delete("greeting")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The store cleans up after itself: a `set` also removes expired entries and the files of killed
//! processes, and under [`Store::bounded`] it evicts the oldest entries when there are too many.
//!
//! From the outside in:
//! - [`Store`]: `set`, `get` and `delete` as operations on a directory, and its upkeep.
//! - [`entry`]: the bytes of an entry's file; [`key`]: its path; `format`: the version of both.
//! - [`directory`]: the trait, and the operating system's directory. A guest brings its own.

// The standard library would nearly double a guest's size, and make it import all of `wasi:cli` to
// print panic messages.
#![no_std]

extern crate alloc;
#[cfg(not(target_family = "wasm"))]
extern crate std;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod clock;
pub mod directory;
mod durability;
pub mod entry;
mod format;
mod hex;
pub mod key;
mod max_bytes;
mod store;

pub use clock::{Clock, Timestamp};
pub use directory::{Directory, DirectoryError, File, Status};
pub use durability::{Durability, UnknownDurability};
pub use max_bytes::{MaxBytes, NotANumberOfBytes};
pub use store::{Error, Store};

#[cfg(not(target_family = "wasm"))]
pub use {clock::SystemClock, directory::NativeDirectory};
