//! Rooms in Redis, which several servers share: leases, passing clients on, and faults (F23).

use super::{LONG, Served, ledger, load, server, tokio, until};
use crate::redis::server::{Server as Redis, trial};
use futures_util::SinkExt;
use libtest_mimic::{Failed, Trial};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::time::timeout;
use tokio_websockets::Message;
use wit_host::rooms::{RoomSettings, RoomStorage};

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "rooms::a_client_is_passed_on_to_the_server_of_its_room",
            || tokio()?.block_on(passed_on()),
        ),
        trial("rooms::a_room_moves_when_its_server_ends", || {
            tokio()?.block_on(moved())
        }),
        trial("rooms::a_room_that_sleeps_is_read_again", || {
            tokio()?.block_on(asleep())
        }),
        trial("rooms::a_server_that_lost_its_lease_does_not_write", || {
            tokio()?.block_on(lost())
        }),
        trial("rooms::rooms_wait_while_redis_is_away", || {
            tokio()?.block_on(away())
        }),
        trial("rooms::a_room_that_waits_takes_new_logic_later", || {
            tokio()?.block_on(behind())
        }),
        trial("rooms::a_value_that_is_no_state_is_left_alone", || {
            tokio()?.block_on(damaged())
        }),
    ]
}

/// Arguments with which Redis keeps what it has written.
pub const KEPT: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

async fn settings(redis: &Redis, lease: Duration) -> Result<RoomSettings, Failed> {
    let options = redis.url("?timeout=500ms").parse()?;
    let mut settings = RoomSettings::new(RoomStorage::redis(options, lease).await?);
    settings.save_after = Duration::from_millis(20);
    Ok(settings)
}

/// A server that the others reach.
async fn start(redis: &Redis, lease: Duration) -> Result<Served, Failed> {
    let mut server = server();
    server.peers = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    Served::with(ledger(&[])?, settings(redis, lease).await?, server).await
}

/// Waits until the state in Redis has this number of entries.
pub async fn stored(redis: &Redis, room: &str, entries: u64) -> Result<(), Failed> {
    until(&format!("{entries} entries are stored"), || {
        number(redis, room).is_ok_and(|number| number == entries)
    })
    .await
}

/// The number of entries of the state in Redis, which is its last 8 bytes.
pub fn number(redis: &Redis, room: &str) -> Result<u64, Failed> {
    let script = "local state = redis.call('HGET', KEYS[1], 'state') \
                  if not state then return 0 end \
                  local number = 0 \
                  for place = 0, 7 do number = number * 256 + state:byte(#state - place) end \
                  return number";
    let reply = redis.raw(&format!("EVAL \"{script}\" 1 rooms:{room}"))?;
    match reply.strip_prefix(':') {
        Some(number) => Ok(number.parse()?),
        None => Err(reply.into()),
    }
}

const LEASE: Duration = Duration::from_secs(60);

async fn passed_on() -> Result<(), Failed> {
    let redis = Redis::start()?;
    let (first, second) = (start(&redis, LEASE).await?, start(&redis, LEASE).await?);
    let mut one = first.client("/a").await?;
    assert_eq!(one.ask("x").await?, "1 1 x");
    let mut other = second.client("/a").await?;
    assert_eq!(other.ask("y").await?, "2 2 y");
    assert_eq!(one.text().await?, "2 2 y");
    assert_eq!((first.rooms.count(), second.rooms.count()), (1, 0));
    // Whole messages, of both kinds.
    let bytes = vec![7_u8; 900_000];
    other.0.send(Message::binary(bytes.clone())).await?;
    let back = other.next().await?;
    assert!(back.is_binary() && back.as_payload()[..] == bytes[..]);
    // The ends of connections.
    assert_eq!(other.ask("clients").await?, "2");
    other.send("leave").await?;
    assert_eq!(other.close().await?, (3001, "it asked to leave".to_owned()));
    until("the client has left", || {
        first.rooms.counters().clients() == 1
    })
    .await?;
    let mut refused = second.client("/a?refuse").await?;
    assert_eq!(refused.close().await?.0, 3002);
    let mut third = second.client("/a").await?;
    assert_eq!(third.ask("z").await?.split(' ').next(), Some("3"));
    drop(third);
    until("the client has left", || {
        first.rooms.counters().clients() == 1
    })
    .await?;
    // Its own rooms are the other one's elsewhere.
    assert_eq!(second.client("/b").await?.ask("x").await?, "1 1 x");
    second.stop().await?;
    first.stop().await
}

