//! The settings of rooms and of their server.

use super::limits::{parse_duration, parse_size};
use crate::cli::{backend, exit::UsageError};
use anyhow::Context;
use bytesize::ByteSize;
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use wit_host::{
    RedisOptions,
    rooms::{RoomSettings, RoomStorage},
    server::{ServerSettings, TlsFiles},
    untrusted::Name,
};

/// How rooms live.
#[derive(clap::Args)]
pub struct RoomArgs {
    /// Keep the states of rooms here, so that they outlive the server: `dir:PATH`, an existing directory, or
    /// `redis://…`, which several servers can share.
    ///
    /// Without it a room lives as long as somebody is in it, and `--sleep-after` longer. `--cache` explains the URL of
    /// Redis; the prefix of keys is `rooms:` here.
    #[arg(long, value_name = "STORAGE", help_heading = "Rooms")]
    rooms_in: Option<String>,
    /// Let another server have a room this long after this one was last heard of. For rooms in Redis.
    #[arg(long, value_name = "DUR", default_value = "10s", value_parser = parse_lease, help_heading = "Rooms")]
    lease: Duration,
    /// Allow this number of rooms.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10_000,
        help_heading = "Rooms"
    )]
    max_rooms: usize,
    /// Allow this number of clients in a room.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_000,
        help_heading = "Rooms"
    )]
    max_clients: usize,
    /// Hold this much for a client that takes its messages more slowly than they come. Above it the client
    /// is disconnected with code 1013.
    #[arg(long, value_name = "SIZE", default_value = "4MiB", value_parser = parse_size, help_heading = "Rooms")]
    max_queued: ByteSize,
    /// Save the state of a room this long after an event.
    #[arg(long, value_name = "DUR", default_value = "1s", value_parser = parse_duration, help_heading = "Rooms")]
    save_after: Duration,
    /// Save a room in which nothing happens for this long, and drop its instance. Its clients stay
    /// connected, and the next event starts it again.
    #[arg(long, value_name = "DUR", default_value = "1m", value_parser = parse_duration, help_heading = "Rooms")]
    sleep_after: Duration,
}

/// How clients connect.
#[derive(clap::Args)]
pub struct ServerArgs {
    /// Listen for clients on this address. Port 0 is any free port.
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:8080",
        help_heading = "Server"
    )]
    listen: SocketAddr,
    /// Listen for the administrator on this address: `POST /replace`, `GET /metrics`, `GET /health`.
    ///
    /// Whoever can connect to it can replace the logic by the current content of LOGIC.
    #[arg(long, value_name = "ADDR", help_heading = "Server")]
    admin: Option<SocketAddr>,
    /// Listen on this address for the other servers that share the rooms, which pass on their clients. For rooms in Redis.
    ///
    /// There is no TLS on it, so it belongs on a private network.
    #[arg(long, value_name = "ADDR", help_heading = "Server")]
    peers: Option<SocketAddr>,
    /// Tell the other servers this address, instead of the one of `--peers`.
    #[arg(
        long,
        value_name = "HOST:PORT",
        value_parser = parse_address,
        requires = "peers",
        help_heading = "Server"
    )]
    advertise: Option<String>,
    /// Allow browsers to connect from pages of this origin, such as `https://example.com`; `*` is any.
    ///
    /// By default a page must come from the host that it connects to. Clients that are not browsers send
    /// no origin, and can always connect.
    #[arg(long = "origin", value_name = "ORIGIN", help_heading = "Server")]
    origins: Vec<String>,
    /// The certificate of the server and those of its authorities, in PEM.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        help_heading = "Server"
    )]
    tls_certificate: Option<PathBuf>,
    /// The private key of the server, in PEM.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_certificate",
        help_heading = "Server"
    )]
    tls_key: Option<PathBuf>,
    /// Serve the files in this directory to browsers.
    #[arg(long = "static", value_name = "DIR", help_heading = "Server")]
    files: Option<PathBuf>,
    /// Refuse messages that are longer than this, with code 1009.
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = parse_size, help_heading = "Server")]
    max_message: ByteSize,
    /// Allow this number of connections.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20_000,
        help_heading = "Server"
    )]
    max_connections: usize,
    /// Send a ping this often. A connection from which nothing comes for twice this time is closed.
    #[arg(long, value_name = "DUR", default_value = "30s", value_parser = parse_duration, help_heading = "Server")]
    ping_every: Duration,
}

