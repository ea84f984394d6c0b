//! The limits of rooms and of the server, and how a client sees them.

use super::{Client, LONG, Served, ledger, server, tokio, until};
use libtest_mimic::{Failed, Trial};
use std::time::{Duration, Instant};
use tokio_websockets::{ClientBuilder, Config};
use wit_host::rooms::{RoomSettings, RoomStorage};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("rooms::a_client_learns_why_it_may_not_join", || {
            tokio()?.block_on(refused())
        }),
        Trial::test(
            "rooms::a_message_that_is_too_large_closes_its_connection",
            || tokio()?.block_on(too_large()),
        ),
        Trial::test(
            "rooms::a_client_that_still_sends_learns_why_it_is_closed",
            || tokio()?.block_on(still_sending()),
        ),
        Trial::test(
            "rooms::a_slow_client_is_disconnected_and_delays_nobody",
            || tokio()?.block_on(slow()),
        ),
        Trial::test("rooms::a_client_that_is_silent_is_disconnected", || {
            tokio()?.block_on(silent())
        }),
    ]
}

async fn refused() -> Result<(), Failed> {
    let mut settings = RoomSettings::new(RoomStorage::none());
    settings.most_rooms = 1;
    settings.most_clients = 2;
    let served = Served::with(ledger(&[])?, settings, server()).await?;
    let _one = served.join("/a").await?;
    let mut other = served.join("/a").await?;
    let long = format!("/{}", "a".repeat(256));
    for (path, code, reason) in [
        ("/a", 1013, "the room is full"),
        ("/b", 1013, "there are too many rooms"),
        (
            "/",
            1008,
            "the name of the room is missing; write it after the address, as in `/lobby`",
        ),
        ("/%FF", 1008, "the name of the room is not UTF-8"),
        (
            &long,
            1008,
            "the name of the room has 256 bytes; it can have 255",
        ),
    ] {
        let closed = served.client(path).await?.close().await?;
        assert_eq!(closed, (code, reason.to_owned()), "{path}");
    }
    other.send("leave").await?;
    assert_eq!(other.close().await?, (3001, "it asked to leave".to_owned()));
    until("it has left", || served.rooms.counters().clients() == 1).await?;
    let closed = served.client("/a?refuse").await?.close().await?;
    assert_eq!(closed, (3002, "it was told to refuse".to_owned()));
    let closed = served.client("/a?trap").await?.close().await?;
    assert_eq!(closed, (1011, "the logic of the room failed".to_owned()));
    assert_eq!(served.client("/a").await?.ask("clients").await?, "2");
    served.stop().await
}

async fn too_large() -> Result<(), Failed> {
    let mut settings = server();
    settings.longest_message = 1000;
    let served = Served::with(
        ledger(&[])?,
        RoomSettings::new(RoomStorage::none()),
        settings,
    )
    .await?;
    let mut client = served.client("/a").await?;
    let fits = "x".repeat(1000);
    assert_eq!(client.ask(&fits).await?, format!("1 1 {fits}"));
    client.send(&"x".repeat(1001)).await?;
    assert_eq!(client.close().await?.0, 1009);
    let mut client = in_frames(&served, 600).await?;
    let fits = "y".repeat(1000);
    assert_eq!(client.ask(&fits).await?, format!("2 2 {fits}"));
    client.send(&"y".repeat(1001)).await?;
    assert_eq!(client.close().await?.0, 1009);
    served.stop().await
}

/// A client that sends a message in frames of this many bytes.
async fn in_frames(served: &Served, bytes: usize) -> Result<Client, Failed> {
    let url = format!("ws://{}/a", served.address);
    let config = Config::default().frame_size(bytes);
    let client = ClientBuilder::new().uri(&url)?.config(config);
    Ok(Client(client.connect().await?.0))
}

/// The message is more than the buffers of the sockets hold, so it is not sent yet when the server refuses it.
async fn still_sending() -> Result<(), Failed> {
    let mut settings = server();
    settings.longest_message = 1000;
    settings.patience = LONG;
    let served = Served::with(
        ledger(&[])?,
        RoomSettings::new(RoomStorage::none()),
        settings,
    )
    .await?;
    for frame in [usize::MAX, 600] {
        let mut client = in_frames(&served, frame).await?;
        client.send(&"x".repeat(32 << 20)).await?;
        assert_eq!(client.close().await?.0, 1009);
    }
    served.stop().await
}

async fn slow() -> Result<(), Failed> {
    let mut settings = RoomSettings::new(RoomStorage::none());
    settings.most_queued = 256 << 10;
    let served = Served::with(ledger(&[])?, settings, server()).await?;
    let (mut slow, mut other) = (served.join("/a").await?, served.join("/a").await?);
    // More than the buffers of the sockets hold.
    for _ in 0..100 {
        slow.send("flood 3").await?;
    }
    until("the slow client is disconnected", || {
        served.rooms.counters().clients() == 1
    })
    .await?;
    assert_eq!(other.ask("clients").await?, "1");
    served.stop().await
}

async fn silent() -> Result<(), Failed> {
    let mut settings = server();
    settings.ping_every = Duration::from_millis(400);
    let served = Served::with(
        ledger(&[])?,
        RoomSettings::new(RoomStorage::none()),
        settings,
    )
    .await?;
    // It answers pings only while it is read from.
    let _silent = served.join("/a").await?;
    let mut other = served.join("/a").await?;
    let started = Instant::now();
    while other.ask("clients").await? != "1" {
        assert!(
            started.elapsed() < LONG,
            "the silent client is disconnected"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    served.stop().await
}
