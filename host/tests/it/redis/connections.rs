//! Connections: made when needed and again after they broke, for several runtimes, and bounded in number.

use super::{
    connected,
    model::shown,
    server::{Server, trial},
};
use crate::embedding::tokio;
use libtest_mimic::{Failed, Trial};
use std::{
    thread,
    time::{Duration, Instant},
};
use wit_host::{Cache, CacheError, RedisCache};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_restart_between_calls_is_not_noticed", || {
            connected(async |server, cache| restarted(server, &cache).await)
        }),
        trial("an_outage_fails_calls_and_ends", || {
            connected(async |server, cache| outage(server, &cache).await)
        }),
        trial("a_call_is_bounded_in_time", bounded),
        trial("several_runtimes_share_a_cache", runtimes),
        trial("a_cancelled_call_does_not_disturb_others", cancelled),
        trial("connections_are_bounded", connections),
    ]
}

async fn restarted(mut server: Server, cache: &RedisCache) -> Result<(), Failed> {
    for _ in 0..5 {
        cache.set("k", b"v", None).await?;
        server.kill();
        server.restart()?;
        assert!(matches!(cache.get("k").await, Err(CacheError::NotFound)));
        server.kill();
        server.restart()?;
        cache.set("k", b"v", None).await?;
        cache.delete("k").await?;
    }
    Ok(())
}

async fn outage(mut server: Server, cache: &RedisCache) -> Result<(), Failed> {
    server.kill();
    let begun = Instant::now();
    let mut attempts = 0;
    while begun.elapsed() < Duration::from_millis(500) {
        let failed = cache.get("k").await;
        let Err(CacheError::Runtime(error)) = failed else {
            return Err(format!("{failed:?}").into());
        };
        let shown = shown(&*error);
        assert!(
            shown.contains(&format!("`127.0.0.1:{}`", server.port)),
            "{shown}"
        );
        attempts += usize::from(!shown.contains("the next attempt is in"));
        ::tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Pauses of 10, 20, 40, 80 and 160 ms, and one in which the loop ends.
    assert!(
        (3..=7).contains(&attempts),
        "{attempts} attempts to connect"
    );
    server.restart()?;
    let begun = Instant::now();
    while cache.set("k", b"v", None).await.is_err() {
        assert!(
            begun.elapsed() < Duration::from_millis(1500),
            "still failing"
        );
        ::tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

fn bounded() -> Result<(), Failed> {
    let server = Server::start()?;
    tokio()?.block_on(async {
        let cache = RedisCache::connect(&server.url("?timeout=150ms")).await?;
        server.signal("STOP")?;
        let begun = Instant::now();
        let failed = cache.get("k").await;
        let took = begun.elapsed();
        server.signal("CONT")?;
        let Err(CacheError::Runtime(error)) = failed else {
            return Err(format!("{failed:?}").into());
        };
        let expected = format!(
            "Redis at `127.0.0.1:{}` did not answer within 150ms",
            server.port
        );
        assert_eq!(error.to_string(), expected);
        assert!(
            (Duration::from_millis(150)..Duration::from_millis(600)).contains(&took),
            "{took:?}"
        );
        Ok(())
    })
}

/// A runtime that is not running, one that has ended, and several at the same time.
fn runtimes() -> Result<(), Failed> {
    let server = Server::start()?;
    let idle = tokio()?;
    let cache = idle.block_on(RedisCache::connect(&server.url("?timeout=2s")))?;
    idle.block_on(cache.set("k", b"v", None))?;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let runtime = tokio()?;
                        for _ in 0..20 {
                            assert_eq!(runtime.block_on(cache.get("k"))?, "v");
                        }
                    }
                    Ok::<_, Failed>(())
                })
            })
            .collect();
        for thread in threads {
            thread.join().map_err(|_| "a thread panicked")??;
        }
        Ok::<_, Failed>(())
    })?;
    assert_eq!(idle.block_on(cache.get("k"))?, "v");
    Ok(())
}

fn cancelled() -> Result<(), Failed> {
    let server = Server::start()?;
    tokio()?.block_on(async {
        let cache = RedisCache::connect(&server.url("?connections=1")).await?;
        let large = vec![1; 1 << 20];
        for round in 0..50u64 {
            let other = cache.clone();
            let other = ::tokio::spawn(async move {
                other.set("other", b"v", None).await?;
                other.get("other").await
            });
            let patience = Duration::from_micros(20 * round);
            let cancelled = ::tokio::time::timeout(patience, cache.set("k", &large, None)).await;
            // The server may have stored the value or not; it does not store it after the next call.
            drop(cancelled);
            let value = round.to_string();
            cache.set("k", value.as_bytes(), None).await?;
            assert_eq!(cache.get("k").await?, value);
            assert_eq!(other.await??, "v");
        }
        Ok(())
    })
}

fn connections() -> Result<(), Failed> {
    let server = Server::start()?;
    tokio()?.block_on(async {
        for (most, expected) in [(1, 1), (3, 3)] {
            let cache = RedisCache::connect(&server.url(&format!("?connections={most}"))).await?;
            for _ in 0..10 {
                cache.set("k", b"v", None).await?;
            }
            assert_eq!(clients(&server)?, 1, "one caller needs one connection");
            let calls: Vec<_> = (0..20)
                .map(|_| {
                    let cache = cache.clone();
                    ::tokio::spawn(async move { cache.get("k").await })
                })
                .collect();
            for call in calls {
                assert_eq!(call.await??, "v");
            }
            assert_eq!(clients(&server)?, expected);
            drop(cache);
            let begun = Instant::now();
            while clients(&server)? > 0 {
                assert!(
                    begun.elapsed() < Duration::from_secs(5),
                    "connections stay open"
                );
                ::tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Ok(())
    })
}

/// The number of connections of the cache, without the one that asks.
fn clients(server: &Server) -> Result<usize, Failed> {
    let list = server.raw("CLIENT LIST")?;
    Ok(list.lines().filter(|line| line.contains("cmd=")).count() - 1)
}
