//! Rooms: the queues of their clients.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_websockets::Message;

#[derive(Default)]
pub struct Rooms(Mutex<HashMap<String, Arc<Room>>>);

#[derive(Default)]
pub struct Room(Mutex<Clients>);

#[derive(Default)]
struct Clients {
    last: u64,
    queues: BTreeMap<u64, Sender<Message>>,
}

/// The messages that wait for a client at most.
const MOST_QUEUED: usize = 1024;

impl Rooms {
    pub fn room(&self, name: &str) -> Arc<Room> {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.entry(name.to_owned()).or_default().clone()
    }
}

impl Room {
    pub fn join(&self) -> (u64, Receiver<Message>) {
        let (sender, receiver) = mpsc::channel(MOST_QUEUED);
        self.with(|clients| {
            clients.last += 1;
            clients.queues.insert(clients.last, sender);
            (clients.last, receiver)
        })
    }

    pub fn leave(&self, client: u64) {
        self.with(|clients| clients.queues.remove(&client));
    }

    pub fn received(&self, client: u64, message: Message) {
        self.with(|clients| {
            if message.is_text() {
                let is_slow = |queue: &Sender<_>| queue.try_send(message).is_err();
                if clients.queues.get(&client).is_some_and(is_slow) {
                    clients.queues.remove(&client);
                }
            } else {
                // A client that is too slow is disconnected.
                clients
                    .queues
                    .retain(|_, queue| queue.try_send(message.clone()).is_ok());
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Clients) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
