//! `invoke`: calls from the command line, from a terminal or from a pipe.

mod data;
mod repl;

use super::{
    activity::Activity,
    args::{BoundArgs, ProgramArgs, Surroundings, load},
    console::{print, print_json},
    deadline::{self, Budget},
    exit::{self, UsageError},
    phases::Phases,
    start::{Started, start},
};
use data::DataArgs;
use std::{
    io::{self, BufRead, IsTerminal},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime as Tokio;
use wit_host::{
    Call, CallError, HandOverError, Instance, Outcome, PartName, Sandbox, Value, untrusted::Name,
};

/// Call exported functions, with arguments and results as WAVE.
///
/// All calls share one instance. Without CALL, each line of standard input is a call; on a terminal
/// there is a prompt with history and completion. A resource in a result is printed as `$1`, and later
/// calls can take it as an argument by that name; `drop($1)` drops it.
#[derive(clap::Args)]
pub struct Invoke {
    #[command(flatten)]
    program: ProgramArgs,
    #[command(flatten)]
    data: DataArgs,
    /// Print results as JSON.
    #[arg(long, conflicts_with_all = ["input", "output"])]
    json: bool,
    /// Calls such as `mul(2, 4)` or `toolkit:cache/cache@0.1.0#get("k")`.
    #[arg(value_name = "CALL")]
    calls: Vec<String>,
}

impl Invoke {
    pub fn exec(self, phases: &mut Phases, bounds: &BoundArgs) -> anyhow::Result<ExitCode> {
        // A mistyped call is reported before anything is compiled.
        let data_call = self.data.call(&self.calls, self.program.reads_stdin())?;
        let calls: Vec<Call> = match data_call {
            Some(_) => Vec::new(),
            None => parse(&self.calls)?,
        };
        let mut plan = self.program.plan(
            phases,
            bounds,
            &Surroundings::command(),
            |name: &PartName| {
                Sandbox::new()
                    .inherit_stdout()
                    .inherit_stderr()
                    .arg(name.as_str())
            },
        )?;
        if let Some(call) = &data_call {
            call.grant(&mut plan.source)?;
        }
        let program = load(&plan, phases)?;
        let (mut instance, tokio) = match start(plan, &program, phases)? {
            Started::Instance(instance, tokio) => (instance, tokio),
            Started::Ended(ExitCode::SUCCESS) if data_call.is_some() => {
                anyhow::bail!("the module exited before it gave an answer");
            }
            Started::Ended(code) => return Ok(code),
        };
        // Each call has the whole time.
        let timeout = phases.budget().all();
        instance.set_timeout(timeout);
        let mut session = Session {
            instance: *instance,
            tokio,
            timeout,
            json: self.json,
        };
        deadline::wait_for_calls();
        Activity::begin("call");
        if let Some(call) = data_call {
            return match phases.time("call", || call.make(&mut session))? {
                Ok(()) => Ok(ExitCode::SUCCESS),
                Err(HandOverError::Call(CallError::Ended {
                    outcome: Outcome::Exited(0),
                    function,
                })) => anyhow::bail!("`{}` exited before it gave an answer", Name(function)),
                Err(HandOverError::Call(error)) => give_up(error),
                Err(error) => Err(error.into()),
            };
        }
        if !calls.is_empty() {
            for call in calls {
                match phases.time("call", || session.call(&call)) {
                    Ok(value) => session.show(value)?,
                    Err(error) => return give_up(error),
                }
            }
            return Ok(ExitCode::SUCCESS);
        }
        if self.program.reads_stdin() {
            let message =
                "standard input is FILE, so no calls can be read from it; add them as arguments";
            return Err(UsageError(message.to_owned()).into());
        }
        if io::stdin().is_terminal() {
            repl::run(session)
        } else {
            session.batch()
        }
    }

    pub fn file(&self) -> &Path {
        self.program.file()
    }
}

fn parse(calls: &[String]) -> Result<Vec<Call>, UsageError> {
    let calls = calls.iter().map(|text| text.parse::<Call>());
    let calls = calls.map(|call| call.map_err(|error| UsageError(error.to_string())));
    calls.collect()
}

/// An instance, and the form in which its results are printed.
struct Session {
    instance: Instance,
    tokio: Tokio,
    timeout: Option<Duration>,
    json: bool,
}

impl Session {
    /// Makes a call.
    fn call(&mut self, call: &Call) -> Result<Option<Value>, CallError> {
        if self.is_release(call) {
            let handle = self.instance.handle(&call.arguments()[0])?;
            let released = |tokio: &Tokio, instance: &mut Instance| {
                tokio.block_on(instance.release(handle)).map(|()| None)
            };
            return self.call_with(released);
        }
        self.call_with(|tokio, instance| tokio.block_on(instance.invoke(call)))
    }

    /// Makes a call by this function, within the time of one call.
    fn call_with<T, E>(
        &mut self,
        call: impl FnOnce(&Tokio, &mut Instance) -> Result<T, E>,
    ) -> Result<T, E> {
        deadline::run(Budget::new(Instant::now(), self.timeout));
        let value = call(&self.tokio, &mut self.instance);
        let value = value.inspect_err(|_| deadline::explain())?;
        deadline::wait_for_calls();
        Ok(value)
    }

    /// `true` for `drop($1)`, unless the program exports a function of that name.
    fn is_release(&self, call: &Call) -> bool {
        call.name() == "drop"
            && matches!(call.arguments(), [handle] if handle.starts_with('$'))
            && self.instance.program().function("drop").is_err()
    }

    /// Prints a result on a line of its own.
    fn show(&self, value: Option<Value>) -> anyhow::Result<()> {
        self.write_with(|| match value {
            None => Ok(()),
            Some(value) if self.json => print_json(&value),
            Some(value) => print(format_args!("{value}\n")),
        })
    }

    /// Writes a result by this function, within the time of one call.
    fn write_with(&self, write: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        deadline::prepare(self.timeout.unwrap_or(deadline::DEFAULT));
        let written = write();
        deadline::wait_for_calls();
        written
    }

    /// Makes the calls on standard input, one a line, until one fails.
    fn batch(mut self) -> anyhow::Result<ExitCode> {
        for line in io::stdin().lock().lines() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            let call = line
                .parse::<Call>()
                .map_err(|error| UsageError(error.to_string()))?;
            match self.call(&call) {
                Ok(value) => self.show(value)?,
                Err(error) => return give_up(error),
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Ends the command after a call that failed. A call that did not return gives the exit code of a run.
fn give_up(error: CallError) -> anyhow::Result<ExitCode> {
    match error {
        CallError::Ended { outcome, .. } => Ok(exit::report(&outcome)),
        error => Err(error.into()),
    }
}
