//! The life of a room: messages, timers, sleep, storage.

use super::{Client, LONG, Served, ledger, server, tokio, until};
use libtest_mimic::{Failed, Trial};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::timeout;
use wit_host::rooms::{RoomSettings, RoomStorage, StorageError};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("rooms::messages_reach_everybody_in_order", || {
            tokio()?.block_on(messages())
        }),
        Trial::test("rooms::rooms_do_not_see_each_other", || {
            tokio()?.block_on(apart())
        }),
        Trial::test("rooms::a_timer_wakes_the_room", || {
            tokio()?.block_on(timer())
        }),
        Trial::test("rooms::an_idle_room_sleeps_and_its_clients_stay", || {
            tokio()?.block_on(sleep())
        }),
        Trial::test("rooms::a_room_that_nobody_is_in_is_forgotten", || {
            tokio()?.block_on(forgotten())
        }),
        Trial::test("rooms::a_room_outlives_its_server", || {
            tokio()?.block_on(restart())
        }),
        Trial::test("rooms::two_servers_do_not_share_a_directory", || {
            tokio()?.block_on(in_use())
        }),
    ]
}

async fn messages() -> Result<(), Failed> {
    let served = Served::start(ledger(&[])?).await?;
    let (mut one, mut other) = (served.join("/a").await?, served.join("/a").await?);
    for number in 1..=50 {
        one.send(&format!("n{number}")).await?;
    }
    for number in 1..=50 {
        let expected = format!("{number} 1 n{number}");
        assert_eq!(one.text().await?, expected);
        assert_eq!(other.text().await?, expected);
    }
    assert_eq!(other.ask("hello").await?, "51 2 hello");
    assert_eq!(other.ask("clients").await?, "2");
    drop(one);
    until("the client has left", || {
        served.rooms.counters().clients() == 1
    })
    .await?;
    assert_eq!(other.ask("clients").await?, "1");
    assert_eq!(served.client("/a").await?.ask("hello").await?, "52 3 hello");
    served.stop().await
}

async fn apart() -> Result<(), Failed> {
    let served = Served::start(ledger(&[])?).await?;
    let (mut one, mut other) = (served.join("/a").await?, served.join("/b/c").await?);
    assert_eq!(one.ask("x").await?, "1 1 x");
    assert_eq!(other.ask("y").await?, "1 1 y");
    assert_eq!(served.rooms.count(), 2);
    served.stop().await
}

async fn timer() -> Result<(), Failed> {
    let served = Served::start(ledger(&[])?).await?;
    let mut client = served.client("/a").await?;
    assert_eq!(client.ask("wake").await?, "woke");
    served.stop().await
}

fn sleepy(storage: RoomStorage) -> RoomSettings {
    let mut settings = RoomSettings::new(storage);
    settings.save_after = Duration::from_millis(20);
    settings.sleep_after = Duration::from_millis(60);
    settings
}

async fn sleep() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    // In storage, each run of the server has numbers of its own.
    for (storage, first) in [
        (RoomStorage::none(), 1),
        (RoomStorage::directory(directory.path())?, 1_u64),
    ] {
        let served = Served::with(ledger(&[])?, sleepy(storage), server()).await?;
        let mut client = served.client("/a").await?;
        for number in 1..=3 {
            assert_eq!(client.ask("x").await?, format!("{number} {first} x"));
            until("the room sleeps", || {
                served.rooms.counters().rooms_awake() == 0
            })
            .await?;
            assert_eq!(served.rooms.count(), 1);
        }
        // A timer goes on while the room sleeps.
        assert_eq!(client.ask("wake").await?, "woke");
        served.stop().await?;
    }
    Ok(())
}

async fn forgotten() -> Result<(), Failed> {
    let served = Served::with(ledger(&[])?, sleepy(RoomStorage::none()), server()).await?;
    let mut client = served.client("/a").await?;
    assert_eq!(client.ask("x").await?, "1 1 x");
    drop(client);
    until("the room is forgotten", || served.rooms.count() == 0).await?;
    assert_eq!(served.client("/a").await?.ask("x").await?, "1 1 x");
    served.stop().await
}

/// The storage in a directory. The tasks of a server that has ended can hold it for a moment.
pub async fn free(directory: &Path) -> Result<RoomStorage, Failed> {
    let started = Instant::now();
    loop {
        match RoomStorage::directory(directory) {
            Err(StorageError::InUse { .. }) if started.elapsed() < LONG => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            storage => return Ok(storage?),
        }
    }
}

async fn restart() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    for run in 1..=3_u64 {
        let settings = RoomSettings::new(free(directory.path()).await?);
        let served = Served::with(ledger(&[])?, settings, server()).await?;
        let mut client: Client = served.client("/a").await?;
        let first = ((run - 1) << 20) + 1;
        assert_eq!(client.ask("x").await?, format!("{} {first} x", 2 * run - 1));
        client.send("y").await?;
        assert_eq!(client.text().await?, format!("{} {first} y", 2 * run));
        let stopping = tokio::spawn(served.stop());
        assert_eq!(client.close().await?.0, 1012);
        timeout(LONG, stopping).await???;
    }
    Ok(())
}

async fn in_use() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let first = RoomStorage::directory(directory.path())?;
    let error = RoomStorage::directory(directory.path()).expect_err("it is in use");
    assert!(
        error
            .to_string()
            .starts_with("another server keeps its rooms in `"),
        "{error}"
    );
    drop(first);
    RoomStorage::directory(directory.path())?;
    Ok(())
}
