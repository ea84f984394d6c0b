//! The cache on a directory: the engine of `cache-impl` as native code. Components that run the same engine
//! can share the directory.

use super::{Cache, CacheError};
use bytes::Bytes;
use dir_cache::{Durability, Error, MaxBytes, NativeDirectory, Store, SystemClock};
use std::{
    hash::{BuildHasher, RandomState},
    path::Path,
};

/// A cache on a directory.
#[derive(Debug)]
pub struct DirCache(Store<NativeDirectory, SystemClock>);

/// The options of a [`DirCache`].
///
/// ```
/// use wit_host::{Cache, DirCache, DirCacheOptions, Durability, MaxBytes};
///
/// # let directory = tempfile::tempdir()?;
/// let options = DirCacheOptions::default()
///     .durability(Durability::File)
///     .max_bytes(MaxBytes::new(1 << 20).expect("more than a block"));
/// let cache = DirCache::open(directory.path(), options)?;
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// cache.set("greeting", b"hello", Some(60)).await?;
/// assert_eq!(cache.get("greeting").await?, "hello");
/// # Ok::<(), wit_host::CacheError>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct DirCacheOptions {
    /// The entries that a loss of power can destroy.
    pub durability: Durability,
    /// The bound on the bytes that the files occupy, above which the oldest entries are evicted; `None` is
    /// no bound.
    pub max_bytes: Option<MaxBytes>,
}

impl DirCacheOptions {
    /// The same options with this durability.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The same options with this bound on what the files occupy.
    #[must_use]
    pub fn max_bytes(mut self, max_bytes: MaxBytes) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }
}

impl DirCache {
    /// Opens the cache on an existing directory.
    pub fn open(directory: &Path, options: DirCacheOptions) -> Result<Self, CacheError> {
        let directory =
            NativeDirectory::open(directory).map_err(|error| CacheError::Runtime(error.into()))?;
        // Names of temporary files must differ from those of other processes.
        let seed = RandomState::new().hash_one(std::process::id());
        let store = Store::open(directory, SystemClock, options.durability, seed)?;
        Ok(Self(match options.max_bytes {
            Some(max_bytes) => store.bounded(max_bytes),
            None => store,
        }))
    }
}

impl Cache for DirCache {
    async fn set(&self, key: &str, value: &[u8], ttl: Option<u32>) -> Result<(), CacheError> {
        Ok(self.0.set(key, value, ttl)?)
    }

    async fn get(&self, key: &str) -> Result<Bytes, CacheError> {
        Ok(self.0.get(key)?.into())
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        Ok(self.0.delete(key)?)
    }
}

impl From<Error> for CacheError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::NotFound,
            error => Self::Runtime(error.into()),
        }
    }
}
