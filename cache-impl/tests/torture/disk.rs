//! A directory in memory that can run full and lose its power.
//!
//! Without power it keeps what a disk would: the names as they were at some moment since they were
//! last synchronised, as in a journal, and of a file that was not synchronised anything or nothing.

use crate::world::Time;
use cache_impl::directory::Cause;
use cache_impl::{Clock, Directory, DirectoryError, File, Status, Timestamp};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::rc::Rc;

/// A disk, or a directory on it; clones are the same disk.
#[derive(Clone, Debug)]
pub struct Disk {
    prefix: String,
    state: Rc<RefCell<State>>,
}

#[derive(Debug)]
struct State {
    time: Time,
    capacity: usize,
    names: Names,
    /// The names at each moment since they were last synchronised; none before the first
    /// [`Disk::sync_all`], as most tests never lose the power.
    since_sync: Vec<Names>,
    contents: BTreeMap<u64, Contents>,
}

type Names = BTreeMap<String, Node>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Directory,
    File(u64),
}

#[derive(Clone, Debug)]
struct Contents {
    bytes: Vec<u8>,
    modified: Timestamp,
    is_synced: bool,
}

/// What becomes of a file that was not synchronised.
#[derive(Clone, Copy, Debug)]
pub enum Loss {
    Nothing,
    TheSecondHalf,
    AllButItsLength,
    Everything,
}

pub const LOSSES: [Loss; 4] = [
    Loss::Nothing,
    Loss::TheSecondHalf,
    Loss::AllButItsLength,
    Loss::Everything,
];

impl Disk {
    pub fn new(time: &Time) -> Self {
        let state = State {
            time: time.clone(),
            capacity: usize::MAX,
            names: Names::new(),
            since_sync: Vec::new(),
            contents: BTreeMap::new(),
        };
        Self {
            prefix: String::new(),
            state: Rc::new(RefCell::new(state)),
        }
    }

    /// How many bytes of contents there is room for.
    pub fn set_capacity(&self, capacity: usize) {
        self.state.borrow_mut().capacity = capacity;
    }

    /// The bytes in all files.
    pub fn used(&self) -> usize {
        self.state.borrow().used()
    }

    /// A copy that goes its own way, at a time of its own.
    pub fn fork(&self, time: &Time) -> Self {
        let state = self.state.borrow();
        let state = State {
            time: time.clone(),
            capacity: state.capacity,
            names: state.names.clone(),
            since_sync: state.since_sync.clone(),
            contents: state.contents.clone(),
        };
        Self {
            prefix: String::new(),
            state: Rc::new(RefCell::new(state)),
        }
    }

    /// Writes everything back.
    pub fn sync_all(&self) {
        let mut state = self.state.borrow_mut();
        state.since_sync = vec![state.names.clone()];
        for contents in state.contents.values_mut() {
            contents.is_synced = true;
        }
    }

    /// How many moments there are that the names may fall back to.
    pub fn moments(&self) -> usize {
        self.state.borrow().since_sync.len()
    }

    /// Loses the power, and comes back with the names of a moment.
    pub fn lose_power(&self, moment: usize, loss: Loss) {
        let mut state = self.state.borrow_mut();
        state.names = state.since_sync[moment].clone();
        for contents in state.contents.values_mut().filter(|file| !file.is_synced) {
            let len = contents.bytes.len();
            match loss {
                Loss::Nothing => {}
                Loss::TheSecondHalf => contents.bytes.truncate(len / 2),
                Loss::AllButItsLength => contents.bytes.fill(0),
                Loss::Everything => contents.bytes.clear(),
            }
        }
        drop(state);
        self.sync_all();
    }

    /// The contents of the file at `path`, to be read or changed.
    pub fn edit<T>(&self, path: &str, edit: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let mut state = self.state.borrow_mut();
        let Some(Node::File(id)) = state.names.get(path).copied() else {
            panic!("no file at `{path}`");
        };
        edit(&mut state.contents.get_mut(&id).expect("contents").bytes)
    }

    pub fn temps(&self) -> usize {
        let state = self.state.borrow();
        let temps = state.names.keys().filter(|path| path.contains("/tmp-"));
        temps.count()
    }

    /// All paths, of files and directories.
    pub fn paths(&self) -> Vec<String> {
        self.state.borrow().names.keys().cloned().collect()
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    fn change(&self) -> Change<'_> {
        Change(self)
    }
}

/// Notes the names after each change to them.
struct Change<'a>(&'a Disk);

impl Drop for Change<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.borrow_mut();
        if state
            .since_sync
            .last()
            .is_some_and(|last| *last != state.names)
        {
            let names = state.names.clone();
            state.since_sync.push(names);
        }
    }
}

impl State {
    fn used(&self) -> usize {
        let files = self.names.values().filter_map(|node| match node {
            Node::File(id) => Some(self.contents[id].bytes.len()),
            Node::Directory => None,
        });
        files.sum()
    }

    fn file(&self, path: &str) -> Result<u64, DirectoryError> {
        match self.names.get(path) {
            None => Err(DirectoryError::NotFound),
            Some(Node::Directory) => Err(DirectoryError::Unreadable),
            Some(Node::File(id)) => Ok(*id),
        }
    }

    fn vacant(&self, path: &str) -> Result<(), DirectoryError> {
        if self.names.contains_key(path) {
            return Err(DirectoryError::AlreadyExists);
        }
        match path.rsplit_once('/') {
            Some((parent, _)) if self.names.get(parent) != Some(&Node::Directory) => {
                Err(DirectoryError::NotFound)
            }
            _ => Ok(()),
        }
    }
}

