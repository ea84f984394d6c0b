//! All rooms of a server.

use super::{
    clients::Outbox,
    counters::Counters,
    logic::Logic,
    message::Close,
    name::RoomName,
    room::{Member, NotJoined, Room},
    running::Request,
    storage::RoomStorage,
};
use crate::compose::isolation::Restarts;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use tracing::{info, warn};

/// The settings of rooms.
#[derive(Debug)]
#[non_exhaustive]
pub struct RoomSettings {
    /// The largest number of rooms, awake or asleep.
    pub most_rooms: usize,
    /// The largest number of clients in a room.
    pub most_clients: usize,
    /// The bytes that wait for a client at most.
    pub most_queued: usize,
    /// The failures of the logic of a room, after which the room is closed.
    pub restarts: Restarts,
    /// The time from an event until the state is saved.
    pub save_after: Duration,
    /// The time without an event after which a room falls asleep.
    pub sleep_after: Duration,
    /// Where states are kept.
    pub storage: RoomStorage,
}

impl RoomSettings {
    /// 10,000 rooms with 1,000 clients each, 4 MiB for a client, 5 failures in 10 seconds. States are saved
    /// after a second, and rooms fall asleep after a minute.
    pub fn new(storage: RoomStorage) -> Self {
        Self {
            most_rooms: 10_000,
            most_clients: 1_000,
            most_queued: 4 << 20,
            restarts: Restarts::new(5, Duration::from_secs(10)),
            save_after: Duration::from_secs(1),
            sleep_after: Duration::from_secs(60),
            storage,
        }
    }
}

/// All rooms of a server. Clones are the same rooms.
#[derive(Clone)]
pub struct Rooms(Arc<Shared>);

/// What all rooms share.
pub(super) struct Shared {
    pub(super) settings: RoomSettings,
    pub(super) counters: Counters,
    logic: RwLock<Versions>,
    rooms: Mutex<HashMap<RoomName, Arc<Room>>>,
    /// `true` as soon as the server ends. Set while `rooms` is locked.
    is_closing: AtomicBool,
}

/// The logic of rooms that start.
struct Versions {
    /// The logic that was given last. Rooms try it first.
    newest: Arc<Logic>,
    /// The logic that a room last started with. A room that the newest refuses falls back to it.
    accepted: Arc<Logic>,
}

/// The result of replacing the logic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Replaced {
    /// The rooms that go on with the new logic. Rooms that are asleep take it when they wake.
    pub replaced: usize,
    /// The rooms that go on with the old logic.
    pub refused: usize,
    /// The longest time for which the events of a room waited.
    pub longest_pause: Duration,
}

/// The longest time for which a replacement waits for busy rooms.
const PATIENCE: Duration = Duration::from_secs(10);

impl Rooms {
    /// Rooms with this logic. There is none until a client joins one.
    pub fn new(logic: Logic, settings: RoomSettings) -> Self {
        let logic = Arc::new(logic);
        Self(Arc::new(Shared {
            settings,
            counters: Counters::default(),
            logic: RwLock::new(Versions {
                newest: logic.clone(),
                accepted: logic,
            }),
            rooms: Mutex::default(),
            is_closing: AtomicBool::new(false),
        }))
    }

    /// Counters of what has happened in the rooms.
    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// The number of rooms, awake or asleep.
    pub fn count(&self) -> usize {
        self.0.rooms().len()
    }

    /// Sets the address at which other servers reach this one, for storage that several servers share. Only the
    /// first address counts.
    pub fn advertise(&self, address: impl Into<String>) {
        self.0.settings.storage.advertise(address.into());
    }

    /// Lets a client join a room, which is made if it does not exist.
    pub async fn join(&self, name: &RoomName, request: &Request) -> Result<Member, NotJoined> {
        let closed = |close| NotJoined::Closed(Outbox::closed(close));
        // A room can be closed while a client is on the way to it, but not over and over again.
        for _ in 0..10 {
            let room = self.0.room(name).map_err(closed)?;
            if let Some(member) = room.join(request).await? {
                return Ok(member);
            }
        }
        let close = Close::new(Close::TRY_LATER, "the room is being closed");
        Err(closed(close))
    }