async fn moved() -> Result<(), Failed> {
    let redis = Redis::start()?;
    let (first, second) = (start(&redis, LEASE).await?, start(&redis, LEASE).await?);
    // The handshake is answered before the client joins.
    let mut one = first.client("/a").await?;
    assert_eq!(one.ask("version").await?, "1");
    let mut other = second.client("/a").await?;
    assert_eq!(other.ask("version").await?, "1");
    assert_eq!(one.ask("x").await?, "1 1 x");
    assert_eq!(other.text().await?, "1 1 x");
    let stopping = tokio::spawn(first.stop());
    assert_eq!(one.close().await?.0, 1012);
    assert_eq!(other.close().await?.0, 1012);
    timeout(LONG, stopping).await???;
    // It does not wait for the lease, which was given back.
    let begun = Instant::now();
    let mut other = second.client("/a").await?;
    let answer = other.ask("y").await?;
    assert_eq!(answer, format!("2 {} y", (1 << 20) + 1));
    assert!(begun.elapsed() < LEASE, "{:?}", begun.elapsed());
    second.stop().await
}

async fn asleep() -> Result<(), Failed> {
    let redis = Redis::start()?;
    let mut settings = settings(&redis, Duration::from_millis(300)).await?;
    settings.sleep_after = Duration::from_millis(60);
    let served = Served::with(ledger(&[])?, settings, server()).await?;
    let mut client = served.client("/a").await?;
    for number in 1..=3 {
        assert_eq!(client.ask("x").await?, format!("{number} 1 x"));
        until("the room sleeps", || {
            served.rooms.counters().rooms_awake() == 0
        })
        .await?;
        // Its lease is renewed meanwhile.
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    served.stop().await
}

async fn lost() -> Result<(), Failed> {
    let redis = Redis::start()?;
    let served = start(&redis, Duration::from_millis(600)).await?;
    let mut client = served.client("/a").await?;
    assert_eq!(client.ask("x").await?, "1 1 x");
    stored(&redis, "a", 1).await?;
    redis.raw("HSET rooms:a server other token other-1")?;
    client.send("y").await?;
    assert_eq!(client.close().await?.0, 1012);
    assert_eq!(number(&redis, "a")?, 1);
    until("the room is forgotten", || served.rooms.count() == 0).await?;
    served.stop().await?;
    let token = redis.raw("HGET rooms:a token")?;
    assert!(token.contains("other-1"), "{token}");
    Ok(())
}

async fn away() -> Result<(), Failed> {
    let mut redis = Redis::start_with(&KEPT)?;
    let lease = Duration::from_millis(500);
    let served = start(&redis, lease).await?;
    let mut client = served.client("/a").await?;
    assert_eq!(client.ask("x").await?, "1 1 x");
    redis.kill();
    tokio::time::sleep(2 * lease).await;
    // Another server could have the room, as far as this one knows.
    client.send("y").await?;
    let early = timeout(Duration::from_millis(300), client.text()).await;
    assert!(early.is_err(), "{early:?}");
    redis.restart()?;
    assert_eq!(client.text().await?, "2 1 y");
    stored(&redis, "a", 2).await?;
    // The server ends even if nothing can be saved.
    redis.kill();
    tokio::time::sleep(2 * lease).await;
    client.send("z").await?;
    let stopping = tokio::spawn(served.stop());
    assert_eq!(client.close().await?.0, 1012);
    timeout(LONG, stopping).await???;
    Ok(())
}

/// A room that waits for Redis takes new logic before its next event, and Redis gets back what it has lost.
async fn behind() -> Result<(), Failed> {
    let mut redis = Redis::start_with(&KEPT)?;
    let lease = Duration::from_millis(500);
    let served = start(&redis, lease).await?;
    let mut client = served.join("/a").await?;
    assert_eq!(client.ask("x").await?, "1 1 x");
    stored(&redis, "a", 1).await?;
    redis.kill();
    tokio::time::sleep(2 * lease).await;
    let new = load(ledger(&[("VERSION", "2")])?).await?;
    assert_eq!(served.rooms.replace(new).await.replaced, 0);
    redis.restart()?;
    assert_eq!(client.ask("version").await?, "2");
    assert_eq!(client.ask("y").await?, "2 1 y");
    stored(&redis, "a", 2).await?;
    assert_eq!(served.rooms.counters().replacements(), 1);
    redis.raw("FLUSHALL")?;
    stored(&redis, "a", 2).await?;
    assert_eq!(client.ask("z").await?, "3 1 z");
    served.stop().await
}

async fn damaged() -> Result<(), Failed> {
    let redis = Redis::start()?;
    let served = start(&redis, LEASE).await?;
    redis.raw("HSET rooms:a state nonsense")?;
    let mut client = served.client("/a").await?;
    let (code, reason) = client.close().await?;
    assert_eq!(
        (code, &*reason),
        (1013, "the state of the room cannot be read")
    );
    redis.raw("SET rooms:b nonsense")?;
    assert_eq!(served.client("/b").await?.close().await?.0, 1013);
    served.stop().await?;
    assert!(redis.raw("HGET rooms:a state")?.contains("nonsense"));
    Ok(())
}
