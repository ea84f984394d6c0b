//! The cache on Redis, against real servers that the tests start on free ports of the loopback interface.

mod bad_urls;
mod cluster;
mod cluster_faults;
mod command;
mod connections;
mod faults;
mod meaning;
mod model;
mod proxy;
pub mod server;
mod tls;

use crate::embedding::tokio;
use libtest_mimic::{Failed, Trial};
use server::Server;
use wit_host::RedisCache;

/// The trials.
pub fn trials() -> Vec<Trial> {
    [
        meaning::trials(),
        bad_urls::trials(),
        tls::trials(),
        connections::trials(),
        cluster::trials(),
        command::trials(),
        faults::trials(),
        cluster_faults::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Runs a test with a server and a cache on it.
fn connected(
    test: impl AsyncFnOnce(Server, RedisCache) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let server = Server::start()?;
    tokio()?.block_on(async {
        let cache = RedisCache::connect(&server.url("")).await?;
        test(server, cache).await
    })
}
