//! Bad URLs, servers that are not there, and secrets: an error names the fault and never the password.

use super::{
    connected,
    model::shown,
    server::{Server, free_port, trial},
};
use crate::embedding::tokio;
use libtest_mimic::{Failed, Trial};
use std::{
    net::{Ipv4Addr, TcpListener},
    time::{Duration, Instant},
};
use wit_host::{RedisCache, RedisError, RedisOptions};

const PARAMETERS: &str =
    "`ca`, `cluster`, `connect-timeout`, `connections`, `prefix`, `seed`, `timeout`";

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("redis::bad_urls_are_explained", bad_urls),
        Trial::test("redis::a_url_has_all_options", options),
        Trial::test("redis::a_server_that_is_absent_is_named", absent),
        Trial::test("redis::a_server_that_does_not_answer_is_named", silent),
        Trial::test("redis::no_message_shows_a_secret", secrets),
        trial("a_wrong_password_is_refused", || {
            connected(async |server, _| refused(&server).await)
        }),
        trial(
            "an_unknown_command_does_not_show_the_password",
            unknown_command,
        ),
    ]
}

fn parsed(url: &str) -> Result<RedisOptions, RedisError> {
    url.parse()
}

fn bad_urls() -> Result<(), Failed> {
    let not_valid = "the URL of Redis is not valid";
    for (url, expected) in [
        ("", not_valid),
        ("redis", not_valid),
        ("redis:", not_valid),
        ("redis://", not_valid),
        ("http://h", not_valid),
        ("redis://h:x", not_valid),
        ("redis://h/x", not_valid),
        ("redis://h#x", not_valid),
        (
            "redis://u@h",
            "the URL of Redis has a user without a password",
        ),
        (
            "redis://u:@h",
            "the URL of Redis has a user without a password",
        ),
        (
            "rediss://h#insecure",
            "the URL of Redis asks for TLS that does not verify the server",
        ),
        (
            "redis://h?fsync=full",
            &format!(
                "the URL of Redis has the unknown parameter `fsync`; the parameters are {PARAMETERS}"
            ),
        ),
        (
            "redis://h?timeout=1s&timeout=2s",
            "the URL of Redis has the parameter `timeout` twice; keep one",
        ),
        (
            "redis://h?timeout=5",
            "the parameter `timeout` of the URL of Redis is not a duration",
        ),
        (
            "redis://h?timeout=0s",
            "the parameter `timeout` of the URL of Redis is not a duration",
        ),
        (
            "redis://h?connect-timeout=2h",
            "the parameter `connect-timeout` of the URL of Redis is not a duration",
        ),
        (
            "redis://h?connections=0",
            "the parameter `connections` of the URL of Redis is not a number",
        ),
        (
            "redis://h?connections=1001",
            "the parameter `connections` of the URL of Redis is not a number",
        ),
        (
            "redis://h?cluster=yes",
            "the parameter `cluster` of the URL of Redis is not `true` or `false`",
        ),
        (
            "redis://h?cluster=false&seed=i:1",
            "the parameter `cluster` of the URL of Redis is not `true`",
        ),
        (
            "redis://h?seed=",
            "the parameter `seed` of the URL of Redis is not a node",
        ),
        (
            "redis://h?seed=i:1/2",
            "the parameter `seed` of the URL of Redis is not a node",
        ),
        (
            "redis://h?prefix=%ff",
            "the parameter `prefix` of the URL of Redis is not text",
        ),
        ("redis://h?ca=a", "the parameter `ca` needs TLS"),
        (
            "rediss://h?ca=",
            "the parameter `ca` of the URL of Redis is not the path of a file",
        ),
        (
            "redis://h/2?cluster=true",
            "a Redis cluster has no database numbers; remove `/2` from the URL",
        ),
    ] {
        match parsed(url) {
            Err(error) if error.to_string().starts_with(expected) => {}
            other => return Err(format!("{url}: {other:?}").into()),
        }
    }
    let missing = "rediss://h?ca=/not/there.pem";
    let error = tokio()?.block_on(RedisCache::connect(missing)).err();
    let error = error.ok_or("a missing file was read")?;
    assert_eq!(
        error.to_string(),
        "failed to read certificates in PEM from `/not/there.pem`"
    );
    Ok(())
}

fn options() -> Result<(), Failed> {
    let defaults = parsed("redis://h")?;
    assert_eq!(defaults.addresses(), ["h:6379"]);
    assert_eq!(defaults.prefix, None);
    assert_eq!(defaults.timeout, Duration::from_secs(5));
    assert_eq!(defaults.connect_timeout, Duration::from_secs(2));
    assert_eq!(defaults.connections.get(), 2);
    assert!(!defaults.cluster);
    let options = parsed(
        "rediss://u:p@h:1?prefix=a%26b%20+&timeout=70ms&connect-timeout=1m&connections=3&ca=%2fa&seed=i:2&seed=[::1]:3",
    )?;
    assert_eq!(options.addresses(), ["h:1", "i:2", "::1:3"]);
    assert_eq!(options.prefix.as_deref(), Some("a&b +"));
    assert_eq!(options.timeout, Duration::from_millis(70));
    assert_eq!(options.connect_timeout, Duration::from_secs(60));
    assert_eq!(options.connections.get(), 3);
    assert_eq!(options.certificate_authority, Some("/a".into()));
    assert!(options.cluster);
    Ok(())
}

