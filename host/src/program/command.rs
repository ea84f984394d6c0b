//! Programs as commands: running one to its end.

use crate::{
    ending::{Ended, TimedOut, trap::Trap},
    names::{interface::InterfaceName, part::PartName, wasi::Wasi},
    program::{
        Program,
        instance::Instance,
        prepared::{Entry, Prepared},
    },
    store::{deadline::within, state::State},
    untrusted::Name,
    wasm::signature,
};
use wasmtime::{
    ExternType, Module, Store,
    component::{self, types::ComponentItem},
};
use wasmtime_wasi::p2::bindings::Command;

/// The outcome of a run.
///
/// A run ends in one of these three ways and in no other, so this enum is exhaustive on purpose: a
/// caller handles each of them.
#[derive(Debug)]
pub enum Outcome {
    /// The consumer returned, or ended the program with this exit code. A WASI 0.2 component can only
    /// report 0 or 1. A preview1 module can report any 32 bits, and codes above `i32::MAX` are negative
    /// here.
    Exited(i32),
    /// A part trapped.
    Trapped(Box<Trap>),
    /// The run exceeded [`Limits::timeout`](crate::Limits::timeout) or the deadline of the instance.
    TimedOut(TimedOut),
}

/// An error of [`Program::expect_command`]: the program exports nothing that can be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{part}` {}, so it is not a program that can be run",
    Name(.lack)
)]
#[non_exhaustive]
pub struct NotACommand {
    /// The consumer or core module that was to be run.
    pub part: PartName,
    /// The difference between its exports and those of a command, in words.
    pub lack: String,
}

impl Program {
    /// Checks that the program exports something that [`Instance::run`] can run. The error says what is
    /// missing.
    pub fn expect_command(&self) -> Result<(), NotACommand> {
        let lack = match self.prepared() {
            Prepared::Component(component) => lack_of_component(component.component()),
            Prepared::Module(module) => lack_of_module(module.module()),
        };
        match lack {
            None => Ok(()),
            Some(lack) => Err(NotACommand {
                part: self.parts()[0].clone(),
                lack,
            }),
        }
    }
}

impl Instance {
    /// Runs the program to its end: `wasi:cli/run` of a component, or `_start` of a core module. A
    /// program that exports neither traps; [`Program::expect_command`] reports that before the run. An instance that
    /// is lost traps too.
    pub async fn run(mut self) -> Outcome {
        let whole = self.expect_whole();
        let deadline = self.begin();
        let result = match whole {
            Ok(()) => within(deadline, run(&mut self.store, &self.entry)).await,
            Err(lost) => Ok(Err(wasmtime::Error::msg(lost.to_string()))),
        };
        match self.end(result, deadline) {
            Ok(code) => Outcome::Exited(code),
            Err(ended) => ended.into(),
        }
    }
}

/// Runs the entry point, and returns the exit code.
async fn run(store: &mut Store<State>, entry: &Entry) -> wasmtime::Result<i32> {
    match entry {
        Entry::Component(instance) => {
            let command = Command::new(&mut *store, instance)?;
            let status = command.wasi_cli_run().call_run(store).await?;
            Ok(if status.is_ok() { 0 } else { 1 })
        }
        Entry::Module(instance) => {
            let start = instance.get_typed_func::<(), ()>(&mut *store, "_start")?;
            start.call_async(store, ()).await?;
            Ok(0)
        }
    }
}

/// Returns what a component lacks to be a command, in words; `None` if it is one.
fn lack_of_component(component: &component::Component) -> Option<String> {
    const EXPECTED: &str = "func() -> result";
    let engine = component.engine();
    let ty = component.component_type();
    let exported = ty
        .exports(engine)
        .find_map(|(name, export)| match export.ty {
            ComponentItem::ComponentInstance(instance) => {
                let name: InterfaceName = name.parse().ok()?;
                let is_command = name.is("wasi", "cli", "run") && name.version().is_some();
                is_command.then_some((name, instance))
            }
            _ => None,
        });
    let Some((name, instance)) = exported else {
        return Some("exports no `wasi:cli/run`".to_owned());
    };
    if Wasi::of(&name) != Some(Wasi::V0_2) {
        return Some(format!("exports `{name}`, and the host runs WASI 0.2"));
    }
    let found = match instance.get_export(engine, "run").map(|export| export.ty) {
        Some(ComponentItem::ComponentFunc(function)) => signature::of_function(&function),
        _ => "nothing".to_owned(),
    };
    (found != EXPECTED)
        .then(|| format!("exports in `{name}` as `run` not `{EXPECTED}` but `{found}`"))
}

/// Returns what a core module lacks to be a command, in words; `None` if it is one.
fn lack_of_module(module: &Module) -> Option<String> {
    match module.get_export("_start") {
        Some(ExternType::Func(ty)) if ty.params().len() == 0 && ty.results().len() == 0 => None,
        Some(_) => {
            Some("exports as `_start` no function without parameters and results".to_owned())
        }
        None => Some("exports no `_start`".to_owned()),
    }
}

impl From<Ended> for Outcome {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Exited(code) => Self::Exited(code),
            Ended::Trapped(trap) => Self::Trapped(trap),
            Ended::TimedOut(timed_out) => Self::TimedOut(timed_out),
        }
    }
}
