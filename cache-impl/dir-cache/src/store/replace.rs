//! The one way an entry's file comes to be: written under a temporary name, then renamed.

use super::temp::Temp;
use super::{Error, Store};
use crate::clock::{Clock, Timestamp};
use crate::directory::{Directory, DirectoryError, File};
use crate::durability::Durability;
use crate::format::FORMAT_DIRECTORY;
use crate::key::Key;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

/// Up to this many bytes, a value is copied behind its prefix, to be written in one call. From here
/// on the copy costs as much time as the call that it spares, and memory besides.
const COPIED_VALUE_LEN: usize = 32 << 10;

/// How often to write a file that others remove before it has its name.
const ATTEMPTS: usize = 3;

impl<D: Directory, C: Clock> Store<D, C> {
    /// Puts an entry, made of `prefix` and `value`, in place of whatever stands at the key's path.
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
                // This process slept so long that its file was taken for a dead one's, or the
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
            // Should this fail too, the file's name still says that it is to be swept.
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

    /// Each of the 256 shelves is missing once at most: it is made when its absence is met, and
    /// never looked for.
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

    /// Under [`Durability::Full`], has the disk know the shelf by its name: another process, with
    /// another durability, may have made it. Once for each shelf.
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
            // A rename replaces anything but a directory, and only an empty one is ours to remove.
            Err(DirectoryError::IsDirectory) => {
                self.directory.remove_directory(path)?;
                self.directory.rename(temp, path)
            }
            renamed => renamed,
        }
    }
}

/// What came of an entry.
enum Outcome {
    Stored,
    /// Others write so much at this moment that it would exceed the bound.
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
