//! Caches that the host itself provides, with the semantics of `wit/cache.wit`.

mod dir;
mod interface;
mod memory;
#[cfg(feature = "redis")]
mod redis;

pub use dir::{DirCache, DirCacheOptions};
pub use dir_cache::{Durability, MaxBytes, NotANumberOfBytes, UnknownDurability};
pub use interface::CacheFailure;
pub use memory::{MemoryCache, MemoryCacheOptions, TooLarge};
#[cfg(feature = "redis")]
pub use redis::RedisCache;

use bytes::Bytes;
use std::{error::Error, sync::Arc};

/// The longest key in bytes, as `wit/cache.wit` defines it. Longer ones are an error before a cache is
/// asked, so that all caches agree.
const LONGEST_KEY: usize = 4096;

/// A cache. `wit/cache.wit` defines the meaning of each call.
///
/// An implementation writes the functions as `async fn`. A caller drops the future of a call that takes
/// too long, so a call that is not finished must leave the cache usable.
///
/// ```
/// use bytes::Bytes;
/// use std::{collections::HashMap, sync::Mutex};
/// use wit_host::{Cache, CacheError};
///
/// /// A cache without expiry and without a bound.
/// #[derive(Default)]
/// struct Map(Mutex<HashMap<String, Bytes>>);
///
/// impl Cache for Map {
///     async fn set(&self, key: &str, value: &[u8], ttl: Option<u32>) -> Result<(), CacheError> {
///         if ttl.is_some() {
///             return Err(CacheError::Runtime("entries cannot expire here".into()));
///         }
///         let value = Bytes::copy_from_slice(value);
///         self.0.lock().unwrap().insert(key.to_owned(), value);
///         Ok(())
///     }
///
///     async fn get(&self, key: &str) -> Result<Bytes, CacheError> {
///         self.0.lock().unwrap().get(key).cloned().ok_or(CacheError::NotFound)
///     }
///
///     async fn delete(&self, key: &str) -> Result<(), CacheError> {
///         let removed = self.0.lock().unwrap().remove(key);
///         removed.map(drop).ok_or(CacheError::NotFound)
///     }
/// }
/// ```
pub trait Cache: Send + Sync + 'static {
    /// Stores a value, in place of an earlier value of the key, as one step. The entry expires after
    /// `ttl` seconds; `None` means never. If it fails, the earlier value stays.
    fn set(
        &self,
        key: &str,
        value: &[u8],
        ttl: Option<u32>,
    ) -> impl Future<Output = Result<(), CacheError>> + Send;

    /// Reads the value of an entry. Fails with [`CacheError::NotFound`] if there is none.
    fn get(&self, key: &str) -> impl Future<Output = Result<Bytes, CacheError>> + Send;

    /// Removes an entry. Fails with [`CacheError::NotFound`] if there is none.
    fn delete(&self, key: &str) -> impl Future<Output = Result<(), CacheError>> + Send;
}

/// A cache that several parts or threads share.
impl<C: Cache> Cache for Arc<C> {
    async fn set(&self, key: &str, value: &[u8], ttl: Option<u32>) -> Result<(), CacheError> {
        (**self).set(key, value, ttl).await
    }

    async fn get(&self, key: &str) -> Result<Bytes, CacheError> {
        (**self).get(key).await
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        (**self).delete(key).await
    }
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
