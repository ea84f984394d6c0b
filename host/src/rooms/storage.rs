//! Where the states of rooms are kept while nobody is in them, and across restarts.

use super::{
    name::RoomName,
    saved::{NotSaved, Saved},
};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where the states of rooms are kept.
#[derive(Debug)]
pub struct RoomStorage(Kind);

#[derive(Debug)]
enum Kind {
    /// Nowhere: a room that nobody is in is forgotten.
    None,
    Directory(Arc<Directory>),
}

/// A directory with a file for each room, named by the SHA-256 of the name of the room.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    /// Locked, so that no other server uses the directory.
    _lock: File,
}

/// A failure of storage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The directory could not be opened.
    #[error("failed to open the directory `{}` for rooms", .path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Another server uses the directory.
    #[error("another server keeps its rooms in `{}`; stop it, or use another directory", .path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The state of a room could not be read or written.
    #[error("failed to {what} `{}`", .path.display())]
    Failed {
        /// `read` or `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file is not the state of its room.
    #[error("failed to understand `{}`; move it away to start the room anew", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: NotSaved,
    },
}

impl RoomStorage {
    /// No storage. A room that has no clients is forgotten after a while.
    pub fn none() -> Self {
        Self(Kind::None)
    }

    /// Storage in an existing directory. One server at a time can use it.
    ///
    /// A state is written to a temporary file, synced, and renamed into place, so the state before stays until the
    /// new one is safe. A file that is damaged is an error and is not replaced.
    pub fn directory(path: &Path) -> Result<Self, StorageError> {
        let failed = |source| StorageError::Open {
            path: path.to_owned(),
            source,
        };
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StorageError::InUse {
                    path: path.to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(Self(Kind::Directory(Arc::new(Directory {
            path: path.to_owned(),
            _lock: lock,
        }))))
    }

    /// `true` if what is saved can be loaded again.
    pub(super) fn keeps(&self) -> bool {
        !matches!(self.0, Kind::None)
    }

    /// Reads the state of a room. `None` if it has none.
    pub(super) async fn load(&self, room: &RoomName) -> Result<Option<Saved>, StorageError> {
        let Kind::Directory(directory) = &self.0 else {
            return Ok(None);
        };
        let (directory, room) = (directory.clone(), room.clone());
        on_another_thread(move || directory.load(&room)).await
    }

    /// Writes the state of a room. The one before it stays until the new one is safe.
    pub(super) async fn save(&self, room: &RoomName, saved: &Saved) -> Result<(), StorageError> {
        let Kind::Directory(directory) = &self.0 else {
            return Ok(());
        };
        let (directory, room, saved) = (directory.clone(), room.clone(), saved.clone());
        on_another_thread(move || directory.save(&room, &saved)).await
    }
}

impl Directory {
    fn file(&self, room: &RoomName) -> PathBuf {
        let hash = Sha256::digest(room.as_str());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        self.path.join(format!("{hash}.room"))
    }

    fn load(&self, room: &RoomName) -> Result<Option<Saved>, StorageError> {
        let path = self.file(room);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            // Without its directory no file can be found.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.lock_is_there() => {
                return Ok(None);
            }
            Err(source) => {
                return Err(StorageError::Failed {
                    what: "read",
                    path,
                    source,
                });
            }
        };
        match Saved::of_bytes(room, &Bytes::from(bytes)) {
            Ok(saved) => Ok(Some(saved)),
            Err(source) => Err(StorageError::Damaged { path, source }),
        }
    }

    fn lock_is_there(&self) -> bool {
        self.path.join("lock").is_file()
    }

    fn save(&self, room: &RoomName, saved: &Saved) -> Result<(), StorageError> {
        let path = self.file(room);
        let written = (|| {
            let mut file = tempfile::Builder::new()
                .prefix("new-")
                .tempfile_in(&self.path)?;
            file.write_all(&saved.to_bytes(room))?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            // The rename is safe when the directory is. Systems other than Unix open no directories.
            #[cfg(unix)]
            File::open(&self.path)?.sync_all()?;
            Ok(())
        })();
        written.map_err(|source| StorageError::Failed {
            what: "write",
            path,
            source,
        })
    }
}

async fn on_another_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The Tokio runtime ends, and drops this future.
            Err(_) => std::future::pending().await,
        },
    }
}
