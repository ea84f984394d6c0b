//! A directory that causes faults in its operations on request, and records the operations.

use crate::disk::failed;
use dir_cache::{Directory, DirectoryError, File, Status};
use std::cell::RefCell;
use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::rc::Rc;

/// An operation on a directory or on a file in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Open,
    Create,
    Rename,
    RemoveFile,
    CreateDirectory,
    RemoveDirectory,
    SyncDirectory,
    Names,
    Enter,
    Status,
    Size,
    Read,
    Write,
    Sync,
}

/// The fault of an operation.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// This operation fails, having done nothing, or half of a write.
    Fails(fn() -> DirectoryError),
    /// This operation and all later ones fail: the disk is gone.
    FailsForEver,
    /// The process is stopped before this operation or, if it is a write, in the middle of it.
    StopsBefore,
    /// The process is stopped after it.
    StopsAfter,
}

/// The faults to cause in a directory's operations, and the record of those operations.
#[derive(Clone, Default)]
pub struct Script(Rc<RefCell<State>>);

type Meanwhile = (RangeInclusive<usize>, Rc<dyn Fn()>);

#[derive(Default)]
struct State {
    taken: Vec<Operation>,
    fault: Option<(usize, Fault)>,
    is_gone: bool,
    /// What others do before the operations at these positions.
    meanwhile: Option<Meanwhile>,
}

impl Script {
    /// Starts a new record, and causes the fault at its position.
    pub fn begin(&self, fault: Option<(usize, Fault)>) {
        *self.0.borrow_mut() = State {
            fault,
            ..State::default()
        };
    }

    /// Lets others do something before each of the operations at these positions.
    pub fn meanwhile(&self, positions: RangeInclusive<usize>, action: impl Fn() + 'static) {
        self.0.borrow_mut().meanwhile = Some((positions, Rc::new(action)));
    }

    /// The operations since the last [`Self::begin`].
    pub fn taken(&self) -> Vec<Operation> {
        self.0.borrow().taken.clone()
    }

    fn take<T>(
        &self,
        operation: Operation,
        undone: impl FnOnce(),
        done: impl FnOnce() -> Result<T, DirectoryError>,
    ) -> Result<T, DirectoryError> {
        let position = self.0.borrow().taken.len();
        let meanwhile = self.0.borrow().meanwhile.clone();
        if let Some((_, act)) = meanwhile.filter(|(at, _)| at.contains(&position)) {
            act();
        }
        let mut state = self.0.borrow_mut();
        state.taken.push(operation);
        if state.is_gone {
            return Err(failed(ErrorKind::Other));
        }
        match state.fault.filter(|(at, _)| *at == position) {
            None => done(),
            Some((_, Fault::Fails(error))) => {
                undone();
                Err(error())
            }
            Some((_, Fault::FailsForEver | Fault::StopsBefore)) => {
                state.is_gone = true;
                undone();
                Err(failed(ErrorKind::Other))
            }
            Some((_, Fault::StopsAfter)) => {
                state.is_gone = true;
                let _ = done();
                Err(failed(ErrorKind::Other))
            }
        }
    }
}

#[derive(Clone)]
pub struct Faulty<D> {
    inner: D,
    script: Script,
}

impl<D> Faulty<D> {
    pub fn new(inner: D) -> (Self, Script) {
        let script = Script::default();
        let directory = Self {
            inner,
            script: script.clone(),
        };
        (directory, script)
    }

    fn take<T>(
        &self,
        operation: Operation,
        done: impl FnOnce(&D) -> Result<T, DirectoryError>,
    ) -> Result<T, DirectoryError> {
        self.script.take(operation, || {}, || done(&self.inner))
    }

    fn wrap<T>(&self, inner: T) -> Faulty<T> {
        let script = self.script.clone();
        Faulty { inner, script }
    }
}

impl<D: Directory> Directory for Faulty<D> {
    type File = Faulty<D::File>;

    fn open(&self, path: &str) -> Result<Self::File, DirectoryError> {
        let file = self.take(Operation::Open, |inner| inner.open(path))?;
        Ok(self.wrap(file))
    }

    fn create(&self, path: &str) -> Result<Self::File, DirectoryError> {
        let file = self.take(Operation::Create, |inner| inner.create(path))?;
        Ok(self.wrap(file))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DirectoryError> {
        self.take(Operation::Rename, |inner| inner.rename(from, to))
    }

    fn remove_file(&self, path: &str) -> Result<(), DirectoryError> {
        self.take(Operation::RemoveFile, |inner| inner.remove_file(path))
    }

    fn create_directory(&self, path: &str) -> Result<(), DirectoryError> {
        self.take(Operation::CreateDirectory, |inner| {
            inner.create_directory(path)
        })
    }

    fn remove_directory(&self, path: &str) -> Result<(), DirectoryError> {
        self.take(Operation::RemoveDirectory, |inner| {
            inner.remove_directory(path)
        })
    }

    fn sync_directory(&self, path: &str) -> Result<(), DirectoryError> {
        self.take(Operation::SyncDirectory, |inner| inner.sync_directory(path))
    }

    fn names(&self) -> Result<Vec<String>, DirectoryError> {
        self.take(Operation::Names, D::names)
    }

    fn enter(&self, path: &str) -> Result<Self, DirectoryError> {
        let directory = self.take(Operation::Enter, |inner| inner.enter(path))?;
        Ok(self.wrap(directory))
    }

    fn status(&self, path: &str) -> Result<Status, DirectoryError> {
        self.take(Operation::Status, |inner| inner.status(path))
    }
}

impl<F: File> File for Faulty<F> {
    fn size(&self) -> Result<u64, DirectoryError> {
        self.take(Operation::Size, F::size)
    }

    fn read(&self, offset: u64, len: usize, bytes: &mut Vec<u8>) -> Result<(), DirectoryError> {
        self.take(Operation::Read, |inner| inner.read(offset, len, bytes))
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), DirectoryError> {
        let undone = || {
            let _ = self.inner.write(offset, &bytes[..bytes.len() / 2]);
        };
        let done = || self.inner.write(offset, bytes);
        self.script.take(Operation::Write, undone, done)
    }

    fn sync(&self) -> Result<(), DirectoryError> {
        self.take(Operation::Sync, F::sync)
    }
}
