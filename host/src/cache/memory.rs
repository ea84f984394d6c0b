//! The cache in this process's memory.

mod expiries;

use super::{Cache, CacheError};
use bytes::Bytes;
use expiries::{Expiries, Expiry};
use quick_cache::{OptionsBuilder, Weighter, sync};
use std::{
    fmt,
    hash::RandomState,
    sync::Arc,
    time::{Duration, Instant},
};

/// A cache in this process's memory, bounded in bytes. It is empty when it is made, and clones of its
/// [`Arc`] share it among threads and instances.
///
/// An entry takes the bytes of its key and of its value, and [`ENTRY_OVERHEAD`](Self::ENTRY_OVERHEAD).
/// When a new entry needs the space, expired entries are removed first, and then entries that were not
/// read for long. While a value is replaced, the old one and the new one are both in memory.
///
/// The ttl is counted by a clock that cannot be set. On some systems it stands still while the machine
/// sleeps.
pub struct MemoryCache {
    entries: Entries,
    expiries: Expiries,
    max_bytes: u64,
}

type Entries = sync::Cache<Arc<str>, Entry, Weight, RandomState, Expiries>;

/// The options of a [`MemoryCache`].
///
/// ```
/// use wit_host::{Cache, CacheError, MemoryCache, MemoryCacheOptions};
///
/// # let tokio = tokio::runtime::Builder::new_current_thread().build()?;
/// # tokio.block_on(async {
/// let cache = MemoryCache::new(MemoryCacheOptions::default().max_bytes(1 << 20));
/// cache.set("greeting", b"hello", Some(60)).await?;
/// assert_eq!(cache.get("greeting").await?, "hello");
///
/// let large = cache.set("greeting", &[0; 2 << 20], None).await;
/// assert!(matches!(large, Err(CacheError::Runtime(_))));
/// assert_eq!(cache.get("greeting").await?, "hello");
/// # Ok::<(), CacheError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryCacheOptions {
    /// The bound on the bytes of all entries together, and so on the largest entry. The default is
    /// 256 MiB; an entry of 64 MiB, which every cache of the interface accepts, takes a quarter.
    pub max_bytes: u64,
}

impl Default for MemoryCacheOptions {
    fn default() -> Self {
        Self {
            max_bytes: 256 << 20,
        }
    }
}

impl MemoryCacheOptions {
    /// The same options with this bound on the bytes of all entries together.
    #[must_use]
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }
}

/// An entry that is larger than the bound of its [`MemoryCache`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an entry of {bytes} bytes is larger than the bound of the cache, {max_bytes} bytes")]
#[non_exhaustive]
pub struct TooLarge {
    /// The bytes that the entry would take, with its overhead.
    pub bytes: u64,
    /// The bound of the cache.
    pub max_bytes: u64,
}

#[derive(Clone)]
struct Entry {
    value: Bytes,
    /// The time at which the entry expires; `None` if it does not.
    expiry: Option<Expiry>,
}

impl Entry {
    fn has_expired(&self) -> bool {
        self.expiry
            .is_some_and(|expiry| expiry.at <= Instant::now())
    }
}

#[derive(Clone)]
struct Weight;

impl Weighter<Arc<str>, Entry> for Weight {
    fn weight(&self, key: &Arc<str>, entry: &Entry) -> u64 {
        size(key, &entry.value)
    }
}

/// The number of bytes that an entry takes.
fn size(key: &str, value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64 + MemoryCache::ENTRY_OVERHEAD
}

impl MemoryCache {
    /// The bytes that count for an entry in addition to its key and its value. It covers the tables, the
    /// queue of expiries and the allocator's overhead.
    pub const ENTRY_OVERHEAD: u64 = 256;

    /// Makes an empty cache.
    pub fn new(options: MemoryCacheOptions) -> Self {
        let settings = OptionsBuilder::new()
            .weight_capacity(options.max_bytes)
            // Each shard has its own share of the bound, and a value can be as large as the whole.
            .shards(1)
            // An entry as large as the bound is admitted only if no space is reserved for new entries.
            .hot_allocation(1.0)
            // The number of evicted keys whose hashes are kept, to recognise keys that come back.
            .estimated_items_capacity(
                usize::try_from(options.max_bytes / 1024)
                    .unwrap_or(usize::MAX)
                    .min(MOST_EVICTED_KEYS),
            )
            .build()
            .expect("both capacities are set");
        let expiries = Expiries::default();
        Self {
            // The keys are a guest's. `RandomState` resists keys that are made to collide.
            entries: Entries::with_options(settings, Weight, RandomState::new(), expiries.clone()),
            expiries,
            max_bytes: options.max_bytes,
        }
    }

    fn store(&self, key: &str, value: &[u8], ttl: Option<u32>) -> Result<(), TooLarge> {
        let now = Instant::now();
        let bytes = size(key, value);
        if bytes > self.max_bytes {
            return Err(TooLarge {
                bytes,
                max_bytes: self.max_bytes,
            });
        }
        if ttl == Some(0) {
            self.remove_if(key, |_| true);
            return Ok(());
        }
        self.make_room(bytes, now);
        let key: Arc<str> = key.into();
        // A time that the clock cannot express never comes.
        let expiry = ttl
            .and_then(|ttl| now.checked_add(Duration::from_secs(ttl.into())))
            .map(|at| self.expiries.add(at, key.clone()));
        let value = Bytes::copy_from_slice(value);
        self.entries.insert(key, Entry { value, expiry });
        Ok(())
    }

    /// Removes some expired entries, and as many as the space for a new entry needs.
    fn make_room(&self, bytes: u64, now: Instant) {
        for removed in 0.. {
            let is_enough = removed >= REMOVED_AT_ONCE
                && self.entries.weight().saturating_add(bytes) <= self.max_bytes;
            if is_enough {
                break;
            }
            match self.expiries.take_expired(now) {
                Some(key) => drop(self.remove_if(&key, Entry::has_expired)),
                None => break,
            }
        }
    }

    /// Removes and returns the entry of this key if there is one and `condition` holds for it.
    fn remove_if(&self, key: &str, condition: impl FnOnce(&Entry) -> bool) -> Option<Entry> {
        let (_, entry) = self.entries.remove_if(key, condition)?;
        self.expiries.forget(&entry);
        Some(entry)
    }
}

/// The number of expired entries that one `set` removes if it does not need their space.
const REMOVED_AT_ONCE: usize = 16;

/// The largest number of evicted keys whose hashes are kept.
const MOST_EVICTED_KEYS: usize = 1 << 16;

impl Cache for MemoryCache {
    async fn set(&self, key: &str, value: &[u8], ttl: Option<u32>) -> Result<(), CacheError> {
        self.store(key, value, ttl)
            .map_err(|error| CacheError::Runtime(error.into()))
    }

    async fn get(&self, key: &str) -> Result<Bytes, CacheError> {
        match self.entries.get(key) {
            Some(entry) if entry.has_expired() => {
                self.remove_if(key, Entry::has_expired);
                Err(CacheError::NotFound)
            }
            Some(entry) => Ok(entry.value),
            None => Err(CacheError::NotFound),
        }
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        match self.remove_if(key, |_| true) {
            Some(entry) if !entry.has_expired() => Ok(()),
            _ => Err(CacheError::NotFound),
        }
    }
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCache")
            .field("entries", &self.entries.len())
            .field("bytes", &self.entries.weight())
            .field("max_bytes", &self.max_bytes)
            .finish()
    }
}
