//! `set`, `get` and `delete`, and the faults in them.

use crate::bindings::exports::toolkit::cache::cache::Error;
use crate::expiry::{self, Expiry};
use crate::fault::{Fault, is_long};
use crate::{key, value};
use std::collections::{BTreeMap, BTreeSet};

const SLOTS: usize = 256;
const VERSIONS: usize = 16;

pub struct Cache {
    fault: Fault,
    entries: BTreeMap<String, Entry>,
    traces: Traces,
}

struct Entry {
    value: Vec<u8>,
    expiry: Option<Expiry>,
    /// The long value that this one replaced, for the faults that restore it.
    replaced: Option<Vec<u8>>,
    /// `true` if the entry was deleted; one fault still reads it.
    deleted: bool,
}

/// The state that a correct cache does not have.
#[derive(Default)]
struct Traces {
    sets: BTreeMap<String, usize>,
    deleted: BTreeSet<String>,
    timers: BTreeMap<String, Expiry>,
}

impl Cache {
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            entries: BTreeMap::new(),
            traces: Traces::default(),
        }
    }

    pub fn set(&mut self, key: &str, value: Vec<u8>, ttl: Option<u32>) -> Result<(), Error> {
        if key::is_too_long(self.fault, key) {
            return self.set_too_long(key, value, ttl);
        }
        let refused = key.is_empty() && self.fault == Fault::RefusesEmptyKey;
        if refused || value::is_too_large(self.fault, &value) {
            return Err(Error::RuntimeError);
        }
        if !key::is_lost(self.fault, key) {
            let name = key::entry_name(self.fault, key);
            self.store(name, value::stored(self.fault, value), ttl);
        }
        Ok(())
    }

    pub fn get(&mut self, key: &str) -> Result<Vec<u8>, Error> {
        if key::is_too_long(self.fault, key) {
            return Err(match self.fault {
                Fault::GetsTooLongKey if key.is_ascii() => Error::NotFoundError,
                _ => Error::RuntimeError,
            });
        }
        let name = key::entry_name(self.fault, key);
        if let Some(value) = self.read(&name) {
            return Ok(value);
        }
        Err(match self.fault {
            Fault::FailsToFindNothing if key::is_no_file_name(key) => Error::RuntimeError,
            _ => Error::NotFoundError,
        })
    }

    pub fn delete(&mut self, key: &str) -> Result<(), Error> {
        if key::is_too_long(self.fault, key) {
            return Err(match self.fault {
                Fault::DeletesTooLongKey if key.is_ascii() => Error::NotFoundError,
                _ => Error::RuntimeError,
            });
        }
        if self.fault == Fault::RefusesToDeleteLongestKey && key::is_longest(key) {
            return Err(Error::RuntimeError);
        }
        let name = key::entry_name(self.fault, key);
        let found = self.remove(&name)
            || self.fault == Fault::DeletesTwice && self.traces.deleted.remove(&name)
            || self.fault == Fault::DeletesNothing && key::is_no_file_name(key);
        self.entries
            .retain(|entry, _| !key::deletes_also(self.fault, &name, entry));
        if found {
            Ok(())
        } else {
            Err(Error::NotFoundError)
        }
    }

    fn set_too_long(&mut self, key: &str, value: Vec<u8>, ttl: Option<u32>) -> Result<(), Error> {
        match self.fault {
            Fault::SetsTooLongKey if key.is_ascii() => {
                self.store(key.to_owned(), value, ttl);
                return Ok(());
            }
            Fault::CutsRefusedKey => self.store(key::beginning(key).to_owned(), value, ttl),
            _ => {}
        }
        Err(Error::RuntimeError)
    }

    fn store(&mut self, name: String, value: Vec<u8>, ttl: Option<u32>) {
        if self.set_is_lost(&name, &value, ttl) {
            return;
        }
        let entry = match self.entries.remove(&name).filter(Entry::is_live) {
            None => self.new_entry(&name, value, ttl),
            Some(old) => self.replacement(old, value, ttl),
        };
        if !entry.is_live() {
            return;
        }
        if self.fault == Fault::SharesSlot
            && self.entries.len() >= SLOTS
            && let Some(mut first) = self.entries.first_entry()
        {
            first.get_mut().value.clone_from(&entry.value);
        }
        self.entries.insert(name, entry);
    }

    fn set_is_lost(&mut self, name: &str, value: &[u8], ttl: Option<u32>) -> bool {
        match self.fault {
            Fault::WrapsVersion => {
                let sets = self.traces.sets.entry(name.to_owned()).or_default();
                *sets += 1;
                sets.is_multiple_of(VERSIONS)
            }
            Fault::BuriesKey => is_long(value) && self.traces.deleted.contains(name),
            Fault::BuriesExpired => self.entries.get(name).is_some_and(Entry::is_expired),
            Fault::ZeroIsSkipped => {
                ttl == Some(0) && self.entries.get(name).is_some_and(Entry::is_long)
            }
            _ => false,
        }
    }

    fn new_entry(&mut self, name: &str, value: Vec<u8>, ttl: Option<u32>) -> Entry {
        let expiry = expiry::of_new(self.fault, ttl, &value);
        let timer = self.traces.timers.remove(name).filter(|_| ttl.is_none());
        Entry::new(value, expiry.or(timer))
    }

    fn replacement(&self, old: Entry, value: Vec<u8>, ttl: Option<u32>) -> Entry {
        let expiry = expiry::of_replacement(self.fault, ttl, old.expiry, &old.value);
        if !old.is_long() {
            return Entry::new(value, expiry);
        }
        let mut entry = Entry::new(value::stored_over(self.fault, &old.value, value), expiry);
        if let Fault::DeletesOneVersion | Fault::ExpiresOneVersion = self.fault {
            entry.replaced = Some(old.value);
        }
        entry
    }

    fn read(&mut self, name: &str) -> Option<Vec<u8>> {
        let entry = self.entries.get_mut(name)?;
        if entry.is_expired() {
            let entry = self.entries.remove(name)?;
            return entry
                .replaced
                .filter(|_| self.fault == Fault::ExpiresOneVersion);
        }
        match self.fault {
            Fault::ReadsOnce if entry.is_long() => {
                return self.entries.remove(name).map(|entry| entry.value);
            }
            Fault::TakesEmptyForAbsent if entry.value.is_empty() => return None,
            Fault::SlidesTtl => entry.expiry = entry.expiry.map(Expiry::again),
            _ => {}
        }
        Some(entry.value.clone())
    }

    /// Removes an entry; returns `true` if there was one.
    fn remove(&mut self, name: &str) -> bool {
        let Some(mut entry) = self.entries.remove(name) else {
            return false;
        };
        if !entry.is_live() {
            return self.fault == Fault::DeletesExpired && entry.is_expired();
        }
        if let (Fault::LeavesTimer, Some(expiry)) = (self.fault, entry.expiry) {
            self.traces.timers.insert(name.to_owned(), expiry);
        }
        if entry.is_long() {
            self.traces.deleted.insert(name.to_owned());
        }
        match (self.fault, entry.replaced.take()) {
            (Fault::DeletesOneVersion, Some(value)) => {
                self.entries
                    .insert(name.to_owned(), Entry { value, ..entry });
            }
            (Fault::ReadsDeleted, _) if entry.is_long() => {
                self.entries.insert(
                    name.to_owned(),
                    Entry {
                        deleted: true,
                        ..entry
                    },
                );
            }
            _ => {}
        }
        true
    }
}

impl Entry {
    fn new(value: Vec<u8>, expiry: Option<Expiry>) -> Self {
        Self {
            value,
            expiry,
            replaced: None,
            deleted: false,
        }
    }

    fn is_live(&self) -> bool {
        !self.deleted && !self.is_expired()
    }

    fn is_expired(&self) -> bool {
        self.expiry.is_some_and(Expiry::is_over)
    }

    fn is_long(&self) -> bool {
        is_long(&self.value)
    }
}
