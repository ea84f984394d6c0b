//! A comparison of two contenders that take turns.

use std::time::{Duration, Instant};

/// A function that repeats an operation a given number of times, and returns the time that it took.
pub trait Contender {
    fn take_turn(&mut self, count: u64) -> anyhow::Result<Duration>;
}

/// The durations of a comparison.
#[derive(Clone, Copy, PartialEq)]
pub struct Pace {
    pub contest: Duration,
    /// The length of a turn. It is so short that other processes do not interrupt most turns.
    turn: Duration,
    /// The size of a large store: ten to the power of this many entries.
    pub magnitude: u32,
}

impl Pace {
    pub const FULL: Self = Self {
        contest: Duration::from_secs(6),
        turn: Duration::from_millis(3),
        magnitude: 6,
    };
    pub const QUICK: Self = Self {
        contest: Duration::from_millis(700),
        turn: Duration::from_millis(1),
        magnitude: 4,
    };
}

/// The result of a comparison: nanoseconds per operation, and the ratio of ours to the peer's.
#[derive(Clone, Copy)]
pub struct Score {
    pub ours: f64,
    pub peer: f64,
    pub ratio: Quartiles,
}

/// The quartiles of a set of ratios: three in four are above `low`, half above `median`, one in four
/// above `high`.
#[derive(Clone, Copy)]
pub struct Quartiles {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Quartiles {
    pub fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let at = |quarter: usize| numbers[(numbers.len() - 1) * quarter / 4];
        Self {
            low: at(1),
            median: at(2),
            high: at(3),
        }
    }

    /// The quartiles of the reciprocals.
    pub fn inverse(self) -> Self {
        Self {
            low: 1.0 / self.high,
            median: 1.0 / self.median,
            high: 1.0 / self.low,
        }
    }
}

/// Lets both contenders take turns until the time is up. Each round gives a ratio of its own, because
/// other load on the machine slows both.
pub fn contest(
    ours: &mut dyn Contender,
    peer: &mut dyn Contender,
    pace: Pace,
) -> anyhow::Result<Score> {
    const FEWEST_ROUNDS: usize = 9;
    let (our_count, peer_count) = (fill_turn(ours, pace)?, fill_turn(peer, pace)?);
    let (mut our_times, mut peer_times, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let started = Instant::now();
    while started.elapsed() < pace.contest || ratios.len() < FEWEST_ROUNDS {
        let (our_time, peer_time) = if ratios.len() % 2 == 0 {
            let our_time = time(ours, our_count)?;
            (our_time, time(peer, peer_count)?)
        } else {
            let peer_time = time(peer, peer_count)?;
            (time(ours, our_count)?, peer_time)
        };
        our_times.push(our_time);
        peer_times.push(peer_time);
        ratios.push(our_time / peer_time);
    }
    Ok(Score {
        ours: Quartiles::of(our_times).median,
        peer: Quartiles::of(peer_times).median,
        ratio: Quartiles::of(ratios),
    })
}

/// Nanoseconds per operation.
fn time(contender: &mut dyn Contender, count: u64) -> anyhow::Result<f64> {
    Ok(contender.take_turn(count)?.as_nanos() as f64 / count as f64)
}

/// The number of operations in one turn. Measuring it also warms up the contender.
fn fill_turn(contender: &mut dyn Contender, pace: Pace) -> anyhow::Result<u64> {
    let mut count = 1;
    while contender.take_turn(count)? < pace.turn {
        count *= 2;
    }
    Ok(count)
}