fn absent() -> Result<(), Failed> {
    let port = free_port()?;
    for ending in ["", "?cluster=true"] {
        let begun = Instant::now();
        let url = format!("redis://127.0.0.1:{port}/{ending}");
        let error = connected_error(tokio()?.block_on(RedisCache::connect(&url)))?;
        let expected = format!("failed to connect to Redis at `127.0.0.1:{port}`");
        assert!(
            error.to_string().starts_with(&expected),
            "{}",
            shown(&error)
        );
        assert!(
            shown(&error).contains("onnection refused"),
            "{}",
            shown(&error)
        );
        assert!(
            begun.elapsed() < Duration::from_millis(2500),
            "{:?}",
            begun.elapsed()
        );
    }
    Ok(())
}

/// The kernel accepts connections, and nobody answers.
fn silent() -> Result<(), Failed> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    for ending in ["", "&cluster=true"] {
        let begun = Instant::now();
        let url = format!("redis://127.0.0.1:{port}/?connect-timeout=300ms{ending}");
        let error = connected_error(tokio()?.block_on(RedisCache::connect(&url)))?;
        let expected = format!("failed to connect to Redis at `127.0.0.1:{port}`");
        assert!(
            error.to_string().starts_with(&expected),
            "{}",
            shown(&error)
        );
        assert!(
            begun.elapsed() < Duration::from_millis(800),
            "{:?}",
            begun.elapsed()
        );
    }
    Ok(())
}

fn connected_error(connected: Result<RedisCache, RedisError>) -> Result<RedisError, Failed> {
    Ok(connected.err().ok_or("there is a connection")?)
}

/// Passwords in the right place, and in wrong places because of characters that are not escaped.
fn secrets() -> Result<(), Failed> {
    let port = free_port()?;
    for url in [
        format!("redis://u:secret@127.0.0.1:{port}"),
        format!("redis://:secret@127.0.0.1:{port}/?seed=127.0.0.1:{port}"),
        "redis://u:secret@h?x=1".to_owned(),
        "redis://u:secret@h/secret".to_owned(),
        "redis://u:secret@h#secret".to_owned(),
        "redis://u:secret@h:x".to_owned(),
        "redis://u:a?secret@h".to_owned(),
        "redis://u:1?secret@h".to_owned(),
        "redis://u:1?secret&b@h".to_owned(),
        "redis://u:1/secret@h".to_owned(),
        "redis://u:1#secret@h".to_owned(),
        "redis://h?seed=u:secret@i:1".to_owned(),
        "redis://h?timeout=secret".to_owned(),
        "redis://h?ca=secret".to_owned(),
        "rediss://u:secret@h?ca=/not/there".to_owned(),
        "http://u:secret@h".to_owned(),
        " redis://u:secret@h h".to_owned(),
    ] {
        let error = connected_error(tokio()?.block_on(RedisCache::connect(&url)))?;
        let shown = shown(&error);
        if shown.contains("secret") {
            return Err(format!("{url}: {shown}").into());
        }
        if let Ok(options) = parsed(&url) {
            assert!(
                !format!("{options:?} {options:#?}").contains("secret"),
                "{url}: {options:?}"
            );
        }
    }
    Ok(())
}

async fn refused(server: &Server) -> Result<(), Failed> {
    server.raw("ACL SETUSER app on >se:cret ~app:* +set +get +del -@all +set +get +del +select")?;
    let good = format!(
        "redis://app:se%3Acret@127.0.0.1:{}/?prefix=app:",
        server.port
    );
    let cache = RedisCache::connect(&good).await?;
    assert!(
        !format!("{cache:?} {cache:#?}").contains("cret"),
        "{cache:?}"
    );
    use wit_host::Cache;
    cache.set("k", b"v", None).await?;
    assert_eq!(cache.get("k").await?, "v");
    cache.delete("k").await?;

    let other = RedisCache::connect(&good.replace("prefix=app:", "prefix=other:")).await?;
    let failed = other.get("k").await;
    let Err(wit_host::CacheError::Runtime(error)) = failed else {
        return Err(format!("{failed:?}").into());
    };
    assert!(error.to_string().contains("no permissions"), "{error}");

    let wrong = good.replace("se%3Acret", "wrong-secret");
    let error = connected_error(RedisCache::connect(&wrong).await)?;
    assert!(
        shown(&error).contains("WRONGPASS") || shown(&error).contains("uthentication"),
        "{}",
        shown(&error)
    );
    assert!(!shown(&error).contains("secret"), "{}", shown(&error));

    server.raw("CONFIG SET requirepass secret")?;
    let url = format!("redis://:secret@127.0.0.1:{}", server.port);
    let cache = RedisCache::connect(&url).await?;
    cache.set("k", b"v", None).await?;
    let without = RedisCache::connect(&server.url("")).await;
    let failed = match without {
        Err(error) => shown(&error),
        Ok(cache) => match cache.get("k").await {
            Err(wit_host::CacheError::Runtime(error)) => shown(&*error),
            other => return Err(format!("{other:?}").into()),
        },
    };
    assert!(failed.contains("NOAUTH"), "{failed}");
    Ok(())
}

/// Redis quotes the arguments of a command that it does not know, here of `AUTH`.
fn unknown_command() -> Result<(), Failed> {
    let server = Server::start_with(&["--rename-command", "AUTH", ""])?;
    for url in [
        format!("redis://:secret@127.0.0.1:{}", server.port),
        format!(
            "redis://:{}@127.0.0.1:{}",
            "secret".repeat(100),
            server.port
        ),
        format!("redis://u:secret@127.0.0.1:{}/?cluster=true", server.port),
    ] {
        let error = connected_error(tokio()?.block_on(RedisCache::connect(&url)))?;
        assert!(!shown(&error).contains("secret"), "{}", shown(&error));
    }
    Ok(())
}
