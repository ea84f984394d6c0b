//! The one way an entry's file comes to be: written under a temporary name, then renamed.

use super::{Error, Store};
use crate::clock::Clock;
use crate::directory::{Directory, DirectoryError, File};
use crate::durability::Durability;
use crate::format::FORMAT_DIRECTORY;
use crate::hex::push_hex;
use crate::key::Key;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

/// Up to this many bytes, a value is copied behind its prefix, to be written in one call. From here
/// on the copy costs as much time as the call that it spares, and memory besides.
const COPIED_VALUE_LEN: usize = 32 << 10;

/// What the names of temporary files begin with, unlike any entry's.
pub(super) const TEMP_PREFIX: &str = "tmp-";

impl<D: Directory, C: Clock> Store<D, C> {
    /// Puts an entry, made of `prefix` and `value`, in place of whatever stands at the key's path.
    pub(super) fn replace(&self, key: &Key, prefix: Vec<u8>, value: &[u8]) -> Result<(), Error> {
        self.put(key, key.path(), prefix, value, self.durability)
    }

    /// Puts a file, made of `start` and `rest`, in place of whatever stands at `path`, by way of a
    /// temporary file on the key's shelf.
    pub(super) fn put(
        &self,
        key: &Key,
        path: &str,
        start: Vec<u8>,
        rest: &[u8],
        durability: Durability,
    ) -> Result<(), Error> {
        let (temp, file) = self.create_temp(key)?;
        let written = write(file, start, rest, durability);
        if let Err(error) = written.and_then(|()| self.rename_over(&temp, path)) {
            // Should this fail too, the file's name still says that it is to be swept.
            let _ = self.directory.remove_file(&temp);
            return Err(error.into());
        }
        if durability == Durability::Full {
            self.directory.sync_directory(key.shelf())?;
        }
        Ok(())
    }

    fn create_temp(&self, key: &Key) -> Result<(String, D::File), Error> {
        let temp = self.temp_names.next(key.shelf());
        let created = match self.directory.create(&temp) {
            Err(DirectoryError::NotFound) => {
                self.create_shelf(key)?;
                self.directory.create(&temp)
            }
            created => created,
        };
        Ok((temp, created?))
    }

    /// Each of the 256 shelves is missing once at most: it is made when its absence is met, and
    /// never looked for.
    fn create_shelf(&self, key: &Key) -> Result<(), Error> {
        self.refuse_newer_format()?;
        for (parent, directory) in [(".", FORMAT_DIRECTORY), (FORMAT_DIRECTORY, key.shelf())] {
            match self.directory.create_directory(directory) {
                Err(DirectoryError::AlreadyExists) => {}
                created => created?,
            }
            if self.durability == Durability::Full {
                self.directory.sync_directory(parent)?;
            }
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

/// Writes all of a file and closes it.
fn write(
    file: impl File,
    mut start: Vec<u8>,
    rest: &[u8],
    durability: Durability,
) -> Result<(), DirectoryError> {
    if rest.len() <= COPIED_VALUE_LEN {
        start.extend_from_slice(rest);
        file.write(0, &start)?;
    } else {
        file.write(0, &start)?;
        file.write(start.len() as u64, rest)?;
    }
    if durability != Durability::None {
        file.sync()?;
    }
    Ok(())
}

/// Names that nobody else gives to a file in the same directory.
#[derive(Debug)]
pub(super) struct TempNames {
    next: AtomicU64,
}

impl TempNames {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            next: AtomicU64::new(seed),
        }
    }

    /// How many were taken, from the seed on.
    pub(super) fn taken(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    fn next(&self, shelf: &str) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let number = number.to_be_bytes();
        let len = shelf.len() + 1 + TEMP_PREFIX.len() + 2 * number.len();
        let mut name = String::with_capacity(len);
        name.push_str(shelf);
        name.push('/');
        name.push_str(TEMP_PREFIX);
        push_hex(&mut name, &number);
        name
    }
}
