//! F1: writers are killed at random times. A reader then finds under every key an acknowledged value, a
//! later one, or nothing; each killed writer leaves at most one temporary file. The same holds if
//! entries are evicted to keep a bound.

use super::{
    Shared,
    history::{History, Set},
    max_bytes, now, random, seed, sized,
};
use libtest_mimic::Failed;
use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::ExitStatusExt,
    process::{Child, ChildStdout, Stdio},
    thread,
    time::Duration,
};

const WRITERS: u64 = 8;
/// The number of times that all writers are killed in the same directory.
const GENERATIONS: u64 = 5;
/// The longest life of a writer, in microseconds: several time slices.
const LONGEST_LIFE: u64 = 100_000;

/// The number is the same on every system that has the signal.
const SIGKILL: i32 = 9;

/// Counters of what was tried and found.
#[derive(Default)]
struct Count {
    kills: u64,
    sets: usize,
    found: usize,
    missed: usize,
    left: u64,
    violations: Vec<String>,
}

pub fn run() -> Result<(), Failed> {
    let seed = seed();
    let mut count = Count::default();
    for directory in 0..sized(2, 25) {
        let found_before = count.found;
        on_one_directory(random(seed, directory), max_bytes(directory), &mut count)?;
        if count.found == found_before && count.violations.is_empty() {
            let bound = max_bytes(directory);
            return Err(format!("nothing was ever found under the bound {bound:?}").into());
        }
    }
    let Count {
        kills,
        sets,
        found,
        missed,
        left,
        violations,
    } = count;
    println!(
        "F1: tried {kills}, violated {}; TORTURE_SEED={seed}, {sets} sets acknowledged, {found} values found, {missed} missed, {left} temporary files left",
        violations.len()
    );
    match violations.as_slice() {
        [] => Ok(()),
        violations => Err(format!("TORTURE_SEED={seed}\n{}", violations.join("\n")).into()),
    }
}

fn on_one_directory(seed: u64, max_bytes: Option<u64>, count: &mut Count) -> Result<(), Failed> {
    let shared = Shared::new()?;
    let mut history = History::default();
    let keys: Vec<String> = (0..WRITERS)
        .flat_map(own_keys)
        .chain(common_keys())
        .collect();
    for generation in 0..GENERATIONS {
        let writers = generation * WRITERS..(generation + 1) * WRITERS;
        let writers: Vec<Writer> = writers
            .map(|writer| Writer::start(&shared, max_bytes, writer, random(seed, writer)))
            .collect::<Result<_, _>>()?;
        for acknowledged in kill(writers)? {
            acknowledged.take_down(&mut history)?;
        }
        count.kills += WRITERS;

        match shared.check(&keys) {
            Ok(stamps) => {
                let found = stamps
                    .iter()
                    .map(|stamp| stamp.parse())
                    .collect::<Result<Vec<Set>, _>>()?;
                count.found += found.len();
                count.missed += history.missing(&found);
                let unexpected = found.iter().filter_map(|set| history.expect(set).err());
                count.violations.extend(unexpected);
            }
            Err(failed) => count.violations.extend(failed.message().map(str::to_owned)),
        }
        let (left, killed) = (shared.temporary_files()?, (generation + 1) * WRITERS);
        if left > killed {
            let violation = format!("{killed} were killed and left {left} temporary files");
            count.violations.push(violation);
        }
        if let Some(max_bytes) = max_bytes {
            let exceeded = shared.expect_within(max_bytes).err();
            let exceeded = exceeded.and_then(|failed| failed.message().map(str::to_owned));
            count.violations.extend(exceeded);
        }
    }
    count.sets += history.acknowledged();
    count.left += shared.temporary_files()?;
    Ok(())
}

/// The keys of a writer that no concurrent writer uses; a writer that replaces it uses them again.
fn own_keys(writer: u64) -> impl Iterator<Item = String> {
    let place = writer % WRITERS;
    (0..4).map(move |number| format!("own-{place}-{number}"))
}

fn common_keys() -> impl Iterator<Item = String> {
    (0..4).map(|number| format!("common-{number}"))
}

/// A process that sets values until it is killed.
struct Writer {
    number: u64,
    process: Child,
    output: BufReader<ChildStdout>,
    life: Duration,
}

impl Writer {
    /// Starts a writer, which waits for a signal to begin.
    fn start(
        shared: &Shared,
        max_bytes: Option<u64>,
        number: u64,
        seed: u64,
    ) -> Result<Self, Failed> {
        let arguments = ["write".to_owned(), number.to_string(), seed.to_string()];
        let keys = own_keys(number).chain(common_keys());
        let bound = max_bytes.map(|bytes| format!("--env=cache=CACHE_MAX_BYTES={bytes}"));
        let mut process = shared
            .hammer_with(bound, arguments.into_iter().chain(keys))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("standard output is a pipe")?;
        Ok(Self {
            number,
            process,
            output: BufReader::new(output),
            life: Duration::from_micros(random(seed, "life") % LONGEST_LIFE),
        })
    }

    fn wait_until_ready(&mut self) -> Result<(), Failed> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        match line.as_str() {
            "ready\n" => Ok(()),
            _ => Err(format!("writer {} did not start", self.number).into()),
        }
    }

    fn let_go(&mut self) {
        drop(self.process.stdin.take());
    }

    fn kill(mut self) -> Result<Acknowledged, Failed> {
        thread::sleep(self.life);
        if let Some(status) = self.process.try_wait()? {
            return Err(format!("writer {} ended by itself: {status}", self.number).into());
        }
        self.process.kill()?;
        let status = self.process.wait()?;
        if status.signal() != Some(SIGKILL) {
            return Err(format!("writer {} ended by itself: {status}", self.number).into());
        }
        let killed = now();
        let mut lines = String::new();
        self.output.read_to_string(&mut lines)?;
        Ok(Acknowledged {
            writer: self.number,
            killed,
            lines,
        })
    }
}

/// Starts all writers together, and kills each after its own time.
fn kill(mut writers: Vec<Writer>) -> Result<Vec<Acknowledged>, Failed> {
    for writer in &mut writers {
        writer.wait_until_ready()?;
    }
    for writer in &mut writers {
        writer.let_go();
    }
    let killers: Vec<_> = writers
        .into_iter()
        .map(|writer| thread::spawn(|| writer.kill()))
        .collect();
    killers
        .into_iter()
        .map(|killer| killer.join().map_err(|_| "a killer panicked")?)
        .collect()
}

/// The output of a writer up to its end.
struct Acknowledged {
    writer: u64,
    killed: u64,
    lines: String,
}

impl Acknowledged {
    fn take_down(self, history: &mut History) -> Result<(), Failed> {
        history.kill(self.writer, self.killed);
        // The last line may be incomplete.
        let (whole, _) = self.lines.rsplit_once('\n').unwrap_or_default();
        for line in whole.lines() {
            let (stamp, ended) = line.rsplit_once(' ').ok_or("a stamp and its end")?;
            history.acknowledge(stamp.parse()?, ended.parse()?);
        }
        Ok(())
    }
}
