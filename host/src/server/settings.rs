//! The settings of a server.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// The settings of a server of rooms.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerSettings {
    /// The address for clients.
    pub listen: SocketAddr,
    /// The address for administration, with metrics. `None` is no administration; metrics are then served to
    /// clients.
    pub admin: Option<SocketAddr>,
    /// The address for the other servers that share the rooms. They pass clients on to it, without TLS. `None` is none:
    /// clients of the other servers cannot join the rooms of this one.
    pub peers: Option<SocketAddr>,
    /// The address that the other servers are told, as `HOST:PORT`. `None` is the one of `peers`.
    pub advertise: Option<String>,
    /// The certificates and the key for TLS.
    pub tls: Option<TlsFiles>,
    /// The values of `Origin` that may connect, such as `https://example.com`. `None` is the server's own
    /// host, and clients that are not browsers.
    pub origins: Option<Vec<String>>,
    /// The directory with files for browsers.
    pub files: Option<PathBuf>,
    /// The longest message, in bytes.
    pub longest_message: usize,
    /// The largest number of connections.
    pub most_connections: usize,
    /// The time between two pings. A connection from which nothing has come for twice this time is dead.
    pub ping_every: Duration,
    /// The longest time of a write to a client, and of waiting for the end of its connection.
    pub patience: Duration,
}

/// The files for TLS, in PEM.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TlsFiles {
    /// The certificate of the server, and those of the authorities between it and a root.
    pub certificates: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl TlsFiles {
    /// TLS with these files.
    pub fn new(certificates: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificates: certificates.into(),
            key: key.into(),
        }
    }
}

impl ServerSettings {
    /// A server without TLS, files and administration. Messages have 1 MiB at most, and there are
    /// 20,000 connections at most; a ping is sent every 30 seconds, and a write takes 10 seconds at most.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            admin: None,
            peers: None,
            advertise: None,
            tls: None,
            origins: None,
            files: None,
            longest_message: 1 << 20,
            most_connections: 20_000,
            ping_every: Duration::from_secs(30),
            patience: Duration::from_secs(10),
        }
    }
}
