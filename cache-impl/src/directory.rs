//! A directory of a WASI 0.2 host, called directly and not through libc.

use alloc::string::String;
use alloc::vec::Vec;
use dir_cache::directory::Cause;
use dir_cache::{Directory, DirectoryError, File, Status, Timestamp};
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};

/// A directory that the WASI host granted, or one below it.
#[derive(Debug)]
pub(crate) struct WasiDirectory {
    root: Descriptor,
}

impl WasiDirectory {
    /// Opens the directory at the path `below` in a granted one, and creates each directory that is
    /// missing on the way.
    pub(crate) fn open(granted: Descriptor, below: &[&str]) -> Result<Self, DirectoryError> {
        let granted = Self { root: granted };
        below
            .iter()
            .try_fold(granted, |directory, name| directory.create_and_enter(name))
    }

    fn create_and_enter(&self, name: &str) -> Result<Self, DirectoryError> {
        match self.enter(name) {
            Err(DirectoryError::NotFound) => {
                self.create_directory(name)?;
                self.enter(name)
            }
            entered => entered,
        }
    }

    fn open_at(
        &self,
        path: &str,
        how: OpenFlags,
        access: DescriptorFlags,
    ) -> Result<Descriptor, ErrorCode> {
        self.root.open_at(PathFlags::empty(), path, how, access)
    }

    fn open_to_read_and_write(&self, path: &str) -> Result<Descriptor, ErrorCode> {
        let access = DescriptorFlags::READ | DescriptorFlags::WRITE;
        self.open_at(path, OpenFlags::empty(), access)
    }

    fn open_if_regular(&self, path: &str) -> Result<Descriptor, ErrorCode> {
        let found = self.root.stat_at(PathFlags::empty(), path)?;
        if found.type_ != DescriptorType::RegularFile {
            return Err(ErrorCode::Invalid);
        }
        self.open_at(path, OpenFlags::empty(), DescriptorFlags::READ)
    }
}

impl Directory for WasiDirectory {
    type File = WasiFile;

    /// WASI 0.2 has no `O_NONBLOCK`, and opening a FIFO for reading waits until another process
    /// writes to it. Opened for reading *and* writing, it does not wait, and then refuses reads at
    /// an offset. So this opens for both, as checking the type first would cost every read three
    /// more system calls. It checks the type first only if writing is not allowed.
    fn open(&self, path: &str) -> Result<WasiFile, DirectoryError> {
        let opened = match self.open_to_read_and_write(path) {
            Err(error) if error != ErrorCode::NoEntry => self.open_if_regular(path),
            opened => opened,
        };
        match opened {
            Ok(file) => Ok(WasiFile(file)),
            Err(
                ErrorCode::Access
                | ErrorCode::Invalid
                | ErrorCode::Loop
                | ErrorCode::NotDirectory
                | ErrorCode::NotPermitted,
            ) => Err(DirectoryError::Unreadable),
            Err(error) => Err(failure(error)),
        }
    }

    fn create(&self, path: &str) -> Result<WasiFile, DirectoryError> {
        let new = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        let opened = self.open_at(path, new, DescriptorFlags::WRITE);
        opened.map(WasiFile).map_err(failure)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DirectoryError> {
        self.root.rename_at(from, &self.root, to).map_err(failure)
    }

    fn remove_file(&self, path: &str) -> Result<(), DirectoryError> {
        self.root.unlink_file_at(path).map_err(failure)
    }

    fn create_directory(&self, path: &str) -> Result<(), DirectoryError> {
        self.root.create_directory_at(path).map_err(failure)
    }

    fn remove_directory(&self, path: &str) -> Result<(), DirectoryError> {
        self.root.remove_directory_at(path).map_err(failure)
    }

    fn sync_directory(&self, path: &str) -> Result<(), DirectoryError> {
        let opened = self.open_at(path, OpenFlags::DIRECTORY, DescriptorFlags::READ);
        opened
            .and_then(|directory| directory.sync())
            .map_err(failure)
    }

    fn names(&self) -> Result<Vec<String>, DirectoryError> {
        let entries = self.root.read_directory().map_err(failure)?;
        let mut names = Vec::new();
        loop {
            match entries.read_directory_entry() {
                // Hosts examine each file that they list; this one was removed meanwhile.
                Err(ErrorCode::IllegalByteSequence | ErrorCode::NoEntry) => {}
                entry => match entry.map_err(failure)? {
                    Some(entry) => names.push(entry.name),
                    None => return Ok(names),
                },
            }
        }
    }

    /// Hosts open a path before they check that it is a directory, and opening a FIFO waits.
    fn enter(&self, path: &str) -> Result<Self, DirectoryError> {
        let found = self.root.stat_at(PathFlags::empty(), path);
        let found = found.map_err(failure)?;
        if found.type_ != DescriptorType::Directory {
            return Err(failure(ErrorCode::NotDirectory));
        }
        let access = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
        let opened = self.open_at(path, OpenFlags::DIRECTORY, access);
        opened.map(|root| Self { root }).map_err(failure)
    }

    fn status(&self, path: &str) -> Result<Status, DirectoryError> {
        let found = self.root.stat_at(PathFlags::empty(), path);
        let found = found.map_err(failure)?;
        if found.type_ != DescriptorType::RegularFile {
            return Err(DirectoryError::Unreadable);
        }
        let modified = found.data_modification_timestamp;
        Ok(Status {
            size: found.size,
            // If a host reports no times, no file is older than another.
            modified: modified.map_or(Timestamp::MAX, |time| {
                Timestamp::from_parts(time.seconds, time.nanoseconds)
            }),
        })
    }
}

/// The maximal length of one write: hosts copy all of it, and trap on one that is too large.
const MAX_WRITE: usize = 1 << 20;

/// An open file of a WASI host.
#[derive(Debug)]
pub(crate) struct WasiFile(Descriptor);

impl File for WasiFile {
    fn size(&self) -> Result<u64, DirectoryError> {
        Ok(self.0.stat().map_err(failure)?.size)
    }

    fn read(&self, offset: u64, len: usize, bytes: &mut Vec<u8>) -> Result<(), DirectoryError> {
        let (chunk, _) = self.0.read(len as u64, offset).map_err(failure)?;
        if bytes.capacity() == 0 {
            *bytes = chunk;
        } else {
            bytes.extend_from_slice(&chunk);
        }
        Ok(())
    }

    fn write(&self, mut offset: u64, mut bytes: &[u8]) -> Result<(), DirectoryError> {
        while !bytes.is_empty() {
            let piece = &bytes[..bytes.len().min(MAX_WRITE)];
            let written = self.0.write(piece, offset).map_err(failure)?;
            bytes = bytes.get(written as usize..).unwrap_or_default();
            offset += written;
            if written == 0 {
                return Err(failure(ErrorCode::Io));
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), DirectoryError> {
        self.0.sync_data().map_err(failure)
    }
}

fn failure(error: ErrorCode) -> DirectoryError {
    match error {
        ErrorCode::NoEntry => DirectoryError::NotFound,
        ErrorCode::Exist => DirectoryError::AlreadyExists,
        ErrorCode::IsDirectory => DirectoryError::IsDirectory,
        _ => DirectoryError::Failed(Cause),
    }
}
