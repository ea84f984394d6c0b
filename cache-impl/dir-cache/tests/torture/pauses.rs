//! Stores that share a directory and a bound are paused between any two of their operations: all files
//! together never occupy more than the bound.
//!
//! The operations take turns, in an order that depends on the seed alone.

use crate::count::{Count, Scale, rule};
use crate::holdings::{BLOCK, keys, make_known, uncounted};
use crate::world::scratch;
use dir_cache::directory::NativeFile;
use dir_cache::{
    Directory, DirectoryError, Durability, File, MaxBytes, NativeDirectory, Status, Store,
    SystemClock,
};
use fastrand::Rng;
use std::fs;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;

/// The bound, in blocks.
const BOUND: u64 = 100;
const STORES: usize = 4;
const SETS: usize = 6;

/// Sizes in blocks, each equally likely.
const SIZES: [&[u64]; 6] = [
    &[51],
    &[26],
    &[90, 9],
    &[40, 70, 10],
    &[30, 20, 40],
    &[30, 40, 25, 10],
];

/// The subdirectories that the values go to: the tally has a row for each 16.
const SHELVES: [&[u8]; 4] = [&[0], &[0, 1], &[0, 1, 2, 16, 32], &[0, 16, 32, 48, 64, 80]];

/// An operation is the last one before another store's turn once in so many times.
const PAUSES: [u32; 4] = [2, 8, 30, 100];

pub fn run(scale: &Scale, count: &mut Count) {
    for number in 0..scale.times(60, 4000) {
        let random = &mut Rng::with_seed(scale.seed.wrapping_mul(1 << 20) + number);
        let outcome = Case::new(random).run(random);
        count.case(outcome.map_err(|found| format!("case {number}: {found}")));
    }
}

#[derive(Debug)]
struct Case {
    sizes: &'static [u64],
    shelves: &'static [u8],
    pauses: u32,
    /// `true` if a store is paused at operations that change something or list names, and at no others.
    rarely: bool,
    /// `true` if the tally has a figure for each subdirectory from the start.
    all_are_known: bool,
}

impl Case {
    fn new(random: &mut Rng) -> Self {
        Self {
            sizes: random.choice(SIZES).expect("sizes"),
            shelves: random.choice(SHELVES).expect("subdirectories"),
            pauses: random.choice(PAUSES).expect("a number"),
            rarely: random.bool(),
            all_are_known: random.bool(),
        }
    }

    fn run(&self, random: &mut Rng) -> Result<(), String> {
        let root = scratch();
        let directory = || NativeDirectory::open(root.path()).expect("a directory");
        if self.all_are_known {
            make_known(&open(directory(), 1));
        }
        let turns = Turns::new(root.path(), self, random.fork());
        let mut keys = keys(self.shelves.to_vec());
        thread::scope(|scope| {
            for number in 0..STORES {
                let keys: Vec<String> = keys.by_ref().take(SETS).collect();
                let mut random = random.fork();
                let directory = InTurn {
                    inner: directory(),
                    turns: &turns,
                    store: number,
                };
                scope.spawn(move || {
                    let turns = directory.turns;
                    let _end = End { turns, number };
                    let store = open(directory, random.u64(..));
                    for key in keys {
                        let blocks = *random.choice(self.sizes).expect("a size");
                        let value = vec![1; (blocks * BLOCK) as usize - 100];
                        store.set(&key, &value, None).expect("a set");
                    }
                });
            }
        });
        let peak = turns.state().peak;
        rule(peak <= BOUND, || {
            format!("{peak} of {BOUND} blocks, {self:?}")
        })?;
        let uncounted = uncounted(&directory());
        rule(uncounted.is_empty(), || {
            format!("{}, {self:?}", uncounted.join(", "))
        })
    }
}

fn open<D: Directory>(directory: D, seed: u64) -> Store<D, SystemClock> {
    let store = Store::open(directory, SystemClock, Durability::None, seed);
    let max_bytes = MaxBytes::new(BOUND * BLOCK).expect("a bound");
    store.expect("a store").bounded(max_bytes)
}

/// Ends the turns of a store, also if it panics.
struct End<'a> {
    turns: &'a Turns<'a>,
    number: usize,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.turns.end(self.number);
    }
}

/// The blocks of all files of the stores, as far as they have been written.
fn occupied(root: &Path) -> u64 {
    let shelves = fs::read_dir(root.join("v1")).expect("a store").flatten();
    let files = shelves.flat_map(|shelf| fs::read_dir(shelf.path()).expect("a shelf").flatten());
    let sizes = files.map(|file| file.metadata().expect("a file").len());
    sizes.map(|size| size.div_ceil(BLOCK)).sum()
}

/// Lets one store after the other use the directory.
struct Turns<'a> {
    root: &'a Path,
    case: &'a Case,
    state: Mutex<State>,
    /// Tells each store that its turn has come.
    begins: [Condvar; STORES],
}

struct State {
    random: Rng,
    /// The store whose turn it is.
    store: usize,
    /// The stores that have not ended.
    left: Vec<usize>,
    peak: u64,
}

impl<'a> Turns<'a> {
    fn new(root: &'a Path, case: &'a Case, mut random: Rng) -> Self {
        let state = State {
            store: random.usize(..STORES),
            left: (0..STORES).collect(),
            peak: 0,
            random,
        };
        Self {
            root,
            case,
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

    /// Runs an operation of a store in its turn. The store may be paused behind it.
    fn take<T>(&self, store: usize, operation: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.of(store);
        let outcome = operation(&mut state);
        if state.random.u32(..self.case.pauses) == 0 {
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

    /// Runs an operation that neither changes anything nor lists names.
    fn look<U>(&self, operation: impl FnOnce(&T) -> U) -> U {
        if self.turns.case.rarely {
            let _turn = self.turns.of(self.store);
            return operation(&self.inner);
        }
        self.take(operation)
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
        let file = self.look(|inner| inner.open(path))?;
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
        let directory = self.look(|inner| inner.enter(path))?;
        Ok(self.wrap(directory))
    }

    fn status(&self, path: &str) -> Result<Status, DirectoryError> {
        self.look(|inner| inner.status(path))
    }
}

impl File for InTurn<'_, NativeFile> {
    fn size(&self) -> Result<u64, DirectoryError> {
        self.look(File::size)
    }

    fn read(&self, offset: u64, len: usize, bytes: &mut Vec<u8>) -> Result<(), DirectoryError> {
        self.look(|inner| inner.read(offset, len, bytes))
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
