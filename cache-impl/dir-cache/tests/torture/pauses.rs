//! Stores that share a directory and a bound are paused between any two of their operations: all files
//! together never occupy more than the bound.
//!
//! The operations take turns, in an order that depends on the seed alone.

use crate::count::{Count, Scale, rule};
use crate::world::scratch;
use dir_cache::directory::NativeFile;
use dir_cache::key::Key;
use dir_cache::{
    Directory, DirectoryError, Durability, File, MaxBytes, NativeDirectory, Status, Store,
    SystemClock,
};
use fastrand::Rng;
use std::fs;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;

const BLOCK: u64 = 4096;
/// The bound, in blocks.
const BOUND: u64 = 100;
const STORES: usize = 4;
const SETS: usize = 6;

/// Sizes in blocks, each equally likely, and the number of subdirectories that the values go to.
const MIXTURES: &[(&[u64], u8)] = &[(&[51], 16), (&[26], 2), (&[90, 9], 1), (&[40, 70, 10], 5)];

/// An operation is the last one before another store's turn once in so many times.
const PAUSES: [u32; 4] = [2, 8, 30, 100];

pub fn run(scale: &Scale, count: &mut Count) {
    let random = &mut Rng::with_seed(scale.seed);
    for _ in 0..scale.times(12, 1000) {
        for &(sizes, shelves) in MIXTURES {
            let peak = peak(random, sizes, shelves);
            count.case(rule(peak <= BOUND, || {
                format!("{peak} of {BOUND} blocks with values of {sizes:?} blocks")
            }));
        }
    }
}

/// The peak of the blocks that the files occupy while all stores set values.
fn peak(random: &mut Rng, sizes: &[u64], shelves: u8) -> u64 {
    let root = scratch();
    let turns = Turns::new(root.path(), random.fork());
    let keys = (0..).map(|number: u32| number.to_string());
    let mut keys = keys.filter(|key| shelf_number(key) < shelves);
    thread::scope(|scope| {
        for number in 0..STORES {
            let turns = &turns;
            let mut random = random.fork();
            let keys: Vec<String> = keys.by_ref().take(SETS).collect();
            scope.spawn(move || {
                let directory = InTurn {
                    inner: NativeDirectory::open(turns.root).expect("a directory"),
                    turns,
                    store: number,
                };
                let seed = random.u64(..);
                let store = Store::open(directory, SystemClock, Durability::None, seed);
                let max_bytes = MaxBytes::new(BOUND * BLOCK).expect("a bound");
                let store = store.expect("a store").bounded(max_bytes);
                for key in keys {
                    let blocks = *random.choice(sizes).expect("a size");
                    let value = vec![1; (blocks * BLOCK) as usize - 100];
                    store.set(&key, &value, None).expect("a set");
                }
                turns.end(number);
            });
        }
    });
    turns.state().peak
}

fn shelf_number(key: &str) -> u8 {
    let key = Key::new(key).expect("a short key");
    let (_, digits) = key.shelf().split_once('/').expect("a path");
    u8::from_str_radix(digits, 16).expect("two digits")
}

/// The blocks of all files of the stores, also of those that are being written.
fn occupied(root: &Path) -> u64 {
    let shelves = fs::read_dir(root.join("v1")).expect("a store").flatten();
    let files = shelves.flat_map(|shelf| fs::read_dir(shelf.path()).expect("a shelf").flatten());
    let sizes = files.map(|file| file.metadata().expect("a file").len());
    sizes.map(|size| size.div_ceil(BLOCK)).sum()
}

/// Lets one store after the other use the directory.
struct Turns<'a> {
    root: &'a Path,
    state: Mutex<State>,
    /// Tells each store that its turn has come.
    begins: [Condvar; STORES],
}

struct State {
    random: Rng,
    pauses: u32,
    /// The store whose turn it is.
    store: usize,
    /// The stores that have not ended.
    left: Vec<usize>,
    peak: u64,
}

