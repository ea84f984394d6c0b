//! The engine: `set`, `get` and `delete` as operations on a directory.
//!
//! Processes that share a directory need no lock: a file is complete before a rename gives it an
//! entry's name, and nothing is ever written to a file that has one.
//!
//! Every call uses `read` and `replace`; `temp` names the files that are being written. `upkeep`
//! decides when a `set` cleans up a `shelf`, one of the 256 subdirectories, and `room` keeps the
//! store to a bound, using the `tally`.

mod read;
mod replace;
mod room;
mod shelf;
mod tally;
mod temp;
#[cfg(test)]
mod tests;
mod upkeep;

use crate::clock::{Clock, Timestamp};
use crate::directory::{Directory, DirectoryError};
use crate::durability::Durability;
use crate::entry::{self, MAX_VALUE_LEN};
use crate::format;
use crate::key::{Key, KeyTooLong, SHELVES};
use crate::max_bytes::{BLOCK_LEN, MaxBytes};
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::AtomicBool;
use temp::TempNames;
use thiserror::Error;
use upkeep::Upkeep;

/// A cache on a directory.
#[derive(Debug)]
pub struct Store<D, C> {
    directory: D,
    clock: C,
    durability: Durability,
    temp_names: TempNames,
    upkeep: Upkeep,
    /// `true` if each subdirectory's name is known to be on the disk, under [`Durability::Full`].
    parents_are_synced: [AtomicBool; SHELVES],
}

/// An error of a [`Store`].
#[derive(Debug, Error)]
pub enum Error {
    /// There is no entry by that key: never set, deleted, expired, evicted or damaged.
    #[error("there is no entry by that key")]
    NotFound,

    /// The key cannot be stored. Nothing was changed.
    #[error(transparent)]
    KeyTooLong(#[from] KeyTooLong),

    /// The value cannot be stored. Nothing was changed.
    #[error("the value has {len} bytes; a value of this key has at most {max}")]
    ValueTooLarge {
        /// The length of the refused value, in bytes.
        len: u64,
        /// The longest value that fits into the store's bound, and [`MAX_VALUE_LEN`] at most.
        max: u64,
    },

    /// The store's bound has no room for an entry of this key, however small the value. Nothing was
    /// changed.
    #[error("a bound of {max_bytes} bytes holds no entry of this key")]
    BoundTooSmall {
        /// The store's bound, in bytes.
        max_bytes: u64,
    },

    /// The store holds entries of a newer format, which this crate leaves alone.
    #[error("`{directory}` was written by a newer version of this cache")]
    NewerFormat {
        /// The name of their directory, directly below the store's.
        directory: String,
    },

    /// The value does not fit into the remaining memory.
    #[error("the value does not fit into memory")]
    OutOfMemory,

    /// The directory failed. The entries stored before are still there.
    #[error("the cache's directory failed")]
    Directory(#[from] DirectoryError),
}

impl<D: Directory, C: Clock> Store<D, C> {
    /// Opens the store on a directory, which may be empty.
    ///
    /// `seed` keeps the names of temporary files distinct from those of other processes; use a
    /// random number.
    pub fn open(directory: D, clock: C, durability: Durability, seed: u64) -> Result<Self, Error> {
        let store = Self {
            directory,
            clock,
            durability,
            temp_names: TempNames::new(seed),
            upkeep: Upkeep::new(seed),
            parents_are_synced: [const { AtomicBool::new(false) }; SHELVES],
        };
        store.refuse_newer_format()?;
        Ok(store)
    }

    /// The same store, which from now on evicts its oldest entries so that its files occupy no more
    /// than `max_bytes` of the disk, counted as [`MaxBytes`] describes.
    ///
    /// The bound holds for values of any size and any number of processes, if all of them use the
    /// same bound; it holds while they write, wherever one of them pauses, and includes the files of
    /// killed processes. Two exceptions: a `set` that replaces an entry keeps both until it returns,
    /// and if it fails, the old one may remain uncounted until a later `set` looks at their
    /// subdirectory; and what a process writes into a file after a pause of a minute is not counted
    /// until its `set` returns. Entries that other processes are writing take precedence over a new
    /// one: if they leave no room, the new entry is evicted as soon as it is set. The file of a killed
    /// process takes up room for a minute.
    ///
    /// For small values the bound is statistical: to break it, the bytes that no process has
    /// counted yet would have to exceed their mean by eight standard deviations. A store that was
    /// filled without a bound needs several `set`s to shrink to it.
    pub fn bounded(mut self, max_bytes: MaxBytes) -> Self {
        self.upkeep.bound(max_bytes);
        self
    }

    /// Stores `value` under `key`, in place of any earlier entry. It expires `ttl` seconds from
    /// now, or never without one; a `ttl` of 0 removes the entry.
    ///
    /// When this fails, the earlier entry is still there (see [`Durability::Full`] for the one
    /// exception).
    pub fn set(&self, key: &str, value: &[u8], ttl: Option<u32>) -> Result<(), Error> {
        let key = Key::new(key)?;
        let (len, max) = (value.len() as u64, self.max_value_len(&key)?);
        if len > max {
            return Err(Error::ValueTooLarge { len, max });
        }
        if ttl == Some(0) {
            return self.remove(&key);
        }
        let created = self.clock.now();
        let expires = ttl.map_or(Timestamp::MAX, |ttl| created.plus_seconds(ttl));
        let prefix = entry::encode_prefix(&key, value, created, expires);
        self.replace(&key, prefix, value, expires)
    }

    /// Reads the value stored under `key`.
    ///
    /// An expired or damaged entry is [`Error::NotFound`] and stays in place: removing it could
    /// remove an entry that another process has just written.
    pub fn get(&self, key: &str) -> Result<Vec<u8>, Error> {
        self.read(&Key::new(key)?)?.ok_or(Error::NotFound)
    }

    /// Removes the entry of `key`; [`Error::NotFound`] if a [`Store::get`] would not have found it.
    ///
    /// When another process sets the key during this call, either call may take effect last.
    pub fn delete(&self, key: &str) -> Result<(), Error> {
        let key = Key::new(key)?;
        self.read(&key)?.ok_or(Error::NotFound)?;
        self.remove(&key)
    }

    fn max_value_len(&self, key: &Key) -> Result<u64, Error> {
        let Some(max_bytes) = self.upkeep.max_bytes() else {
            return Ok(MAX_VALUE_LEN);
        };
        let bound = max_bytes.blocks() * BLOCK_LEN;
        let max = bound.checked_sub(entry::prefix_len(key));
        max.map(|max| max.min(MAX_VALUE_LEN))
            .ok_or(Error::BoundTooSmall {
                max_bytes: max_bytes.get(),
            })
    }

    fn parents_are_synced(&self, key: &Key) -> &AtomicBool {
        &self.parents_are_synced[usize::from(key.shelf_number())]
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        match self.directory.remove_file(key.path()) {
            // In both cases no entry stands there.
            Err(DirectoryError::NotFound | DirectoryError::IsDirectory) => return Ok(()),
            removed => removed?,
        }
        if self.durability == Durability::Full {
            self.directory.sync_directory(key.shelf())?;
        }
        Ok(())
    }

    fn refuse_newer_format(&self) -> Result<(), Error> {
        match format::newest_above_ours(self.directory.names()?) {
            Some(directory) => Err(Error::NewerFormat { directory }),
            None => Ok(()),
        }
    }
}
