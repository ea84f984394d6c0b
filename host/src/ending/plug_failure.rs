//! Failures of calls of isolated plugs.

use crate::{
    compose::isolation::Restarts,
    ending::{TimedOut, trap::Trap},
    host_interface::import::in_words,
    names::part::PartName,
    untrusted::Name,
};
use std::{error::Error, fmt, time::Duration};

/// A call of an isolated plug that failed, because of the plug.
///
/// Only the call has failed. [`Isolation::on_trap`](crate::Isolation) determines the caller's result.
#[derive(Debug, thiserror::Error)]
#[error("the isolated plug `{plug}` failed in `{}`: {cause}", Name(.function))]
#[non_exhaustive]
pub struct PlugFailure {
    /// The plug.
    pub plug: PartName,
    /// The function that was called: `interface#name`.
    pub function: String,
    /// The reason.
    pub cause: PlugFailureCause,
}

/// The reason why a call of an isolated plug failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlugFailureCause {
    /// The plug, or a plug in its store, trapped, in the call or while it started. A limit on memory often ends in a trap.
    Trapped(Box<Trap>),
    /// The call, or the start of the plug, took longer than [`Isolation::timeout`](crate::Isolation).
    TimedOut(TimedOut),
    /// The plug called `exit` with this code. Only the consumer can end the program.
    Exited(i32),
    /// There was no room for another instance of the plug, or its grants could not be opened.
    NotStarted(Box<dyn Error + Send + Sync>),
    /// All instances were busy for [`Isolation::wait`](crate::Isolation).
    Busy {
        /// The time that the call waited.
        waited: Duration,
    },
    /// The plug failed too often, and stays down.
    Down {
        /// The bound that was exceeded.
        restarts: Restarts,
    },
}

impl fmt::Display for PlugFailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trapped(trap) => write!(f, "{trap}"),
            Self::TimedOut(timed_out) => write!(f, "{timed_out}"),
            Self::Exited(code) => write!(
                f,
                "it called `exit` with code {code}, and only the consumer can end the program"
            ),
            Self::NotStarted(error) => write!(f, "{}", Name(in_words(&**error))),
            Self::Busy { waited } => {
                write!(f, "all its instances were busy for {waited:?}")
            }
            Self::Down { restarts } => write!(
                f,
                "it stays down, because it failed more often than {restarts} allow"
            ),
        }
    }
}

impl PlugFailureCause {
    /// `true` if code of the plug failed, and not the host for want of room or of a grant.
    pub(crate) fn is_of_plug(&self) -> bool {
        match self {
            Self::Trapped(_) | Self::TimedOut(_) | Self::Exited(_) => true,
            Self::NotStarted(_) | Self::Busy { .. } | Self::Down { .. } => false,
        }
    }
}

/// The deadline of the caller passed while it waited for an isolated plug.
#[derive(Debug, thiserror::Error)]
#[error("the time of the program is up, in the isolated plug `{plug}`")]
pub(crate) struct TimedOutInPlug {
    pub(crate) plug: PartName,
}

/// The caller's fuel was used up while it waited for an isolated plug.
#[derive(Debug, thiserror::Error)]
#[error("it has used up its fuel, in the isolated plug `{plug}`")]
pub(crate) struct OutOfFuelInPlug {
    pub(crate) plug: PartName,
}
