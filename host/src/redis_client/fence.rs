//! Commands that are late. A call that was not answered in time may have its command still underway, in the
//! network or in a server that stalls. On a new connection a later call could overtake it, and its value would then
//! be overwritten by the older one. So before the next command, the server closes the connections that
//! were given up.

use super::{endpoint::Link, lane::is_fault_of_link};
use redis::{RedisResult, Value, aio::MultiplexedConnection};
use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// A connection as its server names it. A number alone is used again after a restart of the server, and an
/// address alone after the connection is closed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Identity {
    number: String,
    address: String,
}

impl Identity {
    /// Asks the server. `None` if it does not say, because it is older than 6.2 or the user may not ask.
    pub(super) async fn of(connection: &mut MultiplexedConnection) -> RedisResult<Option<Self>> {
        let command = redis::cmd("CLIENT").arg("INFO").take();
        let info = match connection.send_packed_command(&command).await? {
            Value::BulkString(info) => String::from_utf8_lossy(&info).into_owned(),
            Value::VerbatimString { text, .. } => text,
            _ => return Ok(None),
        };
        let field = |name| {
            let mut fields = info.split_ascii_whitespace();
            fields
                .find_map(|field| field.strip_prefix(name))
                .map(str::to_owned)
        };
        let identity = field("id=").zip(field("addr="));
        Ok(identity.map(|(number, address)| Self { number, address }))
    }
}

/// The connections that were given up and may still be open on the server's side.
#[derive(Default)]
pub(super) struct Fence {
    given_up: Mutex<Vec<Identity>>,
    is_needed: AtomicBool,
    turn: tokio::sync::Mutex<()>,
}

impl Fence {
    /// Gives up a connection.
    pub(super) fn give_up(&self, identity: Identity) {
        let mut given_up = self.given_up();
        given_up.push(identity);
        self.is_needed.store(true, Ordering::SeqCst);
    }

    /// Has the server close the connections that were given up. Other calls wait until that is done. A user
    /// without the permission to close connections does without.
    pub(super) async fn pass(&self, link: &mut Link) -> RedisResult<()> {
        if !self.is_needed.load(Ordering::SeqCst) {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        while let Some(identity) = self.first() {
            let mut command = redis::cmd("CLIENT");
            command.arg(&["KILL", "ID", &identity.number, "ADDR", &identity.address]);
            match link.send(&command).await {
                Err(error) if is_fault_of_link(&error) => return Err(error),
                _ => self.given_up().retain(|other| *other != identity),
            }
        }
        Ok(())
    }

    fn first(&self) -> Option<Identity> {
        let given_up = self.given_up();
        let first = given_up.first().cloned();
        self.is_needed.store(first.is_some(), Ordering::SeqCst);
        first
    }

    fn given_up(&self) -> MutexGuard<'_, Vec<Identity>> {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
