//! The options of connections to Redis.

use super::{error::RedisError, url};
use redis::{ConnectionAddr, ConnectionInfo};
use std::{
    fmt::{self, Debug, Formatter},
    num::NonZeroUsize,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

/// The options of connections to Redis: the servers with user and password, and what the fields say. They are parsed
/// from a URL; [`RedisCache`](crate::RedisCache) lists its parts. `Debug` does not show the password.
///
/// ```
/// use std::time::Duration;
/// use wit_host::RedisOptions;
///
/// let options: RedisOptions = "rediss://app:secret@cache.example.com/2?prefix=app:".parse()?;
/// let options = options.timeout(Duration::from_millis(200));
/// assert_eq!(options.prefix.as_deref(), Some("app:"));
/// assert!(!format!("{options:?}").contains("secret"));
/// # Ok::<(), wit_host::RedisError>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct RedisOptions {
    /// The text before each key. By default it is `cache:` for a cache, so that the entry `a` is the Redis key
    /// `cache:a`, and `rooms:` for rooms.
    pub prefix: Option<String>,
    /// The bound on the time of one call, with connecting again if that is necessary; 5 s by default.
    pub timeout: Duration,
    /// The bound on the time of connecting; 2 s by default.
    pub connect_timeout: Duration,
    /// The largest number of connections that one Tokio runtime opens to a server, or to each node of a
    /// cluster; 2 by default. A further connection is opened when a call finds all others busy; beyond the
    /// largest number, calls share connections. Small values are faster over few connections, because
    /// calls that run at the same time are then sent together; a small value waits while a large one
    /// occupies its connection.
    pub connections: NonZeroUsize,
    /// `true` if the servers are nodes of a Redis Cluster.
    pub cluster: bool,
    /// The file with the certificates, in PEM, of the authorities that are trusted for TLS, in place of those
    /// of the system.
    pub certificate_authority: Option<PathBuf>,
    /// The server, or the seeds of a cluster; never empty.
    pub(super) servers: Vec<ConnectionInfo>,
}

impl RedisOptions {
    /// The options for these servers, with the defaults for everything else.
    pub(super) fn new(servers: Vec<ConnectionInfo>) -> Self {
        Self {
            prefix: None,
            timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(2),
            connections: NonZeroUsize::new(2).expect("2 is not 0"),
            cluster: false,
            certificate_authority: None,
            servers,
        }
    }

    /// The same options with this text before each key.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// The same options with this bound on the time of one call.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same options with this bound on the time of connecting.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The same options with this largest number of connections.
    #[must_use]
    pub fn connections(mut self, connections: NonZeroUsize) -> Self {
        self.connections = connections;
        self
    }

    /// The same options with this file of certificate authorities.
    #[must_use]
    pub fn certificate_authority(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificate_authority = Some(path.into());
        self
    }

    /// `true` if the connections use TLS; the seeds of a cluster are all alike.
    pub fn is_tls(&self) -> bool {
        let mut servers = self.servers.iter();
        servers.any(|server| matches!(server.addr(), ConnectionAddr::TcpTls { .. }))
    }

    /// The addresses of the server or of the cluster's seeds, as `HOST:PORT`.
    pub fn addresses(&self) -> Vec<String> {
        let addresses = self.servers.iter();
        addresses.map(|server| server.addr().to_string()).collect()
    }
}

impl FromStr for RedisOptions {
    type Err = RedisError;

    fn from_str(url: &str) -> Result<Self, RedisError> {
        url::parse(url)
    }
}

impl Debug for RedisOptions {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("servers", &self.addresses())
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("connections", &self.connections)
            .field("cluster", &self.cluster)
            .field("certificate_authority", &self.certificate_authority)
            .finish_non_exhaustive()
    }
}
