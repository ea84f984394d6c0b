//! Logic that fails.

use super::{Served, TIMEOUT, ledger, server, tokio, until};
use libtest_mimic::{Failed, Trial};
use std::time::{Duration, Instant};
use wit_host::{
    Restarts,
    rooms::{RoomSettings, RoomStorage},
};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("rooms::a_failure_ends_the_event_and_not_the_room", || {
            tokio()?.block_on(failures())
        }),
        Trial::test("rooms::a_room_that_fails_too_often_is_closed", || {
            tokio()?.block_on(too_often())
        }),
        Trial::test("rooms::a_room_that_computes_delays_no_other", || {
            tokio()?.block_on(computing())
        }),
        Trial::test("rooms::a_save_that_fails_keeps_the_state_before", || {
            tokio()?.block_on(failing_save())
        }),
        Trial::test("rooms::logic_that_cannot_start_closes_its_room", || {
            tokio()?.block_on(no_start())
        }),
    ]
}

/// By now a state is saved, also if other tests compute meanwhile.
const SAVED: Duration = Duration::from_secs(1);

fn saving_often() -> RoomSettings {
    let mut settings = RoomSettings::new(RoomStorage::none());
    settings.save_after = Duration::from_millis(10);
    settings
}

async fn failures() -> Result<(), Failed> {
    let served = Served::with(ledger(&[])?, saving_often(), server()).await?;
    let (mut one, mut other) = (served.join("/a").await?, served.join("/a").await?);
    let mut number = 0;
    for order in ["trap", "exit", "loop", "fill"] {
        number += 1;
        let expected = format!("{number} 1 x");
        assert_eq!(one.ask("x").await?, expected, "before `{order}`");
        assert_eq!(other.text().await?, expected);
        // The entry is saved.
        tokio::time::sleep(SAVED).await;
        let before = served.rooms.counters().failures();
        other.send(order).await?;
        until("the event has failed", || {
            served.rooms.counters().failures() == before + 1
        })
        .await?;
        assert_eq!(one.ask("clients").await?, "2", "after `{order}`");
    }
    served.stop().await
}

async fn too_often() -> Result<(), Failed> {
    let mut settings = saving_often();
    settings.restarts = Restarts::new(2, Duration::from_secs(60));
    let served = Served::with(ledger(&[])?, settings, server()).await?;
    let (mut one, mut other) = (served.join("/a").await?, served.join("/a").await?);
    let mut bystander = served.join("/b").await?;
    for _ in 0..3 {
        one.send("trap").await?;
    }
    assert_eq!(one.close().await?.0, 1011);
    assert_eq!(other.close().await?.0, 1011);
    assert_eq!(bystander.ask("x").await?, "1 1 x");
    // The room can be made again.
    assert_eq!(served.client("/a").await?.ask("clients").await?, "1");
    served.stop().await
}

/// There are two threads, and four rooms that compute until their time is up.
async fn computing() -> Result<(), Failed> {
    let served = Served::start(ledger(&[])?).await?;
    let mut client = served.client("/quiet").await?;
    let mut busy = Vec::new();
    for room in 0..4 {
        busy.push(served.client(&format!("/busy{room}")).await?);
    }
    for client in &mut busy {
        client.send("loop").await?;
    }
    let started = Instant::now();
    assert_eq!(client.ask("x").await?, "1 1 x");
    let failures = served.rooms.counters().failures();
    // Had it waited for the others, they would have failed by now.
    assert!(
        failures == 0 || started.elapsed() > TIMEOUT,
        "{failures} rooms had ended"
    );
    until("all have ended", || served.rooms.counters().failures() == 4).await?;
    served.stop().await
}

async fn failing_save() -> Result<(), Failed> {
    let served = Served::with(ledger(&[])?, saving_often(), server()).await?;
    let mut client = served.client("/a").await?;
    assert_eq!(client.ask("x").await?, "1 1 x");
    tokio::time::sleep(SAVED).await;
    client.send("trap-in-save").await?;
    until("saving has failed", || {
        served.rooms.counters().failures() == 1
    })
    .await?;
    assert_eq!(client.ask("y").await?, "2 1 y");
    served.stop().await
}

async fn no_start() -> Result<(), Failed> {
    for order in ["refuse", "trap", "loop", "exit"] {
        let served = Served::start(ledger(&[("START", order)])?).await?;
        let mut client = served.client("/a").await?;
        let (code, reason) = client.close().await?;
        assert_eq!(
            (code, &*reason),
            (1011, "the room cannot be started"),
            "{order}"
        );
        assert_eq!(served.rooms.count(), 0);
        served.stop().await?;
    }
    Ok(())
}
