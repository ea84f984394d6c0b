//! The cache on Redis, against real servers that the tests start on free ports of the loopback interface.

mod faults;
mod meaning;
mod model;
mod proxy;
mod server;

use crate::embedding::tokio;
use libtest_mimic::{Failed, Trial};
use server::Server;
use wit_host::RedisCache;

/// The trials.
pub fn trials() -> Vec<Trial> {
    let mut trials = meaning::trials();
    trials.extend(faults::trials());
    trials
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
