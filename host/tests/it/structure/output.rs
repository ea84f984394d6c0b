//! Only the command, `host/src/cli/`, prints, exits the process and knows clap.

use super::source::SourceFile;

const FORBIDDEN: [&str; 13] = [
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
    "dbg!",
    "process::exit",
    "process::abort",
    "io::stdin",
    "io::stdout",
    "io::stderr",
    "inherit_stdin",
    "inherit_stdout",
    "inherit_stderr",
];

/// Files of the library that use the streams of the process, each with the reason. The list only
/// shrinks.
const EXCEPTIONS: [(&str, &str, &str); 7] = [
    (
        "sandbox.rs",
        "inherit_stdin",
        "the method of a sandbox that grants standard input",
    ),
    (
        "sandbox.rs",
        "inherit_stdout",
        "the method of a sandbox that grants standard output",
    ),
    (
        "sandbox.rs",
        "inherit_stderr",
        "the method of a sandbox that grants standard error",
    ),
    (
        "sandbox/input.rs",
        "inherit_stdin",
        "a part gets the standard input of the process only from its sandbox",
    ),
    (
        "sandbox/output.rs",
        "inherit_stdout",
        "a part gets the standard output of the process only from its sandbox",
    ),
    (
        "sandbox/output.rs",
        "inherit_stderr",
        "a part gets the standard error of the process only from its sandbox",
    ),
    (
        "sandbox/stderr_lines.rs",
        "io::stderr",
        "the lines of a plug go to standard error, marked with its name",
    ),
];

/// Uses in the library of things that only the command may use, and exceptions that are not needed any
/// more.
pub fn violations(files: &[SourceFile]) -> Vec<String> {
    let mut violations = Vec::new();
    let mut needed = [false; EXCEPTIONS.len()];
    for file in files.iter().filter(|file| file.layer() != "cli") {
        for line in file.lines_with("clap") {
            violations.push(file.violation(line, "`clap` is used outside of the command"));
        }
        for forbidden in FORBIDDEN {
            let exception = EXCEPTIONS
                .iter()
                .position(|(path, allowed, _)| (*path, *allowed) == (&file.path, forbidden));
            for line in file.lines_with(forbidden) {
                match exception {
                    Some(exception) => needed[exception] = true,
                    None => violations.push(file.violation(
                        line,
                        &format!("`{forbidden}` is used outside of the command"),
                    )),
                }
            }
        }
    }
    if files.len() > 1 {
        let unneeded = EXCEPTIONS.iter().zip(needed).filter(|(_, needed)| !needed);
        violations.extend(unneeded.map(|((path, allowed, _), _)| {
            format!("host/src/{path} does not use `{allowed}` any more; remove the exception")
        }));
    }
    violations
}
