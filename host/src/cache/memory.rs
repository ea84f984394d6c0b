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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        hash::BuildHasher,
        pin::pin,
        task::{Context, Poll, Waker},
        thread,
    };

    /// The result of a call. No call waits.
    fn now<T>(call: impl Future<Output = T>) -> T {
        match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("a call that waits"),
        }
    }

    fn cache(max_bytes: u64) -> MemoryCache {
        MemoryCache::new(MemoryCacheOptions::default().max_bytes(max_bytes))
    }

    impl MemoryCache {
        fn value(&self, key: &str) -> Option<Bytes> {
            match now(self.get(key)) {
                Ok(value) => Some(value),
                Err(CacheError::NotFound) => None,
                Err(CacheError::Runtime(error)) => panic!("{error}"),
            }
        }

        fn is_set(&self, key: &str, value: &[u8], ttl: Option<u32>) -> bool {
            match now(self.set(key, value, ttl)) {
                Ok(()) => true,
                Err(CacheError::Runtime(_)) => false,
                Err(CacheError::NotFound) => panic!("a `set` that finds nothing"),
            }
        }
    }

    #[test]
    fn an_entry_is_set_replaced_and_deleted() {
        let cache = cache(1 << 20);
        assert_eq!(cache.value("a"), None);
        assert!(cache.is_set("a", b"1", None));
        assert!(cache.is_set("a", b"", Some(u32::MAX)));
        assert!(cache.is_set("", b"2", None));
        assert_eq!(cache.value("a").as_deref(), Some(&b""[..]));
        assert_eq!(cache.value("").as_deref(), Some(&b"2"[..]));
        assert!(now(cache.delete("a")).is_ok());
        assert!(matches!(now(cache.delete("a")), Err(CacheError::NotFound)));
        assert_eq!(cache.value("a"), None);
        assert!(cache.expiries.is_empty());
    }

    #[test]
    fn an_entry_is_as_large_as_the_bound_at_most() {
        for max_bytes in [0, 1, MemoryCache::ENTRY_OVERHEAD] {
            let cache = cache(max_bytes);
            let fits = max_bytes == MemoryCache::ENTRY_OVERHEAD;
            assert_eq!(cache.is_set("", b"", None), fits);
            assert_eq!(cache.value("").is_some(), fits);
            assert!(!cache.is_set("a", b"", None));
        }
        let cache = cache(10_000);
        let largest = vec![1; 10_000 - MemoryCache::ENTRY_OVERHEAD as usize - 1];
        assert!(cache.is_set("a", &largest, None));
        assert_eq!(cache.value("a").as_deref(), Some(&largest[..]));
        // The old value and its ttl stay.
        assert!(!cache.is_set("aa", &largest, None));
        assert!(!cache.is_set("a", &[largest.as_slice(), b"2"].concat(), Some(0)));
        assert_eq!(cache.value("a").as_deref(), Some(&largest[..]));
        // Another one takes its place.
        assert!(cache.is_set("b", &largest, None));
        assert_eq!(cache.value("b").as_deref(), Some(&largest[..]));
        assert_eq!(cache.value("a"), None);
    }

    #[test]
    fn the_entries_stay_within_the_bound() {
        let bound = 1 << 20;
        let cache = cache(bound);
        let random = RandomState::new();
        for number in 0..20_000_u32 {
            let key = (number % 5000).to_string();
            let size = random.hash_one(number) % 4000;
            let ttl = [None, Some(1), Some(100)][number as usize % 3];
            assert!(cache.is_set(&key, &vec![7; size as usize], ttl));
            assert!(cache.entries.weight() <= bound);
            assert!(cache.expiries.len() <= cache.entries.len());
        }
        assert!(cache.entries.weight() > bound / 2);
    }

    #[test]
    fn a_value_of_64_mib_fits_into_the_default() {
        let cache = MemoryCache::new(MemoryCacheOptions::default());
        let value = vec![3; 64 << 20];
        assert!(cache.is_set("a", &value, None));
        assert!(cache.is_set("a", &value, None));
        assert_eq!(cache.value("a").as_deref(), Some(&value[..]));
    }

    #[test]
    fn an_expired_entry_is_not_returned() {
        let cache = cache(1 << 20);
        assert!(cache.is_set("a", b"1", None));
        assert!(cache.is_set("a", b"2", Some(0)));
        assert_eq!(cache.value("a"), None);
        for key in ["read", "deleted", "replaced", "forgotten"] {
            assert!(cache.is_set(key, b"1", Some(1)));
        }
        assert!(cache.is_set("replaced", b"2", None));
        assert!(cache.value("read").is_some());
        thread::sleep(Duration::from_millis(1010));
        assert_eq!(cache.value("read"), None);
        assert!(matches!(
            now(cache.delete("deleted")),
            Err(CacheError::NotFound)
        ));
        assert!(cache.value("replaced").is_some());
        // The next `set` frees the space of the last one.
        assert_eq!(cache.entries.len(), 2);
        assert!(cache.is_set("b", b"", None));
        assert_eq!(cache.entries.len(), 2);
        assert!(cache.expiries.is_empty());
    }

    #[test]
    fn expired_entries_make_room_before_others() {
        let size = 1000 + MemoryCache::ENTRY_OVERHEAD as usize + 8;
        let cache = cache(100 * size as u64);
        let keys = |name: &'static str| (0..50).map(move |number| format!("{name}{number:03}"));
        for key in keys("keeps") {
            assert!(cache.is_set(&key, &[0; 1000], None));
        }
        for key in keys("short") {
            assert!(cache.is_set(&key, &[0; 1000], Some(1)));
            assert!(cache.value(&key).is_some());
        }
        thread::sleep(Duration::from_millis(1010));
        let half = vec![0; 50 * size - MemoryCache::ENTRY_OVERHEAD as usize - 8];
        assert!(cache.is_set("large000", &half, None));
        for key in keys("keeps") {
            assert!(cache.value(&key).is_some(), "{key}");
        }
    }

    #[test]
    fn threads_share_a_cache() {
        let cache = cache(64 << 10);
        thread::scope(|scope| {
            for thread in 0..8_u8 {
                let cache = &cache;
                scope.spawn(move || {
                    for number in 0..5000_usize {
                        let key = format!("{}", number % 97);
                        match number % 4 {
                            0 => drop(now(cache.delete(&key))),
                            1 => {
                                let size = 1 + number % 900;
                                assert!(cache.is_set(&key, &vec![thread; size], Some(100)));
                            }
                            _ => {
                                // A value is one that some thread has set, as a whole.
                                let value = cache.value(&key).unwrap_or_default();
                                assert!(value.iter().all(|byte| Some(byte) == value.first()));
                            }
                        }
                    }
                });
            }
        });
        assert!(cache.entries.weight() <= 64 << 10);
        for number in 0..97 {
            let _ = now(cache.delete(&number.to_string()));
        }
        assert!(cache.entries.is_empty() && cache.expiries.is_empty());
    }
}
