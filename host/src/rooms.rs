//! Rooms: instances of one logic that clients join, and that live on while their logic is replaced.

pub(crate) mod clients;
pub(crate) mod core_module;
pub(crate) mod counters;
pub(crate) mod effects;
pub(crate) mod interface;
mod keeper;
pub(crate) mod logic;
pub(crate) mod message;
pub(crate) mod name;
pub(crate) mod registry;
pub(crate) mod room;
pub(crate) mod running;
pub(crate) mod saved;
pub(crate) mod storage;

use crate::{host_interface::import::in_words, untrusted::Message};
use std::error::Error;

/// An error with its causes, for the log.
fn words(error: &(dyn Error + 'static)) -> Message<String> {
    Message(in_words(error))
}
