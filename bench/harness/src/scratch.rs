//! Temporary directories.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub struct Scratch(PathBuf);

impl Scratch {
    /// Creates a temporary directory below `medium`.
    pub fn below(medium: &Path) -> io::Result<Self> {
        let path = medium.join(format!("wit-host-bench-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Creates a new directory.
    pub fn directory(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        fs::create_dir(&path)?;
        Ok(path)
    }

    /// An unused path for a file.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
