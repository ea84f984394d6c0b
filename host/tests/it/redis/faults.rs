//! F17: Redis killed, stalled, half-open, restarted, answering garbage, out of memory. Each call ends in
//! its time with a right answer or `runtime-error`, and the cache recovers.
//!
//! `TORTURE=1` tries each fault a hundred times. `TORTURE_SEED` repeats a run.

use super::{
    model::{Caller, Loss, shown},
    proxy::{Mode, Proxy},
    server::{Server, trial},
};
use crate::{
    embedding::tokio,
    torture::{is_long, number_from, sized},
};
use ::tokio::task::JoinSet;
use fastrand::Rng;
use libtest_mimic::{Failed, Trial};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use wit_host::{RedisCache, RedisError, RedisOptions};

/// What a call may take in addition on a busy machine.
const MARGIN: Duration = Duration::from_millis(500);
/// The time within which the cache works again after a fault: the longest pause between two attempts to
/// connect, and a margin.
const RECOVERY: Duration = Duration::from_millis(2500);
const CALLERS: usize = 3;

pub fn trials() -> Vec<Trial> {
    [
        ("killed", killed as Fault, Loss::Misses),
        ("restarted", restarted, Loss::Misses),
        ("stalled", stalled, Loss::Nothing),
        ("half_open", half_open, Loss::Nothing),
        ("garbage", garbage, Loss::Nothing),
        ("out_of_memory", out_of_memory, Loss::Nothing),
    ]
    .map(|(name, fault, loss)| {
        trial(&format!("faults::{name}"), move || {
            single(name, fault, loss)
        })
    })
    .into()
}

/// Makes a fault and ends it.
type Fault = fn(&mut Server, &Proxy, &mut Rng) -> Result<(), Failed>;

fn killed(server: &mut Server, _: &Proxy, rng: &mut Rng) -> Result<(), Failed> {
    server.kill();
    pause(rng, 300);
    server.restart()?;
    Ok(())
}

fn restarted(server: &mut Server, _: &Proxy, _: &mut Rng) -> Result<(), Failed> {
    server.kill();
    server.restart()?;
    Ok(())
}

fn stalled(server: &mut Server, _: &Proxy, rng: &mut Rng) -> Result<(), Failed> {
    server.signal("STOP")?;
    pause(rng, 800);
    server.signal("CONT")?;
    Ok(())
}

fn half_open(_: &mut Server, proxy: &Proxy, rng: &mut Rng) -> Result<(), Failed> {
    proxy.set(Mode::Hold);
    pause(rng, 800);
    proxy.set(Mode::Forward);
    Ok(())
}

fn garbage(_: &mut Server, proxy: &Proxy, rng: &mut Rng) -> Result<(), Failed> {
    proxy.set(Mode::Garbage(rng.u64(..)));
    pause(rng, 300);
    proxy.set(Mode::Forward);
    Ok(())
}

fn out_of_memory(server: &mut Server, _: &Proxy, rng: &mut Rng) -> Result<(), Failed> {
    let set = |bytes| {
        let reply = server.raw(&format!("CONFIG SET maxmemory {bytes}"))?;
        if reply == "+OK" {
            Ok(())
        } else {
            Err(Failed::from(reply))
        }
    };
    set(1)?;
    pause(rng, 200);
    set(0)?;
    Ok(())
}

fn pause(rng: &mut Rng, most: u64) {
    thread::sleep(Duration::from_millis(rng.u64(..most)));
}

fn single(name: &str, fault: Fault, loss: Loss) -> Result<(), Failed> {
    let mut server = Server::start_with(&["--maxmemory-policy", "noeviction"])?;
    let proxy = Proxy::start(server.port)?;
    let url = format!(
        "redis://127.0.0.1:{}/?timeout=250ms&connect-timeout=200ms",
        proxy.port
    );
    torture(name, &url, loss, |rng| fault(&mut server, &proxy, rng))
}

/// What the callers and the thread that makes the faults share.
struct Shared {
    is_over: AtomicBool,
    /// The number of begins and ends of faults.
    faults: Arc<AtomicUsize>,
    /// The time of each caller's last answer that was not an error.
    answered: Mutex<[Instant; CALLERS]>,
}

