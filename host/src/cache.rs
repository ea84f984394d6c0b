//! Caches that the host itself provides, with the semantics of `wit/cache.wit`.

mod dir;
#[cfg(feature = "redis")]
mod redis;

pub use dir::{DirCache, DirCacheOptions};
pub use dir_cache::{Durability, MaxBytes, NotANumberOfBytes, UnknownDurability};
#[cfg(feature = "redis")]
pub use redis::{RedisCache, error::RedisError, options::RedisCacheOptions};

use bytes::Bytes;
use std::error::Error;

/// A cache. `wit/cache.wit` defines the meaning of each call.
pub trait Cache: Send + Sync + 'static {
    /// Stores a value, in place of an earlier value of the key. The entry expires after `ttl` seconds;
    /// `None` means never.
    fn set(
        &self,
        key: &str,
        value: &[u8],
        ttl: Option<u32>,
    ) -> impl Future<Output = Result<(), CacheError>> + Send;

    /// Reads the value of an entry. Fails with [`CacheError::NotFound`] if there is none.
    fn get(&self, key: &str) -> impl Future<Output = Result<Bytes, CacheError>> + Send;

    /// Removes an entry.
    fn delete(&self, key: &str) -> impl Future<Output = Result<(), CacheError>> + Send;
}

/// An error of a call: one of the two errors of the interface.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// There is no entry with that key.
    #[error("there is no entry with that key")]
    NotFound,
    /// The cache failed. Entries that were stored before are unchanged.
    #[error("the cache failed")]
    Runtime(#[source] Box<dyn Error + Send + Sync>),
}
