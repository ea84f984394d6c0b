//! What a cache may answer, given the calls so far.

use fastrand::Rng;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use wit_host::{Cache, CacheError, RedisCache};

/// A value of a test, or `None` for no entry.
type Entry = Option<Vec<u8>>;

/// What faults can do to entries that were stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    Nothing,
    /// The server loses its memory.
    Misses,
    /// A replica that lagged takes over.
    GoesBack,
}

/// One caller with keys of its own, who remembers what each key may hold.
pub struct Caller {
    name: usize,
    rng: Rng,
    count: u64,
    keys: HashMap<String, Key>,
    loss: Loss,
    /// The number of begins and ends of faults. It is odd during a fault.
    faults: Arc<AtomicUsize>,
    seen: usize,
    /// The longest time of a call.
    pub longest: Duration,
    pub answers: usize,
    pub errors: usize,
}

struct Key {
    /// What the key may hold. A call that failed may have had its effect, or may have it later.
    possible: HashSet<Entry>,
    /// What the key held at any time.
    past: HashSet<Entry>,
}

impl Caller {
    pub fn new(name: usize, seed: u64, loss: Loss, faults: Arc<AtomicUsize>) -> Self {
        Self {
            name,
            rng: Rng::with_seed(seed),
            count: 0,
            keys: HashMap::new(),
            loss,
            faults,
            seen: 0,
            longest: Duration::ZERO,
            answers: 0,
            errors: 0,
        }
    }

    /// Makes one random call and checks its answer. `Ok(true)` if the call did not fail.
    pub async fn call(&mut self, cache: &RedisCache) -> Result<bool, String> {
        let name = format!("{}-{}", self.name, self.rng.usize(..4));
        self.count += 1;
        let before = self.faults.load(Ordering::SeqCst);
        let begun = Instant::now();
        let (call, answer) = self.random_call(cache, &name).await;
        self.longest = self.longest.max(begun.elapsed());
        let after = self.faults.load(Ordering::SeqCst);
        let is_during_fault = after != before || after % 2 == 1;
        if is_during_fault || before != self.seen {
            self.lose();
        }
        self.seen = after;
        let key = self.keys.entry(name.clone()).or_default();
        key.check(&call, &answer)
            .map_err(|wrong| format!("{name} {wrong}"))?;
        if is_during_fault {
            self.lose();
        }
        match answer {
            Err(CacheError::Runtime(_)) => {
                self.errors += 1;
                Ok(false)
            }
            _ => {
                self.answers += 1;
                Ok(true)
            }
        }
    }

    async fn random_call(
        &mut self,
        cache: &RedisCache,
        name: &str,
    ) -> (Call, Result<Entry, CacheError>) {
        match self.rng.usize(..10) {
            0..4 => {
                let mut value = format!("{}-{}", self.name, self.count).into_bytes();
                value.resize(value.len() + self.rng.usize(..3000), b'.');
                let ttl = self.rng.bool().then_some(1000);
                let answer = cache.set(name, &value, ttl).await;
                (Call::Set(value), answer.map(|()| None))
            }
            4..8 => {
                let answer = cache.get(name).await;
                (Call::Get, answer.map(|value| Some(value.to_vec())))
            }
            _ => (Call::Delete, cache.delete(name).await.map(|()| None)),
        }
    }

    fn lose(&mut self) {
        for key in self.keys.values_mut() {
            match self.loss {
                Loss::Nothing => {}
                Loss::Misses => drop(key.possible.insert(None)),
                Loss::GoesBack => key.possible.extend(key.past.iter().cloned()),
            }
        }
    }
}

enum Call {
    Set(Vec<u8>),
    Get,
    Delete,
}

impl Default for Key {
    fn default() -> Self {
        Self {
            possible: HashSet::from([None]),
            past: HashSet::from([None]),
        }
    }
}

impl Key {
    /// Checks an answer, and remembers what the call did or may have done.
    fn check(&mut self, call: &Call, answer: &Result<Entry, CacheError>) -> Result<(), String> {
        let is_known = !matches!(answer, Err(CacheError::Runtime(_)));
        match (call, answer) {
            (_, Err(CacheError::Runtime(error))) if shown(&**error).contains("secret") => {
                return Err(format!("shows the password: {}", shown(&**error)));
            }
            (Call::Get, Ok(entry)) => self.observed(entry)?,
            (Call::Get | Call::Delete, Err(CacheError::NotFound)) => self.observed(&None)?,
            (Call::Delete, Ok(_)) if self.possible.iter().all(Option::is_none) => {
                return Err("was deleted and did not exist".to_owned());
            }
            (Call::Set(_), Err(CacheError::NotFound)) => {
                return Err("was set and not found".to_owned());
            }
            _ => {}
        }
        match call {
            Call::Set(value) => self.changed(Some(value.clone()), is_known),
            Call::Delete => self.changed(None, is_known),
            Call::Get => {}
        }
        Ok(())
    }

    fn changed(&mut self, entry: Entry, is_done: bool) {
        if is_done {
            self.possible.clear();
        }
        self.past.insert(entry.clone());
        self.possible.insert(entry);
    }

    fn observed(&self, entry: &Entry) -> Result<(), String> {
        if self.possible.contains(entry) {
            return Ok(());
        }
        let words = |entry: &Entry| match entry {
            None => "nothing".to_owned(),
            Some(value) => {
                let end = value.iter().position(|&byte| byte == b'.');
                String::from_utf8_lossy(&value[..end.unwrap_or(value.len())]).into_owned()
            }
        };
        let possible: Vec<_> = self.possible.iter().map(words).collect();
        Err(format!("holds {}, not one of {possible:?}", words(entry)))
    }
}

/// All that an error says, also in its sources and to `Debug`.
pub fn shown(error: &(dyn std::error::Error + 'static)) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(|error| format!("{error} {error:?} ")).collect()
}
