//! Programs that are ready to run, and running them.

pub(crate) mod invoke;

use crate::{
    compose::layout::Layout,
    names::{interface::InterfaceName, part::PartName, wasi::Wasi},
    sandbox::{Sandbox, SandboxError, Sandboxes},
    store::call::{Ended, TimedOut, call, new_store},
    store::limits::{Limits, Refusal},
    store::state::{Parts, State, limited},
    store::ticker::Ticker,
    store::trap::Trap,
    untrusted::Name,
    wasm::signature,
};
use std::{sync::Arc, time::Duration};
use wasmtime::{
    ExternType, Module, Store,
    component::{self, types::ComponentItem},
};
use wasmtime_wasi::{WasiCtx, p1::WasiP1Ctx, p2::bindings::Command};

/// A program that is compiled and linked, ready to be instantiated any number of times.
pub struct Program {
    pub(crate) linked: Linked,
    pub(crate) parts: Vec<PartName>,
    pub(crate) layout: Layout,
    /// Runs as long as anything that it could have to stop.
    pub(crate) ticker: Option<Arc<Ticker>>,
}

pub(crate) enum Linked {
    Component(component::InstancePre<State<Parts>>),
    Module(wasmtime::InstancePre<State<WasiP1Ctx>>),
}

/// A program in a store of its own.
pub struct Instance {
    pub(crate) running: Running,
    pub(crate) layout: Layout,
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_result: usize,
    _ticker: Option<Arc<Ticker>>,
    /// What calls have given, to be arguments of later ones.
    pub(crate) resources: Vec<component::ResourceAny>,
}

pub(crate) enum Running {
    Component(Store<State<Parts>>, component::Instance),
    Module(Store<State<WasiP1Ctx>>, wasmtime::Instance),
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// The consumer returned, or ended the program with this code. A WASI 0.2 component can only
    /// say 0 or 1, a preview1 module any 32 bits; those above `i32::MAX` are negative here.
    Exited(i32),
    /// A part trapped.
    Trapped(Box<Trap>),
    /// [`Limits::timeout`] passed.
    TimedOut(TimedOut),
}

/// A program in name only: there is nothing to run in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{part}` {}, so it is not a program that can be run",
    Name(.lack)
)]
pub struct NotACommand {
    /// The component or module that was to be run.
    pub part: PartName,
    /// What it exports instead, in words.
    pub lack: String,
}

/// Why a program could not be started.
#[derive(Debug, thiserror::Error)]
pub enum InstantiateError {
    /// What was to be granted is not there.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// It is larger than its limits, or than a slot of the pool, or the machine has no more.
    #[error("failed to make room for the program{}", because(.refusal))]
    #[allow(missing_docs, reason = "the fields are named in the message")]
    NoRoom {
        refusal: Option<Refusal>,
        source: wasmtime::Error,
    },
    /// Its start-up code has ended it.
    #[error("the program ended before it was run")]
    Ended(Outcome),
}

/// What a component lacks to be run.
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

/// What a module lacks to be run.
fn lack_of_module(module: &Module) -> Option<String> {
    match module.get_export("_start") {
        Some(ExternType::Func(ty)) if ty.params().len() == 0 && ty.results().len() == 0 => None,
        Some(_) => {
            Some("exports as `_start` no function without parameters and results".to_owned())
        }
        None => Some("exports no `_start`".to_owned()),
    }
}

fn because(refusal: &Option<Refusal>) -> String {
    refusal
        .map(|refusal| format!(": {refusal}"))
        .unwrap_or_default()
}

fn no_room(source: wasmtime::Error) -> InstantiateError {
    InstantiateError::NoRoom {
        refusal: None,
        source,
    }
}

impl Program {
    /// The names of its parts: the consumer's, then the plugs'.
    pub fn parts(&self) -> &[PartName] {
        &self.parts
    }

    /// Whether [`Instance::run`] will have something to run; the error says what is missing.
    pub fn expect_command(&self) -> Result<(), NotACommand> {
        let lack = match &self.linked {
            Linked::Component(pre) => lack_of_component(pre.component()),
            Linked::Module(pre) => lack_of_module(pre.module()),
        };
        match lack {
            None => Ok(()),
            Some(lack) => Err(NotACommand {
                part: self.parts[0].clone(),
                lack,
            }),
        }
    }

