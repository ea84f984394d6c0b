//! Where the states of rooms are kept while nobody is in them, and across restarts.

mod directory;
pub(super) mod lease;
mod redis;

use self::redis::RedisRooms;
use super::{
    name::RoomName,
    saved::{NotSaved, Saved},
};
use crate::redis_client::{RedisError, RedisOptions};
use directory::Directory;
use lease::Lease;
use std::{
    io,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Where the states of rooms are kept.
#[derive(Debug)]
pub struct RoomStorage(Kind);

#[derive(Debug)]
enum Kind {
    /// Nowhere: a room that nobody is in is forgotten.
    None,
    Directory(Arc<Directory>),
    Redis(Arc<RedisRooms>),
}

/// The place where the state of one room is kept. It is this server's until the last clone is dropped. Clones are the
/// same place.
#[derive(Debug, Clone)]
pub(super) enum StoredRoom {
    Nowhere,
    File(Arc<Directory>),
    Leased(Arc<Lease>),
}

/// A room that this server may run.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// `None` if the room has no state.
    pub(super) saved: Option<Saved>,
    /// The times that a server has opened the room. 0 if storage does not count them.
    pub(super) openings: u64,
}

/// The server that runs a room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Owner {
    /// The address at which other servers reach it, as `HOST:PORT`. `None` if it cannot be reached, as it has given none, or
    /// as it is a server that has been killed and whose address is this one's now.
    pub address: Option<String>,
    /// The time until its lease of the room runs out, unless it renews it.
    pub left: Duration,
}

/// The reason why a room cannot run here.
#[derive(Debug)]
pub(super) enum NotOpened {
    Failed(StorageError),
    /// Another server runs it.
    Elsewhere(Owner),
}

/// The reason why it is not certain that no other server runs the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotHeld {
    /// Another server has had it.
    Lost,
    /// The server ends, and does not wait for certainty.
    Stopped,
}

/// Something that has happened to the stored room, not by this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disturbance {
    /// Another server has had it.
    RoomLost,
    /// The state that was written last is not there any more.
    StateLost,
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
    /// A value in Redis is not the state of its room.
    #[error("failed to understand the field `state` of the Redis key `{}`; remove the field to start the room anew", crate::untrusted::Name(.key))]
    DamagedKey {
        /// The key.
        key: String,
        /// The reason.
        source: NotSaved,
    },
    /// Redis did not do what a room needs.
    #[error("failed to {what} the state of a room in Redis")]
    Redis {
        /// `read` or `write`.
        what: &'static str,
        /// The reason.
        source: RedisError,
    },
    /// The room is not this server's any more, so its state is neither read nor written.
    #[error("another server has had the room, or Redis has lost it")]
    Lost,
    /// The server ends while storage does not answer.
    #[error("the server ends while storage does not answer")]
    Stopped,
}

impl RoomStorage {
    /// The lengths of leases that [`Self::redis`] takes; others become the nearest of these.
    pub const LEASES: RangeInclusive<Duration> =
        Duration::from_millis(100)..=Duration::from_secs(3600);

    /// No storage. A room that has no clients is forgotten after a while.
    pub fn none() -> Self {
        Self(Kind::None)
    }

    /// Storage in an existing directory. One server at a time can use it.
    ///
    /// A state is written to a temporary file, synced, and renamed into place, so the state before stays until the
    /// new one is safe. A file that is damaged is an error and is not replaced.
    pub fn directory(path: &Path) -> Result<Self, StorageError> {
        Directory::open(path).map(|directory| Self(Kind::Directory(Arc::new(directory))))
    }

