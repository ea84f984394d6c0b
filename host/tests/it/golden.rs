//! Golden cases. A case is a folder in `tests/cases/` that holds input files and a `transcript`:
//!
//! ```text
//! $ wit-host compose consumer.wat --plug cache.wat -o out.wasm
//! what it prints on standard output
//! ! what it prints on standard error
//! [exit 125]
//! + out.wasm
//! ```
//!
//! The lines that start with `$ ` are run by `sh` in a copy of the folder; everything between
//! them must come out again: output, exit code unless it is 0, and the files that appeared.

use crate::bless;
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    io::{self, Read},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

const TRANSCRIPT: &str = "transcript";

/// What one command of a transcript may take, before all that it has started is ended.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// One trial a case, and those of what runs them.
pub fn trials() -> Vec<Trial> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut found = Vec::new();
    find_cases(&cases, &mut found).expect("tests/cases can be listed");
    found.sort();
    found
        .into_iter()
        .map(|case| {
            let name = case
                .strip_prefix(&cases)
                .expect("a case is below")
                .display()
                .to_string();
            Trial::test(format!("golden::{name}"), move || check(&case))
        })
        .chain([Trial::test(
            "golden_command::one_that_hangs_is_ended_and_named",
            hanging_command,
        )])
        .collect()
}

fn find_cases(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.join(TRANSCRIPT).exists() {
            found.push(path);
        } else if path.is_dir() {
            find_cases(&path, found)?;
        }
    }
    Ok(())
}

fn check(case: &Path) -> Result<(), Failed> {
    let path = case.join(TRANSCRIPT);
    let expected = fs::read_to_string(&path)?;
    bless::expect(&path, &replay(case, &expected)?)
}

/// Runs the commands of a transcript and writes it anew.
fn replay(case: &Path, transcript: &str) -> Result<String, Failed> {
    let work = tempfile::tempdir()?;
    for entry in fs::read_dir(case)? {
        let entry = entry?;
        fs::copy(entry.path(), work.path().join(entry.file_name()))?;
    }
    let commands: Vec<&str> = transcript
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    if commands.is_empty() {
        return Err(format!("{} holds no command", case.join(TRANSCRIPT).display()).into());
    }
    let mut replayed = String::new();
    let mut files = files_below(work.path())?;
    for command in commands {
        writeln!(replayed, "$ {command}")?;
        run(command, work.path(), TIME_LIMIT, &mut replayed)?;
        let now = files_below(work.path())?;
        for file in now.difference(&files) {
            writeln!(replayed, "+ {file}")?;
        }
        for file in files.difference(&now) {
            writeln!(replayed, "- {file}")?;
        }
        files = now;
    }
    Ok(replayed)
}

fn run(
    command: &str,
    directory: &Path,
    limit: Duration,
    transcript: &mut String,
) -> Result<(), Failed> {
    let bin = Path::new(crate::wit_host())
        .parent()
        .expect("the command stands in a directory");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths(std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path)))?;
    let mut shell = Command::new("sh");
    shell
        .args(["-c", command])
        .current_dir(directory)
        .env("PATH", path)
        .env_remove("RUST_BACKTRACE")
        .env_remove("CLICOLOR_FORCE")
        .env("XDG_CACHE_HOME", crate::code_cache());
    let output = output_within(limit, &mut shell)?
        .ok_or_else(|| format!("`{command}` was not done within {limit:?}, and was ended"))?;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        writeln!(transcript, "{line}")?;
    }
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        writeln!(transcript, "! {line}")?;
    }
    match output.status.code() {
        Some(0) => {}
        Some(code) => writeln!(transcript, "[exit {code}]")?,
        None => writeln!(transcript, "[{}]", output.status)?,
    }
    Ok(())
}

/// Runs a command with nothing on standard input. `None` if it, or anything that it has started and
/// that has its output, is not done in time; all of that is ended then.
fn output_within(limit: Duration, command: &mut Command) -> io::Result<Option<Output>> {
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let streams = [
        read_aside(child.stdout.take()),
        read_aside(child.stderr.take()),
    ];
    let mut contents = Vec::new();
    for stream in &streams {
        let left = limit.saturating_sub(started.elapsed());
        match stream.recv_timeout(left) {
            Ok(read) => contents.push(read?),
            Err(_) => return end_group(&mut child, &streams).map(|()| None),
        }
    }
    let stderr = contents.pop().unwrap_or_default();
    let stdout = contents.pop().unwrap_or_default();
    // Its streams are closed, which is not yet its end.
    while child.try_wait()?.is_none() {
        if started.elapsed() > limit {
            return end_group(&mut child, &[]).map(|()| None);
        }
        thread::sleep(Duration::from_millis(1));
    }
    let status = child.wait()?;
    Ok(Some(Output {
        status,
        stdout,
        stderr,
    }))
}

/// All that a stream gives, once it ends.
type Contents = mpsc::Receiver<io::Result<Vec<u8>>>;

fn read_aside(stream: Option<impl Read + Send + 'static>) -> Contents {
    let (done, contents) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stream.map_or(Ok(0), |mut stream| stream.read_to_end(&mut bytes));
        // Nobody listens any more where the time was up.
        let _ = done.send(read.map(|_| bytes));
    });
    contents
}

/// Kills the child, which has not been waited for, and all others of its group; returns when none of
/// them holds one of its streams any more.
fn end_group(child: &mut Child, streams: &[Contents]) -> io::Result<()> {
    kill_process_group(Pid::from_child(child), Signal::KILL)?;
    child.wait()?;
    for stream in streams {
        // What has been received before is gone, and so is its sender.
        let _ = stream.recv();
    }
    Ok(())
}

fn hanging_command() -> Result<(), Failed> {
    let work = tempfile::tempdir()?;
    let limit = Duration::from_millis(200);
    let started = Instant::now();
    // Two processes that have its output, and one that has closed it.
    for command in ["sleep 600 & sleep 600", "exec >&- 2>&-; sleep 600"] {
        let ended = run(command, work.path(), limit, &mut String::new());
        let words = ended
            .err()
            .and_then(|error| error.message().map(str::to_owned));
        if !words.is_some_and(|words| words.contains(command)) {
            return Err(format!("`{command}` is not said to be ended").into());
        }
    }
    // Nobody has waited for a process that was left behind.
    assert!(started.elapsed() < Duration::from_secs(300));
    let mut transcript = String::new();
    run(
        "echo a; echo b >&2; exit 3",
        work.path(),
        TIME_LIMIT,
        &mut transcript,
    )?;
    assert_eq!(transcript, "a\n! b\n[exit 3]\n");
    Ok(())
}

fn files_below(directory: &Path) -> io::Result<BTreeSet<String>> {
    fn visit(directory: &Path, root: &Path, files: &mut BTreeSet<String>) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                visit(&path, root, files)?;
            } else if let Ok(name) = path.strip_prefix(root) {
                files.insert(name.display().to_string());
            }
        }
        Ok(())
    }
    let mut files = BTreeSet::new();
    visit(directory, directory, &mut files)?;
    Ok(files)
}
