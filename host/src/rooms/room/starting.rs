//! How a room starts: what is stored of it, its instance, and what follows when that fails.

use super::{Inner, NotOpen, Room, Stage};
use crate::rooms::{
    logic::Logic,
    message::Close,
    running::{Failure, Running},
    storage::{Disturbance, NotOpened, StorageError},
    words,
};
use std::{error::Error, sync::Arc};
use tokio::time::Instant;
use tracing::warn;

/// The bits of a client's number that are counted anew when a stored room is opened.
const TERM: u32 = 20;

/// A state was written and is not there any more.
#[derive(Debug, thiserror::Error)]
#[error("the state of the room is missing")]
struct Missing;

impl Room {
    /// Makes the room this server's and finds what is stored of it, once.
    pub(super) async fn open(self: &Arc<Self>, inner: &mut Inner) -> Result<(), NotOpen> {
        if inner.stored.is_some() {
            return Ok(());
        }
        let (stored, opened) = match self.shared.settings.storage.open(&self.name).await {
            Ok(opened) => opened,
            Err(reason) => {
                let reason = match reason {
                    NotOpened::Elsewhere(owner) => NotOpen::Elsewhere(owner),
                    NotOpened::Failed(error) => NotOpen::Closed(self.unreadable(inner, &error)),
                };
                inner.stage = Stage::NotOpened(reason.clone());
                self.shared.forget(self);
                return Err(reason);
            }
        };
        let is_leased = stored.lease().is_some();
        inner.stored = Some(stored);
        inner.is_stored = opened.saved.is_some();
        inner.saved = opened.saved;
        inner.last_client = opened.openings.saturating_sub(1) << TERM;
        if let Some(saved) = &inner.saved {
            inner.is_new = false;
            // Clients can have connected after the state was saved.
            let next = ((saved.last_client >> TERM) + 1) << TERM;
            inner.last_client = inner.last_client.max(next);
        }
        if is_leased {
            self.keep(inner);
        }
        Ok(())
    }

    /// Reads the state of the room again. A room whose state cannot be read is closed, so that it does not go on without.
    pub(super) async fn load(&self, inner: &mut Inner) -> Result<(), Close> {
        let Some(stored) = &inner.stored else {
            return Ok(());
        };
        match stored.load(&self.name).await {
            Ok(None) => Err(self.unreadable(inner, &Missing)),
            Ok(saved) => {
                inner.saved = saved;
                Ok(())
            }
            Err(StorageError::Lost) => {
                self.moved(inner);
                Err(self.closed(inner))
            }
            Err(StorageError::Stopped) => Err(Close::new(Close::RESTART, "the server restarts")),
            Err(error) => Err(self.unreadable(inner, &error)),
        }
    }

    fn unreadable(&self, inner: &mut Inner, error: &(dyn Error + 'static)) -> Close {
        warn!(room = %self.name, error = %words(error), "state not read");
        let close = Close::new(Close::TRY_LATER, "the state of the room cannot be read");
        self.close(inner, close.clone());
        close
    }

    /// Another server has had the room. Nothing is saved, as it has gone on from the state that was saved last.
    pub(in crate::rooms) fn moved(&self, inner: &mut Inner) {
        let reason = "the room is on another server; connect again";
        self.close(inner, Close::new(Close::RESTART, reason));
    }

    /// Something has happened to the stored room, not by this server.
    pub(in crate::rooms) async fn disturbed(&self, disturbance: Disturbance) {
        let mut inner = self.lock().await;
        match disturbance {
            Disturbance::RoomLost => self.moved(&mut inner),
            Disturbance::StateLost => {
                warn!(room = %self.name, "storage has lost the last state of the room");
                // The keeper writes it again.
                if Self::is_awake(&inner) {
                    inner.times.changed.get_or_insert(Instant::now());
                }
            }
        }
    }

    /// Makes sure that there is an instance. The newest logic is tried first.
    pub(super) async fn awaken(self: &Arc<Self>, inner: &mut Inner) -> Result<(), Close> {
        if !matches!(inner.stage, Stage::Asleep) {
            return Ok(());
        }
        if inner.saved.is_none() && inner.is_stored {
            self.load(inner).await?;
        }
        let newest = self.shared.newest();
        let is_refused = inner
            .refused
            .as_ref()
            .is_some_and(|one| Arc::ptr_eq(one, &newest));
        if !Arc::ptr_eq(&newest, &inner.logic) && !is_refused {
            match self.start(inner, newest.clone()).await {
                Ok(()) => return Ok(()),
                Err(failure) => self.refused(inner, newest, &failure),
            }
        }
        let logic = inner.logic.clone();
        match self.start(inner, logic).await {
            Ok(()) => Ok(()),
            Err(failure) => {
                warn!(room = %self.name, error = %failure, "room not started");
                let close = match failure {
                    Failure::NotStarted(_) => {
                        Close::new(Close::TRY_LATER, "there is no space for the room")
                    }
                    _ => Close::new(Close::FAILED, "the room cannot be started"),
                };
                self.close(inner, close.clone());
                Err(close)
            }
        }
    }

    /// Starts an instance from the state that was saved last.
    pub(super) async fn start(
        self: &Arc<Self>,
        inner: &mut Inner,
        logic: Arc<Logic>,
    ) -> Result<(), Failure> {
        let clients = inner.clients.list();
        let saved = inner.saved.as_ref();
        let running = Running::start(logic.clone(), &self.name, clients, saved).await?;
        inner.stage = Stage::Awake(Box::new(running));
        inner.logic = logic;
        self.shared.accept(&inner.logic);
        self.shared.counters.awake(1);
        self.commit(inner);
        Ok(())
    }

    pub(super) fn refused(&self, inner: &mut Inner, logic: Arc<Logic>, failure: &Failure) {
        warn!(room = %self.name, error = %failure, "logic not replaced");
        self.shared.counters.refused();
        inner.refused = Some(logic);
    }

    /// An event failed: the room starts again from the state that was saved last, or is closed if that
    /// has happened too often.
    pub(super) async fn failed(
        self: &Arc<Self>,
        inner: &mut Inner,
        event: &'static str,
        failure: &Failure,
    ) {
        warn!(room = %self.name, event, error = %failure, "event failed");
        self.shared.counters.failed();
        self.fall_asleep(inner);
        inner.failures.count(std::time::Instant::now());
        if inner.failures.is_down() {
            warn!(room = %self.name, "room closed, because its logic failed too often");
            self.close(
                inner,
                Close::new(Close::FAILED, "the logic of the room failed"),
            );
            return;
        }
        // A room that cannot be started closes itself.
        let _ = self.awaken(inner).await;
    }

    /// Drops the instance.
    pub(super) fn fall_asleep(&self, inner: &mut Inner) {
        if let Stage::Awake(_) = inner.stage {
            inner.stage = Stage::Asleep;
            inner.times.changed = None;
            self.shared.counters.awake(-1);
        }
    }

    /// Closes the room and the connections of its clients.
    pub(in crate::rooms) fn close(&self, inner: &mut Inner, close: Close) {
        self.fall_asleep(inner);
        inner.clients.close_all(&close);
        inner.stored = None;
        inner.stage = Stage::Closed(close);
        inner.times.changed = None;
        inner.times.wake = None;
        self.sooner.notify_one();
        self.shared.forget(self);
    }

    pub(super) fn closed(&self, inner: &Inner) -> Close {
        match &inner.stage {
            Stage::Closed(close) => close.clone(),
            Stage::Asleep | Stage::Awake(_) | Stage::NotOpened(_) => {
                Close::new(Close::FAILED, "the room is not running")
            }
        }
    }
}
