//! `set`, `get` and `delete` as operations on a bucket. `wit/cache.wit` defines the meaning of each.

use crate::entry::{Stored, decode, encode, name};
use dir_cache::{Clock, Timestamp, key::Key};

/// A bucket of a key-value store.
pub(crate) trait Bucket {
    /// The reason why a call failed.
    type Error;

    /// Reads a value; `None` if there is none under this name.
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Self::Error>;
    /// Stores a value in place of any earlier one.
    fn set(&self, name: &str, value: &[u8]) -> Result<(), Self::Error>;
    /// Removes a value, if there is one.
    fn delete(&self, name: &str) -> Result<(), Self::Error>;
}

/// An error of a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Error<E> {
    /// There is no entry with that key.
    NotFound,
    /// The key or the value is longer than the interface allows.
    TooLong,
    /// The store failed.
    Store(E),
}

impl<E> From<E> for Error<E> {
    fn from(error: E) -> Self {
        Self::Store(error)
    }
}

/// A cache on a bucket.
pub(crate) struct Cache<B, C> {
    bucket: B,
    clock: C,
}

impl<B: Bucket, C: Clock> Cache<B, C> {
    pub(crate) fn new(bucket: B, clock: C) -> Self {
        Self { bucket, clock }
    }

    pub(crate) fn set(
        &self,
        key: &str,
        value: &[u8],
        ttl: Option<u32>,
    ) -> Result<(), Error<B::Error>> {
        let key = checked(key)?;
        let created = self.clock.now();
        let expires = ttl.map_or(Timestamp::MAX, |seconds| created.plus_seconds(seconds));
        let entry = encode(&key, value, created, expires).ok_or(Error::TooLong)?;
        if ttl == Some(0) {
            self.bucket.delete(&name(&key))?;
        } else {
            self.bucket.set(&name(&key), &entry)?;
        }
        Ok(())
    }

    pub(crate) fn get(&self, key: &str) -> Result<Vec<u8>, Error<B::Error>> {
        let key = checked(key)?;
        let name = name(&key);
        let entry = self.bucket.get(&name)?.ok_or(Error::NotFound)?;
        match decode(&key, entry, self.clock.now()) {
            Stored::Value(value) => Ok(value),
            Stored::Expired => {
                // A store has no ttl of its own, so this frees the space. The entry that another client may
                // have set meanwhile is evicted with it. A failure changes nothing for the caller.
                let _ = self.bucket.delete(&name);
                Err(Error::NotFound)
            }
            Stored::Foreign => Err(Error::NotFound),
        }
    }

    /// A store reports no absence when it deletes, so this reads the entry first. Of two clients that delete
    /// the same entry at once, both may succeed.
    pub(crate) fn delete(&self, key: &str) -> Result<(), Error<B::Error>> {
        self.get(key)?;
        Ok(self.bucket.delete(&name(&checked(key)?))?)
    }
}

fn checked<E>(key: &str) -> Result<Key<'_>, Error<E>> {
    Key::new(key).map_err(|_| Error::TooLong)
}

#[cfg(test)]
mod tests;
