//! Reads an entry's file and returns its value, or a miss.

use super::{Error, Store};
use crate::clock::Clock;
use crate::directory::{Directory, DirectoryError, File};
use crate::entry::{MAX_PREFIX_LEN, Prefix};
use crate::key::Key;
use alloc::vec::Vec;

/// The length of the first read: everything before a value, and a value of up to 8 KiB. WASI hosts
/// clear a buffer of this size on every call, so a longer read would slow down small entries.
const FIRST_READ: usize = MAX_PREFIX_LEN + (8 << 10);

impl<D: Directory, C: Clock> Store<D, C> {
    /// The value of a live entry of `key`; `None` if its file is missing, expired, damaged, another
    /// key's, or not a regular file.
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
        // The clock is read after the file, so an entry written meanwhile is not from the future.
        if !prefix.belongs_to(key) || !prefix.is_live(self.clock.now()) {
            return Ok(None);
        }
        let value = read_value(&file, &prefix, &start)?;
        Ok(value.filter(|value| prefix.vouches_for(value)))
    }
}

/// Reads the value into memory of exactly its size. `start` holds the bytes read so far.
///
/// `None` if the file's length differs from its header, or the file cannot be read.
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
    value.extend_from_slice(start.get(prefix.value_offset()..).unwrap_or_default());

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::entry::encode_prefix;
    use core::cell::Cell;

    /// A file that claims to have `size` bytes, and returns those in `bytes`, a few at a time.
    struct Odd<'a> {
        size: u64,
        bytes: &'a [u8],
        reads: Cell<usize>,
    }

    impl File for Odd<'_> {
        fn size(&self) -> Result<u64, DirectoryError> {
            Ok(self.size)
        }

        fn read(&self, offset: u64, len: usize, bytes: &mut Vec<u8>) -> Result<(), DirectoryError> {
            self.reads.set(self.reads.get() + 1);
            assert!(self.reads.get() < 1000, "reads for ever");
            let rest = self.bytes.get(offset as usize..).unwrap_or_default();
            bytes.extend(rest.iter().take(len.min(1000)));
            Ok(())
        }

        fn write(&self, _: u64, _: &[u8]) -> Result<(), DirectoryError> {
            unreachable!()
        }

        fn sync(&self) -> Result<(), DirectoryError> {
            unreachable!()
        }
    }

    #[test]
    fn a_file_that_is_cut_short_while_it_is_read_is_a_miss() {
        let value = [7; 20_000];
        let key = Key::new("key").expect("a short key");
        let mut entry = encode_prefix(&key, &value, Timestamp::from_nanos(0), Timestamp::MAX);
        entry.extend(value);
        let start = &entry[..500];
        let prefix = Prefix::decode(start).expect("an entry");
        let read = |size: usize, len: usize| {
            let file = Odd {
                size: size as u64,
                bytes: &entry[..len],
                reads: Cell::new(0),
            };
            read_value(&file, &prefix, start).expect("enough memory")
        };
        assert_eq!(read(entry.len(), entry.len()).as_deref(), Some(&value[..]));
        for len in [0, 499, 500, 501, 10_000, entry.len() - 1] {
            assert_eq!(read(entry.len(), len), None, "{len} bytes are left");
        }
        assert_eq!(read(entry.len() - 1, entry.len()), None);
        assert_eq!(read(entry.len() + 1, entry.len()), None);
    }
}
