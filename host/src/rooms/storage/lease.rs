//! The lease of a room in Redis, which is renewed for as long as this server wants the room.

use super::{
    Disturbance, NotHeld, NotOpened, Opened, StorageError,
    redis::{Held, Leased, RedisRooms},
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
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tracing::{debug, warn};

/// The lease of a room. It is released when it is dropped.
#[derive(Debug)]
pub(in crate::rooms) struct Lease {
    rooms: Arc<RedisRooms>,
    leased: Arc<Leased>,
    /// The number of the last state that was sent.
    sent: AtomicU64,
    /// The number of the last state that Redis has confirmed.
    confirmed: Arc<AtomicU64>,
    standing: watch::Receiver<Standing>,
    /// The losses that were reported.
    reported: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
enum Standing {
    /// No other server has the room before a time.
    Held {
        until: Instant,
        /// The times that Redis has lost the state.
        losses: u64,
    },
    /// Another server has had the room.
    Lost,
}

impl Standing {
    fn is_current(self) -> bool {
        matches!(self, Self::Held { until, .. } if Instant::now() < until)
    }
}

/// The longest pause after a request that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Lease {
    /// Acquires the lease of a room, and reads its state.
    pub(super) async fn acquire(
        rooms: &Arc<RedisRooms>,
        room: &RoomName,
    ) -> Result<(Self, Opened), NotOpened> {
        let asked = Instant::now();
        let (leased, opened) = rooms.acquire(room).await?;
        let (renewed, standing) = watch::channel(Standing::Held {
            until: asked + rooms.lease,
            losses: 0,
        });
        let lease = Self {
            rooms: rooms.clone(),
            leased: Arc::new(leased),
            sent: AtomicU64::new(0),
            confirmed: Arc::default(),
            standing,
            reported: AtomicU64::new(0),
        };
        let (leased, confirmed) = (lease.leased.clone(), lease.confirmed.clone());
        let renewing = keep(rooms.clone(), leased, confirmed, renewed);
        rooms.renewals.spawn(renewing);
        Ok((lease, opened.map_err(NotOpened::Failed)?))
    }

    /// Reads the state, as soon as Redis answers.
    pub(super) async fn load(&self, room: &RoomName) -> Result<Option<Saved>, StorageError> {
        loop {
            match self.rooms.read(&self.leased, room).await {
                Err(StorageError::Redis { .. }) => {}
                loaded => return loaded,
            }
            tokio::select! {
                () = sleep(LONGEST_PAUSE) => {}
                () = self.rooms.stopped.cancelled() => return Err(StorageError::Stopped),
                () = self.lost() => return Err(StorageError::Lost),
            }
        }
    }

    pub(super) async fn save(&self, room: &RoomName, saved: &Saved) -> Result<(), StorageError> {
        let number = 1 + self.sent.fetch_add(1, Relaxed);
        let state = saved.to_bytes(room);
        let written = self
            .rooms
            .write(&self.leased, self.is_held(), number, &state);
        match written.await? {
            Held::Yes | Held::WithoutState => {
                self.confirmed.store(number, Relaxed);
                Ok(())
            }
            Held::Lost => Err(StorageError::Lost),
        }
    }

    /// `true` if no other server can have the room.
    pub(super) fn is_held(&self) -> bool {
        self.standing.borrow().is_current()
    }

    /// Waits while the lease has run out and may be renewed.
    pub(super) async fn hold(&self) -> Result<(), NotHeld> {
        if self.is_held() {
            return Ok(());
        }
        // Boxed, because every event holds the space for this.
        Box::pin(self.wait()).await
    }

    async fn wait(&self) -> Result<(), NotHeld> {
        let mut standing = self.standing.clone();
        let held = standing.wait_for(|standing| match standing {
            Standing::Held { .. } => standing.is_current(),
            Standing::Lost => true,
        });
        tokio::select! {
            held = held => match held.as_deref() {
                Ok(Standing::Held { .. }) => Ok(()),
                Ok(Standing::Lost) | Err(_) => Err(NotHeld::Lost),
            },
            () = self.rooms.stopped.cancelled() => Err(NotHeld::Stopped),
        }
    }

    /// Waits until another server has had the room, or Redis has lost the state.
    pub(in crate::rooms) async fn disturbed(&self) -> Disturbance {
        let mut standing = self.standing.clone();
        let reported = self.reported.load(Relaxed);
        let disturbed = standing.wait_for(|standing| match standing {
            Standing::Held { losses, .. } => *losses > reported,
            Standing::Lost => true,
        });
        match disturbed.await.as_deref() {
            Ok(Standing::Held { losses, .. }) => {
                self.reported.store(*losses, Relaxed);
                Disturbance::StateLost
            }
            Ok(Standing::Lost) | Err(_) => Disturbance::RoomLost,
        }
    }

    async fn lost(&self) {
        let mut standing = self.standing.clone();
        let is_lost = |standing: &Standing| matches!(standing, Standing::Lost);
        // Without the task that renews it, a lease is lost.
        let _ = standing.wait_for(is_lost).await;
    }
}

/// Renews a lease until it is dropped, and then releases it.
async fn keep(
    rooms: Arc<RedisRooms>,
    leased: Arc<Leased>,
    confirmed: Arc<AtomicU64>,
    standing: watch::Sender<Standing>,
) {
    let mut losses = 0;
    let mut is_lost = false;
    let mut pause = rooms.lease / 3;
    loop {
        tokio::select! {
            () = sleep(pause) => {}
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
        let renewed = rooms.renew(&leased, is_current, confirmed.load(Relaxed));
        pause = match renewed.await {
            Ok(Held::Lost) => {
                warn!(key = %Name(leased.key()), "lease lost: another server has had the room, or Redis has lost it");
                standing.send_replace(Standing::Lost);
                return;
            }
            Ok(held) => {
                // Each loss is reported once.
                losses += u64::from(held == Held::WithoutState && !is_lost);
                is_lost = held == Held::WithoutState;
                let until = asked + rooms.lease;
                standing.send_replace(Standing::Held { until, losses });
                rooms.lease / 3
            }
            Err(_) => (rooms.lease / 10).min(LONGEST_PAUSE),
        };
    }
}
