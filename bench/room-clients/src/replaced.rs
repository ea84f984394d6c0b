//! Rooms under load whose logic is replaced.
//!
//! Each room has a client that sends a numbered text every `EVERY` and waits for it to come back. Prints for each
//! replacement of each room, in nanoseconds: the pause that the logic has measured, the client's longest wait
//! meanwhile, and its longest wait in a time of the same length without a replacement.

use crate::connected::{Client, answer, ask, join};
use anyhow::Context;
use futures_util::SinkExt;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};
use tokio_websockets::Message;

/// The time between two messages of a client.
const EVERY: Duration = Duration::from_millis(100);

pub async fn observe(servers: [SocketAddr; 2], rooms: usize, times: u64) -> anyhow::Result<()> {
    let [server, admin] = servers;
    let watched: Vec<_> = (0..rooms).map(|_| Arc::new(Watched::default())).collect();
    let (replacements, seen) = watch::channel(0);
    let mut clients = JoinSet::new();
    for (number, watched) in watched.iter().enumerate() {
        let client = join(server, &number.to_string()).await?;
        // The messages of all clients are spread over the time between two.
        let first = Instant::now() + EVERY / rooms as u32 * number as u32;
        clients.spawn(send(client, first, watched.clone(), seen.clone(), times));
    }
    for replacement in 1..=times {
        // All states have been saved since the rooms were started.
        sleep(Duration::from_secs(2)).await;
        forget_waits(&watched);
        let started = Instant::now();
        replace(admin, rooms).await?;
        let took = started.elapsed();
        // The answers that are late still count.
        sleep(EVERY).await;
        let during = waits(&watched);
        sleep(EVERY).await;
        forget_waits(&watched);
        sleep(took + EVERY).await;
        let otherwise = waits(&watched);
        replacements.send(replacement)?;
        sleep(3 * EVERY).await;
        for ((room, during), otherwise) in watched.iter().zip(during).zip(otherwise) {
            println!("{} {during} {otherwise}", room.pause.load(Relaxed));
        }
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(())
}

/// A room as its client sees it, in nanoseconds.
#[derive(Default)]
struct Watched {
    longest_wait: AtomicU64,
    pause: AtomicU64,
}

fn forget_waits(watched: &[Arc<Watched>]) {
    for room in watched {
        room.longest_wait.store(0, Relaxed);
    }
}

fn waits(watched: &[Arc<Watched>]) -> Vec<u64> {
    watched
        .iter()
        .map(|room| room.longest_wait.load(Relaxed))
        .collect()
}

/// Asks the administrator's side to replace the logic of all rooms.
async fn replace(admin: SocketAddr, rooms: usize) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(admin).await?;
    let request = format!("POST /replace HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let expected = format!("\r\n\r\n{rooms} rooms replaced, 0 refused");
    anyhow::ensure!(answer.contains(&expected), "{answer}");
    Ok(())
}

/// Sends numbered texts until this many replacements have been seen.
async fn send(
    mut client: Client,
    first: Instant,
    watched: Arc<Watched>,
    replacements: watch::Receiver<u64>,
    times: u64,
) -> anyhow::Result<()> {
    let mut ticks = interval_at(first, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut number, mut seen) = (0_u64, 0);
    while seen < times {
        ticks.tick().await;
        if *replacements.borrow() > seen {
            seen += 1;
            let pause = ask(&mut client, "pause").await?;
            let pause = pause.parse().context("the pause is a number")?;
            watched.pause.store(pause, Relaxed);
        }
        let sent = Instant::now();
        client.send(Message::text(number.to_string())).await?;
        let answered = answer(&mut client).await?;
        let waited = sent.elapsed().as_nanos() as u64;
        anyhow::ensure!(answered == number.to_string(), "{answered} for {number}");
        watched.longest_wait.fetch_max(waited, Relaxed);
        number += 1;
    }
    client.close().await?;
    Ok(())
}
