//! The output of the command on a terminal and elsewhere: colours and binary data.

use libtest_mimic::{Failed, Trial};
use std::{
    fs::File,
    io::Read,
    os::fd::{FromRawFd, OwnedFd},
    path::Path,
    process::{Command, Stdio},
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("pty::labels_are_coloured_as_the_user_wants", labels),
        Trial::test("pty::binary_is_not_written_to_a_terminal", binary),
        Trial::test(
            "pty::text_of_a_stranger_is_escaped_on_a_terminal",
            escaped_text,
        ),
    ]
}

/// `error:` in bold red.
const RED: &str = "\x1b[1m\x1b[31merror:\x1b[0m ";

/// An error of the command, an error of the argument parser, and an error that ends the process at
/// once.
const FAILING: [&[&str]; 3] = [
    &["run", "missing.wasm"],
    &["run", "--nonsense"],
    &["run", "missing.wasm", "--timeout", "1ns"],
];

fn labels() -> Result<(), Failed> {
    type Environment = &'static [(&'static str, &'static str)];
    let cases: [(bool, &[&str], Environment, bool); 10] = [
        (true, &[], &[("TERM", "xterm")], true),
        (true, &[], &[("TERM", "dumb")], false),
        (true, &[], &[("TERM", "xterm"), ("NO_COLOR", "1")], false),
        (true, &["--color", "never"], &[("TERM", "xterm")], false),
        (
            true,
            &["--color=always"],
            &[("TERM", "dumb"), ("NO_COLOR", "1")],
            true,
        ),
        (true, &["--color=auto"], &[("TERM", "xterm")], true),
        (false, &[], &[("TERM", "xterm")], false),
        (false, &[], &[("CLICOLOR_FORCE", "1")], true),
        (
            false,
            &[],
            &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
            false,
        ),
        (false, &["--color", "always"], &[], true),
    ];
    for (on_terminal, flags, environment, is_colored) in cases {
        for failing in FAILING {
            let line = [flags, failing].concat();
            let (code, output) = run(on_terminal, Path::new("."), &line, environment)?;
            let what = format!("{line:?} with {environment:?}, on a terminal: {on_terminal}");
            if code == Some(0) || output.is_empty() {
                return Err(format!("{what} ends with {code:?}: {output:?}").into());
            }
            // The argument parser has styles of its own.
            let has_label = output.contains("error:") && output.contains(RED) == is_colored
                || line.contains(&"--nonsense");
            if !has_label || output.contains('\x1b') != is_colored {
                return Err(format!("{what} prints {output:?}").into());
            }
        }
    }
    Ok(())
}

fn binary() -> Result<(), Failed> {
    let work = tempfile::tempdir()?;
    let xterm = &[("TERM", "xterm")];
    std::fs::write(
        work.path().join("module.wat"),
        r#"(module (memory (export "memory") 1) (func (export "_start")))"#,
    )?;
    std::fs::write(work.path().join("component.wat"), "(component)")?;
    for line in [
        &["componentize", "module.wat"][..],
        &["componentize", "module.wat", "-o", "-"],
        &["compose", "component.wat"],
        &["precompile", "component.wat"],
    ] {
        let (code, output) = run(true, work.path(), line, xterm)?;
        if code != Some(2) || !output.contains("is binary") || !output.contains("`-o OUT`") {
            return Err(format!("{line:?} ends with {code:?}: {output:?}").into());
        }
        let (code, output) = run(false, work.path(), line, xterm)?;
        if code != Some(0) || !output.contains('\0') {
            return Err(format!("{line:?} into a pipe ends with {code:?}: {output:?}").into());
        }
        if line[0] != "precompile" {
            let line = [line, &["-t"]].concat();
            let (code, output) = run(true, work.path(), &line, xterm)?;
            if code != Some(0) || !output.starts_with("(component") {
                return Err(format!("{line:?} ends with {code:?}: {output:?}").into());
            }
        }
    }
    Ok(())
}

fn escaped_text() -> Result<(), Failed> {
    let work = tempfile::tempdir()?;
    std::fs::write(
        work.path().join("hostile.wat"),
        r#"(component (core module (func (export "\1b[2K\c2\9b\e2\80\ae"))))"#,
    )?;
    let line = ["compose", "hostile.wat", "-t"];
    let (code, output) = run(true, work.path(), &line, &[("TERM", "xterm")])?;
    let is_plain = |c: char| c == '\r' || c == '\n' || (' '..='~').contains(&c);
    if code == Some(0) && output.contains(r"\u{1b}[2K") && output.chars().all(is_plain) {
        Ok(())
    } else {
        Err(format!("{line:?} ends with {code:?}: {output:?}").into())
    }
}

/// Runs the command with standard output and error on a terminal or in a pipe. Returns its exit code
/// and its whole output.
fn run(
    on_terminal: bool,
    directory: &Path,
    line: &[&str],
    environment: &[(&str, &str)],
) -> Result<(Option<i32>, String), Failed> {
    let mut command = crate::wit_host_command();
    command
        .args(line)
        .current_dir(directory)
        .stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "CI"] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied());
    if on_terminal {
        return run_on_terminal(command);
    }
    let output = command.output()?;
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    Ok((output.status.code(), printed))
}

fn run_on_terminal(mut command: Command) -> Result<(Option<i32>, String), Failed> {
    let (controller, terminal) = open_terminal()?;
    command.stdout(terminal.try_clone()?).stderr(terminal);
    let mut child = command.spawn()?;
    // The command holds the terminal open too.
    drop(command);
    let mut printed = Vec::new();
    let mut controller = File::from(controller);
    // At the end, reading fails with `EIO` on Linux, and returns no bytes elsewhere.
    let _ = controller.read_to_end(&mut printed);
    let status = child.wait()?;
    Ok((
        status.code(),
        String::from_utf8_lossy(&printed).into_owned(),
    ))
}

/// A new terminal: the end of its controller and the end of its programs.
fn open_terminal() -> Result<(OwnedFd, OwnedFd), Failed> {
    let (mut controller, mut terminal) = (-1, -1);
    #[expect(unsafe_code, reason = "the system gives bare descriptors")]
    // SAFETY: both pointers are to descriptors, the null pointers ask for nothing, and a call that
    // returns without an error gives two open descriptors with no other owner.
    unsafe {
        let result = libc::openpty(
            &mut controller,
            &mut terminal,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        );
        if result != 0 {
            return Err(std::io::Error::last_os_error().into());
        }
        Ok((
            OwnedFd::from_raw_fd(controller),
            OwnedFd::from_raw_fd(terminal),
        ))
    }
}
