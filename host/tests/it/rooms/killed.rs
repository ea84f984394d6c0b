//! Servers in processes of their own that are killed and suspended, and Redis that is started again (F22, F23).

use super::{
    Client, LONG, Served,
    command::{LogicFile, ServerProcess},
    ledger, server,
    shared::{KEPT, stored},
    tokio, until,
};
use crate::{
    guests::Guest,
    redis::server::{Server as Redis, trial},
    torture::{number_from, sized},
};
use fastrand::Rng;
use futures_util::future::join_all;
use libtest_mimic::{Failed, Trial};
use rustix::process::Signal;
use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use wit_host::{
    Restarts,
    rooms::{RoomSettings, RoomStorage},
};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "rooms::a_killed_server_loses_nothing_that_was_saved",
            || tokio()?.block_on(killed()),
        ),
        Trial::test("rooms::a_room_that_fails_disturbs_no_other", || {
            tokio()?.block_on(failing())
        }),
        trial("rooms::one_server_writes_whatever_fails", || {
            tokio()?.block_on(shared())
        }),
    ]
}

fn rng(what: &str) -> Rng {
    let seed = number_from("TORTURE_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("{what}: TORTURE_SEED={seed}");
    Rng::with_seed(seed)
}

/// The rooms of a server that is killed.
const ROOMS: [&str; 4] = ["a", "b", "c", "d"];

/// What a client of a room knows.
#[derive(Debug, Default)]
struct Talk {
    /// The first and the last number that was answered.
    answered: Option<(u64, u64)>,
}

async fn killed() -> Result<(), Failed> {
    let kills = sized(3, 200);
    let mut rng = rng("F22");
    let logic = LogicFile::new(Guest::Ledger)?;
    let directory = tempfile::tempdir()?;
    // The number of entries that were saved, and that can have been, in each room.
    let mut known: HashMap<&str, (u64, u64)> = HashMap::new();
    let answers = Arc::new(AtomicUsize::new(0));
    for round in 0..=kills {
        let mut command = logic.serve();
        let storage = format!("dir:{}", directory.path().display());
        let mut server = ServerProcess::start(
            command
                .args(["--rooms-in", &storage])
                .args(["--save-after", "10ms"]),
        )?;
        let talking = ROOMS.map(|room| {
            let url = format!("ws://{}/{room}", server.address);
            let answers = answers.clone();
            tokio::spawn(async move { talk(&url, &answers).await })
        });
        let before = answers.load(Ordering::Relaxed);
        // After the last kill, every room has to answer.
        let expected = if round == kills { 50 * ROOMS.len() } else { 1 };
        until("rooms answer", || {
            answers.load(Ordering::Relaxed) >= before + expected
        })
        .await?;
        tokio::time::sleep(Duration::from_millis(rng.u64(1..300))).await;
        // What is saved now stays.
        let saved = states(directory.path())?;
        server.kill()?;
        for (room, talk) in ROOMS.iter().zip(join_all(talking).await) {
            let talk = talk?;
            let (least, most) = known.get(room).copied().unwrap_or_default();
            if let Some((first, _)) = talk.answered {
                assert!(
                    (least + 1..=most + 1).contains(&first),
                    "round {round}, room {room}: {first} after {least} to {most}"
                );
            }
            let last = talk.answered.map_or(most, |(_, last)| last);
            let saved = saved.get(*room).copied().unwrap_or_default();
            // One entry can have been on its way.
            known.insert(room, (saved.max(least), last.max(saved) + 1));
        }
    }
    let entries = answers.load(Ordering::Relaxed);
    println!("F22: tried {kills} kills, {entries} entries, violated 0");
    Ok(())
}

/// Talks until the connection breaks.
async fn talk(url: &str, answers: &AtomicUsize) -> Talk {
    let mut talk = Talk::default();
    let Ok(mut client) = Client::connect(url).await else {
        return talk;
    };
    loop {
        let Ok(answer) = client.ask("x").await else {
            return talk;
        };
        let Some(number) = answer.split(' ').next().and_then(|text| text.parse().ok()) else {
            return talk;
        };
        let (first, last) = talk.answered.unwrap_or((number, number - 1));
        assert_eq!(number, last + 1, "{url}");
        talk.answered = Some((first, number));
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// The numbers of entries in the files of rooms. In a file, the name of the room stands at byte 32, and the number at the end.
fn states(directory: &Path) -> Result<HashMap<String, u64>, Failed> {
    let mut states = HashMap::new();
    for file in fs::read_dir(directory)? {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "room") {
            continue;
        }
        let bytes = fs::read(&path)?;
        let length = u32::from_le_bytes(*bytes[24..].first_chunk().ok_or("a length")?);
        let name = std::str::from_utf8(&bytes[32..32 + length as usize])?;
        let number = u64::from_le_bytes(*bytes.last_chunk().ok_or("a number")?);
        states.insert(name.to_owned(), number);
    }
    Ok(states)
}

/// Orders that make an event fail, beside `loop`.
const FAILURES: [&str; 4] = ["trap", "exit", "fill", "trap-in-save"];

/// One room fails all the time, and the client of another one gets each of its answers.
async fn failing() -> Result<(), Failed> {
    let events = sized(60, 10_000);
    let mut rng = rng("F22");
    let mut settings = RoomSettings::new(RoomStorage::none());
    settings.restarts = Restarts::new(u32::MAX, Duration::from_secs(1));
    settings.save_after = Duration::from_millis(5);
    let served = Served::with(ledger(&[])?, settings, server()).await?;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut good = served.client("/good").await?;
    let undisturbed = {
        let is_over = is_over.clone();
        tokio::spawn(async move {
            let mut answers = 0_u64;
            while !is_over.load(Ordering::Relaxed) {
                let answer = good.ask("x").await?;
                answers += 1;
                assert_eq!(answer, format!("{answers} 1 x"));
            }
            Ok::<_, Failed>(answers)
        })
    };
    let mut bad = served.client("/bad").await?;
    let (mut last, mut failures) = (0, 0);
    for _ in 0..events {
        if rng.u8(..3) == 0 {
            failures += 1;
            // A loop takes the time of an event, so there are few.
            let order = match rng.u8(..50) {
                0 => "loop",
                _ => FAILURES[rng.usize(..FAILURES.len())],
            };
            bad.send(order).await?;
        } else {
            let answer = bad.ask("y").await?;
            let number: u64 = answer.split(' ').next().unwrap_or_default().parse()?;
            assert!((1..=last + 1).contains(&number), "{answer} after {last}");
            last = number;
        }
    }
    is_over.store(true, Ordering::Relaxed);
    let answers = undisturbed.await??;
    assert!(served.rooms.counters().failures() > 0);
    println!("F22: tried {events} events ({failures} to fail), {answers} beside, violated 0");
    served.stop().await
}

/// The lease of the servers that share Redis.
const LEASE: Duration = Duration::from_millis(800);

/// Two servers, of which one has the room. Either of them, or Redis, fails; then the other server has the room, with
/// everything that was saved, and the first one has no effect any more.
async fn shared() -> Result<(), Failed> {
    let rounds = sized(2, 100);
    let mut redis = Redis::start_with(&KEPT)?;
    let logic = LogicFile::new(Guest::Ledger)?;
    let start = |redis: &Redis| {
        let mut command = logic.serve();
        command
            .args(["--rooms-in", &redis.url("?timeout=500ms")])
            .args(["--lease", "800ms", "--save-after", "10ms"])
            .args(["--peers", "127.0.0.1:0"]);
        ServerProcess::start(&mut command)
    };
    let join = async |server: &ServerProcess| {
        Client::connect(&format!("ws://{}/shared", server.address)).await
    };
    let mut owner = start(&redis)?;
    let mut other = start(&redis)?;
    let mut entries = 0;
    let mut longest = Duration::ZERO;
    for round in 0..rounds {
        // The owner is killed.
        let mut client = join(&owner).await?;
        entries = count(&mut client, entries, "before the kill").await?;
        stored(&redis, "shared", entries).await?;
        owner.kill()?;
        let begun = Instant::now();
        let mut client = join(&other).await?;
        entries = count(&mut client, entries, "after the kill").await?;
        longest = longest.max(begun.elapsed());
        owner = start(&redis)?;
        std::mem::swap(&mut owner, &mut other);

        // The owner is suspended for longer than its lease, while a client speaks to it.
        stored(&redis, "shared", entries).await?;
        owner.signal(Signal::STOP)?;
        client.send("late").await?;
        let begun = Instant::now();
        let mut moved = join(&other).await?;
        entries = count(&mut moved, entries, "while its server is suspended").await?;
        longest = longest.max(begun.elapsed());
        stored(&redis, "shared", entries).await?;
        owner.signal(Signal::CONT)?;
        let (code, reason) = client.close().await?;
        assert_eq!(code, 1012, "round {round}: {reason}");
        entries = count(&mut moved, entries, "after that").await?;
        stored(&redis, "shared", entries).await?;
        std::mem::swap(&mut owner, &mut other);

        // Redis is started again, sometimes after the lease has run out.
        redis.kill();
        tokio::time::sleep(LEASE * u32::try_from(round % 3)? / 2 + LEASE / 8).await;
        redis.restart()?;
        entries = count(&mut moved, entries, "after Redis is back").await?;
        stored(&redis, "shared", entries).await?;
        // A client of the other server is passed on.
        let mut passed_on = join(&other).await?;
        entries = count(&mut passed_on, entries, "passed on").await?;
        assert_eq!(
            moved.text().await?.split(' ').next(),
            Some(&*entries.to_string())
        );
    }
    stored(&redis, "shared", entries).await?;
    assert!(longest < LEASE + LONG / 2, "{longest:?}");
    println!(
        "F23: tried {rounds} kills, {rounds} suspensions, {rounds} restarts of Redis; violated 0; \
         a room moved within {longest:?}, with a lease of {LEASE:?}"
    );
    Ok(())
}

/// Adds an entry, and checks that it follows the others.
async fn count(client: &mut Client, entries: u64, when: &str) -> Result<u64, Failed> {
    let answer = client.ask("x").await?;
    let number: u64 = answer.split(' ').next().unwrap_or_default().parse()?;
    assert_eq!(number, entries + 1, "{when}: {answer}");
    Ok(number)
}
