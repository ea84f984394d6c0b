//! Programs that are ready to run.

pub(crate) mod call;
pub(crate) mod command;
pub(crate) mod exports;
pub(crate) mod hand_over;
mod handles;
pub(crate) mod instance;
pub(crate) mod invoke;
pub(crate) mod isolated;
pub(crate) mod prepared;

use crate::{
    compose::layout::Layout,
    ending::Ended,
    names::part::PartName,
    program::{
        command::Outcome,
        exports::Exports,
        instance::Instance,
        isolated::{Attached, IsolatedPlugs, IsolatedProgram, nothing_attached},
        prepared::{Entry, Prepared},
    },
    sandbox::{Sandbox, error::SandboxError, parts::Sandboxes},
    store::{
        self,
        allowance::Allowance,
        deadline::{Deadline, within},
        limiter::Limiter,
        limits::{Limits, Refusal},
        state::State,
        ticker::Ticker,
    },
    untrusted::quoted_names,
};
use std::{
    error::Error,
    fmt,
    sync::{Arc, OnceLock},
    time::Instant,
};
use wasmtime::Store;
use wasmtime_wasi::{WasiCtx, p1::WasiP1Ctx};

/// A compiled and linked program. It can be instantiated any number of times, by several threads at the
/// same time. Clones share the same program.
#[derive(Clone)]
pub struct Program(Arc<Inner>);

struct Inner {
    code: Code,
    /// The parts of the whole program, the consumer first.
    parts: Vec<PartName>,
    /// `true` if this is the code of an isolated plug, which the parts before the plug call.
    is_of_plug: bool,
    isolated: Vec<IsolatedProgram>,
    /// Computed on first use, because running a program does not need the exports.
    exports: OnceLock<Exports>,
}

/// Compiled and linked code whose parts share a store.
pub(crate) struct Code {
    pub(crate) prepared: Prepared,
    /// The parts: the consumer or an isolated plug, then the plugs that share its store.
    pub(crate) parts: Vec<PartName>,
    pub(crate) layout: Layout,
    /// The engine's fuel for the values that a part passes to the host in one call.
    pub(crate) passing_fuel: usize,
    /// The ticker runs as long as the program exists, so that its instances can be stopped.
    pub(crate) _ticker: Option<Arc<Ticker>>,
}

/// An error of starting a program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstantiateError {
    /// A sandbox grants something that cannot be opened, or names a plug that the program does not have.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The program exceeds its limits or the size of a slot of the pool, or the machine has no more
    /// memory.
    #[error("failed to make room for the program{}", refusal_in_words(.refusal))]
    NoRoom {
        /// The limit that would have been exceeded; `None` if the cause is not one of the [`Limits`].
        refusal: Option<Refusal>,
        /// The error of the engine.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The isolated plugs were started by another program.
    #[error("the isolated plugs {} belong to another program; start those of this program", quoted_names(.plugs))]
    OtherPlugs {
        /// The plugs, in the order of their stack.
        plugs: Vec<PartName>,
    },
    /// The start-up code of the program exited, trapped, or exceeded its time.
    #[error("the program ended before it was run")]
    Ended(Outcome),
}

fn refusal_in_words(refusal: &Option<Refusal>) -> String {
    refusal
        .map(|refusal| format!(": {refusal}"))
        .unwrap_or_default()
}

impl Program {
    /// Makes a program from the code of the consumer's unit and from its isolated plugs. `parts` are those
    /// of the whole.
    pub(crate) fn new(code: Code, parts: Vec<PartName>, isolated: Vec<IsolatedProgram>) -> Self {
        Self::of(code, parts, false, isolated)
    }

    /// Makes a program that other programs call, from the code of an isolated plug.
    pub(crate) fn of_plug(code: Code) -> Self {
        let parts = code.parts.clone();
        Self::of(code, parts, true, Vec::new())
    }

    fn of(
        code: Code,
        parts: Vec<PartName>,
        is_of_plug: bool,
        isolated: Vec<IsolatedProgram>,
    ) -> Self {
        Self(Arc::new(Inner {
            code,
            parts,
            is_of_plug,
            isolated,
            exports: OnceLock::new(),
        }))
    }

    /// `true` if one is a clone of the other.
    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The names of the parts: the consumer's, then the plugs'.
    pub fn parts(&self) -> &[PartName] {
        &self.0.parts
    }

    /// The engine's fuel for the values that a part passes to the host in one call.
    pub(crate) fn passing_fuel(&self) -> usize {
        self.0.code.passing_fuel
    }

    pub(crate) fn prepared(&self) -> &Prepared {
        &self.0.code.prepared
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.0.code.layout
    }

    /// The isolated plugs, in the order of the stack.
    pub(crate) fn isolated(&self) -> &[IsolatedProgram] {
        &self.0.isolated
    }

    pub(crate) fn exports(&self) -> &Exports {
        let exports = || Exports::of(self.prepared());
        self.0.exports.get_or_init(exports)
    }

    /// Checks that everything that the sandboxes grant can be opened, and that the sandbox of each plug
    /// names a plug of the program. Everything that was opened is closed again.
    pub fn expect_grants(&self, sandboxes: &Sandboxes) -> Result<(), SandboxError> {
        sandboxes.expect_plugs_of(self.parts())?;
        self.open(sandboxes)?;
        let mut isolated = self.isolated().iter();
        isolated.try_for_each(|plug| plug.program.open(sandboxes).map(drop))
    }

