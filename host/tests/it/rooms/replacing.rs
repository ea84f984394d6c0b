//! Replacing the logic of rooms in which clients talk (F21).

use super::{Client, LONG, Served, ledger, load, server, tokio};
use crate::torture::is_long;
use futures_util::SinkExt;
use libtest_mimic::{Failed, Trial};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;
use tokio_websockets::Message;
use wit_host::rooms::{RoomSettings, RoomStorage};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("rooms::logic_is_replaced_and_clients_stay", || {
            tokio()?.block_on(replaced())
        }),
        Trial::test(
            "rooms::logic_that_refuses_the_state_does_not_get_the_room",
            || tokio()?.block_on(refused()),
        ),
        Trial::test("rooms::a_room_that_sleeps_wakes_with_the_new_logic", || {
            tokio()?.block_on(asleep())
        }),
        Trial::test("rooms::nothing_is_lost_while_logic_is_replaced", || {
            tokio()?.block_on(under_load())
        }),
    ]
}

async fn replaced() -> Result<(), Failed> {
    let served = Served::start(ledger(&[])?).await?;
    let (mut one, mut other) = (served.client("/a").await?, served.client("/b").await?);
    assert_eq!(one.ask("x").await?, "1 1 x");
    assert_eq!(one.ask("version").await?, "1");
    let replaced = served
        .rooms
        .replace(load(ledger(&[("VERSION", "2")])?).await?)
        .await;
    assert_eq!((replaced.replaced, replaced.refused), (2, 0));
    assert_eq!(one.ask("version").await?, "2");
    assert_eq!(one.ask("y").await?, "2 1 y");
    assert_eq!(other.ask("version").await?, "2");
    assert_eq!(served.client("/c").await?.ask("version").await?, "2");
    served.stop().await
}

async fn refused() -> Result<(), Failed> {
    for order in ["refuse", "trap", "loop", "exit"] {
        let served = Served::start(ledger(&[])?).await?;
        let mut client = served.client("/a").await?;
        assert_eq!(client.ask("x").await?, "1 1 x");
        let bad = load(ledger(&[("VERSION", "2"), ("START", order)])?).await?;
        let replaced = served.rooms.replace(bad).await;
        assert_eq!((replaced.replaced, replaced.refused), (0, 1), "{order}");
        assert_eq!(client.ask("version").await?, "1", "{order}");
        assert_eq!(client.ask("y").await?, "2 1 y", "{order}");
        // No room has accepted it, so new rooms get the old logic too.
        assert_eq!(
            served.client("/b").await?.ask("version").await?,
            "1",
            "{order}"
        );
        served.stop().await?;
    }
    Ok(())
}

async fn asleep() -> Result<(), Failed> {
    let mut settings = RoomSettings::new(RoomStorage::none());
    settings.sleep_after = Duration::from_millis(30);
    let served = Served::with(ledger(&[])?, settings, server()).await?;
    let mut client = served.client("/a").await?;
    assert_eq!(client.ask("x").await?, "1 1 x");
    super::until("the room sleeps", || {
        served.rooms.counters().rooms_awake() == 0
    })
    .await?;
    served
        .rooms
        .replace(load(ledger(&[("VERSION", "2")])?).await?)
        .await;
    assert_eq!(client.ask("version").await?, "2");
    assert_eq!(client.ask("y").await?, "2 1 y");
    super::until("the room sleeps", || {
        served.rooms.counters().rooms_awake() == 0
    })
    .await?;
    // It does not lose its room to logic that cannot go on.
    served
        .rooms
        .replace(load(ledger(&[("VERSION", "3"), ("START", "trap")])?).await?)
        .await;
    assert_eq!(client.ask("version").await?, "2");
    assert_eq!(client.ask("z").await?, "3 1 z");
    served.stop().await
}

/// The clients of a room.
const CLIENTS: usize = 4;

/// Clients talk without waiting for answers while good and bad logic replaces the running one. Every entry
/// arrives at every client once, with the numbers of all entries in order, and each client's own in its order.
async fn under_load() -> Result<(), Failed> {
    let replacements = if is_long() { 1000 } else { 20 };
    let served = Arc::new(Served::start(ledger(&[])?).await?);
    let is_over = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(served.client("/busy").await?);
    }
    let talking: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(client, connection)| tokio::spawn(talk(client, connection, is_over.clone())))
        .collect();
    let mut refused = 0;
    for round in 0..replacements {
        let version = round.to_string();
        let variables = [("VERSION", &*version), ("START", "refuse")];
        let is_bad = round % 3 == 2;
        let new = load(ledger(&variables[..1 + usize::from(is_bad)])?).await?;
        let replaced = served.rooms.replace(new).await;
        assert_eq!(
            (replaced.replaced, replaced.refused),
            (usize::from(!is_bad), usize::from(is_bad))
        );
        refused += replaced.refused;
    }
    is_over.store(true, Ordering::Relaxed);
    let mut sent = 0;
    let mut received: Option<Vec<String>> = None;
    for talking in talking {
        let (own, all) = timeout(10 * LONG, talking).await???;
        sent += own;
        // The last to finish has seen everything that the others have.
        if received
            .as_ref()
            .is_none_or(|known| known.len() < all.len())
        {
            received = Some(all);
        }
    }
    let received = received.ok_or("somebody talked")?;
    assert_eq!(received.len(), sent, "entries that arrived");
    println!("F21: tried {replacements} ({refused} refused), {sent} messages, violated 0");
    let served = Arc::into_inner(served).ok_or("nobody else has it")?;
    served.stop().await
}

/// Sends entries until it is over, then waits until all of its own have come back. Returns the number that it
/// has sent, and all that it has received.
async fn talk(
    client: usize,
    mut connection: Client,
    is_over: Arc<AtomicBool>,
) -> Result<(usize, Vec<String>), Failed> {
    let mut sent = 0;
    let mut received = Vec::new();
    let mut own = 0;
    let mut last: HashMap<String, usize> = HashMap::new();
    while !(is_over.load(Ordering::Relaxed) && own == sent) {
        if !is_over.load(Ordering::Relaxed) && sent < own + 50 {
            sent += 1;
            connection
                .0
                .feed(Message::text(format!("{client}:{sent}")))
                .await?;
            connection.0.flush().await?;
        } else {
            let text = connection.text().await?;
            let mut words = text.split(' ');
            let (number, entry) = (words.next(), words.nth(1));
            let number: usize = number.ok_or("a number")?.parse()?;
            let (from, of_sender) = entry
                .and_then(|entry| entry.split_once(':'))
                .ok_or("an entry")?;
            let of_sender: usize = of_sender.parse()?;
            assert_eq!(number, received.len() + 1, "in the order of the room");
            let last = last.entry(from.to_owned()).or_default();
            assert_eq!(of_sender, *last + 1, "in the order of its sender");
            *last = of_sender;
            if from == client.to_string() {
                own += 1;
            }
            received.push(text);
        }
    }
    Ok((sent, received))
}