pub fn failed(kind: ErrorKind) -> DirectoryError {
    DirectoryError::Failed(Cause::from(kind))
}

impl Directory for Disk {
    type File = DiskFile;

    fn open(&self, path: &str) -> Result<DiskFile, DirectoryError> {
        let id = self.state.borrow().file(&self.path(path))?;
        let state = self.state.clone();
        Ok(DiskFile { id, state })
    }

    fn create(&self, path: &str) -> Result<DiskFile, DirectoryError> {
        let _change = self.change();
        let mut state = self.state.borrow_mut();
        let path = self.path(path);
        state.vacant(&path)?;
        let id = state.contents.len() as u64;
        let modified = state.time.now();
        let contents = Contents {
            bytes: Vec::new(),
            modified,
            is_synced: false,
        };
        state.contents.insert(id, contents);
        state.names.insert(path, Node::File(id));
        let state = self.state.clone();
        Ok(DiskFile { id, state })
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DirectoryError> {
        let _change = self.change();
        let mut state = self.state.borrow_mut();
        let (from, to) = (self.path(from), self.path(to));
        let id = state.file(&from)?;
        if state.names.get(&to) == Some(&Node::Directory) {
            return Err(DirectoryError::IsDirectory);
        }
        state.names.remove(&from);
        state.names.insert(to, Node::File(id));
        Ok(())
    }

    fn remove_file(&self, path: &str) -> Result<(), DirectoryError> {
        let _change = self.change();
        let mut state = self.state.borrow_mut();
        let path = self.path(path);
        match state.names.get(&path) {
            None => return Err(DirectoryError::NotFound),
            Some(Node::Directory) => return Err(DirectoryError::IsDirectory),
            Some(Node::File(_)) => {}
        }
        state.names.remove(&path);
        Ok(())
    }

    fn create_directory(&self, path: &str) -> Result<(), DirectoryError> {
        let _change = self.change();
        let mut state = self.state.borrow_mut();
        let path = self.path(path);
        state.vacant(&path)?;
        state.names.insert(path, Node::Directory);
        Ok(())
    }

    fn remove_directory(&self, path: &str) -> Result<(), DirectoryError> {
        let _change = self.change();
        let mut state = self.state.borrow_mut();
        let path = self.path(path);
        let below = format!("{path}/");
        let is_empty = !state.names.keys().any(|other| other.starts_with(&below));
        match state.names.get(&path) {
            None => Err(DirectoryError::NotFound),
            Some(Node::File(_)) => Err(failed(ErrorKind::NotADirectory)),
            Some(Node::Directory) if !is_empty => Err(failed(ErrorKind::DirectoryNotEmpty)),
            Some(Node::Directory) => {
                state.names.remove(&path);
                Ok(())
            }
        }
    }

    fn sync_directory(&self, _: &str) -> Result<(), DirectoryError> {
        let mut state = self.state.borrow_mut();
        if !state.since_sync.is_empty() {
            state.since_sync = vec![state.names.clone()];
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, DirectoryError> {
        let state = self.state.borrow();
        let here = state.names.keys();
        let here = here.filter_map(|path| path.strip_prefix(&self.prefix));
        Ok(here
            .filter(|name| !name.contains('/'))
            .map(Into::into)
            .collect())
    }

    fn enter(&self, path: &str) -> Result<Self, DirectoryError> {
        let path = self.path(path);
        match self.state.borrow().names.get(&path) {
            None => Err(DirectoryError::NotFound),
            Some(Node::File(_)) => Err(failed(ErrorKind::NotADirectory)),
            Some(Node::Directory) => Ok(Self {
                prefix: path + "/",
                state: self.state.clone(),
            }),
        }
    }

    fn status(&self, path: &str) -> Result<Status, DirectoryError> {
        let state = self.state.borrow();
        let contents = &state.contents[&state.file(&self.path(path))?];
        Ok(Status {
            size: contents.bytes.len() as u64,
            modified: contents.modified,
        })
    }
}

#[derive(Debug)]
pub struct DiskFile {
    id: u64,
    state: Rc<RefCell<State>>,
}

impl File for DiskFile {
    fn size(&self) -> Result<u64, DirectoryError> {
        Ok(self.state.borrow().contents[&self.id].bytes.len() as u64)
    }

    fn read(&self, offset: u64, len: usize, bytes: &mut Vec<u8>) -> Result<(), DirectoryError> {
        let state = self.state.borrow();
        let contents = &state.contents[&self.id].bytes;
        let rest = contents.get(offset as usize..).unwrap_or_default();
        bytes.extend_from_slice(&rest[..len.min(rest.len())]);
        Ok(())
    }

    /// Where the disk is full, it takes what fits.
    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), DirectoryError> {
        let mut state = self.state.borrow_mut();
        let room = state.capacity.saturating_sub(state.used());
        let modified = state.time.now();
        let contents = state.contents.get_mut(&self.id).expect("an open file");
        contents.is_synced = false;
        contents.modified = modified;

        let start = offset as usize;
        let end = start + bytes.len();
        let end = end.min((contents.bytes.len() + room).max(start));
        let len = contents.bytes.len().max(end);
        contents.bytes.resize(len, 0);
        contents.bytes[start..end].copy_from_slice(&bytes[..end - start]);
        if end - start < bytes.len() {
            return Err(failed(ErrorKind::StorageFull));
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), DirectoryError> {
        let mut state = self.state.borrow_mut();
        let contents = state.contents.get_mut(&self.id).expect("an open file");
        contents.is_synced = true;
        Ok(())
    }
}
