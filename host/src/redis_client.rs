//! Connections to a Redis server or a Redis Cluster: one command at a time, each within a bound on its time.

mod endpoint;
mod error;
mod fence;
mod lane;
mod options;
mod pool;
mod url;
mod words;

pub use error::RedisError;
pub use options::RedisOptions;

use endpoint::Endpoint;
use lane::{Answer, Bound};
use pool::Pool;
use redis::{Cmd, Value};
use std::time::Duration;
use tokio::time::Instant;
use words::Words;

/// The length of the longest value, in bytes: the default of Redis (`proto-max-bulk-len`).
const MAX_VALUE: usize = 512 << 20;

/// A client of a Redis server or a Redis Cluster.
pub(crate) struct RedisClient {
    pub(crate) options: RedisOptions,
    endpoint: Endpoint,
    pool: Pool,
}

impl RedisClient {
    /// Connects with these options. Fails within the connection timeout if there is no server, or if it refuses user,
    /// password or database.
    pub(crate) async fn connect(options: RedisOptions) -> Result<Self, RedisError> {
        let client = Self {
            endpoint: Endpoint::new(&options)?,
            pool: Pool::new(options.connections),
            options,
        };
        // Connecting has its own bound.
        let bound = client.bound(2 * client.options.connect_timeout);
        client.pool.lane().0.link(&client.endpoint, bound).await?;
        Ok(client)
    }

    /// Sends a command, once more if the connection breaks, and reads its answer. `read` returns `None` for a
    /// value that is not an answer to the command.
    pub(crate) async fn request<T>(
        &self,
        command: &Cmd,
        read: impl Fn(Value) -> Option<T>,
    ) -> Result<Answer<T>, RedisError> {
        let bound = self.bound(self.options.timeout);
        let lane = self.pool.lane();
        lane.0.request(&self.endpoint, command, read, bound).await
    }

    /// Refuses a value that no Redis server takes.
    pub(crate) fn check_value(&self, value: &[u8]) -> Result<(), RedisError> {
        match value.len() {
            len if len > MAX_VALUE => Err(RedisError::ValueTooLarge {
                len,
                max: MAX_VALUE,
            }),
            _ => Ok(()),
        }
    }

    /// Errors in words, for this server or cluster.
    pub(crate) fn words(&self) -> &Words {
        self.endpoint.words()
    }

    fn bound(&self, timeout: Duration) -> Bound {
        Bound {
            timeout,
            connect_timeout: self.options.connect_timeout,
            deadline: Instant::now() + timeout,
        }
    }
}
