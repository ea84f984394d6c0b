//! A directory of the operating system, held as a handle: no path and no symbolic link below it
//! leads outside, as in the sandbox of a WASI host.

use super::{Directory, DirectoryError, File, Status};
use crate::clock::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(unix)]
use std::os::unix::fs::FileExt;

/// A directory of the operating system.
#[derive(Debug)]
pub struct NativeDirectory {
    root: Dir,
}

impl NativeDirectory {
    /// Opens an existing directory, which may be renamed or moved while it is in use.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let root = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Self { root })
    }

    fn open_regular(
        &self,
        path: &str,
        options: &mut OpenOptions,
    ) -> Result<NativeFile, DirectoryError> {
        // Non-blocking: otherwise, opening a FIFO waits until another process opens its other end.
        options.nonblock(true).follow(FollowSymlinks::No);
        let opened = self.root.open_with(path, options);
        let file = opened
            .map_err(|error| self.why_not_opened(path, error))?
            .into_std();
        if !file.metadata()?.is_file() {
            return Err(DirectoryError::Unreadable);
        }
        Ok(NativeFile { file })
    }

    /// Each system reports a different error for a link, a socket or a directory in a file's place.
    fn why_not_opened(&self, path: &str, error: io::Error) -> DirectoryError {
        use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
        match error.kind() {
            NotFound => return DirectoryError::NotFound,
            NotADirectory | PermissionDenied => return DirectoryError::Unreadable,
            _ => {}
        }
        match self.root.symlink_metadata(path) {
            Ok(found) if !found.is_file() => DirectoryError::Unreadable,
            _ => error.into(),
        }
    }
}

impl Directory for NativeDirectory {
    type File = NativeFile;

    fn open(&self, path: &str) -> Result<NativeFile, DirectoryError> {
        self.open_regular(path, OpenOptions::new().read(true))
    }

    fn create(&self, path: &str) -> Result<NativeFile, DirectoryError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let file = self.root.open_with(path, &options)?.into_std();
        Ok(NativeFile { file })
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DirectoryError> {
        Ok(self.root.rename(from, &self.root, to)?)
    }

    fn remove_file(&self, path: &str) -> Result<(), DirectoryError> {
        Ok(self.root.remove_file_or_symlink(path)?)
    }

    fn create_directory(&self, path: &str) -> Result<(), DirectoryError> {
        Ok(self.root.create_dir(path)?)
    }

    fn remove_directory(&self, path: &str) -> Result<(), DirectoryError> {
        Ok(self.root.remove_dir(path)?)
    }

    fn sync_directory(&self, path: &str) -> Result<(), DirectoryError> {
        // Windows has no such call; it journals its directories.
        if cfg!(unix) {
            self.root.open(path)?.sync_all()?;
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, DirectoryError> {
        let mut names = Vec::new();
        for entry in self.root.entries()? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn enter(&self, path: &str) -> Result<Self, DirectoryError> {
        let root = self.root.open_dir_nofollow(path)?;
        Ok(Self { root })
    }

    fn status(&self, path: &str) -> Result<Status, DirectoryError> {
        let found = self.root.symlink_metadata(path)?;
        if !found.is_file() {
            return Err(DirectoryError::Unreadable);
        }
        Ok(Status {
            size: found.len(),
            modified: Timestamp::from_system_time(found.modified()?.into_std()),
        })
    }
}

/// An open file of the operating system.
#[derive(Debug)]
pub struct NativeFile {
    file: std::fs::File,
}

impl File for NativeFile {
    fn size(&self) -> Result<u64, DirectoryError> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, len: usize, bytes: &mut Vec<u8>) -> Result<(), DirectoryError> {
        let end = bytes.len();
        bytes.resize(end + len, 0);
        let read = self.file.read_at(&mut bytes[end..], offset);
        bytes.truncate(end + read.as_ref().unwrap_or(&0));
        Ok(read.map(drop)?)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), DirectoryError> {
        Ok(self.file.write_all_at(bytes, offset)?)
    }

    fn sync(&self) -> Result<(), DirectoryError> {
        Ok(self.file.sync_data()?)
    }
}

impl From<io::Error> for DirectoryError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::AlreadyExists => Self::AlreadyExists,
            io::ErrorKind::IsADirectory => Self::IsDirectory,
            _ => Self::Failed(error),
        }
    }
}

/// Windows has the same functions under other names.
#[cfg(windows)]
trait FileExt {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

#[cfg(windows)]
impl FileExt for std::fs::File {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, bytes, offset)
    }

    fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match std::os::windows::fs::FileExt::seek_write(self, bytes, offset)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => {
                    bytes = &bytes[written..];
                    offset += written as u64;
                }
            }
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::fd::OwnedFd;

    #[test]
    fn what_cannot_be_synchronised_says_so() {
        let (_, writer) = std::io::pipe().expect("a pipe");
        let file = NativeFile {
            file: OwnedFd::from(writer).into(),
        };
        assert!(file.sync().is_err(), "a pipe has no disk");
    }

    #[test]
    fn the_directory_that_is_named_is_synchronised() {
        let root = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(root.path().join("v1/e3")).expect("directories");
        let directory = NativeDirectory::open(&root).expect("a directory");
        for path in [".", "v1", "v1/e3"] {
            directory.sync_directory(path).expect("synchronised");
        }
        let missing = directory.sync_directory("v1/e4");
        assert!(matches!(missing, Err(DirectoryError::NotFound)));
    }

    #[test]
    fn a_file_is_only_made_where_nothing_is() {
        let root = tempfile::tempdir().expect("a directory");
        fs::write(root.path().join("file"), "precious").expect("a file");
        std::os::unix::fs::symlink("nowhere", root.path().join("link")).expect("a link");
        let directory = NativeDirectory::open(&root).expect("a directory");
        for path in ["file", "link"] {
            let created = directory.create(path);
            assert!(matches!(created, Err(DirectoryError::AlreadyExists)));
        }
        assert!(!root.path().join("nowhere").exists());
    }
}
