//! The surroundings of a store: a directory, a clock, and the state that is visible from outside.

use crate::disk::Disk;
use dir_cache::{Clock, Directory, Durability, Error, NativeDirectory, Store, Timestamp};
use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

pub const START: Timestamp = Timestamp::from_parts(1_790_000_000, 0);
pub const SECOND: u64 = 1_000_000_000;
pub const DURABILITIES: [Durability; 3] = [Durability::None, Durability::File, Durability::Full];

/// A clock that stands still until a test changes it; its clones are the same clock.
#[derive(Clone, Debug)]
pub struct Time(Rc<Cell<Timestamp>>);

impl Time {
    pub fn new() -> Self {
        Self(Rc::new(Cell::new(START)))
    }

    pub fn set(&self, nanos: u64) {
        self.0.set(Timestamp::from_nanos(nanos));
    }

    pub fn forwards(&self, nanos: u64) {
        self.set(self.now().as_nanos().saturating_add(nanos));
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        self.0.get()
    }
}

pub fn open<D: Directory, C: Clock>(directory: D, clock: C, durability: Durability) -> Store<D, C> {
    // Each store counts as a process: no two start with the same seed.
    static SEED: AtomicU64 = AtomicU64::new(0);
    let seed = SEED.fetch_add(1 << 32, Ordering::Relaxed);
    Store::open(directory, clock, durability, seed).expect("a store")
}

/// The value, `None` for a miss, or another error as text.
pub fn got(outcome: Result<Vec<u8>, Error>) -> Result<Option<Vec<u8>>, String> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(format!("failed to get: {error:?}")),
    }
}

/// A new directory, in memory if the system has a place for that: no fault needs a disk.
pub fn scratch() -> TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary directory")
}

/// The temporary files of a store that are left below `root`.
pub fn temps(root: &Path) -> usize {
    let Ok(entries) = fs::read_dir(root) else {
        return 0;
    };
    let left = entries.flatten().map(|entry| {
        let is_temp = entry.file_name().to_string_lossy().starts_with("tmp-");
        usize::from(is_temp) + temps(&entry.path())
    });
    left.sum()
}

/// A source of the same directory, again and again.
pub trait Place {
    type Directory: Directory;

    fn directory(&self) -> Self::Directory;

    /// The number of temporary files that are left.
    fn temps(&self) -> usize;
}

impl Place for Disk {
    type Directory = Disk;

    fn directory(&self) -> Disk {
        self.clone()
    }

    fn temps(&self) -> usize {
        self.temps()
    }
}

impl Place for TempDir {
    type Directory = NativeDirectory;

    fn directory(&self) -> NativeDirectory {
        NativeDirectory::open(self.path()).expect("a directory")
    }

    fn temps(&self) -> usize {
        temps(self.path())
    }
}
