//! States in files of a directory.

use super::StorageError;
use crate::rooms::{name::RoomName, saved::Saved};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// A directory with a file for each room, named by the SHA-256 of the name of the room.
#[derive(Debug)]
pub(in crate::rooms) struct Directory {
    path: PathBuf,
    /// Locked, so that no other server uses the directory.
    _lock: File,
}

impl Directory {
    /// Opens an existing directory, which no other server uses.
    pub(super) fn open(path: &Path) -> Result<Self, StorageError> {
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
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Reads the state of a room. `None` if it has none.
    pub(super) async fn load(
        self: &Arc<Self>,
        room: &RoomName,
    ) -> Result<Option<Saved>, StorageError> {
        let (directory, room) = (self.clone(), room.clone());
        on_another_thread(move || directory.read(&room)).await
    }

    /// Writes the state of a room.
    pub(super) async fn save(
        self: &Arc<Self>,
        room: &RoomName,
        saved: &Saved,
    ) -> Result<(), StorageError> {
        let (directory, room, saved) = (self.clone(), room.clone(), saved.clone());
        on_another_thread(move || directory.write(&room, &saved)).await
    }

    fn file(&self, room: &RoomName) -> PathBuf {
        let hash = Sha256::digest(room.as_str());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        self.path.join(format!("{hash}.room"))
    }

    fn read(&self, room: &RoomName) -> Result<Option<Saved>, StorageError> {
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

    fn write(&self, room: &RoomName, saved: &Saved) -> Result<(), StorageError> {
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
