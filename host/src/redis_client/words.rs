//! Errors of the `redis` crate in this crate's words, without secrets.

use super::{error::RedisError, options::RedisOptions};
use std::{error::Error, sync::Arc, time::Duration};

/// Makes errors for one server or cluster.
pub(crate) struct Words {
    servers: Vec<String>,
    password: Option<String>,
}

impl Words {
    pub(super) fn new(options: &RedisOptions) -> Self {
        let settings = options
            .servers
            .first()
            .map(|server| server.redis_settings());
        let password = settings.and_then(|settings| settings.password());
        Self {
            servers: options.addresses(),
            password: password.filter(|text| !text.is_empty()).map(str::to_owned),
        }
    }

    /// The cause of an error of ours.
    pub(super) fn cause(&self, error: &redis::RedisError) -> Arc<dyn Error + Send + Sync> {
        Arc::from(Box::from(self.scrubbed(error)))
    }

    /// The text of an error, without the arguments of commands. A server that does not know the command
    /// `AUTH` quotes its arguments, and one that is not Redis can quote anything.
    fn scrubbed(&self, error: &redis::RedisError) -> String {
        let mut text = error.to_string();
        if let Some(end) = text.find("with args") {
            text.truncate(end);
        }
        match &self.password {
            Some(password) => text.replace(password.as_str(), "…"),
            None => text,
        }
    }

    pub(super) fn not_connected(&self, error: &redis::RedisError) -> RedisError {
        RedisError::Connect {
            servers: self.servers.clone(),
            source: self.cause(error),
        }
    }

    pub(super) fn not_connected_within(&self, after: Duration) -> RedisError {
        RedisError::ConnectTimeout {
            servers: self.servers.clone(),
            // What is left of a call's time is not a round number.
            after: Duration::from_millis(after.as_micros().div_ceil(1000) as u64),
        }
    }

    pub(crate) fn no_answer_within(&self, after: Duration) -> RedisError {
        RedisError::Timeout {
            servers: self.servers.clone(),
            after,
        }
    }

    /// The error of a command that was sent.
    pub(super) fn failed(&self, error: &redis::RedisError) -> RedisError {
        let servers = self.servers.clone();
        match error.kind() {
            redis::ErrorKind::Server(_) | redis::ErrorKind::Extension => RedisError::Refused {
                servers,
                reply: self.scrubbed(error),
            },
            redis::ErrorKind::Parse => RedisError::UnexpectedReply { servers },
            _ => RedisError::Connection {
                servers,
                source: self.cause(error),
            },
        }
    }

    pub(super) fn unexpected(&self) -> RedisError {
        RedisError::UnexpectedReply {
            servers: self.servers.clone(),
        }
    }

    pub(crate) fn deleted_or_absent(&self) -> RedisError {
        RedisError::DeletedOrAbsent {
            servers: self.servers.clone(),
        }
    }
}
