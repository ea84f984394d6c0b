//! Walking a path through open directories, one name at a time and without following links.
//!
//! Each name is looked up in an open directory, so a directory that was checked is the one that the walk
//! goes on from, even if it is renamed or replaced meanwhile. A symbolic link is never followed here: the
//! caller decides whether its target is walked next.

use rustix::{
    fs::{CWD, Mode, OFlags, openat, readlinkat},
    io::Errno,
    path::Arg,
};
use std::{
    collections::VecDeque,
    ffi::OsStr,
    fs::{File, Metadata},
    io,
    os::{
        fd::AsFd,
        unix::{ffi::OsStrExt, fs::MetadataExt},
    },
    path::{Component, Path, PathBuf},
};

/// The largest number of links in one path, as on Linux.
const MAX_LINKS: usize = 40;

/// The flags to open a directory and look names up in it. On systems with a flag for that, the right
/// to search the directory is enough.
#[cfg(any(target_os = "linux", target_os = "android"))]
const TO_SEARCH: OFlags = TO_LIST.union(OFlags::PATH);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const TO_SEARCH: OFlags = TO_LIST;

const TO_LIST: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// The position of a walk.
pub(super) struct Place {
    /// The directory, open to look names up in it.
    pub(super) directory: File,
    /// Its path, without links.
    pub(super) path: PathBuf,
}

impl Place {
    /// The start of the walk along an absolute path.
    pub(super) fn root() -> io::Result<Self> {
        Ok(Self {
            directory: open_in(CWD, "/")?,
            path: PathBuf::from("/"),
        })
    }

    /// The start of the walk along a relative path.
    pub(super) fn working_directory() -> io::Result<Self> {
        Ok(Self {
            directory: open_in(CWD, ".")?,
            path: std::env::current_dir()?,
        })
    }

    /// Enters the directory called `step`, which is a name, `..` or `/`. Anything else of that name,
    /// a link to a directory included, is an error, and the place stays the same.
    pub(super) fn enter(&mut self, step: &Path) -> Result<(), Errno> {
        self.directory = open_in(&self.directory, step)?;
        if step == Path::new("..") {
            self.path.pop();
        } else {
            self.path.push(step);
        }
        Ok(())
    }

    /// The target of the link called `step`.
    pub(super) fn target_of(&self, step: &Path) -> Result<PathBuf, Errno> {
        let target = readlinkat(&self.directory, step, Vec::new())?;
        Ok(OsStr::from_bytes(target.to_bytes()).into())
    }

    /// Opens the directory itself, to list it.
    pub(super) fn open(&self) -> Result<File, Errno> {
        Ok(openat(&self.directory, ".", TO_LIST, Mode::empty())?.into())
    }
}

/// The steps of a path that a walk has not taken yet: names, `..` and, at the start of an absolute path,
/// `/`.
pub(super) struct Steps {
    ahead: VecDeque<PathBuf>,
    links: usize,
}

impl Steps {
    pub(super) fn of(path: &Path) -> Self {
        Self {
            ahead: steps(path).collect(),
            links: 0,
        }
    }

    /// Puts the target of a link in the place of the step that was taken last. Fails after too many
    /// links.
    pub(super) fn follow(&mut self, target: &Path) -> Result<(), Errno> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Errno::LOOP);
        }
        let mut further: VecDeque<PathBuf> = steps(target).collect();
        further.append(&mut self.ahead);
        self.ahead = further;
        Ok(())
    }
}

impl Iterator for Steps {
    type Item = PathBuf;

    fn next(&mut self) -> Option<PathBuf> {
        self.ahead.pop_front()
    }
}

fn steps(path: &Path) -> impl Iterator<Item = PathBuf> {
    path.components()
        .filter(|step| *step != Component::CurDir)
        .map(|step| Path::new(step.as_os_str()).to_owned())
}

/// Opens the directory of this name below an open one, to look names up in it; a link is an error.
fn open_in(directory: impl AsFd, name: impl Arg) -> Result<File, Errno> {
    let flags = TO_SEARCH | OFlags::NOFOLLOW;
    Ok(openat(directory, name, flags, Mode::empty())?.into())
}

/// Opens the directory at a path, to look names up in it. Links are followed.
pub(super) fn open_following_links(path: &Path) -> Result<File, Errno> {
    Ok(openat(CWD, path, TO_SEARCH, Mode::empty())?.into())
}

/// Opens the directory above an open one, to look names up in it.
pub(super) fn open_above(directory: &File) -> Result<File, Errno> {
    open_in(directory, "..")
}

/// The identity of a directory, independent of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(super) fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
        }
    }
}
