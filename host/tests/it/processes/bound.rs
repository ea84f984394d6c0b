//! Processes that share a directory and a bound: guests and native processes set values of all sizes,
//! and some are killed while they write. The size of the files stays within the bound.

use super::{Shared, random, seed, sized};
use libtest_mimic::Failed;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};
use wit_host::{Cache, DirCache, DirCacheOptions};

/// The name of the trial that a native child process runs.
pub const PROCESS: &str = "processes::one_that_fills";
/// The environment variable of a child process: seed, bound, bytes to set, sizes and directory.
const VARIABLE: &str = "WIT_HOST_TEST_FILL";

const PROCESSES: u64 = 8;
/// The total size of all values that are set, as a multiple of the bound.
const ROUNDS: u64 = 12;
const BLOCK: u64 = 4096;

/// A bound in bytes, and the sizes of the values, chosen with equal probability.
const MIXTURES: &[(u64, &[u64])] = &[
    (4_000_000, &[100, 1_000, 5_000]),
    (10_000_000, &[5_000_000]),
    (4_000_000, &[3_900_000, 100, 100, 100, 100]),
    (8_000_000, &[100, 1_000, 20_000, 300_000, 2_000_000]),
    (6_000_000, &[1_500_000, 30_000]),
];

pub fn run() -> Result<(), Failed> {
    let seed = seed();
    let (mut samples, mut violations) = (0, Vec::new());
    for round in 0..sized(1, 10) {
        for (number, &(bound, sizes)) in MIXTURES.iter().enumerate() {
            let peak = fill(random(seed, (round, number)), bound, sizes, false)?;
            samples += peak.samples;
            violations.extend(peak.violation(bound, sizes));
        }
    }
    report("bound", seed, samples, &violations)
}

pub fn run_killed() -> Result<(), Failed> {
    let seed = seed();
    let (mut samples, mut violations) = (0, Vec::new());
    for round in 0..sized(1, 10) {
        for (number, &(bound, sizes)) in MIXTURES.iter().enumerate() {
            let peak = fill(random(seed, (round, number)), bound, sizes, true)?;
            samples += peak.samples;
            violations.extend(peak.violation(bound, sizes));
        }
    }
    report("bound, with killed writers", seed, samples, &violations)
}

fn report(what: &str, seed: u64, samples: u64, violations: &[String]) -> Result<(), Failed> {
    println!(
        "{what}: tried {samples}, violated {}; TORTURE_SEED={seed}",
        violations.len()
    );
    match violations {
        [] => Ok(()),
        violations => Err(format!("TORTURE_SEED={seed}\n{}", violations.join("\n")).into()),
    }
}

/// The size of the files of a store.
struct Peak {
    samples: u64,
    /// The peak while processes wrote.
    highest: u64,
    /// The size after all processes had ended.
    last: u64,
}

impl Peak {
    fn violation(&self, bound: u64, sizes: &[u64]) -> Option<String> {
        // A file that is renamed during the listing may be counted twice.
        let largest = sizes.iter().copied().max().unwrap_or_default();
        let is_kept = self.last <= bound && self.highest <= bound + largest + BLOCK;
        (!is_kept).then(|| {
            format!(
                "{bound} bytes with values of {sizes:?}: {} at the end, {} in between",
                self.last, self.highest
            )
        })
    }
}

/// Runs processes that set values in one directory, and measures its size meanwhile. Processes that
/// are killed are replaced.
fn fill(seed: u64, bound: u64, sizes: &[u64], are_killed: bool) -> Result<Peak, Failed> {
    let shared = Shared::new()?;
    let generations = if are_killed { 4 } else { 1 };
    let has_ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let (mut samples, mut highest) = (0, 0);
            while !has_ended.load(Ordering::Relaxed) {
                highest = highest.max(occupied(shared.path()));
                samples += 1;
                thread::sleep(Duration::from_millis(2));
            }
            (samples, highest)
        });
        let filled = (0..generations).try_for_each(|generation| {
            let seed = random(seed, generation);
            one_generation(&shared, seed, bound, sizes, are_killed)
        });
        has_ended.store(true, Ordering::Relaxed);
        let (samples, highest) = watch.join().map_err(|_| "the watch panicked")?;
        filled?;
        let last = occupied(shared.path());
        Ok(Peak {
            samples,
            highest,
            last,
        })
    })
}

