//! Calls from a terminal.

use super::{Session, give_up};
use crate::cli::{
    console::{self, print},
    deadline, exit,
};
use rustyline::{
    Context, Editor, Helper, Highlighter, Hinter, Validator, completion::Completer,
    error::ReadlineError, history::DefaultHistory,
};
use std::process::ExitCode;
use wit_host::{Call, CallError, Function, untrusted::Name};

/// Reads calls until the end of input. After a mistake it goes on; a call that does not return ends it,
/// because the instance is lost.
pub fn run(mut session: Session) -> anyhow::Result<ExitCode> {
    let functions = session.instance.program().functions().to_vec();
    for function in &functions {
        print(format_args!(
            "{}: {}\n",
            Name(function.full_name()),
            Name(&function.signature)
        ))?;
    }
    let mut editor = Editor::<Completion, DefaultHistory>::new()?;
    editor.set_helper(Some(Completion(functions)));
    loop {
        // The explanation of a mistake had a bound, which ends here.
        deadline::wait_for_calls();
        let line = match editor.readline("> ") {
            Ok(line) => line,
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => return Ok(ExitCode::SUCCESS),
            Err(error) => return Err(error.into()),
        };
        if line.trim().is_empty() {
            continue;
        }
        editor.add_history_entry(&line)?;
        match line.parse::<Call>() {
            Err(error) => console::error(error),
            Ok(call) => match session.call(&call) {
                Ok(value) => session.show(value)?,
                Err(error @ (CallError::Ended { .. } | CallError::TooLarge { .. })) => {
                    return give_up(error);
                }
                Err(error) => exit::show_error(&error.into()),
            },
        }
    }
}

/// Completes the names of functions, except for those that hold characters which must be escaped.
#[derive(Helper, Highlighter, Hinter, Validator)]
struct Completion(Vec<Function>);

impl Completer for Completion {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = &line[..position];
        if typed.contains('(') {
            return Ok((position, Vec::new()));
        }
        let names = self
            .0
            .iter()
            .flat_map(|function| [function.name.clone(), function.full_name()]);
        let mut names: Vec<String> = names
            .filter(|name| name.starts_with(typed) && Name(name).to_string() == *name)
            .map(|name| name + "(")
            .collect();
        names.sort();
        names.dedup();
        Ok((0, names))
    }
}
