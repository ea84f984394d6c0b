//! A store with its own directory and its own clock.

use crate::clock::{Clock, Timestamp};
use crate::directory::NativeDirectory;
use crate::durability::Durability;
use crate::key::Key;
use crate::store::{Error, Store};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const START: Timestamp = Timestamp::from_parts(1_790_000_000, 0);

/// A clock that stands still until a test changes it; its clones are the same clock.
#[derive(Clone)]
pub(super) struct VirtualClock(Rc<Cell<Timestamp>>);

impl VirtualClock {
    pub(super) fn forwards(&self, by: Duration) {
        self.0.set(Timestamp::from_nanos(
            self.now().as_nanos() + by.as_nanos() as u64,
        ));
    }

    pub(super) fn backwards(&self, by: Duration) {
        self.0.set(Timestamp::from_nanos(
            self.now().as_nanos() - by.as_nanos() as u64,
        ));
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.0.get()
    }
}

pub(super) struct Fixture {
    pub(super) root: TempDir,
    pub(super) clock: VirtualClock,
    pub(super) store: Store<NativeDirectory, VirtualClock>,
}

impl Fixture {
    pub(super) fn new() -> Self {
        Self::with(Durability::None)
    }

    pub(super) fn with(durability: Durability) -> Self {
        let root = scratch();
        let clock = VirtualClock(Rc::new(Cell::new(START)));
        let store = open(root.path(), &clock, durability);
        Self { root, clock, store }
    }

    pub(super) fn second_store(&self) -> Store<NativeDirectory, VirtualClock> {
        open(self.root.path(), &self.clock, Durability::None)
    }

    /// Another store on the same directory, as another process would open it.
    pub(super) fn store_with_seed(&self, seed: u64) -> Store<NativeDirectory, VirtualClock> {
        let directory = NativeDirectory::open(self.root.path()).expect("a directory");
        Store::open(directory, self.clock.clone(), Durability::None, seed << 32).expect("a store")
    }

    pub(super) fn path_of(&self, key: &str) -> PathBuf {
        self.root
            .path()
            .join(Key::new(key).expect("a short key").path())
    }

    /// The path of a key's entry; its subdirectory exists, and nothing stands at the path.
    pub(super) fn empty_path_of(&self, key: &str) -> PathBuf {
        let path = self.path_of(key);
        fs::create_dir_all(path.parent().expect("a shelf")).expect("a shelf");
        path
    }

    pub(super) fn get(&self, key: &str) -> Option<Vec<u8>> {
        found(self.store.get(key))
    }
}

/// A new directory, in memory if the system has a place for that: some tests make many files.
fn scratch() -> TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary directory")
}

fn open(
    root: &Path,
    clock: &VirtualClock,
    durability: Durability,
) -> Store<NativeDirectory, VirtualClock> {
    let directory = NativeDirectory::open(root).expect("a directory");
    Store::open(directory, clock.clone(), durability, 0x5eed).expect("an empty store")
}

/// The value, or a miss; any other error fails the test.
fn found<T>(outcome: Result<T, Error>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(Error::NotFound) => None,
        Err(error) => panic!("{error:?}"),
    }
}

/// The files below `root` that are not entries.
pub(super) fn temporary_files(root: &Path) -> Vec<PathBuf> {
    let shelves = fs::read_dir(root.join("v1"))
        .into_iter()
        .flatten()
        .flatten();
    let files =
        shelves.flat_map(|shelf| fs::read_dir(shelf.path()).into_iter().flatten().flatten());
    let names = files.filter(|file| file.file_name().to_string_lossy().starts_with("tmp-"));
    names.map(|file| file.path()).collect()
}
