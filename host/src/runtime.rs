//! Composed components compiled, linked and run.

use crate::{
    compose::Composition,
    link,
    name::PartName,
    sandbox::{Sandbox, SandboxError, Sandboxes},
    state::State,
};
use wasmtime::{
    Config, Engine, Store,
    component::{Component, Linker},
};
use wasmtime_wasi::{
    I32Exit,
    p2::bindings::{Command, CommandPre},
};

/// Compiles and links. Making one costs about as much as linking WASI; share it.
pub struct Runtime {
    engine: Engine,
    linker: Linker<State>,
}

/// A composition that is compiled and linked, ready to be instantiated any number of times.
pub struct Program {
    command: CommandPre<State>,
    parts: Vec<PartName>,
}

/// A program in a store of its own, about to run.
pub struct Instance {
    store: Store<State>,
    command: Command,
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// The consumer returned, or ended the program with this code. A WASI 0.2 component can only
    /// say 0 or 1.
    Exited(i32),
    /// A part trapped. Everything in the store is lost.
    Trapped(wasmtime::Error),
}

/// Why a composition cannot be run.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the variants' fields are named in their messages"
)]
pub enum LoadError {
    /// The engine or WASI could not be set up.
    #[error("failed to set up the engine")]
    Engine(#[source] wasmtime::Error),
    /// Nobody meets an import.
    #[error(
        "`{part}` imports `{import}`, and nothing meets it; plug a component that exports it, as in `--plug FILE`"
    )]
    Unmet { part: PartName, import: String },
    /// It does not compile.
    #[error("failed to compile `{part}`")]
    Compile {
        part: PartName,
        source: wasmtime::Error,
    },
    /// The host knows an import by name and has it in another shape.
    #[error("failed to link `{part}`")]
    Link {
        part: PartName,
        source: wasmtime::Error,
    },
    /// It is not a program.
    #[error(
        "`{part}` exports no `wasi:cli/run`, so it is no program that could be run; is it a plug for one that is?"
    )]
    NotACommand { part: PartName },
}

/// Why a program could not be started.
#[derive(Debug, thiserror::Error)]
pub enum InstantiateError {
    /// What was to be granted is not there.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// Instantiation trapped, or the host had no room for it.
    #[error("failed to instantiate")]
    Instantiate(#[source] wasmtime::Error),
}

impl Runtime {
    /// Makes a runtime.
    pub fn new() -> Result<Self, LoadError> {
        let engine = Engine::new(&Config::new()).map_err(LoadError::Engine)?;
        let mut linker = Linker::new(&engine);
        link::consumer(&mut linker).map_err(LoadError::Engine)?;
        Ok(Self { engine, linker })
    }

    /// Compiles a composition and links it.
    pub fn load(&self, composition: &Composition) -> Result<Program, LoadError> {
        let parts = composition.parts.clone();
        let consumer = &parts[0];
        if let Some((part, import)) = composition.open_imports().next() {
            return Err(LoadError::Unmet {
                part: part.clone(),
                import: import.to_owned(),
            });
        }
        let component =
            Component::from_binary(&self.engine, composition.bytes()).map_err(|source| {
                LoadError::Compile {
                    part: consumer.clone(),
                    source,
                }
            })?;
        let link_error = |source| LoadError::Link {
            part: consumer.clone(),
            source,
        };
        let mut linker = self.linker.clone();
        for import in &composition.private {
            link::plug(&mut linker, &parts[import.part], import).map_err(link_error)?;
        }
        let instance = linker.instantiate_pre(&component).map_err(link_error)?;
        let command = CommandPre::new(instance).map_err(|_| LoadError::NotACommand {
            part: consumer.clone(),
        })?;
        Ok(Program { command, parts })
    }
}

impl Program {
    /// Opens what the sandboxes grant and instantiates the program in a new store.
    pub async fn instantiate(&self, sandboxes: &Sandboxes) -> Result<Instance, InstantiateError> {
        if let Some(name) = sandboxes
            .plugs
            .keys()
            .find(|name| !self.parts[1..].contains(name))
        {
            return Err(SandboxError::NoSuchPlug { name: name.clone() }.into());
        }
        let nothing = Sandbox::new();
        let plugs = self.parts[1..]
            .iter()
            .map(|name| sandboxes.plugs.get(name).unwrap_or(&nothing).to_wasi(name))
            .collect::<Result<Vec<_>, _>>()?;
        let consumer = sandboxes.consumer.to_wasi(&self.parts[0])?;
        let mut store = Store::new(self.command.engine(), State::new(consumer, plugs));
        let command = self
            .command
            .instantiate_async(&mut store)
            .await
            .map_err(InstantiateError::Instantiate)?;
        Ok(Instance { store, command })
    }
}

impl Instance {
    /// Runs the program to its end. Needs a Tokio runtime around it.
    pub async fn run(mut self) -> Outcome {
        let run = self.command.wasi_cli_run();
        match run.call_run(&mut self.store).await {
            Ok(Ok(())) => Outcome::Exited(0),
            Ok(Err(())) => Outcome::Exited(1),
            Err(error) => match error.downcast_ref::<I32Exit>() {
                Some(I32Exit(code)) => Outcome::Exited(*code),
                None => Outcome::Trapped(error),
            },
        }
    }
}
