//! Replacing the logic of rooms in which clients talk (F21).

use super::{Client, LONG, Served, ledger, load, server, tokio};
use crate::torture::is_long;
use futures_util::StreamExt;
use libtest_mimic::{Failed, Trial};
use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;
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
    let (mut one, mut other) = (served.join("/a").await?, served.join("/b").await?);
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
        let mut client = served.join("/a").await?;
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
    let mut client = served.join("/a").await?;
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
        clients.push(served.join("/busy").await?);
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
    let mut sessions = Vec::new();
    for talking in talking {
        sessions.push(timeout(10 * LONG, talking).await???);
    }
    let sent = sessions.iter().map(|session| session.sent).sum();
    let violations = Violations::of(&sessions, sent);
    let report = format!(
        "F21: tried {replacements} ({refused} refused), {sent} messages to {CLIENTS} sessions, {violations}"
    );
    println!("{report}");
    assert_eq!(violations, Violations::default(), "{report}");
    let served = Arc::into_inner(served).ok_or("nobody else has it")?;
    served.stop().await
}

/// The side of one client.
#[derive(Default)]
struct Session {
    sent: usize,
    received: Vec<Entry>,
    is_closed: bool,
}

/// A message that the room has sent to everybody.
struct Entry {
    /// The number that the room has given it, from 1.
    number: usize,
    sender: usize,
    /// The number that its sender has given it, from 1.
    of_sender: usize,
}

/// What is not as promised, in all sessions together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Violations {
    closed: usize,
    lost: usize,
    repeated: usize,
    reordered: usize,
}

impl Violations {
    fn of(sessions: &[Session], sent: usize) -> Self {
        let mut violations = Self::default();
        for session in sessions {
            let received = &session.received;
            let all: HashSet<_> = received
                .iter()
                .map(|entry| (entry.sender, entry.of_sender))
                .collect();
            violations.closed += usize::from(session.is_closed);
            violations.lost += sent - all.len();
            violations.repeated += received.len() - all.len();
            violations.reordered += descents(received.iter().map(|entry| entry.number));
            for sender in 0..sessions.len() {
                let of_one = received.iter().filter(|entry| entry.sender == sender);
                violations.reordered += descents(of_one.map(|entry| entry.of_sender));
            }
        }
        violations
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            closed,
            lost,
            repeated,
            reordered,
        } = self;
        let violated = closed + lost + repeated + reordered;
        write!(
            f,
            "violated {violated}: {closed} sessions closed, {lost} messages lost, {repeated} repeated, \
             {reordered} reordered"
        )
    }
}

/// The number of numbers that are not larger than the one before.
fn descents(numbers: impl Iterator<Item = usize>) -> usize {
    let numbers: Vec<_> = numbers.collect();
    let pairs = numbers.windows(2);
    pairs.filter(|pair| pair[1] <= pair[0]).count()
}

/// Sends entries until it is over, then one more that says so, and reads until every client has said so.
async fn talk(
    client: usize,
    mut connection: Client,
    is_over: Arc<AtomicBool>,
) -> Result<Session, Failed> {
    let mut session = Session::default();
    let mut own = 0;
    let mut is_last_sent = false;
    let mut lasts = 0;
    while lasts < CLIENTS {
        let is_last = is_over.load(Ordering::Relaxed);
        if !is_last_sent && (is_last || session.sent < own + 50) {
            session.sent += 1;
            is_last_sent = is_last;
            let last = if is_last { ":last" } else { "" };
            let entry = format!("{client}:{}{last}", session.sent);
            if connection.send(&entry).await.is_err() {
                session.is_closed = true;
                break;
            }
        } else {
            let frame = match timeout(LONG, connection.0.next()).await {
                Ok(Some(Ok(frame))) if !frame.is_close() => frame,
                Ok(_) => {
                    session.is_closed = true;
                    break;
                }
                // What has not come is lost.
                Err(_) => break,
            };
            if let Some(text) = frame.as_text() {
                let (entry, is_last) = entry(text).ok_or(format!("not an entry: {text}"))?;
                own += usize::from(entry.sender == client);
                lasts += usize::from(is_last);
                session.received.push(entry);
            }
        }
    }
    Ok(session)
}

/// The entry `NUMBER CLIENT SENDER:OF_SENDER[:last]`.
fn entry(text: &str) -> Option<(Entry, bool)> {
    let mut words = text.split(' ');
    let number = words.next()?.parse().ok()?;
    let mut words = words.nth(1)?.split(':');
    let entry = Entry {
        number,
        sender: words.next()?.parse().ok()?,
        of_sender: words.next()?.parse().ok()?,
    };
    Some((entry, words.next().is_some()))
}