/// Makes faults while callers call, and checks what they get.
pub fn torture(
    name: &str,
    url: &str,
    loss: Loss,
    mut fault: impl FnMut(&mut Rng) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let options: RedisOptions = url.parse()?;
    let rounds = sized(3, 100);
    let fallback = if is_long() { fastrand::u64(..) } else { 1 };
    let seed = number_from("TORTURE_SEED").unwrap_or(fallback);
    let wrong = |text: String| Failed::from(format!("TORTURE_SEED={seed} {name}: {text}"));
    let shared = Arc::new(Shared {
        is_over: AtomicBool::new(false),
        faults: Arc::default(),
        answered: Mutex::new([Instant::now(); CALLERS]),
    });
    let calling = thread::spawn({
        let (options, shared) = (options.clone(), shared.clone());
        move || call(options, seed, loss, shared)
    });
    let mut rng = Rng::with_seed(seed);
    let mut slowest = Duration::ZERO;
    let mut make_faults = || {
        let begun = Instant::now();
        while !shared.have_all_answered_since(begun) && !calling.is_finished() {
            thread::sleep(Duration::from_millis(2));
        }
        for round in 0..rounds {
            pause(&mut rng, 50);
            shared.faults.fetch_add(1, Ordering::SeqCst);
            fault(&mut rng)?;
            shared.faults.fetch_add(1, Ordering::SeqCst);
            let ended = Instant::now();
            while !shared.have_all_answered_since(ended) {
                if calling.is_finished() {
                    return Ok(());
                }
                if ended.elapsed() > RECOVERY {
                    return Err(wrong(format!("no answer {RECOVERY:?} after fault {round}")));
                }
                thread::sleep(Duration::from_millis(2));
            }
            slowest = slowest.max(ended.elapsed());
        }
        Ok(())
    };
    let made = make_faults();
    shared.is_over.store(true, Ordering::SeqCst);
    let called = calling.join();
    made?;
    let callers = called
        .map_err(|_| wrong("a caller panicked".to_owned()))?
        .map_err(wrong)?;
    let total = |count: fn(&Caller) -> usize| callers.iter().map(count).sum::<usize>();
    let longest = callers.iter().map(|caller| caller.longest).max();
    let longest = longest.unwrap_or_default();
    println!(
        "F17 {name}: {rounds} faults, {} answers, {} errors, longest call {longest:?}, slowest recovery {slowest:?} (TORTURE_SEED={seed})",
        total(|caller| caller.answers),
        total(|caller| caller.errors),
    );
    let bound = options.timeout + MARGIN;
    if longest > bound {
        return Err(wrong(format!(
            "a call took {longest:?}, more than {bound:?}"
        )));
    }
    Ok(())
}

impl Shared {
    fn answered(&self) -> MutexGuard<'_, [Instant; CALLERS]> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn have_all_answered_since(&self, time: Instant) -> bool {
        self.answered().iter().all(|at| *at > time)
    }
}

/// Calls from several callers on one cache and one runtime, until it is over or an answer is wrong.
fn call(
    options: RedisOptions,
    seed: u64,
    loss: Loss,
    shared: Arc<Shared>,
) -> Result<Vec<Caller>, String> {
    let runtime = tokio().map_err(|error| format!("{error:?}"))?;
    runtime.block_on(async {
        // A busy machine may need longer to connect than the faults allow.
        let cache = loop {
            match RedisCache::connect_with(options.clone()).await {
                Ok(cache) => break cache,
                Err(RedisError::ConnectTimeout { .. }) => {}
                Err(error) => return Err(shown(&error)),
            }
        };
        let mut callers = JoinSet::new();
        for number in 0..CALLERS {
            let (cache, shared) = (cache.clone(), shared.clone());
            let mut caller = Caller::new(
                number,
                seed ^ (number as u64 + 1),
                loss,
                shared.faults.clone(),
            );
            callers.spawn(async move {
                while !shared.is_over.load(Ordering::SeqCst) {
                    if caller.call(&cache).await? {
                        shared.answered()[number] = Instant::now();
                    }
                    ::tokio::time::sleep(Duration::from_micros(300)).await;
                }
                Ok::<_, String>(caller)
            });
        }
        let mut ended = Vec::new();
        while let Some(caller) = callers.join_next().await {
            ended.push(caller.map_err(|error| error.to_string())??);
        }
        Ok(ended)
    })
}
