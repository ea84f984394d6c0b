//! What the logic of a room asks for during an event.

use super::{
    clients::ClientId,
    message::{Close, Message},
};
use std::sync::Arc;

/// The effects of one event, in their order. They take place if the event returns.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    actions: Vec<Action>,
    /// The bytes that the actions hold.
    bytes: usize,
    /// The new timer, if the event set or removed it, in milliseconds.
    pub(crate) wake_after: Option<Option<u32>>,
    /// The clients at the time of the event.
    pub(crate) clients: Arc<[ClientId]>,
}

/// An effect on clients.
#[derive(Debug)]
pub(crate) enum Action {
    Send {
        to: ClientId,
        message: Message,
    },
    Broadcast {
        message: Message,
        except: Vec<ClientId>,
    },
    Disconnect {
        client: ClientId,
        close: Close,
    },
}

/// The bytes that the effects of one event may hold, with what they add to the outboxes of all clients.
const MOST_BYTES: usize = 64 << 20;

/// The bytes that an action takes beside its message.
const ACTION: usize = size_of::<Action>();

/// An event asked for too much.
#[derive(Debug, thiserror::Error)]
#[error("the messages of one event take more than {} MiB", MOST_BYTES >> 20)]
pub(crate) struct TooMuch;

impl Effects {
    /// Fails if a message of this many bytes is too much, before anybody copies it.
    pub(crate) fn expect_room_for(&self, message: usize) -> Result<(), TooMuch> {
        match self.bytes.saturating_add(message) > MOST_BYTES {
            true => Err(TooMuch),
            false => Ok(()),
        }
    }

    pub(crate) fn add(&mut self, action: Action) -> Result<(), TooMuch> {
        let held = ACTION
            + match &action {
                Action::Send { message, .. } => message.size(),
                Action::Broadcast { message, except } => {
                    let in_outboxes = self.clients.len() * size_of::<Message>();
                    message.size() + size_of_val(&except[..]) + in_outboxes
                }
                Action::Disconnect { close, .. } => close.reason.len(),
            };
        self.bytes = self.bytes.saturating_add(held);
        if self.bytes > MOST_BYTES {
            return Err(TooMuch);
        }
        self.actions.push(action);
        Ok(())
    }

    /// Takes the actions, for the next event to start without any.
    pub(crate) fn take(&mut self) -> Vec<Action> {
        self.bytes = 0;
        std::mem::take(&mut self.actions)
    }

    /// Forgets the effects of an event that failed.
    pub(crate) fn clear(&mut self) {
        self.bytes = 0;
        self.actions.clear();
        self.wake_after = None;
    }
}
