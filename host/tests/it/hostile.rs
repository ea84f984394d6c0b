//! Guests that exceed their limits: the delay until they are stopped, the exit code, and the memory of
//! the host. The guests are those of the golden cases, which check the messages.
//!
//! The delay is measured against a reference process, which starts at the same time and ends by itself
//! when the limit passes: a busy machine delays both. A guest that is late is tried again. It passes if
//! its best attempt is in time, compared with the best reference process and allowing for the spread of
//! the reference times.

use crate::{count::Count, torture::sized};
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread::{self, sleep},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("hostile::stopped_in_time", stopped_in_time),
        Trial::test("hostile::a_pause_of_the_machine_is_not_its_time", paused),
    ]
}

/// A process that got no time around its limit still ends in order, and names the part that was computing.
fn paused() -> Result<(), Failed> {
    const GUEST: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/cases/run/limits/timeout/loop.wat"
    );
    let mut command = crate::wit_host_command();
    command.args(["run", "--timeout", "1s", GUEST]);
    let process = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    sleep(Duration::from_millis(500));
    kill_process(Pid::from_child(&process), Signal::STOP)?;
    sleep(Duration::from_secs(1));
    kill_process(Pid::from_child(&process), Signal::CONT)?;
    let output = process.wait_with_output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    match output.status.code() == Some(124) && stderr.contains("`loop` was computing") {
        true => Ok(()),
        false => Err(format!("{:?}: {stderr}", output.status).into()),
    }
}

/// The standard output of a guest.
#[derive(Clone, Copy)]
enum Output {
    Nowhere,
    /// A pipe that is not read.
    Blocked,
}

use Output::{Blocked, Nowhere};

/// The folder of a case, the arguments of `wit-host`, the guest's output, the exit code, and the
/// largest delay after the limit. Standard input is a pipe to which nothing is written.
const GUESTS: &[(&str, &str, Output, i32, Duration)] = &[
    (
        "blocked-output",
        "run flood.wat",
        Blocked,
        124,
        WITH_THE_PROCESS,
    ),
    ("blocked-read", "run echo.wat", Nowhere, 124, IN_ORDER),
    ("demangling", "run module.wat", Nowhere, 134, IN_ORDER),
    (
        "demangling",
        "invoke component.wat f()",
        Nowhere,
        134,
        IN_ORDER,
    ),
    (
        "fifo",
        "run --dir d open.wat",
        Nowhere,
        124,
        WITH_THE_PROCESS,
    ),
    ("flood", "run flood.wat", Nowhere, 124, IN_ORDER),
    ("fuel", "run --fuel 100000 loop.wat", Nowhere, 134, IN_ORDER),
    ("handles", "run handles.wat", Nowhere, 134, IN_ORDER),
    (
        "host-memory",
        "invoke --dir d hoard.wat keep-inputs()",
        Nowhere,
        124,
        IN_ORDER,
    ),
    (
        "host-memory",
        "invoke --dir d hoard.wat keep-listings()",
        Nowhere,
        124,
        IN_ORDER,
    ),
    (
        "host-memory",
        "invoke --max-memory 8MiB values.wat flags()",
        Nowhere,
        125,
        IN_ORDER,
    ),
    (
        "host-memory",
        "invoke --max-memory 8MiB values.wat records()",
        Nowhere,
        125,
        IN_ORDER,
    ),
    ("instances", "run bomb.wat", Nowhere, 125, IN_ORDER),
    (
        "memory",
        "run --max-memory 10MiB grows.wat",
        Nowhere,
        134,
        IN_ORDER,
    ),
    (
        "plug-output",
        "run consumer.wat --plug flooding.wat",
        Nowhere,
        124,
        IN_ORDER,
    ),
    ("randomness", "run component.wat", Nowhere, 134, IN_ORDER),
    ("sleep", "run sleep.wat", Nowhere, 124, IN_ORDER),
    (
        "stack",
        "run consumer.wat --plug recursive.wat",
        Nowhere,
        134,
        IN_ORDER,
    ),
    ("start-code", "run component.wat", Nowhere, 124, IN_ORDER),
    ("start-code", "run module.wat", Nowhere, 124, IN_ORDER),
    ("tables", "run grows.wat", Nowhere, 134, IN_ORDER),
    ("timeout", "run loop.wat", Nowhere, 124, IN_ORDER),
    (
        "timeout",
        "run consumer.wat --plug looping.wat",
        Nowhere,
        124,
        IN_ORDER,
    ),
    ("timeout", "run module.wat", Nowhere, 124, IN_ORDER),
];

const LIMIT: Duration = Duration::from_millis(1000);
/// The largest delay of a guest that computes or waits: the clock ticks every 10 ms, a wait ends at
/// once, and the rest is for the process to report and end.
const IN_ORDER: Duration = Duration::from_millis(50);
/// The largest delay of a guest that blocks the process: the process itself is ended, 190 ms after the
/// limit.
const WITH_THE_PROCESS: Duration = Duration::from_millis(200);
/// The memory, in KiB, that the host may use beyond what a start needs: one call may copy that much.
const MEMORY: u64 = 128 << 10;

/// The exit code after a time limit.
const TIMED_OUT: i32 = 124;

