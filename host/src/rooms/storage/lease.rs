//! The lease of a room in Redis, which is renewed for as long as this server wants the room.

use super::{
    Lost, NotOpened, StorageError,
    redis::{Leased, RedisRooms},
};
use crate::{
    rooms::{name::RoomName, saved::Saved, words},
    untrusted::Name,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use tracing::{debug, warn};

/// The lease of a room. It is released when it is dropped.
#[derive(Debug)]
pub(in crate::rooms) struct Lease {
    rooms: Arc<RedisRooms>,
    leased: Arc<Leased>,
    /// The states that were written.
    written: AtomicU64,
    standing: watch::Receiver<Standing>,
}

#[derive(Debug, Clone, Copy)]
enum Standing {
    /// No other server has the room before this time.
    Held { until: Instant },
    /// Another server has had the room.
    Lost,
}

impl Standing {
    fn is_current(self) -> bool {
        matches!(self, Self::Held { until } if Instant::now() < until)
    }
}

/// The longest pause after a renewal that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Lease {
    /// Acquires the lease of a room, and reads its state.
    pub(super) async fn acquire(
        rooms: &Arc<RedisRooms>,
        room: &RoomName,
    ) -> Result<(Self, Option<Saved>), NotOpened> {
        let asked = Instant::now();
        let (leased, saved) = rooms.acquire(room).await?;
        let leased = Arc::new(leased);
        let (renewed, standing) = watch::channel(Standing::Held {
            until: asked + rooms.lease,
        });
        rooms
            .renewals
            .spawn(keep(rooms.clone(), leased.clone(), renewed));
        let lease = Self {
            rooms: rooms.clone(),
            leased,
            written: AtomicU64::new(0),
            standing,
        };
        Ok((lease, saved.map_err(NotOpened::Failed)?))
    }

    pub(super) async fn load(&self, room: &RoomName) -> Result<Option<Saved>, StorageError> {
        self.rooms.read(&self.leased, room).await
    }

    pub(super) async fn save(&self, room: &RoomName, saved: &Saved) -> Result<(), StorageError> {
        let is_current = self.standing.borrow().is_current();
        let number = 1 + self.written.fetch_add(1, Relaxed);
        let state = saved.to_bytes(room);
        let written = self.rooms.write(&self.leased, is_current, number, &state);
        match written.await? {
            true => Ok(()),
            false => Err(StorageError::Lost),
        }
    }

    /// Waits while the lease has run out and may be renewed.
    pub(super) async fn hold(&self) -> Result<(), Lost> {
        if self.standing.borrow().is_current() {
            return Ok(());
        }
        // Boxed, because every event holds the space for this.
        Box::pin(self.wait()).await
    }

    async fn wait(&self) -> Result<(), Lost> {
        let mut standing = self.standing.clone();
        let held = standing.wait_for(|standing| match standing {
            Standing::Held { .. } => standing.is_current(),
            Standing::Lost => true,
        });
        tokio::select! {
            held = held => match held.as_deref() {
                Ok(Standing::Held { .. }) => Ok(()),
                Ok(Standing::Lost) | Err(_) => Err(Lost),
            },
            () = self.rooms.stopped.cancelled() => Err(Lost),
        }
    }

    /// Waits until another server has had the room.
    pub(super) async fn lost(&self) {
        let mut standing = self.standing.clone();
        let is_lost = |standing: &Standing| matches!(standing, Standing::Lost);
        // Without the task that renews it, a lease is lost.
        let _ = standing.wait_for(is_lost).await;
    }
}

/// Renews a lease until it is dropped, and then releases it.
async fn keep(rooms: Arc<RedisRooms>, leased: Arc<Leased>, standing: watch::Sender<Standing>) {
    let mut pause = rooms.lease / 3;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = standing.closed() => {
                if let Err(error) = rooms.release(&leased).await {
                    // It runs out by itself.
                    debug!(error = %words(&error), "lease not released");
                }
                return;
            }
        }
        let asked = Instant::now();
        let is_current = standing.borrow().is_current();
        pause = match rooms.renew(&leased, is_current).await {
            Ok(true) => {
                let until = asked + rooms.lease;
                standing.send_replace(Standing::Held { until });
                rooms.lease / 3
            }
            Ok(false) => {
                warn!(key = %Name(leased.key()), "another server has the room");
                standing.send_replace(Standing::Lost);
                return;
            }
            Err(_) => (rooms.lease / 10).min(LONGEST_PAUSE),
        };
    }
}