    /// Storage in a Redis server or cluster, which several servers share.
    ///
    /// The room `a` is the Redis key `rooms:a`, a hash. One server at a time runs it: the one that has its *lease*, which
    /// it renews three times within `lease`, one of [`Self::LEASES`]. If it does not, because it was killed, others can have the room. A state
    /// is written together with a token of the lease, and Redis refuses it if the token has been replaced, so a server that
    /// was paused cannot overwrite the work of another one. Time is measured by the clock of Redis, and by monotonic clocks of
    /// the servers.
    ///
    /// A server that cannot renew its lease stops its rooms until it can. Redis must keep what it has written
    /// (`appendonly yes`) and must not evict it (`maxmemory-policy noeviction`), as the state of a room is kept nowhere else.
    pub async fn redis(options: RedisOptions, lease: Duration) -> Result<Self, RedisError> {
        let rooms = RedisRooms::connect(options, lease).await?;
        Ok(Self(Kind::Redis(Arc::new(rooms))))
    }

    /// `true` if several servers can share the rooms.
    pub fn is_shared(&self) -> bool {
        self.redis_rooms().is_some()
    }

    /// Sets the address at which other servers reach this one. Only the first address counts.
    pub(super) fn advertise(&self, address: String) {
        if let Some(rooms) = self.redis_rooms() {
            rooms.advertise(address);
        }
    }

    /// Makes a room this server's, and reads its state.
    pub(super) async fn open(&self, room: &RoomName) -> Result<(StoredRoom, Opened), NotOpened> {
        match &self.0 {
            Kind::None => Ok((StoredRoom::Nowhere, Opened::default())),
            Kind::Directory(directory) => {
                let saved = directory.load(room).await.map_err(NotOpened::Failed)?;
                let opened = Opened { saved, openings: 0 };
                Ok((StoredRoom::File(directory.clone()), opened))
            }
            Kind::Redis(rooms) => {
                let (lease, opened) = Lease::acquire(rooms, room).await?;
                Ok((StoredRoom::Leased(Arc::new(lease)), opened))
            }
        }
    }

    /// The server ends: nothing waits for a lease any more.
    pub(super) fn stop_waiting(&self) {
        if let Some(rooms) = self.redis_rooms() {
            rooms.stop_waiting();
        }
    }

    /// Waits until all rooms that were dropped are free for other servers.
    pub(super) async fn released(&self) {
        if let Some(rooms) = self.redis_rooms() {
            rooms.released().await;
        }
    }

    fn redis_rooms(&self) -> Option<&RedisRooms> {
        match &self.0 {
            Kind::None | Kind::Directory(_) => None,
            Kind::Redis(rooms) => Some(rooms),
        }
    }
}

impl StoredRoom {
    /// `true` if what is saved can be loaded again.
    pub(super) fn keeps(&self) -> bool {
        !matches!(self, Self::Nowhere)
    }

    /// Reads the state of the room. `None` if it has none.
    pub(super) async fn load(&self, room: &RoomName) -> Result<Option<Saved>, StorageError> {
        match self {
            Self::Nowhere => Ok(None),
            Self::File(directory) => directory.load(room).await,
            Self::Leased(lease) => lease.load(room).await,
        }
    }

    /// Writes the state of the room. The one before it stays until the new one is safe.
    pub(super) async fn save(&self, room: &RoomName, saved: &Saved) -> Result<(), StorageError> {
        match self {
            Self::Nowhere => Ok(()),
            Self::File(directory) => directory.save(room, saved).await,
            Self::Leased(lease) => lease.save(room, saved).await,
        }
    }

    /// The lease of the room. `None` if no other server can take the room.
    pub(super) fn lease(&self) -> Option<&Arc<Lease>> {
        match self {
            Self::Nowhere | Self::File(_) => None,
            Self::Leased(lease) => Some(lease),
        }
    }

    /// Waits until it is certain that no other server runs the room.
    pub(super) async fn hold(&self) -> Result<(), NotHeld> {
        match self.lease() {
            Some(lease) => lease.hold().await,
            None => Ok(()),
        }
    }

    /// `true` if it is certain that no other server runs the room.
    pub(super) fn is_held(&self) -> bool {
        self.lease().is_none_or(|lease| lease.is_held())
    }
}
