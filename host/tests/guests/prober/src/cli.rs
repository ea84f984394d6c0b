use crate::{NOTHING, Report};
use wasip2::cli::{
    environment, stderr, stdin, stdout, terminal_stderr, terminal_stdin, terminal_stdout,
};

pub fn probe(report: &mut Report) {
    let list = |items: Vec<String>| match items.as_slice() {
        [] => NOTHING.to_owned(),
        items => format!("reached {}", items.join(" ")),
    };
    let variables = environment::get_environment();
    let variables = variables
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"));
    report.tell("cli/environment#get-environment", list(variables.collect()));
    report.tell(
        "cli/environment#get-arguments",
        list(environment::get_arguments()),
    );
    report.tell(
        "cli/environment#initial-cwd",
        list(environment::initial_cwd().into_iter().collect()),
    );
    let read = stdin::get_stdin().blocking_read(64);
    let read = read.ok().filter(|bytes| !bytes.is_empty());
    report.tell(
        "cli/stdin#get-stdin",
        list(
            read.map(|bytes| format!("{:?}", String::from_utf8_lossy(&bytes)))
                .into_iter()
                .collect(),
        ),
    );
    // Only the reader of the streams can see the destination.
    let wrote = stdout::get_stdout().blocking_write_and_flush(b"written to stdout\n");
    report.tell(
        "cli/stdout#get-stdout",
        if wrote.is_ok() { "written to" } else { NOTHING },
    );
    let wrote = stderr::get_stderr().blocking_write_and_flush(b"written to stderr\n");
    report.tell(
        "cli/stderr#get-stderr",
        if wrote.is_ok() { "written to" } else { NOTHING },
    );
    let terminal = |is_one: bool| if is_one { "reached" } else { NOTHING };
    report.tell(
        "cli/terminal-stdin#get-terminal-stdin",
        terminal(terminal_stdin::get_terminal_stdin().is_some()),
    );
    report.tell(
        "cli/terminal-stdout#get-terminal-stdout",
        terminal(terminal_stdout::get_terminal_stdout().is_some()),
    );
    report.tell(
        "cli/terminal-stderr#get-terminal-stderr",
        terminal(terminal_stderr::get_terminal_stderr().is_some()),
    );
}

/// Does not return if the host provides `exit`.
pub fn exit() {
    wasip2::cli::exit::exit(Ok(()));
}
