//! The clients of a room, and the messages that wait for them.

use super::{
    effects::Action,
    message::{Close, Message},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// A connection to a room.
pub type ClientId = u64;

/// The clients of a room, in the order in which they connected.
#[derive(Debug, Default)]
pub(super) struct Clients {
    outboxes: BTreeMap<ClientId, Arc<Outbox>>,
    /// The clients, as the logic asks for them.
    list: Arc<[ClientId]>,
}

impl Clients {
    pub(super) fn add(&mut self, client: ClientId, outbox: Arc<Outbox>) {
        self.outboxes.insert(client, outbox);
        self.list = self.outboxes.keys().copied().collect();
    }

    /// Removes a client. `false` if it is not here any more.
    pub(super) fn remove(&mut self, client: ClientId) -> bool {
        let removed = self.outboxes.remove(&client).is_some();
        if removed {
            self.list = self.outboxes.keys().copied().collect();
        }
        removed
    }

    pub(super) fn list(&self) -> Arc<[ClientId]> {
        self.list.clone()
    }

    pub(super) fn count(&self) -> usize {
        self.outboxes.len()
    }

    /// Carries out an effect of an event.
    pub(super) fn carry_out(&self, action: Action) {
        match action {
            Action::Send { to, message } => {
                if let Some(outbox) = self.outboxes.get(&to) {
                    outbox.push(message);
                }
            }
            Action::Broadcast {
                message,
                mut except,
            } => {
                except.sort_unstable();
                for (client, outbox) in &self.outboxes {
                    if except.binary_search(client).is_err() {
                        outbox.push(message.clone());
                    }
                }
            }
            Action::Disconnect { client, close } => {
                if let Some(outbox) = self.outboxes.get(&client) {
                    outbox.close(close);
                }
            }
        }
    }

    /// Closes all connections.
    pub(super) fn close_all(&self, close: &Close) {
        for outbox in self.outboxes.values() {
            outbox.close(close.clone());
        }
    }
}

/// The messages that wait until the connection of a client can take them.
///
/// Their bytes are bounded. A client that takes its messages more slowly than the room sends them is
/// disconnected with 1013, and the messages that wait are dropped: a client that has missed messages must
/// not go on as if it had not.
#[derive(Debug)]
pub struct Outbox {
    queue: Mutex<Queue>,
    changed: Notify,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Message>,
    bytes: usize,
    close: Option<Close>,
}

/// The next thing to send to a client.
#[derive(Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A message.
    Message(Message),
    /// The end of the connection.
    Close(Close),
}

/// The bytes that a waiting message takes beside its own.
const OVERHEAD: usize = size_of::<Message>();

impl Outbox {
    /// An outbox without messages, which holds at most this number of bytes.
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            queue: Mutex::default(),
            changed: Notify::new(),
            most_bytes,
        }
    }

    /// The outbox of a client that does not get into a room.
    pub(crate) fn closed(close: Close) -> Arc<Self> {
        let outbox = Self::new(0);
        outbox.close(close);
        Arc::new(outbox)
    }

    fn push(&self, message: Message) {
        let mut queue = self.queue();
        if queue.close.is_some() {
            return;
        }
        let bytes = queue.bytes + OVERHEAD + message.size();
        // A client that has taken everything is not slow.
        if bytes > self.most_bytes && !queue.messages.is_empty() {
            queue.messages = VecDeque::new();
            queue.bytes = 0;
            queue.close = Some(Close::new(
                Close::TRY_LATER,
                "the client takes its messages too slowly",
            ));
        } else {
            queue.bytes = bytes;
            queue.messages.push_back(message);
        }
        drop(queue);
        self.changed.notify_one();
    }

    /// Closes the connection after the messages that wait. Only the first reason counts.
    pub(crate) fn close(&self, close: Close) {
        self.queue().close.get_or_insert(close);
        self.changed.notify_one();
    }

    /// `true` if the connection is to be closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.queue().close.is_some()
    }

    /// The next thing to send, if there is one.
    pub fn try_next(&self) -> Option<Outgoing> {
        let mut queue = self.queue();
        if let Some(message) = queue.messages.pop_front() {
            queue.bytes -= OVERHEAD + message.size();
            if queue.messages.is_empty() {
                // An idle connection holds no memory for messages.
                queue.messages = VecDeque::new();
            }
            return Some(Outgoing::Message(message));
        }
        queue.close.clone().map(Outgoing::Close)
    }

    /// Waits for the next thing to send. One task at a time waits.
    pub async fn next(&self) -> Outgoing {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            self.changed.notified().await;
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn message(text: &'static str) -> Message {
        Message::Text(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn messages_come_in_order_and_before_the_end() {
        let outbox = Outbox::new(1000);
        outbox.push(message("a"));
        outbox.push(message("b"));
        let close = Close::new(1000, "bye");
        outbox.close(close.clone());
        outbox.close(Close::new(1011, "later"));
        outbox.push(message("after the end"));
        assert_eq!(outbox.try_next(), Some(Outgoing::Message(message("a"))));
        assert_eq!(outbox.try_next(), Some(Outgoing::Message(message("b"))));
        assert_eq!(outbox.try_next(), Some(Outgoing::Close(close)));
    }

    #[test]
    fn a_slow_client_is_disconnected_and_its_messages_are_dropped() {
        let outbox = Outbox::new(2 * OVERHEAD + 3);
        outbox.push(message("a"));
        outbox.push(message("bc"));
        assert_eq!(outbox.try_next(), Some(Outgoing::Message(message("a"))));
        outbox.push(message("d"));
        outbox.push(message("e"));
        let Some(Outgoing::Close(close)) = outbox.try_next() else {
            panic!("the connection ends");
        };
        assert_eq!(close.code, 1013);
    }

    #[test]
    fn a_broadcast_leaves_out_its_exceptions() {
        let mut clients = Clients::default();
        let outboxes: Vec<_> = (1..=3).map(|_| Arc::new(Outbox::new(1000))).collect();
        for (client, outbox) in (1..).zip(&outboxes) {
            clients.add(client, outbox.clone());
        }
        clients.carry_out(Action::Broadcast {
            message: message("a"),
            except: vec![9, 2],
        });
        let got: Vec<bool> = outboxes
            .iter()
            .map(|one| one.try_next().is_some())
            .collect();
        assert_eq!(got, [true, false, true]);
        assert_eq!(*clients.list(), [1, 2, 3]);
        assert!(clients.remove(2) && !clients.remove(2));
        assert_eq!(*clients.list(), [1, 3]);
    }
}
