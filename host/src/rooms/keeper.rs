//! The keeper of a room: timers, saving, sleep.

use super::room::{Inner, Room};
use super::words;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::warn;

/// Does what is due in a room, until nothing will be due any more.
pub(super) async fn keep(room: Arc<Room>) {
    loop {
        let due = {
            let mut inner = room.lock().await;
            match due(&room, &inner) {
                Some(due) => due,
                None => {
                    inner.has_keeper = false;
                    return;
                }
            }
        };
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            () = room.sooner() => continue,
        }
        // Every room that is awake has a keeper, which works rarely.
        Box::pin(work(&room)).await;
    }
}

/// The time at which something is due. `None` if nothing is.
fn due(room: &Room, inner: &Inner) -> Option<Instant> {
    let settings = &room.shared.settings;
    let times = &inner.times;
    let is_awake = Room::is_awake(inner);
    let changed = times.changed.filter(|_| is_awake);
    let save = changed.map(|changed| changed + settings.save_after);
    let sleep = is_awake.then(|| times.last_event + settings.sleep_after);
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
    let is_idle = inner.times.last_event + settings.sleep_after <= now;
    let is_old = |changed: Instant| changed + settings.save_after <= now || is_idle;
    if inner.times.changed.is_some_and(is_old)
        && let Some(saved) = room.save(&mut inner).await
    {
        // Events go on while the state is written.
        drop(inner);
        let written = settings.storage.save(&room.name, &saved).await;
        inner = room.lock().await;
        match written {
            Ok(()) => room.stored(&mut inner),
            Err(error) => {
                warn!(room = %room.name, error = %words(&error), "state not saved");
                if Room::is_awake(&inner) {
                    inner.times.changed.get_or_insert(Instant::now());
                }
            }
        }
    }
    if is_idle && inner.times.changed.is_none() && Room::is_awake(&inner) {
        room.hibernate(&mut inner);
    }
}
