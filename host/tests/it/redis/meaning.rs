//! The calls mean what `wit/cache.wit` says.

use super::{
    connected,
    server::{Server, trial},
};
use libtest_mimic::{Failed, Trial};
use wit_host::{Cache, CacheError, RedisCache};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("an_entry_is_set_read_and_deleted", || {
            connected(async |server, cache| one_entry(&server, &cache).await)
        }),
        trial("a_ttl_is_the_expiry_of_the_key", || {
            connected(async |server, cache| ttl(&server, &cache).await)
        }),
        trial("keys_are_bytes", || {
            connected(async |_, cache| keys(&cache).await)
        }),
        trial("a_failed_set_keeps_the_old_value", || {
            connected(async |_, cache| too_large(&cache).await)
        }),
        trial("a_prefix_separates", || {
            connected(async |server, _| prefixes(&server).await)
        }),
        trial("a_database_separates", || {
            connected(async |server, _| databases(&server).await)
        }),
        trial("a_key_of_another_type_is_an_error", || {
            connected(async |server, cache| other_type(&server, &cache).await)
        }),
    ]
}

async fn one_entry(server: &Server, cache: &RedisCache) -> Result<(), Failed> {
    assert!(matches!(cache.get("k").await, Err(CacheError::NotFound)));
    assert!(matches!(cache.delete("k").await, Err(CacheError::NotFound)));
    for value in [&b"v"[..], b"", b"\r\n$-1\r\n\0\xff", &vec![7; 4 << 20]] {
        cache.set("k", value, None).await?;
        assert_eq!(cache.get("k").await?, value);
    }
    cache.set("k", b"last", None).await?;
    assert_eq!(server.raw("GET cache:k")?, "$4\r\nlast");
    assert_eq!(server.raw("DBSIZE")?, ":1");
    cache.delete("k").await?;
    assert!(matches!(cache.delete("k").await, Err(CacheError::NotFound)));
    assert_eq!(server.raw("DBSIZE")?, ":0");
    Ok(())
}

async fn ttl(server: &Server, cache: &RedisCache) -> Result<(), Failed> {
    for (ttl, expected) in [
        (None, ":-1"),
        (Some(100), ":100"),
        (Some(u32::MAX), ":4294967295"),
        (None, ":-1"),
        (Some(0), ":-2"),
        (Some(0), ":-2"),
    ] {
        cache.set("k", b"v", ttl).await?;
        assert_eq!(server.raw("TTL cache:k")?, expected, "{ttl:?}");
    }
    assert!(matches!(cache.get("k").await, Err(CacheError::NotFound)));
    cache.set("k", b"v", Some(1)).await?;
    assert_eq!(cache.get("k").await?, "v");
    tokio::time::sleep(std::time::Duration::from_millis(1050)).await;
    assert!(matches!(cache.get("k").await, Err(CacheError::NotFound)));
    assert!(matches!(cache.delete("k").await, Err(CacheError::NotFound)));
    Ok(())
}

async fn keys(cache: &RedisCache) -> Result<(), Failed> {
    let longest = "k".repeat(4096);
    let keys = [
        "", "a", "A", "../a", "/", "\0", "\r\n", "{a}", "{}a", "é", "e\u{301}", "*", "a b",
        &longest,
    ];
    for key in keys {
        cache.set(key, key.as_bytes(), None).await?;
    }
    for key in keys {
        assert_eq!(cache.get(key).await?, key.as_bytes(), "{key:?}");
    }
    for key in keys {
        cache.delete(key).await?;
        assert!(
            matches!(cache.get(key).await, Err(CacheError::NotFound)),
            "{key:?}"
        );
    }
    let too_long = "k".repeat(4097);
    for failed in [
        cache.set(&too_long, b"v", None).await,
        cache.set(&too_long, b"v", Some(0)).await,
        cache.get(&too_long).await.map(drop),
        cache.delete(&too_long).await,
    ] {
        let Err(CacheError::Runtime(error)) = failed else {
            return Err(format!("{failed:?}").into());
        };
        assert_eq!(
            error.to_string(),
            "the key has 4097 bytes; a key has at most 4096"
        );
    }
    Ok(())
}

async fn too_large(cache: &RedisCache) -> Result<(), Failed> {
    cache.set("k", b"old", None).await?;
    let failed = cache.set("k", &vec![0; (512 << 20) + 1], None).await;
    let Err(CacheError::Runtime(error)) = failed else {
        return Err(format!("{failed:?}").into());
    };
    assert_eq!(
        error.to_string(),
        "the value has 536870913 bytes; a value in Redis has at most 536870912"
    );
    assert_eq!(cache.get("k").await?, "old");
    let large = vec![1; 64 << 20];
    cache.set("k", &large, None).await?;
    assert!(cache.get("k").await? == large);
    Ok(())
}

async fn prefixes(server: &Server) -> Result<(), Failed> {
    let one = RedisCache::connect(&server.url("?prefix=one%3A%26+%2f")).await?;
    let other = RedisCache::connect(&server.url("?prefix=")).await?;
    one.set("k", b"1", None).await?;
    assert!(matches!(other.get("k").await, Err(CacheError::NotFound)));
    assert_eq!(other.get("one:&+/k").await?, "1");
    assert!(matches!(other.delete("k").await, Err(CacheError::NotFound)));
    assert_eq!(one.get("k").await?, "1");
    Ok(())
}

async fn databases(server: &Server) -> Result<(), Failed> {
    let url = format!("redis://127.0.0.1:{}", server.port);
    let none = RedisCache::connect(&url).await?;
    let third = RedisCache::connect(&format!("{url}/3")).await?;
    third.set("k", b"3", None).await?;
    assert!(matches!(none.get("k").await, Err(CacheError::NotFound)));
    assert_eq!(third.get("k").await?, "3");
    for wrong in ["/16", "/-1", "/x"] {
        assert!(
            RedisCache::connect(&format!("{url}{wrong}")).await.is_err(),
            "{wrong}"
        );
    }
    Ok(())
}

async fn other_type(server: &Server, cache: &RedisCache) -> Result<(), Failed> {
    server.raw("RPUSH cache:k a")?;
    let failed = cache.get("k").await;
    let Err(CacheError::Runtime(error)) = failed else {
        return Err(format!("{failed:?}").into());
    };
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
    cache.set("k", b"v", None).await?;
    assert_eq!(cache.get("k").await?, "v");
    Ok(())
}