    /// Replaces the logic of all rooms, one after the other. Clients stay connected, and their messages
    /// wait for their room. A room whose state the new logic refuses goes on with the old one.
    ///
    /// If all rooms refuse the new logic, later rooms get the old one too. A room that is busy for 10 seconds, for example
    /// because storage does not answer, takes the newest logic before its next event.
    pub async fn replace(&self, logic: Logic) -> Replaced {
        let new = Arc::new(logic);
        let old = self.0.set_newest(new.clone());
        let until = Instant::now() + PATIENCE;
        let mut result = Replaced::default();
        let rooms: Vec<Arc<Room>> = self.0.rooms().values().cloned().collect();
        for room in rooms {
            match room.replace(&new, until).await {
                Ok(None) => {}
                Ok(Some(pause)) => {
                    result.replaced += 1;
                    result.longest_pause = result.longest_pause.max(pause);
                    self.0.counters.replaced();
                }
                Err(_) => result.refused += 1,
            }
        }
        if result.replaced == 0 && result.refused > 0 {
            warn!(
                rooms = result.refused,
                "no room accepts the new logic; the old logic goes on"
            );
            self.0.set_newest(old);
        } else {
            info!(
                replaced = result.replaced,
                refused = result.refused,
                "logic replaced"
            );
        }
        result
    }

    /// Saves all rooms and closes the connections of their clients with 1012.
    pub async fn shut_down(&self) {
        let rooms: Vec<Arc<Room>> = {
            let rooms = self.0.rooms();
            self.0.is_closing.store(true, Ordering::Relaxed);
            rooms.values().cloned().collect()
        };
        self.0.settings.storage.stop_waiting();
        let mut closing = tokio::task::JoinSet::new();
        for room in rooms {
            closing.spawn(async move { room.shut_down().await });
        }
        closing.join_all().await;
        self.0.settings.storage.released().await;
    }
}

impl Shared {
    /// The logic that was given last.
    pub(super) fn newest(&self) -> Arc<Logic> {
        self.versions().newest.clone()
    }

    /// The logic that a room last started with.
    pub(super) fn accepted(&self) -> Arc<Logic> {
        self.versions().accepted.clone()
    }

    /// A room has started with this logic.
    pub(super) fn accept(&self, logic: &Arc<Logic>) {
        let is_known = Arc::ptr_eq(&self.versions().accepted, logic);
        if !is_known {
            let mut versions = self.logic.write().unwrap_or_else(PoisonError::into_inner);
            // A room that has fallen back has not accepted anything new.
            if Arc::ptr_eq(&versions.newest, logic) {
                versions.accepted = logic.clone();
            }
        }
    }

    /// Sets the newest logic, and returns the one before.
    fn set_newest(&self, logic: Arc<Logic>) -> Arc<Logic> {
        let mut versions = self.logic.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut versions.newest, logic)
    }

    fn versions(&self) -> RwLockReadGuard<'_, Versions> {
        self.logic.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomName, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The room of this name, which is made if it does not exist.
    fn room(self: &Arc<Self>, name: &RoomName) -> Result<Arc<Room>, Close> {
        let mut rooms = self.rooms();
        if self.is_closing.load(Ordering::Relaxed) {
            return Err(Close::new(Close::RESTART, "the server restarts"));
        }
        if let Some(room) = rooms.get(name) {
            return Ok(room.clone());
        }
        if rooms.len() >= self.settings.most_rooms {
            return Err(Close::new(Close::TRY_LATER, "there are too many rooms"));
        }
        let room = Arc::new(Room::new(name.clone(), self.clone()));
        rooms.insert(name.clone(), room.clone());
        Ok(room)
    }

    /// Forgets a room that is closed.
    pub(super) fn forget(&self, room: &Room) {
        let mut rooms = self.rooms();
        if rooms
            .get(&room.name)
            .is_some_and(|known| std::ptr::eq(&**known, room))
        {
            rooms.remove(&room.name);
        }
    }
}
