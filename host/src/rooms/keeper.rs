//! The keeper of a room: timers, saving, sleep.

use super::{
    registry::RoomSettings,
    room::{Inner, Room},
    storage::{Disturbance, StorageError, StoredRoom, lease::Lease},
    words,
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::warn;

/// Does what is due in a room, until nothing will be due any more.
pub(super) async fn keep(room: Arc<Room>) {
    loop {
        let (due, lease) = {
            let mut inner = room.lock().await;
            let due = due(&room, &inner);
            let lease = inner.stored.as_ref().and_then(StoredRoom::lease).cloned();
            if due.is_none() && lease.is_none() {
                inner.has_keeper = false;
                return;
            }
            (due, lease)
        };
        tokio::select! {
            // Every room that is awake has a keeper, which works rarely.
            () = reached(due) => Box::pin(work(&room)).await,
            disturbance = disturbed(lease) => room.disturbed(disturbance).await,
            () = room.sooner() => {}
        }
    }
}

/// Waits until a time, or for ever.
async fn reached(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Waits until something happens to the stored room, or for ever.
async fn disturbed(lease: Option<Arc<Lease>>) -> Disturbance {
    match lease {
        Some(lease) => lease.disturbed().await,
        None => std::future::pending().await,
    }
}

/// The time at which something is due. `None` if nothing is.
fn due(room: &Room, inner: &Inner) -> Option<Instant> {
    let settings = &room.shared.settings;
    let times = &inner.times;
    let changed = times.changed.filter(|_| Room::is_awake(inner));
    let save = changed.map(|changed| changed + settings.save_after);
    let sleep = Room::can_sleep(inner).then(|| times.last_event + settings.sleep_after);
    [times.wake, save, sleep].into_iter().flatten().min()
}

async fn work(room: &Arc<Room>) {
    let settings = &room.shared.settings;
    let _writing = room.writing.lock().await;
    let mut inner = room.lock().await;
    let now = Instant::now();
    if inner.times.wake.is_some_and(|wake| wake <= now) {
        room.woke(&mut inner).await;
    }
    let is_idle = Room::can_sleep(&inner) && inner.times.last_event + settings.sleep_after <= now;
    let is_old = |changed: Instant| changed + settings.save_after <= now || is_idle;
    if inner.times.changed.is_some_and(is_old) && !Room::is_held(&inner) {
        // A server that lost the room has no effects any more, so it does not ask the logic.
        postpone(settings, &mut inner);
    } else if inner.times.changed.is_some_and(is_old)
        && let Some(saved) = room.save(&mut inner).await
    {
        // Events go on while the state is written.
        let stored = inner.stored.clone();
        drop(inner);
        let written = match stored {
            Some(stored) => stored.save(&room.name, &saved).await,
            None => Ok(()),
        };
        inner = room.lock().await;
        match written {
            Ok(()) => room.stored(&mut inner),
            Err(StorageError::Lost) => room.moved(&mut inner),
            Err(error) => {
                warn!(room = %room.name, error = %words(&error), "state not saved");
                postpone(settings, &mut inner);
            }
        }
    }
    if is_idle && inner.times.changed.is_none() && Room::can_sleep(&inner) {
        room.hibernate(&mut inner);
    }
}

/// The pause after a state that was not saved.
const PAUSE: Duration = Duration::from_secs(1);

/// Saves the state later. Until then the room does not sleep.
fn postpone(settings: &RoomSettings, inner: &mut Inner) {
    if Room::is_awake(inner) {
        let now = Instant::now();
        inner.times.last_event = now;
        inner.times.changed = Some(now + PAUSE.saturating_sub(settings.save_after));
    }
}
