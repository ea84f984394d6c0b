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
//! `sh` runs the lines that start with `$ ` in a copy of the folder; the lines between them are the
//! expected result: output, exit code unless it is 0, and new files.

use crate::bless;
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    io::{self, Read},
    iter,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

const TRANSCRIPT: &str = "transcript";

/// The time limit of one command of a transcript, after which all its processes are killed.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The folders of cases that compile programs. On the interpreter they have the same transcripts.
const COMPILING: [&str; 3] = ["invoke", "precompile", "run"];

/// A command that takes the place of `wit-host`, and compiles for the interpreter.
const ON_INTERPRETER: &str = r#"#!/bin/sh
case "$1" in
    invoke | precompile | run) subcommand=$1; shift; set -- "$subcommand" --engine=interpreter "$@" ;;
esac
exec "$WIT_HOST_UNDER_TEST" "$@"
"#;

/// One trial for each case, one on the interpreter for each case that compiles programs, and trials of the code that runs them.
pub fn trials() -> Vec<Trial> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut found = Vec::new();
    find_cases(&cases, &mut found).expect("tests/cases can be listed");
    found.sort();
    found
        .into_iter()
        .flat_map(|case| {
            let name = case
                .strip_prefix(&cases)
                .expect("a case is below")
                .display()
                .to_string();
            let compiles = COMPILING.iter().any(|folder| name.starts_with(folder));
            let names_engine = fs::read_to_string(case.join(TRANSCRIPT))
                .expect("a case has a transcript")
                .contains("--engine");
            let on_interpreter = (compiles && !names_engine).then(|| {
                let case = case.clone();
                let name = format!("golden::interpreter::{name}");
                Trial::test(name, move || check_on_interpreter(&case))
            });
            let on_compiler = Trial::test(format!("golden::{name}"), move || check(&case));
            iter::once(on_compiler).chain(on_interpreter)
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
    let found = replay(case, &expected, wit_host_directory())?;
    bless::expect(&path, &found)
}

/// The interpreter never rewrites a transcript.
fn check_on_interpreter(case: &Path) -> Result<(), Failed> {
    let bin = tempfile::tempdir()?;
    let wit_host = bin.path().join("wit-host");
    fs::write(&wit_host, ON_INTERPRETER)?;
    fs::set_permissions(&wit_host, fs::Permissions::from_mode(0o700))?;
    let expected = fs::read_to_string(case.join(TRANSCRIPT))?;
    // A usage line lists the flags that are given.
    let found = replay(case, &expected, bin.path())?.replace(" --engine <ENGINE>", "");
    match found == expected {
        true => Ok(()),
        false => {
            Err(format!("--- on the compiler\n{expected}\n--- on the interpreter\n{found}").into())
        }
    }
}

/// The directory of the command under test.
fn wit_host_directory() -> &'static Path {
    let directory = Path::new(crate::wit_host()).parent();
    directory.expect("the command stands in a directory")
}

/// Runs the commands of a transcript with the `wit-host` in `bin`, and returns the new transcript.
fn replay(case: &Path, transcript: &str, bin: &Path) -> Result<String, Failed> {
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
        run(command, (work.path(), bin), TIME_LIMIT, &mut replayed)?;
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
    (directory, bin): (&Path, &Path),
    limit: Duration,
    transcript: &mut String,
) -> Result<(), Failed> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths(std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path)))?;
    let mut shell = Command::new("sh");
    shell
        .args(["-c", command])
        .current_dir(directory)
        .env("PATH", path)
        .env("WIT_HOST_UNDER_TEST", crate::wit_host())
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

/// Runs a command with empty standard input. `None` if the command, or a process that it has started
/// and that holds its output open, does not end in time; all of them are killed then.
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
    // Its streams are closed, but the process may still run.
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

/// The contents of a stream, sent when it ends.
type Contents = mpsc::Receiver<io::Result<Vec<u8>>>;

fn read_aside(stream: Option<impl Read + Send + 'static>) -> Contents {
    let (done, contents) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stream.map_or(Ok(0), |mut stream| stream.read_to_end(&mut bytes));
        // After a timeout the receiver is gone.
        let _ = done.send(read.map(|_| bytes));
    });
    contents
}

/// Kills the child, which has not been waited for, and the other processes of its group; returns when
/// none of them holds one of its streams open.
fn end_group(child: &mut Child, streams: &[Contents]) -> io::Result<()> {
    kill_process_group(Pid::from_child(child), Signal::KILL)?;
    child.wait()?;
    for stream in streams {
        // A stream that was received before has no sender any more.
        let _ = stream.recv();
    }
    Ok(())
}

fn hanging_command() -> Result<(), Failed> {
    let work = tempfile::tempdir()?;
    let limit = Duration::from_millis(200);
    let started = Instant::now();
    // Two processes that hold the output open, and one process that has closed it.
    for command in ["sleep 600 & sleep 600", "exec >&- 2>&-; sleep 600"] {
        let ended = run(
            command,
            (work.path(), wit_host_directory()),
            limit,
            &mut String::new(),
        );
        let words = ended
            .err()
            .and_then(|error| error.message().map(str::to_owned));
        if !words.is_some_and(|words| words.contains(command)) {
            return Err(format!("`{command}` is not said to be ended").into());
        }
    }
    // A process that was left behind has no parent that waits for it.
    assert!(started.elapsed() < Duration::from_secs(300));
    let mut transcript = String::new();
    run(
        "echo a; echo b >&2; exit 3",
        (work.path(), wit_host_directory()),
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
