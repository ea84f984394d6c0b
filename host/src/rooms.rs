//! Rooms: instances of one logic that clients join, and that live on while their logic is replaced.

mod clients;
mod core_module;
mod counters;
mod effects;
mod interface;
mod keeper;
mod logic;
mod message;
mod name;
mod registry;
mod room;
mod running;
mod saved;
mod storage;

pub use clients::{ClientId, Outbox, Outgoing};
pub use counters::Counters;
pub use logic::{Logic, LogicError};
pub use message::{Close, Message, Received};
pub use name::{InvalidRoomName, RoomName};
pub use registry::{Replaced, RoomSettings, Rooms};
pub use room::{Member, NotJoined};
pub use running::Request;
pub use saved::NotSaved;
pub use storage::{Owner, RoomStorage, StorageError};

use crate::{host_interface::import::in_words, untrusted};
use std::error::Error;

/// An error with its causes, for the log.
fn words(error: &(dyn Error + 'static)) -> untrusted::Message<String> {
    untrusted::Message(in_words(error))
}
