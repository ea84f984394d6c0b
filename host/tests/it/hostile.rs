//! Guests that want more than they get: how soon they are stopped, with which exit code, and how
//! much memory that takes. The guests are those of the golden cases, which check the words.

use crate::torture::sized;
use libtest_mimic::{Failed, Trial};
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![Trial::test("hostile::stopped_in_time", stopped_in_time)]
}

/// What a guest writes to.
#[derive(Clone, Copy)]
enum Output {
    Nowhere,
    /// A pipe that nobody reads.
    Blocked,
}

use Output::{Blocked, Nowhere};

/// The folder of a case, what follows `wit-host` there, the guest's output, and the exit code.
/// Standard input is a pipe that nobody writes to.
const GUESTS: &[(&str, &str, Output, i32)] = &[
    ("blocked-output", "run flood.wat", Blocked, 124),
    ("blocked-read", "run echo.wat", Nowhere, 124),
    ("fifo", "run --dir d open.wat", Nowhere, 124),
    ("flood", "run flood.wat", Nowhere, 124),
    ("fuel", "run --fuel 100000 loop.wat", Nowhere, 134),
    ("handles", "run handles.wat", Nowhere, 134),
    (
        "host-memory",
        "invoke --dir d hoard.wat keep-inputs()",
        Nowhere,
        124,
    ),
    (
        "host-memory",
        "invoke --dir d hoard.wat keep-listings()",
        Nowhere,
        124,
    ),
    (
        "host-memory",
        "invoke --max-memory 8MiB values.wat flags()",
        Nowhere,
        125,
    ),
    (
        "host-memory",
        "invoke --max-memory 8MiB values.wat records()",
        Nowhere,
        125,
    ),
    ("instances", "run bomb.wat", Nowhere, 125),
    ("memory", "run --max-memory 10MiB grows.wat", Nowhere, 134),
    (
        "plug-output",
        "run consumer.wat --plug flooding.wat",
        Nowhere,
        124,
    ),
    ("randomness", "run component.wat", Nowhere, 134),
    ("sleep", "run sleep.wat", Nowhere, 124),
    (
        "stack",
        "run consumer.wat --plug recursive.wat",
        Nowhere,
        134,
    ),
    ("start-code", "run component.wat", Nowhere, 124),
    ("start-code", "run module.wat", Nowhere, 124),
    ("tables", "run grows.wat", Nowhere, 134),
    ("timeout", "run loop.wat", Nowhere, 124),
    (
        "timeout",
        "run consumer.wat --plug looping.wat",
        Nowhere,
        124,
    ),
    ("timeout", "run module.wat", Nowhere, 124),
];

const LIMIT: Duration = Duration::from_millis(200);
/// How much later than the limit the process may end, start-up apart.
const LATENESS: Duration = Duration::from_millis(200);
/// How much memory the host may use beyond what it needs to start, in KiB: what one call may copy.
const MEMORY: u64 = 128 << 10;

/// What is not stopped by then, is ended, and counted.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a process took.
#[derive(Clone, Copy)]
struct Cost {
    time: Duration,
    /// The most memory that it had at a time, in KiB.
    memory: u64,
}

fn stopped_in_time() -> Result<(), Failed> {
    let rounds = sized(1, 25);
    // Beside other tests, on a machine that others use, a process may wait for its turn.
    let patience = if rounds == 1 { 10 } else { 1 };
    let start = start()?;
    let (mut latest, mut largest) = (Duration::ZERO, 0);
    let mut violations = Vec::new();
    for (case, line, output, expected) in GUESTS {
        let case = format!("limits/{case}");
        // What is compiled once is at hand from here on.
        run(&case, line, *output)?;
        for _ in 0..rounds {
            let (code, cost) = run(&case, line, *output)?;
            let late = cost.time.saturating_sub(start.time + LIMIT);
            let more = cost.memory.saturating_sub(start.memory);
            latest = latest.max(late);
            largest = largest.max(more);
            if code != Some(*expected) || late > LATENESS * patience || more > MEMORY {
                violations.push(format!(
                    "{case}: {line}: exit {code:?}, {late:?} late, {more} KiB more"
                ));
            }
        }
    }
    println!(
        "F12: tried {}, violated {}; at most {latest:?} late, {largest} KiB more than at the start",
        GUESTS.len() * rounds,
        violations.len()
    );
    match violations.as_slice() {
        [] => Ok(()),
        violations => Err(violations.join("\n").into()),
    }
}

/// What it takes to do nearly nothing, with compiled code at hand: the least of several.
fn start() -> Result<Cost, Failed> {
    let starts = (0..6).map(|_| Ok(run("plain-module", "run hello.wat", Nowhere)?.1));
    let starts: Vec<Cost> = starts.collect::<Result<_, Failed>>()?;
    let least = |cost: fn(&Cost) -> u64| starts[1..].iter().map(cost).min().unwrap_or(0);
    Ok(Cost {
        time: Duration::from_nanos(least(|cost| cost.time.as_nanos() as u64)),
        memory: least(|cost| cost.memory),
    })
}

fn run(case: &str, line: &str, output: Output) -> Result<(Option<i32>, Cost), Failed> {
    let case = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/run")
        .join(case);
    let work = tempfile::tempdir()?;
    for file in fs::read_dir(&case)? {
        let file = file?;
        fs::copy(file.path(), work.path().join(file.file_name()))?;
    }
    fs::create_dir(work.path().join("d"))?;
    let fifo = Command::new("mkfifo")
        .arg(work.path().join("d/fifo"))
        .status()?;
    assert!(fifo.success(), "mkfifo makes a FIFO");

    let mut words = line.split(' ');
    let started = Instant::now();
    let mut child = crate::wit_host_command()
        .args(words.next())
        .args(["--timeout", "200ms"])
        .args(words)
        .current_dir(work.path())
        .stdin(Stdio::piped())
        .stdout(match output {
            Nowhere => Stdio::null(),
            Blocked => Stdio::piped(),
        })
        .stderr(Stdio::null())
        .spawn()?;
    let mut memory = 0;
    loop {
        memory = peak(&child).unwrap_or(0).max(memory);
        if let Some(status) = child.try_wait()? {
            let time = started.elapsed();
            return Ok((status.code(), Cost { time, memory }));
        }
        if started.elapsed() > PATIENCE {
            child.kill()?;
        }
        sleep(Duration::from_millis(2));
    }
}

/// The most memory that a running process has had, in KiB; nothing where the system does not tell,
/// and then it is not judged.
fn peak(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
