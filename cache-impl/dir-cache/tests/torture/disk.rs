//! A directory in memory that can run full and lose its power.
//!
//! After a power loss it holds what a real disk would: the changes to its names up to some moment,
//! as in a journal, plus later ones in directories that were synchronised since; and all or nothing
//! of a file that was not synchronised.

use crate::world::Time;
use dir_cache::directory::Cause;
use dir_cache::{Clock, Directory, DirectoryError, File, Status, Timestamp};
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
    /// The changes to the names; `None` before the first [`Disk::sync_all`], as most tests never
    /// lose the power.
    journal: Option<Journal>,
    contents: BTreeMap<u64, Contents>,
}

/// The names on the disk, and the later changes in memory.
#[derive(Clone, Debug)]
struct Journal {
    names: Names,
    changes: Vec<Change>,
}

/// A change to the names in one directory.
#[derive(Clone, Debug)]
struct Change {
    directory: String,
    edits: Vec<(String, Option<Node>)>,
    is_synced: bool,
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

/// The fate of a file that was not synchronised.
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
            journal: None,
            contents: BTreeMap::new(),
        };
        Self {
            prefix: String::new(),
            state: Rc::new(RefCell::new(state)),
        }
    }

    /// Sets the capacity for the contents of files, in bytes.
    pub fn set_capacity(&self, capacity: usize) {
        self.state.borrow_mut().capacity = capacity;
    }

    /// The size of all files, in whole blocks of 4,096 bytes.
    pub fn occupied(&self) -> u64 {
        let state = self.state.borrow();
        let sizes = state.names.values().map(|node| match node {
            Node::File(id) => state.contents[id].bytes.len() as u64,
            Node::Directory => 0,
        });
        sizes.map(|size| size.next_multiple_of(4096)).sum()
    }

    /// The number of bytes in all files.
    pub fn used(&self) -> usize {
        self.state.borrow().used()
    }

    /// An independent copy, with its own clock.
    pub fn fork(&self, time: &Time) -> Self {
        let state = self.state.borrow();
        let state = State {
            time: time.clone(),
            capacity: state.capacity,
            names: state.names.clone(),
            journal: state.journal.clone(),
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
        state.journal = Some(Journal {
            names: state.names.clone(),
            changes: Vec::new(),
        });
        for contents in state.contents.values_mut() {
            contents.is_synced = true;
        }
    }

    /// From now on, records the changes that were not written back. So far there are none.
    pub fn begin_unsynced(&self) {
        let names = Names::new();
        let changes = Vec::new();
        self.state.borrow_mut().journal = Some(Journal { names, changes });
    }

    /// The number of moments that the names may fall back to.
    pub fn moments(&self) -> usize {
        let state = self.state.borrow();
        state
            .journal
            .as_ref()
            .map_or(0, |journal| journal.changes.len() + 1)
    }

    /// Loses the power, and comes back with the names of a moment.
    pub fn lose_power(&self, moment: usize, loss: Loss) {
        let mut state = self.state.borrow_mut();
        let journal = state.journal.take().expect("a journal");
        state.names = journal.after(moment);
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
}

impl Journal {
    /// The names after the first `moment` changes, and after later ones that were synchronised.
    fn after(self, moment: usize) -> Names {
        let mut names = self.names;
        for (number, change) in self.changes.into_iter().enumerate() {
            if number < moment || change.is_synced {
                for (path, node) in change.edits {
                    match node {
                        Some(node) => names.insert(path, node),
                        None => names.remove(&path),
                    };
                }
            }
        }
        // The contents of a directory that has no name any more are lost.
        let directories: Vec<_> = names.clone().into_keys().collect();
        for path in directories {
            if parent(&path).is_some_and(|parent| !names.contains_key(parent)) {
                names.remove(&path);
            }
        }
        names
    }
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

impl State {
    /// Changes names in the directory of the first one.
    fn change(&mut self, edits: Vec<(String, Option<Node>)>) {
        for (path, node) in &edits {
            match node {
                Some(node) => self.names.insert(path.clone(), *node),
                None => self.names.remove(path),
            };
        }
        if let Some(journal) = &mut self.journal {
            journal.changes.push(Change {
                directory: parent(&edits[0].0).unwrap_or(".").to_owned(),
                edits,
                is_synced: false,
            });
        }
    }

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
        state.change(vec![(path, Some(Node::File(id)))]);
        let state = self.state.clone();
        Ok(DiskFile { id, state })
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DirectoryError> {
        let mut state = self.state.borrow_mut();
        let (from, to) = (self.path(from), self.path(to));
        let id = state.file(&from)?;
        if state.names.get(&to) == Some(&Node::Directory) {
            return Err(DirectoryError::IsDirectory);
        }
        assert_eq!(parent(&from), parent(&to), "a change to two directories");
        state.change(vec![(from, None), (to, Some(Node::File(id)))]);
        Ok(())
    }

    fn remove_file(&self, path: &str) -> Result<(), DirectoryError> {
        let mut state = self.state.borrow_mut();
        let path = self.path(path);
        match state.names.get(&path) {
            None => return Err(DirectoryError::NotFound),
            Some(Node::Directory) => return Err(DirectoryError::IsDirectory),
            Some(Node::File(_)) => {}
        }
        state.change(vec![(path, None)]);
        Ok(())
    }

    fn create_directory(&self, path: &str) -> Result<(), DirectoryError> {
        let mut state = self.state.borrow_mut();
        let path = self.path(path);
        state.vacant(&path)?;
        state.change(vec![(path, Some(Node::Directory))]);
        Ok(())
    }

    fn remove_directory(&self, path: &str) -> Result<(), DirectoryError> {
        let mut state = self.state.borrow_mut();
        let path = self.path(path);
        let below = format!("{path}/");
        let is_empty = !state.names.keys().any(|other| other.starts_with(&below));
        match state.names.get(&path) {
            None => Err(DirectoryError::NotFound),
            Some(Node::File(_)) => Err(failed(ErrorKind::NotADirectory)),
            Some(Node::Directory) if !is_empty => Err(failed(ErrorKind::DirectoryNotEmpty)),
            Some(Node::Directory) => {
                state.change(vec![(path, None)]);
                Ok(())
            }
        }
    }

    fn sync_directory(&self, path: &str) -> Result<(), DirectoryError> {
        let path = self.path(path);
        let mut state = self.state.borrow_mut();
        if path != "." && state.names.get(&path) != Some(&Node::Directory) {
            return Err(DirectoryError::NotFound);
        }
        for change in state
            .journal
            .iter_mut()
            .flat_map(|journal| &mut journal.changes)
        {
            change.is_synced |= change.directory == path;
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, DirectoryError> {
        let state = self.state.borrow();
        let below = state.names.range(self.prefix.clone()..);
        let here = below.map_while(|(path, _)| path.strip_prefix(&self.prefix));
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

    /// A full disk takes the part that fits.
    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), DirectoryError> {
        let mut state = self.state.borrow_mut();
        let room = state.capacity.saturating_sub(state.used());
        let modified = state.time.now();
        let contents = state.contents.get_mut(&self.id).expect("an open file");
        contents.is_synced = false;
        contents.modified = modified;

        let start = offset as usize;
        let end = start + bytes.len();
        let end = end.min(contents.bytes.len().saturating_add(room).max(start));
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
