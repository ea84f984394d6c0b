//! From an entry's file to its value, or to a miss.

use super::{Error, Store};
use crate::clock::Clock;
use crate::directory::{Directory, DirectoryError, File};
use crate::entry::{MAX_PREFIX_LEN, Prefix};
use crate::key::Key;
use alloc::vec::Vec;

/// How much to ask for at first: all that comes before a value, and a value of up to 8 KiB. WASI
/// hosts clear a buffer of this size on every call, so more would cost the small entries.
const FIRST_READ: usize = MAX_PREFIX_LEN + (8 << 10);

impl<D: Directory, C: Clock> Store<D, C> {
    /// The value of a live entry of `key`; `None` if its file is missing, expired, damaged,
    /// another key's, or no file at all.
    pub(super) fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        let file = match self.directory.open(key.path()) {
            Err(DirectoryError::NotFound | DirectoryError::Unreadable) => return Ok(None),
            opened => opened?,
        };
        let mut start = Vec::new();
        if file.read(0, FIRST_READ, &mut start).is_err() {
            return Ok(None);
        }
        let Some(prefix) = Prefix::decode(&start) else {
            return Ok(None);
        };
        // The clock is read after the file: an entry written meanwhile is not from the future.
        if !prefix.belongs_to(key) || !prefix.is_live(self.clock.now()) {
            return Ok(None);
        }
        let value = read_value(&file, &prefix, &start)?;
        Ok(value.filter(|value| prefix.vouches_for(value)))
    }
}

/// Reads the value into memory of exactly its size. `start` is what was read of the file so far.
///
/// `None` if the file is not as long as its header says, or cannot be read.
fn read_value(file: &impl File, prefix: &Prefix, start: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let complete = start.len() as u64 == prefix.entry_len();
    if !complete && file.size().ok() != Some(prefix.entry_len()) {
        return Ok(None);
    }
    let Ok(value_len) = usize::try_from(prefix.value_len()) else {
        return Ok(None);
    };
    let mut value = Vec::new();
    value
        .try_reserve_exact(value_len)
        .map_err(|_| Error::OutOfMemory)?;
    value.extend_from_slice(&start[prefix.value_offset()..]);

    while value.len() < value_len {
        let before = value.len();
        let offset = (prefix.value_offset() + before) as u64;
        let read = file.read(offset, value_len - before, &mut value);
        if read.is_err() || value.len() == before {
            return Ok(None);
        }
    }
    Ok(Some(value))
}