    /// Opens the sandboxes of the parts that share the store of this program.
    fn open(&self, sandboxes: &Sandboxes) -> Result<(WasiP1Ctx, Vec<WasiCtx>), SandboxError> {
        let nothing = Sandbox::new();
        let of_plug = |name| sandboxes.plugs.get(name).unwrap_or(&nothing);
        let parts = &self.0.code.parts;
        let first = match self.0.is_of_plug {
            true => of_plug(&parts[0]),
            false => &sandboxes.consumer,
        };
        let first = first.open(&parts[0], sandboxes.file_operations)?;
        let open = |name| of_plug(name).open_as_plug(name, sandboxes.file_operations);
        let plugs = parts[1..].iter().map(open).collect::<Result<_, _>>()?;
        Ok((first, plugs))
    }

    /// Opens what the sandboxes grant and instantiates the program in a new store. The limits hold for
    /// this instance alone. Start-up code runs: the start functions, and a core module's `_initialize`, if it
    /// is a function without parameters and results, as that of a WASI reactor is.
    ///
    /// Like all functions that run code of the program, this needs a Tokio runtime with time enabled.
    /// The future can be moved between threads.
    pub async fn instantiate(
        &self,
        sandboxes: &Sandboxes,
        limits: &Limits,
    ) -> Result<Instance, InstantiateError> {
        if !self.isolated().is_empty() {
            let allowance = Allowance::new(limits);
            // The start-up code of all stores together has the time of the program.
            let deadline = Deadline::of(limits.timeout, None).map(|deadline| deadline.at);
            let instance = self.instantiate_within(sandboxes, &allowance, deadline);
            return instance.await;
        }
        sandboxes.expect_plugs_of(self.parts())?;
        self.start(sandboxes, Limiter::alone(limits), None, nothing_attached())
            .await
    }

    /// Instantiates the program like [`instantiate`](Self::instantiate), with limits that several
    /// instances share, of this program or of others. Its start-up code must return by the deadline, if
    /// there is one, and within [`Limits::timeout`].
    pub async fn instantiate_within(
        &self,
        sandboxes: &Sandboxes,
        allowance: &Allowance,
        deadline: Option<Instant>,
    ) -> Result<Instance, InstantiateError> {
        let plugs = self.isolated_plugs(sandboxes, allowance, deadline).await?;
        self.instantiate_with(sandboxes, allowance, deadline, &plugs)
            .await
    }

    /// Instantiates the program like [`instantiate_within`](Self::instantiate_within), with isolated
    /// plugs that other instances of this program use too.
    ///
    /// The plugs must have been started by this program or by a clone of it. Their sandboxes are those
    /// with which they were started.
    pub async fn instantiate_with(
        &self,
        sandboxes: &Sandboxes,
        allowance: &Allowance,
        deadline: Option<Instant>,
        plugs: &IsolatedPlugs,
    ) -> Result<Instance, InstantiateError> {
        sandboxes.expect_plugs_of(self.parts())?;
        if !plugs.are_of(self) {
            let plugs = plugs.names().cloned().collect();
            return Err(InstantiateError::OtherPlugs { plugs });
        }
        let limiter = Limiter::sharing(allowance.clone());
        let attached = plugs.attached();
        let mut instance = self.start(sandboxes, limiter, deadline, attached).await?;
        instance.isolated_plugs = Some(plugs.clone());
        Ok(instance)
    }

    /// Instantiates the code of this program in a new store.
    async fn start(
        &self,
        sandboxes: &Sandboxes,
        limiter: Limiter,
        deadline: Option<Instant>,
        isolated_plugs: Attached,
    ) -> Result<Instance, InstantiateError> {
        let mut store = self.store(sandboxes, limiter, isolated_plugs)?;
        let entry = self.enter(&mut store, deadline).await?;
        Ok(Instance::new(self.clone(), store, entry))
    }

    /// Makes a store for an instance of the code, with what the sandboxes grant.
    fn store(
        &self,
        sandboxes: &Sandboxes,
        limiter: Limiter,
        isolated_plugs: Attached,
    ) -> Result<Store<State>, InstantiateError> {
        let (first, plugs) = self.open(sandboxes)?;
        let mut state = State::new(limiter, first, plugs, sandboxes);
        state.isolated_plugs = isolated_plugs;
        let store = store::new(self.prepared().engine(), self.passing_fuel(), state);
        store.map_err(|error| InstantiateError::NoRoom {
            refusal: None,
            source: error.into(),
        })
    }

    /// Instantiates the code in the store, which runs its start-up code.
    async fn enter(
        &self,
        store: &mut Store<State>,
        deadline: Option<Instant>,
    ) -> Result<Entry, InstantiateError> {
        let timeout = store.data().limiter.limits().timeout;
        let deadline = Deadline::of(timeout, deadline);
        store.data_mut().deadline = deadline.map(|deadline| deadline.at);
        let entry = within(deadline, self.prepared().instantiate(store)).await;
        Ok(Ended::of(entry, store, deadline, self.layout())?)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("parts", &self.0.parts)
            .finish_non_exhaustive()
    }
}

impl From<Ended> for InstantiateError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Trapped(trap) if !trap.is_of_program() => Self::NoRoom {
                refusal: trap.refusal,
                source: trap.into_engine_error().into(),
            },
            ended => Self::Ended(ended.into()),
        }
    }
}
