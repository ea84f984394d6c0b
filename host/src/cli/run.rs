use super::{
    args::{BoundArgs, ProgramArgs, Surroundings, load},
    console::print,
    deadline, exit,
    graph::GraphFormat,
    phases::Phases,
    start::{Started, start},
};
use std::{path::Path, process::ExitCode};
use wit_host::{PartName, Sandbox};

/// Run a program, with plugs for its imports, each with its own authority.
///
/// FILE has standard input, output and error and the ARGS. A plug has none of them; each line that it
/// writes to standard error is marked with its name. Everything else must be granted.
#[derive(clap::Args)]
pub struct Run {
    #[command(flatten)]
    program: ProgramArgs,
    /// Print a table of what each part can reach, and do not run the program.
    #[arg(long)]
    explain: bool,
    /// Print a picture in place of the table of `--explain`.
    #[arg(long, value_name = "FORMAT", requires = "explain")]
    graph: Option<GraphFormat>,
    /// Arguments for FILE. Write `--` before them if the first one starts with a hyphen.
    #[arg(value_name = "ARGS", trailing_var_arg = true)]
    args: Vec<String>,
}

impl Run {
    pub fn exec(self, phases: &mut Phases, bounds: &BoundArgs) -> anyhow::Result<ExitCode> {
        let plan = self
            .program
            .plan(phases, bounds, &Surroundings::command(), |name| {
                self.consumer(name)
            })?;
        let program = load(&plan, phases)?;
        program.expect_command()?;
        if self.explain {
            // A program that would be refused is refused here too.
            program.expect_grants(&plan.sandboxes)?;
            let explanation = plan.explain();
            match self.graph {
                Some(format) => print(explanation.picture(format.into()))?,
                None => print(explanation)?,
            }
            return Ok(ExitCode::SUCCESS);
        }
        let (mut instance, tokio) = match start(plan, &program, phases)? {
            Started::Instance(instance, tokio) => (instance, tokio),
            Started::Ended(code) => return Ok(code),
        };
        let budget = phases.budget();
        instance.set_timeout(budget.left());
        let outcome = phases.time("run", || tokio.block_on(instance.run()));
        // A read of standard input can still be waiting. The process does not wait for it.
        tokio.shutdown_background();
        deadline::explain();
        let code = exit::report(&budget.of_all(outcome));
        deadline::done();
        Ok(code)
    }

    pub fn file(&self) -> &Path {
        self.program.file()
    }

    fn consumer(&self, name: &PartName) -> Sandbox {
        let sandbox = Sandbox::new()
            .inherit_stdout()
            .inherit_stderr()
            .arg(name.as_str());
        let sandbox = if self.program.reads_stdin() {
            sandbox
        } else {
            sandbox.inherit_stdin()
        };
        self.args.iter().fold(sandbox, Sandbox::arg)
    }
}
