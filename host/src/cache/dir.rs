//! The cache on a directory: the engine of `cache-impl`, natively. A directory can be shared with
//! components that run the same engine; the format is one.

use super::{Cache, CacheError};
use dir_cache::{Durability, Error, MaxBytes, NativeDirectory, Store, SystemClock};
use std::{
    hash::{BuildHasher, RandomState},
    path::Path,
};

/// A cache on a directory.
#[derive(Debug)]
pub struct DirCache(Store<NativeDirectory, SystemClock>);

/// How a [`DirCache`] keeps its entries.
#[derive(Debug, Clone, Copy, Default)]
pub struct DirCacheOptions {
    /// What a loss of power may take.
    pub durability: Durability,
    /// How much it holds before the oldest entries go. `None` is as much as there is room for.
    pub max_bytes: Option<MaxBytes>,
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
    fn set(&self, key: &str, value: &[u8], ttl: Option<u32>) -> Result<(), CacheError> {
        Ok(self.0.set(key, value, ttl)?)
    }

    fn get(&self, key: &str) -> Result<Vec<u8>, CacheError> {
        Ok(self.0.get(key)?)
    }

    fn delete(&self, key: &str) -> Result<(), CacheError> {
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
