//! Bombs: small files that cause much work. The command runs on each with small bounds on time and
//! memory, and must end within them with a message.
//!
//! The whole process is checked: exit code, message, time and peak memory.

mod named;
mod random;

use super::{number_from, sized};
use crate::hostile::peak;
use fastrand::Rng;
use libtest_mimic::{Failed, Trial};
use std::{
    fs,
    io::Read,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("torture::named_bombs", named_bombs),
        Trial::test("torture::random_bombs", random_bombs),
    ]
}

/// Files, and the command that runs on them.
pub struct Bomb {
    /// The construct that the bomb repeats, or the seed that repeats the bomb.
    name: String,
    /// Names and contents of the files.
    files: Vec<(&'static str, Vec<u8>)>,
    /// The arguments of `wit-host`.
    lines: Vec<&'static str>,
}

/// The bound on the heap of the host.
const MEMORY: &str = "--max-host-memory=128MiB";
/// The memory, in KiB, that a process may use beyond that bound and the memory of an idle process:
/// stacks, compiled code, fragmentation.
const BESIDE: u64 = 256 << 10;
/// The largest delay of the end of a process after its time limit, on a busy machine.
const LATENESS: Duration = Duration::from_secs(3);
/// The time after which a process is killed and counted as a violation.
const PATIENCE: Duration = Duration::from_secs(30);

fn timeout() -> Duration {
    Duration::from_millis(sized(500, 3000) as u64)
}

fn named_bombs() -> Result<(), Failed> {
    let seed = number_from("TORTURE_SEED").unwrap_or(1);
    explode(seed, named::all().into_iter())
}

fn random_bombs() -> Result<(), Failed> {
    let seed = number_from("TORTURE_SEED").unwrap_or(1);
    let count = sized(24, 2000);
    let cases = match number_from("TORTURE_CASE") {
        Some(number) => number as usize..number as usize + 1,
        None => 0..count,
    };
    explode(
        seed,
        cases.map(|number| {
            let mut rng = Rng::with_seed(seed ^ ((number as u64) << 20));
            let name = format!("TORTURE_SEED={seed} TORTURE_CASE={number}");
            random::bomb(&mut rng, name)
        }),
    )
}

/// The exit code, time and memory of a process.
struct Run {
    /// `None` if a signal ended the process.
    code: Option<i32>,
    words: String,
    time: Duration,
    /// The peak of its memory, in KiB.
    memory: u64,
}

fn explode(seed: u64, bombs: impl Iterator<Item = Bomb>) -> Result<(), Failed> {
    let idle = Bomb {
        name: "idle".to_owned(),
        files: vec![("idle.wat", b"(module (func (export \"_start\")))".to_vec())],
        lines: vec!["run --no-cache idle.wat"],
    };
    let start = run_in(&directory_of(&idle)?, idle.lines[0])?.memory;
    let (mut tried, mut violations) = (0, Vec::new());
    let (mut longest, mut largest) = ((Duration::ZERO, String::new()), (0, String::new()));
    for bomb in bombs {
        let directory = directory_of(&bomb)?;
        // In the short form each bomb is tried with one command.
        for line in bomb.lines.iter().take(sized(1, usize::MAX)) {
            let run = run_in(&directory, line)?;
            let what = format!("{}: {line}", bomb.name);
            tried += 1;
            violations.extend(wrong_with(&run, start).map(|wrong| format!("{what}: {wrong}")));
            if std::env::var_os("TORTURE_VERBOSE").is_some() {
                let first = run.words.lines().next().unwrap_or_default();
                println!(
                    "{:?} {:?} {} MiB {what}: {first}",
                    run.code,
                    run.time,
                    run.memory >> 10
                );
            }
            if run.time > longest.0 {
                longest = (run.time, what.clone());
            }
            if run.memory > largest.0 {
                largest = (run.memory, what);
            }
        }
    }
    println!(
        "F15 bombs: tried {tried}, violated {}; worst {:.1} s ({}), {} MiB ({}), seed {seed}",
        violations.len(),
        longest.0.as_secs_f64(),
        longest.1,
        largest.0 >> 10,
        largest.1
    );
    match violations.as_slice() {
        [] if tried == 0 => Err("nothing was tried".into()),
        [] => Ok(()),
        violations => Err(violations.join("\n").into()),
    }
}

/// The violation in a run, if there is one.
fn wrong_with(run: &Run, start: u64) -> Option<String> {
    let words = run.words.trim_end();
    let has_words = words.lines().any(|line| line.starts_with("error: "));
    let is_ended = match run.code {
        Some(0 | 1) => true,
        Some(2 | 124 | 125 | 134) => has_words && !words.contains("defect"),
        _ => false,
    };
    if !is_ended {
        return Some(format!("exit {:?}: {words}", run.code));
    }
    if run.time > timeout() + LATENESS {
        return Some(format!("takes {:?}", run.time));
    }
    let more = run.memory.saturating_sub(start);
    (more > (128 << 10) + BESIDE).then(|| format!("takes {} MiB", more >> 10))
}

fn directory_of(bomb: &Bomb) -> Result<tempfile::TempDir, Failed> {
    let directory = tempfile::tempdir()?;
    for (name, contents) in &bomb.files {
        fs::write(directory.path().join(name), contents)?;
    }
    Ok(directory)
}

fn run_in(directory: &impl AsRef<Path>, line: &str) -> Result<Run, Failed> {
    let started = Instant::now();
    let mut child = crate::wit_host_command()
        .args(line.split(' '))
        .args([MEMORY, &format!("--timeout={}ms", timeout().as_millis())])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take().expect("it is a pipe");
    let reader = thread::spawn(move || {
        let mut words = Vec::new();
        // The rest of the output is not read; the process may notice a broken pipe.
        let _ = stderr.take(1 << 20).read_to_end(&mut words);
        String::from_utf8_lossy(&words).into_owned()
    });
    let mut memory = 0;
    let status = loop {
        memory = peak(&child).unwrap_or(0).max(memory);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > PATIENCE {
            child.kill()?;
        }
        thread::sleep(Duration::from_millis(1));
    };
    Ok(Run {
        code: status.code(),
        time: started.elapsed(),
        words: reader.join().unwrap_or_default(),
        memory,
    })
}