impl<'a> Turns<'a> {
    fn new(root: &'a Path, mut random: Rng) -> Self {
        let state = State {
            pauses: *random.choice(&PAUSES).expect("a number"),
            store: random.usize(..STORES),
            left: (0..STORES).collect(),
            peak: 0,
            random,
        };
        Self {
            root,
            state: Mutex::new(state),
            begins: Default::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no store panicked")
    }

    /// Waits for a turn of this store.
    fn of(&self, store: usize) -> MutexGuard<'_, State> {
        let is_other = |state: &mut State| state.store != store;
        let state = self.begins[store].wait_while(self.state(), is_other);
        state.expect("no store panicked")
    }

    /// Runs an operation of a store in its turn.
    fn take<T>(&self, store: usize, operation: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.of(store);
        let outcome = operation(&mut state);
        let pauses = state.pauses;
        if state.random.u32(..pauses) == 0 {
            self.pass(&mut state);
        }
        outcome
    }

    fn end(&self, store: usize) {
        let mut state = self.of(store);
        state.left.retain(|other| *other != store);
        self.pass(&mut state);
    }

    fn pass(&self, state: &mut State) {
        let State { random, left, .. } = state;
        if let Some(&next) = random.choice(&*left) {
            state.store = next;
            self.begins[next].notify_one();
        }
    }
}

/// A directory, or a file in it, that is used in turn.
struct InTurn<'a, T> {
    inner: T,
    turns: &'a Turns<'a>,
    store: usize,
}

impl<'a, T> InTurn<'a, T> {
    fn take<U>(&self, operation: impl FnOnce(&T) -> U) -> U {
        self.turns.take(self.store, |_| operation(&self.inner))
    }

    fn wrap<U>(&self, inner: U) -> InTurn<'a, U> {
        let &Self { turns, store, .. } = self;
        InTurn {
            inner,
            turns,
            store,
        }
    }
}

impl<'a> Directory for InTurn<'a, NativeDirectory> {
    type File = InTurn<'a, NativeFile>;

    fn open(&self, path: &str) -> Result<Self::File, DirectoryError> {
        let file = self.take(|inner| inner.open(path))?;
        Ok(self.wrap(file))
    }

    fn create(&self, path: &str) -> Result<Self::File, DirectoryError> {
        let file = self.take(|inner| inner.create(path))?;
        Ok(self.wrap(file))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DirectoryError> {
        self.take(|inner| inner.rename(from, to))
    }

    fn remove_file(&self, path: &str) -> Result<(), DirectoryError> {
        self.take(|inner| inner.remove_file(path))
    }

    fn create_directory(&self, path: &str) -> Result<(), DirectoryError> {
        self.take(|inner| inner.create_directory(path))
    }

    fn remove_directory(&self, path: &str) -> Result<(), DirectoryError> {
        self.take(|inner| inner.remove_directory(path))
    }

    fn sync_directory(&self, path: &str) -> Result<(), DirectoryError> {
        self.take(|inner| inner.sync_directory(path))
    }

    fn names(&self) -> Result<Vec<String>, DirectoryError> {
        self.take(Directory::names)
    }

    fn enter(&self, path: &str) -> Result<Self, DirectoryError> {
        let directory = self.take(|inner| inner.enter(path))?;
        Ok(self.wrap(directory))
    }

    fn status(&self, path: &str) -> Result<Status, DirectoryError> {
        self.take(|inner| inner.status(path))
    }
}

impl File for InTurn<'_, NativeFile> {
    fn size(&self) -> Result<u64, DirectoryError> {
        self.take(File::size)
    }

    fn read(&self, offset: u64, len: usize, bytes: &mut Vec<u8>) -> Result<(), DirectoryError> {
        self.take(|inner| inner.read(offset, len, bytes))
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), DirectoryError> {
        self.turns.take(self.store, |state| {
            let written = self.inner.write(offset, bytes);
            state.peak = state.peak.max(occupied(self.turns.root));
            written
        })
    }

    fn sync(&self) -> Result<(), DirectoryError> {
        self.take(File::sync)
    }
}
