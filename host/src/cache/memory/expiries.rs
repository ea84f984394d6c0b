//! The times at which entries expire, earliest first.

use super::Entry;
use quick_cache::Lifecycle;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// The expiries of all entries that have one, and the keys of the entries. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Expiries(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    keys: BTreeMap<Expiry, Arc<str>>,
    last_number: u64,
}

/// The time at which an entry expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Expiry {
    pub(super) at: Instant,
    /// Distinguishes entries that expire at the same time.
    number: u64,
}

impl Expiries {
    /// Adds an entry, before it is inserted.
    pub(super) fn add(&self, at: Instant, key: Arc<str>) -> Expiry {
        let mut queue = self.lock();
        queue.last_number += 1;
        let number = queue.last_number;
        let expiry = Expiry { at, number };
        queue.keys.insert(expiry, key);
        expiry
    }

    /// Drops the expiry of an entry that is gone.
    pub(super) fn forget(&self, entry: &Entry) {
        if let Some(expiry) = &entry.expiry {
            self.lock().keys.remove(expiry);
        }
    }

    /// Takes out the key of the earliest entry that expires by `now`.
    pub(super) fn take_expired(&self, now: Instant) -> Option<Arc<str>> {
        let mut queue = self.lock();
        let earliest = queue.keys.first_entry()?;
        (earliest.key().at <= now).then(|| earliest.remove())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().keys.len()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An entry that is evicted or replaced has no expiry any more.
impl Lifecycle<Arc<str>, Entry> for Expiries {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: Arc<str>, entry: Entry) {
        self.forget(&entry);
    }
}
