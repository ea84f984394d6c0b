//! How the state of a room is saved: by its keeper, before it sleeps, before its logic is replaced, and at the end.

use super::{Inner, Room, Stage};
use crate::rooms::{message::Close, saved::Saved, storage::StoredRoom, words};
use std::sync::Arc;
use tracing::{debug, warn};

impl Room {
    /// A state has been written to storage.
    pub(in crate::rooms) fn stored(&self, inner: &mut Inner) {
        inner.is_stored = inner.stored.as_ref().is_some_and(StoredRoom::keeps);
    }

    /// Asks the logic for the state. The caller writes it to storage, or sees to it that the keeper does.
    pub(in crate::rooms) async fn save(self: &Arc<Self>, inner: &mut Inner) -> Option<Saved> {
        let Stage::Awake(running) = &mut inner.stage else {
            return None;
        };
        match running.save(inner.clients.list()).await {
            Ok((version, state)) => {
                let saved = Saved {
                    version,
                    state,
                    last_client: inner.last_client,
                };
                self.commit(inner);
                inner.times.changed = None;
                inner.saved = Some(saved.clone());
                Some(saved)
            }
            Err(failure) => {
                inner.times.changed = None;
                self.failed(inner, "save", &failure).await;
                None
            }
        }
    }

    /// Drops the instance of a room in which nothing happens, and the whole room if it has no clients. Its state has
    /// been written to storage.
    pub(in crate::rooms) fn hibernate(&self, inner: &mut Inner) {
        let clients = inner.clients.count();
        if clients == 0 {
            self.close(inner, Close::new(Close::RESTART, "the room is empty"));
            debug!(room = %self.name, "room forgotten");
            return;
        }
        self.fall_asleep(inner);
        if inner.is_stored {
            inner.saved = None;
        }
        debug!(room = %self.name, clients, "room asleep");
    }

    /// Saves the room and closes the connections of its clients, because the server ends.
    pub(in crate::rooms) async fn shut_down(self: &Arc<Self>) {
        let _writing = self.writing.lock().await;
        let mut inner = self.lock().await;
        if let Some(saved) = self.save(&mut inner).await
            && let Some(stored) = &inner.stored
            && let Err(error) = stored.save(&self.name, &saved).await
        {
            warn!(room = %self.name, error = %words(&error), "state not saved");
        }
        self.close(
            &mut inner,
            Close::new(Close::RESTART, "the server restarts"),
        );
    }

    pub(in crate::rooms) fn is_awake(inner: &Inner) -> bool {
        matches!(inner.stage, Stage::Awake(_))
    }

    /// `true` if it is certain that this server runs the room.
    pub(in crate::rooms) fn is_held(inner: &Inner) -> bool {
        inner.stored.as_ref().is_none_or(StoredRoom::is_held)
    }

    /// `true` if the instance can be dropped while nothing happens. An instance that cannot save its state lives as
    /// long as somebody is in the room.
    pub(in crate::rooms) fn can_sleep(inner: &Inner) -> bool {
        Self::is_awake(inner) && (inner.logic.keeps_state() || inner.clients.count() == 0)
    }
}