/// The largest number of attempts for a guest that is late.
const ATTEMPTS: usize = 10;
/// The time after which a guest that still runs is killed and not tried again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The exit code, time and memory of a process.
struct Run {
    /// `None` if the process had to be killed.
    code: Option<i32>,
    time: Duration,
    /// The peak of its memory, in KiB.
    memory: u64,
}

fn stopped_in_time() -> Result<(), Failed> {
    let sleeper = Guest::sleeper()?;
    let start = Guest::of_case("plain-module", "run hello.wat", Nowhere)?
        .run(None)?
        .memory;
    let mut count = Count::of("F12");
    let (mut latest, mut largest) = (Duration::ZERO, 0);
    for (case, line, output, expected, lateness) in GUESTS {
        let guest = Guest::of_case(&format!("limits/{case}"), line, *output)?;
        // From here on the guest is in the code cache.
        guest.run(Some(LIMIT))?;
        for _ in 0..sized(1, 25) {
            let stopped = guest.is_stopped(&sleeper, *expected, *lateness)?;
            let more = stopped.memory.saturating_sub(start);
            latest = latest.max(stopped.late);
            largest = largest.max(more);
            count.holds(stopped.in_order && more <= MEMORY, || {
                let Stopped { codes, late, .. } = stopped;
                format!("{case}: {line}: exits {codes:?}, {late:?} late, {more} KiB more")
            });
        }
    }
    count.finish(format_args!(
        "; at most {latest:?} late, {largest} KiB more than at the start"
    ))
}

/// A guest in a directory of its own, with its files.
struct Guest {
    work: TempDir,
    line: String,
    output: Output,
}

/// The result of stopping a guest.
struct Stopped {
    /// The exit code of each attempt.
    codes: Vec<Option<i32>>,
    /// The delay after the limit, in the best attempt.
    late: Duration,
    in_order: bool,
    /// The peak of the memory over all attempts, in KiB.
    memory: u64,
}

impl Guest {
    fn of_case(case: &str, line: &str, output: Output) -> Result<Self, Failed> {
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
        let line = line.to_owned();
        Ok(Self { work, line, output })
    }

    /// The reference process, which ends by itself when the limit passes.
    fn sleeper() -> Result<Self, Failed> {
        let guest = Self::of_case("limits/sleep", "run sleep.wat", Nowhere)?;
        let path = guest.work.path().join("sleep.wat");
        let for_ever = fs::read_to_string(&path)?;
        let text = for_ever.replace("0x7fffffffffffffff", &LIMIT.as_nanos().to_string());
        assert_ne!(text, for_ever, "how long it sleeps can be told it");
        fs::write(path, text)?;
        assert_eq!(guest.run(None)?.code, Some(0), "the sleeper wakes up");
        Ok(guest)
    }

    /// Runs the guest until it is stopped in time, has been late too often, or ends in a wrong way. A
    /// guest that another limit than the time limit stops may take as long as it needs to reach that.
    fn is_stopped(
        &self,
        sleeper: &Self,
        expected: i32,
        lateness: Duration,
    ) -> Result<Stopped, Failed> {
        let is_timed = expected == TIMED_OUT;
        let limit = if is_timed { LIMIT } else { PATIENCE };
        let mut codes = Vec::new();
        let (mut memory, mut time) = (0, Duration::MAX);
        let mut beside: Vec<Duration> = Vec::new();
        loop {
            let (run, slept) = thread::scope(|scope| {
                let slept = scope.spawn(|| sleeper.run(None));
                (self.run(Some(limit)), slept.join())
            });
            let (run, slept) = (run?, slept.expect("it does not panic")?);
            codes.push(run.code);
            memory = memory.max(run.memory);
            beside.push(slept.time);
            beside.sort();
            let is_right = run.code == Some(expected);
            time = time.min(run.time);
            let late = if is_timed {
                time.saturating_sub(beside[0])
            } else {
                Duration::ZERO
            };
            let busy = beside[beside.len() - 1] - beside[0];
            let in_order = is_right && late <= lateness + busy;
            if in_order || !is_right || codes.len() == ATTEMPTS {
                return Ok(Stopped {
                    codes,
                    late,
                    in_order,
                    memory,
                });
            }
        }
    }

    fn run(&self, timeout: Option<Duration>) -> Result<Run, Failed> {
        let mut words = self.line.split(' ');
        let started = Instant::now();
        let mut child = crate::wit_host_command()
            .args(words.next())
            .args(timeout.map(|limit| format!("--timeout={}ms", limit.as_millis())))
            .args(words)
            .current_dir(self.work.path())
            .stdin(Stdio::piped())
            .stdout(match self.output {
                Nowhere => Stdio::null(),
                Blocked => Stdio::piped(),
            })
            .stderr(Stdio::null())
            .spawn()?;
        let mut memory = 0;
        loop {
            memory = peak(&child).unwrap_or(0).max(memory);
            if let Some(status) = child.try_wait()? {
                return Ok(Run {
                    code: status.code(),
                    time: started.elapsed(),
                    memory,
                });
            }
            if started.elapsed() > PATIENCE {
                child.kill()?;
            }
            sleep(Duration::from_millis(2));
        }
    }
}

/// The peak memory of a running process, in KiB; `None` if the system does not report it, and then
/// the memory is not checked.
pub fn peak(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
