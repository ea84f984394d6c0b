//! Starting a program, as `run` and `invoke` do.

use super::{deadline, exit, phases::Phases};
use anyhow::Context;
use std::process::ExitCode;
use tokio::runtime::{Builder, Runtime as Tokio};
use wit_host::{Instance, InstantiateError, Plan, Program};

/// A program that has been started, or the exit code that it ended with while it was.
pub enum Started {
    Instance(Box<Instance>, Tokio),
    Ended(ExitCode),
}

/// Instantiates a program in the time that is left to the command.
pub fn start(mut plan: Plan, program: &Program, phases: &mut Phases) -> anyhow::Result<Started> {
    let tokio = Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to set up the event loop")?;
    let budget = phases.budget();
    deadline::run(budget);
    plan.limits.timeout = budget.left();
    let instance = phases.time("instantiate", || tokio.block_on(plan.instantiate(program)));
    match instance {
        Ok(instance) => Ok(Started::Instance(Box::new(instance), tokio)),
        Err(InstantiateError::Ended(outcome)) => {
            deadline::explain();
            Ok(Started::Ended(exit::report(&budget.of_all(outcome))))
        }
        Err(error) => Err(error.into()),
    }
}