impl RoomArgs {
    pub async fn settings(&self) -> anyhow::Result<RoomSettings> {
        let storage = match &self.rooms_in {
            None => RoomStorage::none(),
            Some(text) => storage(text, self.lease).await?,
        };
        let mut settings = RoomSettings::new(storage);
        settings.most_rooms = self.max_rooms;
        settings.most_clients = self.max_clients;
        settings.most_queued = bytes(self.max_queued);
        settings.save_after = self.save_after;
        settings.sleep_after = self.sleep_after;
        Ok(settings)
    }
}

async fn storage(text: &str, lease: Duration) -> anyhow::Result<RoomStorage> {
    const FAILED: &str = "failed to keep rooms";
    let usage = |why: String| {
        UsageError(format!(
            "`--rooms-in {}`: {why}",
            Name(&backend::shown(text))
        ))
    };
    match text.split_once(':') {
        Some(("redis" | "rediss", _)) => {
            let options = text.parse::<RedisOptions>();
            let options = options.map_err(|error| usage(error.to_string()))?;
            RoomStorage::redis(options, lease).await.context(FAILED)
        }
        Some(("dir", "")) => Err(usage("name a directory, as in `dir:PATH`".to_owned()).into()),
        Some(("dir", path)) => RoomStorage::directory(path.as_ref()).context(FAILED),
        _ => Err(usage("rooms are kept in `dir:PATH` or `redis://…`".to_owned()).into()),
    }
}

fn parse_lease(text: &str) -> Result<Duration, String> {
    let lease = parse_duration(text)?;
    let (shortest, longest) = (RoomStorage::LEASES.start(), RoomStorage::LEASES.end());
    match RoomStorage::LEASES.contains(&lease) {
        true => Ok(lease),
        false => Err(format!("it is from {shortest:?} to {longest:?}")),
    }
}

fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}

/// An address whose host can be a name.
fn parse_address(text: &str) -> Result<String, &'static str> {
    let parts = text.rsplit_once(':');
    let is_address = parts.is_some_and(|(host, port)| {
        let is_host = !host.is_empty() && !host.contains([' ', '/', '@']);
        is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    match is_address {
        true => Ok(text.to_owned()),
        false => Err("write a host and a port, such as `10.0.0.2:7000`"),
    }
}

impl ServerArgs {
    /// The settings, for rooms that other servers share or not.
    pub fn settings(&self, is_shared: bool) -> Result<ServerSettings, UsageError> {
        if self.peers.is_some() && !is_shared {
            let words = "`--peers` is for rooms that servers share; add `--rooms-in redis://…`";
            return Err(UsageError(words.to_owned()));
        }
        if let Some(address) = self.peers
            && address.ip().is_unspecified()
            && self.advertise.is_none()
        {
            return Err(UsageError(format!(
                "`--peers {address}`: other servers cannot connect to this address; add `--advertise HOST:PORT`"
            )));
        }
        let mut settings = ServerSettings::new(self.listen);
        settings.admin = self.admin;
        settings.peers = self.peers;
        settings.advertise = self.advertise.clone();
        settings.origins = (!self.origins.is_empty()).then(|| self.origins.clone());
        settings.tls = self
            .tls_certificate
            .as_ref()
            .zip(self.tls_key.as_ref())
            .map(|(certificates, key)| TlsFiles::new(certificates, key));
        settings.files = self.files.clone();
        settings.longest_message = bytes(self.max_message);
        settings.most_connections = self.max_connections;
        settings.ping_every = self.ping_every;
        Ok(settings)
    }
}
