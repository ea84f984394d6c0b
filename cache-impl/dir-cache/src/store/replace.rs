//! The only way to create an entry's file: write it under a temporary name, then rename it.

use super::temp::Temp;
use super::{Error, Store};
use crate::clock::{Clock, Timestamp};
use crate::directory::{Directory, DirectoryError, File};
use crate::durability::Durability;
use crate::format::FORMAT_DIRECTORY;
use crate::key::Key;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

/// The largest value, in bytes, that is copied behind its prefix and written in one call. For a
/// larger one the copy takes as much time as the call that it saves, and takes memory too.
const COPIED_VALUE_LEN: usize = 32 << 10;

/// The number of attempts to write a file that other processes remove before the rename.
const ATTEMPTS: usize = 3;

impl<D: Directory, C: Clock> Store<D, C> {
    /// Replaces whatever stands at the key's path with an entry made of `prefix` and `value`.
    pub(super) fn replace(
        &self,
        key: &Key,
        prefix: Vec<u8>,
        value: &[u8],
        expires: Timestamp,
    ) -> Result<(), Error> {
        let (mut start, mut rest) = (prefix, value);
        if value.len() <= COPIED_VALUE_LEN {
            start.extend_from_slice(value);
            rest = &[];
        }
        let mut attempts = 1..ATTEMPTS;
        loop {
            match self.try_to_replace(key, &start, rest, expires) {
                // This process was stopped so long that another one took its file for stale, or the
                // subdirectory was removed.
                Err(Error::Directory(DirectoryError::NotFound)) if attempts.next().is_some() => {}
                outcome => return outcome,
            }
        }
    }

    fn try_to_replace(
        &self,
        key: &Key,
        start: &[u8],
        rest: &[u8],
        expires: Timestamp,
    ) -> Result<(), Error> {
        let len = (start.len() + rest.len()) as u64;
        let (temp, file) = self.create_temp(key, len)?;
        let outcome = self.fill_and_rename(key, &temp, file, start, rest, expires);
        if !matches!(outcome, Ok(Outcome::Stored)) {
            // Should this fail too, a later sweep still recognises the file by its name.
            let _ = self.directory.remove_file(temp.path());
        }
        match outcome? {
            Outcome::Stored if self.durability == Durability::Full => {
                Ok(self.directory.sync_directory(key.shelf())?)
            }
            Outcome::Stored => Ok(()),
            Outcome::NoRoom => self.remove(key),
        }
    }

    fn fill_and_rename(
        &self,
        key: &Key,
        temp: &Temp,
        file: D::File,
        start: &[u8],
        rest: &[u8],
        expires: Timestamp,
    ) -> Result<Outcome, Error> {
        self.sync_parents(key)?;
        if !self.keep_up(key, temp, expires)? {
            return Ok(Outcome::NoRoom);
        }
        write(file, start, rest, self.durability)?;
        self.rename_over(temp.path(), key.path())?;
        Ok(Outcome::Stored)
    }

    fn create_temp(&self, key: &Key, len: u64) -> Result<(Temp, D::File), Error> {
        let temp = self.temp_names.next(key.shelf(), len);
        let created = match self.directory.create(temp.path()) {
            Err(DirectoryError::NotFound) => {
                self.create_shelf(key)?;
                self.directory.create(temp.path())
            }
            created => created,
        };
        Ok((temp, created?))
    }

    /// Creates a shelf. Each of the 256 is missing once at most: a failed call shows its absence,
    /// so no call checks for it.
    fn create_shelf(&self, key: &Key) -> Result<(), Error> {
        self.refuse_newer_format()?;
        self.parents_are_synced(key).store(false, Ordering::Relaxed);
        for directory in [FORMAT_DIRECTORY, key.shelf()] {
            match self.directory.create_directory(directory) {
                Err(DirectoryError::AlreadyExists) => {}
                created => created?,
            }
        }
        Ok(())
    }

    /// Under [`Durability::Full`], writes the shelf's name to the disk, once for each shelf:
    /// another process, with another durability, may have created it.
    fn sync_parents(&self, key: &Key) -> Result<(), Error> {
        let are_synced = self.parents_are_synced(key);
        if self.durability == Durability::Full && !are_synced.load(Ordering::Relaxed) {
            self.directory.sync_directory(".")?;
            self.directory.sync_directory(FORMAT_DIRECTORY)?;
            are_synced.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn rename_over(&self, temp: &str, path: &str) -> Result<(), DirectoryError> {
        match self.directory.rename(temp, path) {
            // A rename replaces anything but a directory; this crate removes only an empty one.
            Err(DirectoryError::IsDirectory) => {
                self.directory.remove_directory(path)?;
                self.directory.rename(temp, path)
            }
            renamed => renamed,
        }
    }
}

/// The outcome of writing an entry.
enum Outcome {
    Stored,
    /// Other processes are writing so much that the entry would exceed the bound.
    NoRoom,
}

/// Writes all of a file and closes it.
fn write(
    file: impl File,
    start: &[u8],
    rest: &[u8],
    durability: Durability,
) -> Result<(), DirectoryError> {
    file.write(0, start)?;
    if !rest.is_empty() {
        file.write(start.len() as u64, rest)?;
    }
    if durability != Durability::None {
        file.sync()?;
    }
    Ok(())
}
