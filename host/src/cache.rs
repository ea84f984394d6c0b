//! Caches that the host itself holds, with the meaning of `wit/cache.wit`.

mod dir;

pub use dir::{DirCache, DirCacheOptions};
pub use dir_cache::{Durability, MaxBytes, NotANumberOfBytes, UnknownDurability};

use std::error::Error;

/// A cache: what a call must mean stands in `wit/cache.wit`.
pub trait Cache: Send + Sync {
    /// Stores a value in place of any earlier one, to expire after `ttl` seconds or never.
    fn set(&self, key: &str, value: &[u8], ttl: Option<u32>) -> Result<(), CacheError>;

    /// Reads a value.
    fn get(&self, key: &str) -> Result<Vec<u8>, CacheError>;

    /// Removes an entry.
    fn delete(&self, key: &str) -> Result<(), CacheError>;
}

/// Why a call did not do what it was asked: the two answers that the interface knows.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// There is no entry by that key.
    #[error("there is no entry by that key")]
    NotFound,
    /// The cache could not do its work. What was stored before is still stored.
    #[error("the cache failed")]
    Runtime(#[source] Box<dyn Error + Send + Sync>),
}
