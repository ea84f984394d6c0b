//! How the logic of a running room is replaced.

use super::{Inner, Room, Stage};
use crate::rooms::{
    logic::Logic,
    running::{Failure, Running},
};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

impl Room {
    /// Replaces the logic. Returns the time for which events waited; `None` if there is nothing to replace, or if the room
    /// is busy until the given time, and then it takes the newest logic before its next event. Fails with the reason if
    /// the old logic goes on.
    pub(in crate::rooms) async fn replace(
        self: &Arc<Self>,
        logic: &Arc<Logic>,
        until: Instant,
    ) -> Result<Option<Duration>, Failure> {
        let Ok(mut inner) = timeout_at(until, self.lock()).await else {
            self.is_behind.store(true, Relaxed);
            return Ok(None);
        };
        if !Self::is_held(&inner) {
            self.is_behind.store(true, Relaxed);
            return Ok(None);
        }
        self.replace_in(&mut inner, logic).await
    }

    /// Takes the newest logic. If it refuses the state, that is in the log.
    pub(super) async fn catch_up(self: &Arc<Self>, inner: &mut Inner) {
        let newest = self.shared.newest();
        let is_refused = |refused: &Arc<Logic>| Arc::ptr_eq(refused, &newest);
        if inner.refused.as_ref().is_some_and(is_refused) {
            return;
        }
        if let Ok(Some(_)) = self.replace_in(inner, &newest).await {
            self.shared.counters.replaced();
        }
    }

    async fn replace_in(
        self: &Arc<Self>,
        inner: &mut Inner,
        logic: &Arc<Logic>,
    ) -> Result<Option<Duration>, Failure> {
        let begun = Instant::now();
        if !matches!(inner.stage, Stage::Awake(_)) || Arc::ptr_eq(&inner.logic, logic) {
            // A room that is asleep takes the newest logic when it wakes.
            return Ok(None);
        }
        let Some(saved) = self.save(inner).await else {
            if Arc::ptr_eq(&inner.logic, logic) {
                // The room has started again, with the new logic.
                return Ok(Some(begun.elapsed()));
            }
            return Err(Failure::Wrong(
                "the old logic did not save its state".to_owned(),
            ));
        };
        // The state is not in storage yet.
        inner.times.changed = Some(Instant::now());
        self.keep(inner);
        let clients = inner.clients.list();
        match Running::start(logic.clone(), &self.name, clients, Some(&saved)).await {
            Ok(running) => {
                inner.stage = Stage::Awake(Box::new(running));
                inner.logic = logic.clone();
                inner.refused = None;
                self.shared.accept(logic);
                self.commit(inner);
                Ok(Some(begun.elapsed()))
            }
            Err(failure) => {
                self.refused(inner, logic.clone(), &failure);
                Err(failure)
            }
        }
    }
}
