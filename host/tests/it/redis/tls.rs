//! `rediss://`: a server is trusted by its certificate authority and its name.

use super::{
    model::shown,
    server::{Server, trial},
};
use crate::{certificates::certificates, embedding::tokio};
use libtest_mimic::{Failed, Trial};
use std::fs;
use wit_host::{Cache, RedisCache};

pub fn trials() -> Vec<Trial> {
    vec![trial("tls_verifies_the_server", verifies)]
}

fn verifies() -> Result<(), Failed> {
    let files = certificates()?;
    let path = |name: &str| files.path().join(name).display().to_string();
    let server = Server::start_with(&[
        "--port",
        "0",
        "--tls-port",
        "PORT",
        "--tls-auth-clients",
        "no",
        "--tls-cert-file",
        &path("server.pem"),
        "--tls-key-file",
        &path("server.key"),
        "--tls-ca-cert-file",
        &path("ca.pem"),
        "--requirepass",
        "secret",
    ])?;
    let url =
        |host: &str, ca: &str| format!("rediss://:secret@{host}:{}/?ca={}", server.port, path(ca));
    tokio()?.block_on(async {
        let cache = RedisCache::connect(&url("127.0.0.1", "ca.pem")).await?;
        let value = vec![5; 3 << 20];
        cache.set("k", &value, Some(9)).await?;
        assert!(cache.get("k").await? == value);
        cache.delete("k").await?;

        for (what, url, expected) in [
            (
                "another authority",
                url("127.0.0.1", "other.pem"),
                "invalid peer certificate",
            ),
            (
                "another name",
                url("localhost", "ca.pem"),
                "not valid for name",
            ),
            (
                "the system's authorities",
                format!("rediss://:secret@127.0.0.1:{}", server.port),
                "certificate",
            ),
            (
                "no TLS",
                format!("redis://:secret@127.0.0.1:{}", server.port),
                "127.0.0.1",
            ),
        ] {
            let connected = RedisCache::connect(&url).await;
            let error = connected.err().ok_or(format!("{what} was accepted"))?;
            let shown = shown(&error);
            assert!(shown.contains(expected), "{what}: {shown}");
            assert!(!shown.contains("secret"), "{what}: {shown}");
        }
        fs::write(path("empty.pem"), "")?;
        fs::write(
            path("broken.pem"),
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        )?;
        for name in ["empty.pem", "broken.pem", "server.key"] {
            let connected = RedisCache::connect(&url("127.0.0.1", name)).await;
            let error = connected.err().ok_or(format!("{name} was accepted"))?;
            let expected = format!("failed to read certificates in PEM from `{}`", path(name));
            assert_eq!(error.to_string(), expected);
        }
        Ok(())
    })
}
