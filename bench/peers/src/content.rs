//! cacache: an index of keys, and files named by the hash of their contents.

use std::path::PathBuf;
use workload::Cache;

pub struct Cacache(PathBuf);

impl Cacache {
    pub fn open(directory: String) -> Self {
        Self(directory.into())
    }
}

impl Cache for Cacache {
    fn set(&mut self, key: &str, value: &[u8]) {
        cacache::write_sync(&self.0, key, value).expect("a set succeeds");
    }

    fn get(&mut self, key: &str) -> Option<Vec<u8>> {
        match cacache::read_sync(&self.0, key) {
            Err(cacache::Error::EntryNotFound(..)) => None,
            got => Some(got.expect("a get succeeds")),
        }
    }
}
