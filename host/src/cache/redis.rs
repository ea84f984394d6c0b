//! The cache on a Redis server or a Redis Cluster, for users who outgrow one machine.

use super::{Cache, CacheError, LONGEST_KEY};
use crate::redis_client::{RedisClient, RedisError, RedisOptions};
use bytes::Bytes;
use redis::{Cmd, Value};
use std::{
    fmt::{self, Debug, Formatter},
    sync::Arc,
};

/// A cache on a Redis server or a Redis Cluster. Clones share its connections.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wit_host::{Cache, RedisCache};
///
/// let cache = RedisCache::connect("redis://app:secret@cache.example.com/?prefix=app:").await?;
/// cache.set("greeting", b"hello", Some(60)).await?;
/// assert_eq!(cache.get("greeting").await?, "hello");
/// # Ok(())
/// # }
/// ```
///
/// # The URL
///
/// `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE][?PARAMETER=VALUE&…]`, or `rediss://` for TLS. `:PASSWORD@`
/// without a user is the password of the user `default`. `%` and two hexadecimal digits stand for a byte. The
/// characters `:/?#[]@%` in a user or password, and `#@%&` in a parameter, must be written so.
///
/// | parameter | meaning | default |
/// |---|---|---|
/// | `prefix` | text before each key | `cache:` |
/// | `timeout` | bound on the time of a call, such as `500ms` | `5s` |
/// | `connect-timeout` | bound on the time of connecting | `2s` |
/// | `connections` | largest number of connections to a server, from 1 to 1000 | `2` |
/// | `cluster` | `true`: the server is a node of a Redis Cluster, and names the others | `false` |
/// | `seed` | another node of the cluster, as `HOST:PORT`, for the case that the first one does not answer; can be repeated, and implies `cluster=true` | |
/// | `ca` | path of a file with the certificates, in PEM, of the authorities to trust for TLS, in place of those of the system | |
///
/// # Entries
///
/// The entry `a` is the Redis key `cache:a` of type string, so other programs can read and write it. Its ttl
/// is the expiry of the Redis key. Each call is one command: `SET`, `GET` or `DEL`. `set` with a ttl of 0
/// removes the entry, by `DEL`. Redis decides what it evicts and what survives a restart.
///
/// # Errors
///
/// A key of more than 4,096 bytes and a value of more than 512 MiB are refused before anything is sent. Every
/// other failure is a [`RedisError`] too, as [`CacheError::Runtime`]: the server cannot be reached, does not
/// answer within the timeout, or refuses the command, for example because its memory is full and nothing can
/// be evicted. No error, and no `Debug` text, contains the password.
///
/// # Connections
///
/// A connection is made when a call finds all others busy; beyond the largest number, calls share
/// connections. If a connection breaks, the call connects again and sends its command once more. If that
/// fails, the call fails, and the calls of the next 10 ms fail at once with the same cause; the pause doubles
/// with each further failure, up to 1 s. A connection is replaced if a call on it was not answered in time, or
/// if the future of a call was dropped before the answer.
///
/// Connections belong to the Tokio runtime of the call, which needs its IO and time drivers
/// (`enable_all`). The cache can be used from several runtimes.
///
/// If a `set` or `delete` fails after its command was sent, the server may have carried it out. It does not do
/// so later, when a later call would be undone: before the next command it is told to close the connection,
/// with `CLIENT KILL`. That needs Redis 6.2, and a user who may use `CLIENT INFO` and `CLIENT KILL`; it is not
/// done in a cluster. A cluster's `delete` that is interrupted by a failing node can report
/// [`CacheError::NotFound`] for an entry that it removed.
#[derive(Clone)]
pub struct RedisCache(Arc<RedisClient>);

/// The text before each key, unless the options say otherwise.
const PREFIX: &str = "cache:";

impl RedisCache {
    /// Connects to the server or cluster of a URL. Fails within the connection timeout if there is none, if
    /// it refuses user, password or database, or if the URL is not valid.
    pub async fn connect(url: &str) -> Result<Self, RedisError> {
        Self::connect_with(url.parse()?).await
    }

    /// Connects with these options.
    pub async fn connect_with(options: RedisOptions) -> Result<Self, RedisError> {
        Ok(Self(Arc::new(RedisClient::connect(options).await?)))
    }

    /// Removes a key. `false` if there is none.
    async fn remove(&self, key: &str) -> Result<bool, RedisError> {
        let count = |value| match value {
            Value::Int(count @ 0..=1) => Some(count),
            _ => None,
        };
        let answer = self.0.request(&self.command("DEL", key)?, count).await?;
        match (answer.value, answer.is_second) {
            (0, true) => Err(self.0.words().deleted_or_absent()),
            (count, _) => Ok(count == 1),
        }
    }

    fn command(&self, name: &str, key: &str) -> Result<Cmd, RedisError> {
        if key.len() > LONGEST_KEY {
            return Err(RedisError::KeyTooLong {
                len: key.len(),
                max: LONGEST_KEY,
            });
        }
        let mut command = redis::cmd(name);
        let prefix = self.0.options.prefix.as_deref().unwrap_or(PREFIX);
        command.arg(format!("{prefix}{key}"));
        Ok(command)
    }
}

impl Cache for RedisCache {
    async fn set(&self, key: &str, value: &[u8], ttl: Option<u32>) -> Result<(), CacheError> {
        let mut command = self.command("SET", key)?;
        self.0.check_value(value)?;
        match ttl {
            // Redis refuses an expiry of 0.
            Some(0) => match self.remove(key).await {
                Ok(_) | Err(RedisError::DeletedOrAbsent { .. }) => return Ok(()),
                Err(error) => return Err(error.into()),
            },
            Some(seconds) => command.arg(value).arg("EX").arg(seconds),
            None => command.arg(value),
        };
        let is_done = |value| matches!(value, Value::Okay).then_some(());
        self.0.request(&command, is_done).await?;
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Bytes, CacheError> {
        let value = |value| match value {
            Value::BulkString(value) => Some(Some(value.into())),
            Value::Nil => Some(None),
            _ => None,
        };
        let answer = self.0.request(&self.command("GET", key)?, value).await?;
        answer.value.ok_or(CacheError::NotFound)
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        match self.remove(key).await? {
            true => Ok(()),
            false => Err(CacheError::NotFound),
        }
    }
}

impl From<RedisError> for CacheError {
    fn from(error: RedisError) -> Self {
        Self::Runtime(error.into())
    }
}

impl Debug for RedisCache {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisCache").field(&self.0.options).finish()
    }
}
