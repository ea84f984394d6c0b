//! One room: its clients and its events.

mod replacing;
mod saving;
mod starting;

use super::{
    clients::{ClientId, Clients, Outbox},
    logic::Logic,
    message::{Close, Received},
    name::RoomName,
    registry::Shared,
    running::{Request, Running},
    saved::Saved,
    storage::{NotHeld, Owner, StoredRoom},
};
use crate::program::isolated::restarts::Failures;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::{Mutex, MutexGuard, Notify},
    time::Instant,
};

/// A room.
///
/// A room is a mutex: whoever brings an event runs it, and events come one at a time in the order in which
/// they asked for the lock, which is fair.
pub struct Room {
    pub(super) name: RoomName,
    pub(super) shared: Arc<Shared>,
    inner: Mutex<Inner>,
    /// Held from before a state is saved until it is in storage, so that states are written in their order. It is
    /// locked before `inner`.
    pub(super) writing: Mutex<()>,
    /// `true` if the logic was replaced and the room did not take part.
    is_behind: AtomicBool,
    /// Tells the keeper that it has something to do earlier than it knows.
    sooner: Notify,
}

pub(super) struct Inner {
    stage: Stage,
    /// The logic that last ran here.
    pub(super) logic: Arc<Logic>,
    /// The logic that could not go on from the state of this room.
    refused: Option<Arc<Logic>>,
    clients: Clients,
    last_client: ClientId,
    /// The state that was saved last. `None` if there is none, or if it is in storage only.
    saved: Option<Saved>,
    /// The place of the state, once storage has been asked.
    pub(super) stored: Option<StoredRoom>,
    /// `true` if a state is in storage.
    is_stored: bool,
    /// `true` until a client has been in the room, now or before.
    is_new: bool,
    pub(super) times: Times,
    failures: Failures,
    pub(super) has_keeper: bool,
}

/// The times at which the keeper of a room has something to do.
pub(super) struct Times {
    /// The first event since the state was saved.
    pub(super) changed: Option<Instant>,
    /// The time of `wake-after`.
    pub(super) wake: Option<Instant>,
    pub(super) last_event: Instant,
}

enum Stage {
    /// Its state is saved, and it has no instance.
    Asleep,
    Awake(Box<Running>),
    /// Nobody can join any more, and nothing happens.
    Closed(Close),
    /// Storage did not give it to this server. All who waited for it get this answer.
    NotOpened(NotOpen),
}

/// An event of a room.
#[derive(Clone, Copy)]
enum Event<'a> {
    Connected(ClientId, &'a Request),
    Received(ClientId, Received<'a>),
    Disconnected(ClientId),
    Woke,
}

impl Event<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Connected(..) => "connected",
            Self::Received(..) => "received",
            Self::Disconnected(_) => "disconnected",
            Self::Woke => "woke",
        }
    }
}

/// A client in a room. Its room is told when it leaves.
pub struct Member {
    room: Arc<Room>,
    client: ClientId,
    outbox: Arc<Outbox>,
}

/// The reason why a client did not get into a room.
#[derive(Debug)]
#[non_exhaustive]
pub enum NotJoined {
    /// The connection is to be closed, after what is in the outbox.
    Closed(Arc<Outbox>),
    /// Another server runs the room.
    Elsewhere(Owner),
}

/// The reason why a room is not open.
#[derive(Clone)]
enum NotOpen {
    Closed(Close),
    Elsewhere(Owner),
}

impl From<NotOpen> for NotJoined {
    fn from(reason: NotOpen) -> Self {
        match reason {
            NotOpen::Closed(close) => Self::Closed(Outbox::closed(close)),
            NotOpen::Elsewhere(owner) => Self::Elsewhere(owner),
        }
    }
}

impl Room {
    pub(super) fn new(name: RoomName, shared: Arc<Shared>) -> Self {
        let restarts = shared.settings.restarts;
        Self {
            name,
            inner: Mutex::new(Inner {
                stage: Stage::Asleep,
                logic: shared.accepted(),
                refused: None,
                clients: Clients::default(),
                last_client: 0,
                saved: None,
                stored: None,
                is_stored: false,
                is_new: true,
                times: Times {
                    changed: None,
                    wake: None,
                    last_event: Instant::now(),
                },
                failures: Failures::new(restarts),
                has_keeper: false,
            }),
            shared,
            writing: Mutex::default(),
            is_behind: AtomicBool::new(false),
            sooner: Notify::new(),
        }
    }

