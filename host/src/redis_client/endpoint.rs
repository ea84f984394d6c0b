//! A server or a cluster, and links to it.

use super::{error::RedisError, fence::Identity, options::RedisOptions, words::Words};
use redis::{
    AsyncConnectionConfig, Client, Cmd, RedisResult, TlsCertificates, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    io::tcp::TcpSettings,
};
use std::{fs, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::timeout;

/// A server or a cluster to connect to.
pub(super) struct Endpoint {
    client: AnyClient,
    words: Words,
}

enum AnyClient {
    Server(Box<Client>),
    Cluster(Box<ClusterClient>),
}

/// A connection to a server, or connections to the nodes of a cluster. Clones share it, and requests that
/// run at the same time are answered in turn.
#[derive(Clone)]
pub(super) enum Link {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Endpoint {
    /// Prepares for connecting. Reads the file of the certificate authority.
    pub(super) fn new(options: &RedisOptions) -> Result<Self, RedisError> {
        let words = Words::new(options);
        let tcp = TcpSettings::default().set_nodelay(true);
        let mut servers = options.servers.iter().cloned();
        if options.is_tls() {
            // Linked with both of its providers, `rustls` panics unless one is chosen; an embedder's choice
            // stays.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let certificates = certificates(options)?;
        let client = if options.cluster {
            // A node that does not answer must leave time for the others: the seeds are asked at the same time,
            // then the nodes that they name.
            let mut builder = ClusterClient::builder(servers)
                .tcp_settings(tcp)
                .connection_timeout(options.connect_timeout / 3)
                .response_timeout(options.timeout)
                .overall_response_timeout(None);
            if let Some((certificates, _)) = certificates.clone() {
                builder = builder.certs(certificates);
            }
            builder
                .build()
                .map(|client| AnyClient::Cluster(client.into()))
        } else {
            let server = servers.next().expect("the options have a server");
            let server = server.set_tcp_settings(tcp);
            match certificates.clone() {
                Some((certificates, _)) => Client::build_with_tls(server, certificates),
                None => Client::open(server),
            }
            .map(|client| AnyClient::Server(client.into()))
        };
        match (client, certificates) {
            (Ok(client), _) => Ok(Self { client, words }),
            (Err(error), Some((_, path))) => Err(RedisError::Certificate {
                path,
                source: words.cause(&error),
            }),
            (Err(error), None) => Err(words.not_connected(&error)),
        }
    }

    /// Connects within a time.
    pub(super) async fn connect(
        &self,
        within: Duration,
    ) -> Result<(Link, Option<Identity>), RedisError> {
        let connecting = async {
            match &self.client {
                AnyClient::Server(client) => {
                    // The caller bounds the time of each call.
                    let config = AsyncConnectionConfig::new()
                        .set_connection_timeout(None)
                        .set_response_timeout(None);
                    let connection = client.get_multiplexed_async_connection_with_config(&config);
                    let mut connection = connection.await?;
                    let identity = Identity::of(&mut connection).await?;
                    Ok((Link::Server(connection), identity))
                }
                AnyClient::Cluster(client) => {
                    let connection = client.get_async_connection().await?;
                    Ok((Link::Cluster(connection), None))
                }
            }
        };
        match timeout(within, connecting).await {
            Ok(connected) => {
                connected.map_err(|error: redis::RedisError| self.words.not_connected(&error))
            }
            Err(_) => Err(self.words.not_connected_within(within)),
        }
    }

    /// Errors in words, for this server or cluster.
    pub(super) fn words(&self) -> &Words {
        &self.words
    }
}

impl Link {
    /// Sends a command and waits for its answer, for any length of time.
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Server(connection) => connection.send_packed_command(command).await,
            Self::Cluster(connection) => connection.req_packed_command(command).await,
        }?
        .extract_error()
    }
}

/// The certificates to trust in place of those of the system, and the file that they are from.
fn certificates(options: &RedisOptions) -> Result<Option<(TlsCertificates, PathBuf)>, RedisError> {
    let Some(path) = options.certificate_authority.clone() else {
        return Ok(None);
    };
    let root_cert = match fs::read(&path) {
        // The crate trusts nobody if a file has no certificate, and reports it only when it connects.
        Ok(bytes)
            if bytes
                .windows(27)
                .any(|bytes| bytes == b"-----BEGIN CERTIFICATE-----") =>
        {
            bytes
        }
        Ok(_) => {
            let source = Arc::from(Box::from("there is no certificate in the file"));
            return Err(RedisError::Certificate { path, source });
        }
        Err(error) => {
            let source = Arc::new(error);
            return Err(RedisError::Certificate { path, source });
        }
    };
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(root_cert),
    };
    Ok(Some((certificates, path)))
}