fn one_generation(
    shared: &Shared,
    seed: u64,
    bound: u64,
    sizes: &[u64],
    are_killed: bool,
) -> Result<(), Failed> {
    let mut children = Vec::new();
    for number in 0..PROCESSES {
        let process = Process {
            seed: random(seed, number),
            bound,
            bytes: ROUNDS * bound / PROCESSES,
            sizes: sizes.to_vec(),
            directory: shared.path().to_owned(),
        };
        children.push(if number % 2 == 0 {
            process.start()?
        } else {
            process.start_guest(shared)?
        });
    }
    for (number, mut child) in children.into_iter().enumerate() {
        if are_killed {
            thread::sleep(Duration::from_micros(
                random(seed, ("life", number)) % 60_000,
            ));
            child.kill()?;
        }
        let output = child.wait_with_output()?;
        if !are_killed && !output.status.success() {
            let (told, failed) = (output.stderr, output.stdout);
            return Err(String::from_utf8_lossy(&[told, failed].concat())
                .into_owned()
                .into());
        }
    }
    Ok(())
}

/// The size of all files in the subdirectories, entries and others.
fn occupied(root: &Path) -> u64 {
    let shelves = fs::read_dir(root.join("v1"))
        .into_iter()
        .flatten()
        .flatten();
    let files =
        shelves.flat_map(|shelf| fs::read_dir(shelf.path()).into_iter().flatten().flatten());
    let sizes = files.filter_map(|file| Some(file.metadata().ok()?.len()));
    sizes.map(|size| size.next_multiple_of(BLOCK)).sum()
}

/// A process that sets values, natively or in a guest.
pub struct Process {
    seed: u64,
    bound: u64,
    bytes: u64,
    sizes: Vec<u64>,
    directory: PathBuf,
}

impl Process {
    pub fn from_environment() -> Option<Self> {
        let variable = std::env::var(VARIABLE).ok()?;
        let mut fields = variable.splitn(5, ' ');
        let mut number = || fields.next()?.parse().ok();
        Some(Self {
            seed: number()?,
            bound: number()?,
            bytes: number()?,
            sizes: fields
                .next()?
                .split(',')
                .map(|size| size.parse().ok())
                .collect::<Option<_>>()?,
            directory: fields.next()?.into(),
        })
    }

    fn start(&self) -> Result<Child, Failed> {
        let sizes: Vec<_> = self.sizes.iter().map(u64::to_string).collect();
        let variable = format!(
            "{} {} {} {} {}",
            self.seed,
            self.bound,
            self.bytes,
            sizes.join(","),
            self.directory.display()
        );
        let process = Command::new(std::env::current_exe()?)
            .args(["--exact", PROCESS])
            .env(VARIABLE, variable)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(process)
    }

    fn start_guest(&self, shared: &Shared) -> Result<Child, Failed> {
        let numbers = [self.seed, self.bytes];
        let arguments = ["fill".to_owned()]
            .into_iter()
            .chain(numbers.iter().chain(&self.sizes).map(u64::to_string));
        let bound = [format!("--env=cache=CACHE_MAX_BYTES={}", self.bound)];
        let process = shared
            .hammer_with(bound, arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(process)
    }

    pub fn run(&self) -> Result<(), Failed> {
        let options = DirCacheOptions::default().max_bytes(self.bound.to_string().parse()?);
        let cache = DirCache::open(&self.directory, options)?;
        let mut left = self.bytes;
        for number in 0.. {
            let size = self.sizes[random(self.seed, number) as usize % self.sizes.len()];
            let key = format!("{} {number}", self.seed);
            let value = vec![number as u8; size as usize];
            crate::embedding::tokio()?.block_on(cache.set(&key, &value, None))?;
            left = left.saturating_sub(size.next_multiple_of(BLOCK));
            if left == 0 {
                break;
            }
        }
        Ok(())
    }
}