    /// Whether all that the sandboxes grant can be opened; it is closed again.
    pub fn expect_grants(&self, sandboxes: &Sandboxes) -> Result<(), SandboxError> {
        self.open_plugs(sandboxes)?;
        sandboxes.consumer.to_wasi(&self.parts[0]).map(drop)
    }

    fn open_plugs(&self, sandboxes: &Sandboxes) -> Result<Vec<WasiCtx>, SandboxError> {
        let plugs = &self.parts[1..];
        if let Some(name) = sandboxes.plugs.keys().find(|name| !plugs.contains(name)) {
            return Err(SandboxError::NoSuchPlug { name: name.clone() });
        }
        let nothing = Sandbox::new();
        let granted = |name| sandboxes.plugs.get(name).unwrap_or(&nothing).to_wasi(name);
        plugs.iter().map(granted).collect()
    }

    /// Opens what the sandboxes grant and instantiates the program in a new store. Needs a Tokio
    /// runtime around it, as everything does that runs code of the program.
    pub async fn instantiate(
        &self,
        sandboxes: &Sandboxes,
        limits: &Limits,
    ) -> Result<Instance, InstantiateError> {
        let consumer = (&self.parts[0], &sandboxes.consumer);
        let running = match &self.linked {
            Linked::Component(pre) => {
                let plugs = self.open_plugs(sandboxes)?;
                let parts = Parts::new(limits, consumer.1.to_wasi(consumer.0)?, plugs);
                let state = State::new(limits, parts);
                let mut store = new_store(pre.engine(), limits.fuel, state).map_err(no_room)?;
                let instance = call(&mut store, limits.timeout, &self.layout, async |store| {
                    pre.instantiate_async(store).await
                });
                let instance = instance.await.map_err(InstantiateError::from)?;
                Running::Component(store, instance)
            }
            Linked::Module(pre) => {
                self.open_plugs(sandboxes)?;
                let wasi = limited(limits, consumer.1.to_preview1(consumer.0)?);
                let state = State::new(limits, wasi);
                let engine = pre.module().engine();
                let mut store = new_store(engine, limits.fuel, state).map_err(no_room)?;
                let instance = call(&mut store, limits.timeout, &self.layout, async |store| {
                    pre.instantiate_async(store).await
                });
                let instance = instance.await.map_err(InstantiateError::from)?;
                Running::Module(store, instance)
            }
        };
        Ok(Instance {
            running,
            layout: self.layout.clone(),
            timeout: limits.timeout,
            max_result: limits.result,
            _ticker: self.ticker.clone(),
            resources: Vec::new(),
        })
    }
}

impl Instance {
    /// Gives each call from here on this long, instead of [`Limits::timeout`].
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Runs the program to its end: a component's `wasi:cli/run`, a module's `_start`. One that has
    /// neither traps; [`Program::expect_command`] tells it before.
    pub async fn run(mut self) -> Outcome {
        let Self {
            running,
            layout,
            timeout,
            ..
        } = &mut self;
        let timeout = *timeout;
        let result = match running {
            Running::Component(store, instance) => {
                call(store, timeout, layout, async |store| {
                    let command = Command::new(&mut *store, instance)?;
                    let status = command.wasi_cli_run().call_run(&mut *store).await?;
                    Ok(if status.is_ok() { 0 } else { 1 })
                })
                .await
            }
            Running::Module(store, instance) => {
                call(store, timeout, layout, async |store| {
                    let start = instance.get_typed_func::<(), ()>(&mut *store, "_start")?;
                    start.call_async(store, ()).await?;
                    Ok(0)
                })
                .await
            }
        };
        match result {
            Ok(code) => Outcome::Exited(code),
            Err(ended) => ended.into(),
        }
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

impl From<Ended> for InstantiateError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Trapped(trap) if !trap.is_of_program() => Self::NoRoom {
                refusal: trap.refusal,
                source: trap.source,
            },
            ended => Self::Ended(ended.into()),
        }
    }
}
