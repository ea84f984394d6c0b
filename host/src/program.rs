//! Programs that are ready to run.

pub(crate) mod call;
pub(crate) mod command;
pub(crate) mod exports;
mod handles;
pub(crate) mod instance;
pub(crate) mod invoke;
pub(crate) mod prepared;

use crate::{
    compose::layout::Layout,
    ending::Ended,
    names::part::PartName,
    program::{command::Outcome, exports::Exports, instance::Instance, prepared::Prepared},
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
};
use std::{
    error::Error,
    fmt,
    sync::{Arc, OnceLock},
    time::Instant,
};
use wasmtime_wasi::WasiCtx;

/// A compiled and linked program. It can be instantiated any number of times, by several threads at the
/// same time. Clones share the same program.
#[derive(Clone)]
pub struct Program(Arc<Inner>);

struct Inner {
    prepared: Prepared,
    parts: Vec<PartName>,
    layout: Layout,
    passing_fuel: usize,
    /// Computed on first use, because running a program does not need the exports.
    exports: OnceLock<Exports>,
    /// The ticker runs as long as the program exists, so that its instances can be stopped.
    _ticker: Option<Arc<Ticker>>,
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
    pub(crate) fn new(
        prepared: Prepared,
        parts: Vec<PartName>,
        layout: Layout,
        ticker: Option<Arc<Ticker>>,
        passing_fuel: usize,
    ) -> Self {
        Self(Arc::new(Inner {
            prepared,
            parts,
            layout,
            passing_fuel,
            exports: OnceLock::new(),
            _ticker: ticker,
        }))
    }

    /// The names of the parts: the consumer's, then the plugs'.
    pub fn parts(&self) -> &[PartName] {
        &self.0.parts
    }

    /// The engine's fuel for the values that a part passes to the host in one call.
    pub(crate) fn passing_fuel(&self) -> usize {
        self.0.passing_fuel
    }

    pub(crate) fn prepared(&self) -> &Prepared {
        &self.0.prepared
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.0.layout
    }

    pub(crate) fn exports(&self) -> &Exports {
        let exports = || Exports::of(&self.0.prepared);
        self.0.exports.get_or_init(exports)
    }

    /// Checks that everything that the sandboxes grant can be opened, and that the sandbox of each plug
    /// names a plug of the program. Everything that was opened is closed again.
    pub fn expect_grants(&self, sandboxes: &Sandboxes) -> Result<(), SandboxError> {
        self.open_plugs(sandboxes)?;
        sandboxes
            .consumer
            .open(&self.parts()[0], sandboxes.file_operations)
            .map(drop)
    }

    fn open_plugs(&self, sandboxes: &Sandboxes) -> Result<Vec<WasiCtx>, SandboxError> {
        let plugs = &self.parts()[1..];
        sandboxes.expect_plugs_of(self.parts())?;
        let nothing = Sandbox::new();
        let granted = |name| {
            let sandbox = sandboxes.plugs.get(name).unwrap_or(&nothing);
            sandbox.open_as_plug(name, sandboxes.file_operations)
        };
        plugs.iter().map(granted).collect()
    }

    /// Opens what the sandboxes grant and instantiates the program in a new store. The limits hold for
    /// this instance alone.
    ///
    /// Like all functions that run code of the program, this needs a Tokio runtime with time enabled.
    /// The future can be moved between threads.
    pub async fn instantiate(
        &self,
        sandboxes: &Sandboxes,
        limits: &Limits,
    ) -> Result<Instance, InstantiateError> {
        self.start(sandboxes, Limiter::alone(limits), None).await
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
        let limiter = Limiter::sharing(allowance.clone());
        self.start(sandboxes, limiter, deadline).await
    }

    async fn start(
        &self,
        sandboxes: &Sandboxes,
        limiter: Limiter,
        deadline: Option<Instant>,
    ) -> Result<Instance, InstantiateError> {
        let limits = limiter.limits().clone();
        let plugs = self.open_plugs(sandboxes)?;
        let consumer = sandboxes
            .consumer
            .open(&self.parts()[0], sandboxes.file_operations)?;
        let state = State::new(limiter, consumer, plugs, sandboxes);
        let prepared = self.prepared();
        let store = store::new(prepared.engine(), self.passing_fuel(), state);
        let mut store = store.map_err(|error| InstantiateError::NoRoom {
            refusal: None,
            source: error.into(),
        })?;
        let deadline = Deadline::of(limits.timeout, deadline);
        store.data_mut().deadline = deadline.map(|deadline| deadline.at);
        let entry = within(deadline, prepared.instantiate(&mut store)).await;
        let entry = Ended::of(entry, &store, deadline, self.layout())?;
        Ok(Instance::new(self.clone(), store, entry, &limits))
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