    pub(super) async fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().await
    }

    pub(super) async fn sooner(&self) {
        self.sooner.notified().await;
    }

    /// Lets a client join. `None` if the room has been closed meanwhile; there may be another one of its name.
    pub(super) async fn join(
        self: &Arc<Self>,
        request: &Request,
    ) -> Result<Option<Member>, NotJoined> {
        let settings = &self.shared.settings;
        let mut inner = self.lock().await;
        match &inner.stage {
            Stage::Asleep | Stage::Awake(_) => {}
            Stage::Closed(_) => return Ok(None),
            // The answer for all who have waited for it.
            Stage::NotOpened(reason) => return Err(reason.clone().into()),
        }
        let outbox = Arc::new(Outbox::new(settings.most_queued));
        let closed = |close| {
            outbox.close(close);
            Err(NotJoined::Closed(outbox.clone()))
        };
        self.open(&mut inner).await?;
        if inner.clients.count() >= settings.most_clients {
            return closed(Close::new(Close::TRY_LATER, "the room is full"));
        }
        // The client is not among those that are connected when an instance starts.
        if let Err(close) = self.prepare(&mut inner).await {
            return closed(close);
        }
        inner.last_client += 1;
        let client = inner.last_client;
        inner.clients.add(client, outbox.clone());
        let event = Event::Connected(client, request);
        if let Err(close) = self.event(&mut inner, event).await {
            inner.clients.remove(client);
            if inner.is_new {
                // Nobody has been in the room, so nothing of it is worth keeping.
                self.close(&mut inner, close.clone());
            }
            return closed(close);
        }
        inner.is_new = false;
        self.shared.counters.joined();
        Ok(Some(Member {
            room: self.clone(),
            client,
            outbox,
        }))
    }

    /// Makes sure that an instance of the right logic runs, and that it runs here.
    async fn prepare(self: &Arc<Self>, inner: &mut Inner) -> Result<(), Close> {
        self.hold(inner).await?;
        // What is rare is boxed, so that the future of an event is small: every connection holds one.
        if let Stage::Asleep = inner.stage {
            Box::pin(self.awaken(inner)).await?;
        }
        if self.is_behind.swap(false, Relaxed) {
            Box::pin(self.catch_up(inner)).await;
        }
        Ok(())
    }

    /// Runs an event of a room that is prepared, or prepares it, and carries out the effects. Fails if the client of the event
    /// must be disconnected.
    async fn event(self: &Arc<Self>, inner: &mut Inner, event: Event<'_>) -> Result<(), Close> {
        if !matches!(event, Event::Connected(..)) {
            self.prepare(inner).await?;
        }
        let Inner { stage, clients, .. } = inner;
        let Stage::Awake(running) = stage else {
            return Err(self.closed(inner));
        };
        let list = clients.list();
        let started = Instant::now();
        let result = match event {
            Event::Connected(client, request) => running.connected(list, client, request).await,
            Event::Received(client, message) => {
                running.received(list, client, message).await.map(Ok)
            }
            Event::Disconnected(client) => running.disconnected(list, client).await.map(Ok),
            Event::Woke => running.woke(list).await.map(Ok),
        };
        self.shared.counters.event(started.elapsed());
        match result {
            Ok(answer) => {
                // Perhaps the server was stopped during the event.
                self.hold(inner).await?;
                self.commit(inner);
                answer
            }
            Err(failure) => {
                if let Event::Connected(client, _) = event {
                    // The room starts again without it.
                    inner.clients.remove(client);
                }
                Box::pin(self.failed(inner, event.name(), &failure)).await;
                Err(Close::new(Close::FAILED, "the logic of the room failed"))
            }
        }
    }

    /// Waits until it is certain that this server runs the room. If another one does, the room is closed.
    async fn hold(&self, inner: &mut Inner) -> Result<(), Close> {
        let held = match &inner.stored {
            Some(stored) => stored.hold().await,
            None => Ok(()),
        };
        match held {
            Ok(()) => Ok(()),
            Err(NotHeld::Lost) => {
                self.moved(inner);
                Err(self.closed(inner))
            }
            // The state is saved when the server closes the room.
            Err(NotHeld::Stopped) => Err(Close::new(Close::RESTART, "the server restarts")),
        }
    }

    /// Carries out the effects of the call that has returned.
    fn commit(self: &Arc<Self>, inner: &mut Inner) {
        let Stage::Awake(running) = &mut inner.stage else {
            return;
        };
        let (actions, wake_after) = running.take_effects();
        for action in actions {
            inner.clients.carry_out(action);
        }
        let now = Instant::now();
        let times = &mut inner.times;
        times.last_event = now;
        let is_sooner = times.changed.is_none() || wake_after.is_some();
        times.changed.get_or_insert(now);
        if let Some(after) = wake_after {
            // A room that wakes itself over and over again leaves time for its clients.
            times.wake = after.map(|after| now + Duration::from_millis(after.max(1).into()));
        }
        if is_sooner {
            self.keep(inner);
        }
    }

    /// Makes sure that the keeper runs and knows the times.
    fn keep(self: &Arc<Self>, inner: &mut Inner) {
        if inner.has_keeper {
            self.sooner.notify_one();
        } else {
            inner.has_keeper = true;
            tokio::spawn(super::keeper::keep(self.clone()));
        }
    }

    /// The timer has run out.
    pub(super) async fn woke(self: &Arc<Self>, inner: &mut Inner) {
        let wake = inner.times.wake.take();
        let is_closed = |inner: &Inner| matches!(inner.stage, Stage::Closed(_));
        // A failure has been reported. The timer stays until the room has handled it.
        if self.event(inner, Event::Woke).await.is_err() && !is_closed(inner) {
            inner.times.wake = inner.times.wake.or(wake);
        }
    }
}

impl Member {
    /// The number of this client.
    pub fn client(&self) -> ClientId {
        self.client
    }

    /// The messages for this client.
    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// Delivers a message of this client.
    pub async fn received(&self, message: Received<'_>) {
        if self.outbox.is_closing() {
            // What a client sends after its end does not reach the room.
            return;
        }
        let mut inner = self.room.lock().await;
        let event = Event::Received(self.client, message);
        // A failure has been reported, and the client stays.
        let _ = self.room.event(&mut inner, event).await;
    }

    /// The connection has ended.
    pub async fn leave(self) {
        let mut inner = self.room.lock().await;
        if inner.clients.remove(self.client) {
            self.room.shared.counters.left();
        }
        if !matches!(inner.stage, Stage::Closed(_)) {
            let _ = self
                .room
                .event(&mut inner, Event::Disconnected(self.client))
                .await;
        }
    }
}
