//! `invoke`, with calls from the command line, from a terminal or from a pipe.

mod repl;

use super::{
    activity::Activity,
    args::{Plan, ProgramArgs},
    console::{print, print_json},
    deadline::{self, Budget},
    exit::{self, UsageError},
    phases::Phases,
};
use std::{
    io::{self, BufRead, IsTerminal},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime as Tokio;
use wit_host::{Call, CallError, Instance, InstantiateError, Limits, PartName, Sandbox, Value};

/// Call exported functions, with arguments and results as WAVE.
///
/// All calls share one instance. Without CALL they are read from standard input, a line each; on a
/// terminal, with history and completion. A resource in a result is shown as `$1`, and is an
/// argument of later calls by that name; `drop($1)` drops it.
#[derive(clap::Args)]
pub struct Invoke {
    #[command(flatten)]
    program: ProgramArgs,
    /// Print results as JSON.
    #[arg(long)]
    json: bool,
    /// Calls such as `mul(2, 4)` or `toolkit:cache/cache@0.1.0#get("k")`.
    #[arg(value_name = "CALL")]
    calls: Vec<String>,
}

impl Invoke {
    pub fn exec(self, phases: &mut Phases) -> anyhow::Result<ExitCode> {
        // A mistyped call is said before anything is compiled.
        let calls: Vec<Call> = self
            .calls
            .iter()
            .map(|text| text.parse().map_err(|error| UsageError(format!("{error}"))))
            .collect::<Result<_, _>>()?;
        let plan = self.program.plan(phases, |name: &PartName| {
            Sandbox::new()
                .inherit_stdout()
                .inherit_stderr()
                .arg(name.as_str())
        })?;
        let program = plan.load(phases)?;
        let tokio = Plan::tokio()?;
        let budget = phases.budget();
        deadline::run(budget);
        let limits = Limits {
            timeout: budget.left(),
            ..plan.limits.clone()
        };
        let instance = phases.time("instantiate", || {
            tokio.block_on(program.instantiate(&plan.sandboxes, &limits))
        });
        let mut session = match instance {
            Ok(mut instance) => {
                // Each call has the whole.
                instance.set_timeout(budget.all());
                Session {
                    instance,
                    tokio,
                    timeout: budget.all(),
                    json: self.json,
                }
            }
            Err(InstantiateError::Ended(outcome)) => {
                deadline::explain();
                return Ok(exit::report(&budget.of_all(outcome)));
            }
            Err(error) => return Err(error.into()),
        };
        deadline::wait_for_calls();
        Activity::begin("call");
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
                "standard input was FILE, so no calls can be read from it; add them as arguments";
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

/// One instance, and how its results are shown.
struct Session {
    instance: Instance,
    tokio: Tokio,
    timeout: Option<Duration>,
    json: bool,
}

impl Session {
    /// Makes a call.
    fn call(&mut self, call: &Call) -> Result<Option<Value>, CallError> {
        deadline::run(Budget::new(Instant::now(), self.timeout));
        let value = match self.is_release(call) {
            true => self.release(&call.arguments()[0]).map(|()| None),
            false => self.tokio.block_on(self.instance.invoke(call)),
        };
        let value = value.inspect_err(|_| deadline::explain())?;
        deadline::wait_for_calls();
        Ok(value)
    }

    /// Whether a call is `drop($1)` and the program has no such function.
    fn is_release(&self, call: &Call) -> bool {
        call.name() == "drop"
            && matches!(call.arguments(), [handle] if handle.starts_with('$'))
            && self.instance.program().function("drop").is_err()
    }

    fn release(&mut self, handle: &str) -> Result<(), CallError> {
        let handle = self.instance.handle(handle)?;
        self.tokio.block_on(self.instance.release(handle))
    }

    /// Shows a result on a line of its own.
    fn show(&self, value: Option<Value>) -> anyhow::Result<()> {
        deadline::prepare(self.timeout.unwrap_or(deadline::DEFAULT));
        let shown = match value {
            None => Ok(()),
            Some(value) if self.json => print_json(&value),
            Some(value) => print(format_args!("{value}\n")),
        };
        deadline::wait_for_calls();
        shown
    }

    /// Calls from standard input, a line each, until one fails.
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

/// A call that did not return ends as a run would; anything else is an error.
fn give_up(error: CallError) -> anyhow::Result<ExitCode> {
    match error {
        CallError::Ended { outcome, .. } => Ok(exit::report(&outcome)),
        error => Err(error.into()),
    }
}
