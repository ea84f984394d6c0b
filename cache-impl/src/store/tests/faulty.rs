//! A directory that fails one operation of its user's, and remembers what it was asked.

use super::fixture::{Fixture, VirtualClock};
use crate::directory::{Directory, DirectoryError, File, NativeDirectory, NativeFile, Status};
use crate::durability::Durability;
use crate::store::{Error, Store};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

/// Runs `operation` on a store whose directory fails at one of its steps, and tells all steps.
pub(super) fn with_fault(
    fixture: &Fixture,
    fails_at: Option<usize>,
    operation: impl FnOnce(&Store<Faulty, VirtualClock>) -> Result<(), Error>,
) -> (Result<(), Error>, Vec<&'static str>) {
    let inner = NativeDirectory::open(fixture.root.path()).expect("a directory");
    let steps = Steps::default();
    let directory = Faulty {
        inner,
        steps: steps.clone(),
    };
    let store = Store::open(directory, fixture.clock.clone(), Durability::File, 1);
    let store = store.expect("a store");

    steps.begin(fails_at);
    let outcome = operation(&store);
    (outcome, steps.taken())
}

pub(super) struct Faulty {
    inner: NativeDirectory,
    steps: Steps,
}

pub(super) struct FaultyFile {
    inner: NativeFile,
    steps: Steps,
}

#[derive(Clone, Default)]
struct Steps(Rc<RefCell<Script>>);

#[derive(Default)]
struct Script {
    taken: Vec<&'static str>,
    fails_at: Option<usize>,
}

impl Steps {
    fn begin(&self, fails_at: Option<usize>) {
        *self.0.borrow_mut() = Script {
            taken: Vec::new(),
            fails_at,
        };
    }

    fn take(&self, step: &'static str) -> Result<(), DirectoryError> {
        let mut script = self.0.borrow_mut();
        let fails = script.fails_at == Some(script.taken.len());
        script.taken.push(step);
        if fails {
            Err(DirectoryError::Failed(std::io::Error::other(step)))
        } else {
            Ok(())
        }
    }

    fn taken(&self) -> Vec<&'static str> {
        self.0.borrow().taken.clone()
    }
}

impl Directory for Faulty {
    type File = FaultyFile;

    fn open(&self, path: &str) -> Result<FaultyFile, DirectoryError> {
        self.steps.take("open")?;
        self.inner.open(path).map(|inner| FaultyFile {
            inner,
            steps: self.steps.clone(),
        })
    }

    fn open_to_update(&self, path: &str) -> Result<FaultyFile, DirectoryError> {
        self.steps.take("open to update")?;
        self.inner.open_to_update(path).map(|inner| FaultyFile {
            inner,
            steps: self.steps.clone(),
        })
    }

    fn create(&self, path: &str) -> Result<FaultyFile, DirectoryError> {
        self.steps.take("create")?;
        self.inner.create(path).map(|inner| FaultyFile {
            inner,
            steps: self.steps.clone(),
        })
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DirectoryError> {
        self.steps.take("rename")?;
        self.inner.rename(from, to)
    }

    fn remove_file(&self, path: &str) -> Result<(), DirectoryError> {
        self.steps.take("remove file")?;
        self.inner.remove_file(path)
    }

    fn create_directory(&self, path: &str) -> Result<(), DirectoryError> {
        self.steps.take("create directory")?;
        self.inner.create_directory(path)
    }

    fn remove_directory(&self, path: &str) -> Result<(), DirectoryError> {
        self.steps.take("remove directory")?;
        self.inner.remove_directory(path)
    }

    fn sync_directory(&self, path: &str) -> Result<(), DirectoryError> {
        self.steps.take("sync directory")?;
        self.inner.sync_directory(path)
    }

    fn names(&self) -> Result<Vec<String>, DirectoryError> {
        self.steps.take("names")?;
        self.inner.names()
    }

    fn enter(&self, path: &str) -> Result<Self, DirectoryError> {
        self.steps.take("enter")?;
        let inner = self.inner.enter(path)?;
        let steps = self.steps.clone();
        Ok(Self { inner, steps })
    }

    fn status(&self, path: &str) -> Result<Status, DirectoryError> {
        self.steps.take("status")?;
        self.inner.status(path)
    }
}

impl File for FaultyFile {
    fn size(&self) -> Result<u64, DirectoryError> {
        self.steps.take("size")?;
        self.inner.size()
    }

    fn read(&self, offset: u64, len: usize, bytes: &mut Vec<u8>) -> Result<(), DirectoryError> {
        self.steps.take("read")?;
        self.inner.read(offset, len, bytes)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), DirectoryError> {
        self.steps.take("write")?;
        self.inner.write(offset, bytes)
    }

    fn sync(&self) -> Result<(), DirectoryError> {
        self.steps.take("sync")?;
        self.inner.sync()
    }
}
