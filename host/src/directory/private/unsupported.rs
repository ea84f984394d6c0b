//! Systems on which the host cannot find out which users can write to a directory: opening one always
//! fails.

use super::Unusable;
use std::{
    convert::Infallible,
    fs::File,
    io,
    path::{Path, PathBuf},
};

#[derive(Debug)]
pub(crate) struct PrivateDirectory(Infallible);

impl PrivateDirectory {
    pub(crate) fn open(_: &Path) -> Result<Self, Unusable> {
        Err(Unusable::NotOwn(
            "this system does not tell who can write it".to_owned(),
        ))
    }

    pub(crate) fn open_sealed(&self, _: &str) -> io::Result<Option<File>> {
        match self.0 {}
    }

    pub(crate) fn create(&self, _: &str) -> io::Result<File> {
        match self.0 {}
    }

    pub(crate) fn seal(&self, _: &File, _: &str, _: &str) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn remove(&self, _: &str) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn files_by_age(&self) -> io::Result<Vec<(u64, String)>> {
        match self.0 {}
    }

    pub(crate) fn is_reached_from(&self, _: &Path) -> io::Result<bool> {
        match self.0 {}
    }
}

/// This system has no such path.
pub(crate) fn path_of_open(_: &File) -> PathBuf {
    PathBuf::new()
}
