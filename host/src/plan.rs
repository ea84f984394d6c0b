//! Plans: how a program is run. A plan has a source, sandboxes, limits, and a place for compiled code.

use crate::{
    compose::{
        Form, compose, composition::Composition, error::ComposeError, isolation::Isolation,
        part::Part,
    },
    core_module::host_functions::HostFunctions,
    names::part::PartName,
    program::{InstantiateError, Program, instance::Instance},
    report::explain::Explanation,
    runtime::{
        LoadError, Runtime, RuntimeOptions,
        code_cache::{CodeCache, CodeCacheReached},
        engine::Engine,
        precompiled::TrustedCode,
    },
    sandbox::{error::SandboxError, parts::Sandboxes},
    store::limits::Limits,
    untrusted::Name,
    wasm::{
        componentize::ComponentizeError,
        file::{Kind, Wasm},
    },
};
use std::path::PathBuf;

/// A plan to run a program, from its source to an instance.
///
/// A plan makes a [`Runtime`] with exactly the options that the limits need, and refuses grants through
/// which a guest could replace compiled code. An embedder that runs many programs makes one [`Runtime`]
/// itself, and needs no plan.
///
/// ```no_run
/// use wit_host::{Component, Limits, Part, Plan, Preopen, Sandbox, Sandboxes, Source, Wasm};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let cache = Part::new("cache", Component::open("cache_impl.wasm")?)?;
/// let store = Sandbox::new().preopen(Preopen::read_write("./store", "/cache"));
/// let sandboxes = Sandboxes::new(Sandbox::new().inherit_stdout()).plug(cache.name.clone(), store);
/// let consumer = Wasm::read("rust_consumer.wasm")?;
/// let source = Source::new("consumer".parse()?, consumer, &[cache])?;
///
/// let plan = Plan::new(source, sandboxes, Limits::default())?;
/// println!("{}", plan.explain());
/// let program = plan.load(&plan.runtime()?)?;
/// let outcome = plan.instantiate(&program).await?.run().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The program.
    pub source: Source,
    /// The sandboxes of the parts.
    pub sandboxes: Sandboxes,
    /// Bounds on the program's resources.
    pub limits: Limits,
    /// The engine of all parts.
    pub engine: Engine,
    /// The code cache of this user. No part is granted write access to it, whether the runtime uses it
    /// or not.
    pub code_cache: Option<CodeCache>,
    /// `true` if the runtime loads compiled code from [`code_cache`](Self::code_cache) and stores it
    /// there.
    pub keeps_code: bool,
    /// Directories of code caches of other runs. No part is granted write access to them.
    pub protected: Vec<PathBuf>,
}

/// The source of a program.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source {
    /// A component, composed with its plugs in [`Form::Granted`].
    Composition(Box<Composition>),
    /// A core module that imports WASI preview1, and functions of the embedder.
    Module {
        /// The name of the module in messages.
        name: PartName,
        /// The core module.
        module: Wasm,
        /// The functions of the embedder. [`Source::new`] makes a source without any.
        functions: HostFunctions,
    },
    /// A precompiled program, whose code the user trusts.
    Precompiled(TrustedCode),
}

/// An error of [`Source::new`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The file could not be turned into a component.
    #[error(transparent)]
    Component(#[from] ComponentizeError),
    /// Composing failed.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// Plugs are given for a core module that does not embed a WIT world.
    #[error(
        "plug `{plug}` has nothing to satisfy: `{}` is a core module without a WIT world, so plugs cannot satisfy its imports",
        Name(.module)
    )]
    PlugForModule {
        /// The first plug.
        plug: PartName,
        /// The path that the core module was read from.
        module: String,
    },
}

impl Source {
    /// Composes a file with plugs. A core module that embeds its WIT world becomes a component. Any
    /// other core module runs unchanged, and cannot have plugs.
    pub fn new(name: PartName, file: Wasm, plugs: &[Part]) -> Result<Self, SourceError> {
        if file.kind() == Kind::Module {
            return match plugs.first() {
                None => Ok(Self::Module {
                    name,
                    module: file,
                    functions: HostFunctions::new(),
                }),
                Some(plug) => Err(SourceError::PlugForModule {
                    plug: plug.name.clone(),
                    module: file.origin().to_owned(),
                }),
            };
        }
        let consumer = Part::named(name, file.try_into()?);
        let composition = compose(&consumer, plugs, Form::Granted)?;
        Ok(Self::Composition(Box::new(composition)))
    }

    /// The settings of the isolated plugs.
    fn isolated(&self) -> impl Iterator<Item = &Isolation> {
        let composition = match self {
            Self::Composition(composition) => Some(composition),
            Self::Module { .. } | Self::Precompiled(_) => None,
        };
        let isolated = composition.into_iter().flat_map(|one| one.isolated());
        isolated.map(|(_, isolation)| isolation)
    }

    /// The engine that a precompiled program was compiled for, and the default engine for any other.
    fn engine(&self) -> Engine {
        match self {
            Self::Composition(_) | Self::Module { .. } => Engine::default(),
            Self::Precompiled(code) => code.precompiled().engine(),
        }
    }

    /// The names of the parts: the consumer's, then the plugs'.
    pub fn parts(&self) -> &[PartName] {
        match self {
            Self::Composition(composition) => composition.parts(),
            Self::Module { name, .. } => std::slice::from_ref(name),
            Self::Precompiled(code) => code.precompiled().parts(),
        }
    }
}

impl Plan {
    /// Makes a plan without a code cache. The engine is the one that a precompiled program was compiled
    /// for, and the compiler for any other program.
    ///
    /// # Errors
    ///
    /// [`SandboxError::NoSuchPlug`] if there is a sandbox for a plug that `source` does not have.
    pub fn new(source: Source, sandboxes: Sandboxes, limits: Limits) -> Result<Self, SandboxError> {
        sandboxes.expect_plugs_of(source.parts())?;
        Ok(Self {
            engine: source.engine(),
            source,
            sandboxes,
            limits,
            code_cache: None,
            keeps_code: true,
            protected: Vec::new(),
        })
    }

    /// The authority of each part.
    pub fn explain(&self) -> Explanation {
        match &self.source {
            Source::Composition(composition) => Explanation::of(composition, &self.sandboxes),
            Source::Module {
                name, functions, ..
            } => Explanation::of_module(name, &self.sandboxes.consumer, functions),
            Source::Precompiled(code) => code.precompiled().explain(&self.sandboxes),
        }
    }

    /// Makes a runtime with the options that the limits need.
    ///
    /// # Errors
    ///
    /// [`LoadError::CodeCacheReached`] if a guest could replace compiled code through a grant, and
    /// errors of [`Runtime::new`].
    pub fn runtime(&self) -> Result<Runtime, LoadError> {
        self.protect_code()?;
        let is_precompiled = matches!(self.source, Source::Precompiled(_));
        let isolated = || self.source.isolated();
        Runtime::new(&RuntimeOptions {
            engine: self.engine,
            // `precompile` sets this option, and its code fits only a runtime with the same options.
            interruptible: is_precompiled
                || self.limits.timeout.is_some()
                || isolated().any(|isolation| isolation.timeout.is_some()),
            fuel: self.limits.fuel.is_some()
                || isolated().any(|isolation| isolation.fuel.is_some()),
            code_cache: self.code_cache.clone().filter(|_| self.keeps_code),
            ..RuntimeOptions::default()
        })
    }

    fn protect_code(&self) -> Result<(), CodeCacheReached> {
        if let Some(cache) = &self.code_cache {
            cache.refuse_reaching(&self.sandboxes)?;
        }
        self.protected
            .iter()
            .try_for_each(|directory| CodeCache::refuse_reaching_path(directory, &self.sandboxes))
    }

    /// Compiles and links the source on this runtime.
    pub fn load(&self, runtime: &Runtime) -> Result<Program, LoadError> {
        match &self.source {
            Source::Composition(composition) => runtime.load(composition),
            Source::Module {
                name,
                module,
                functions,
            } => runtime.load_module_with(name, module, functions),
            Source::Precompiled(code) => runtime.load_precompiled(code),
        }
    }

    /// Instantiates the program in its sandboxes, within its limits.
    pub async fn instantiate(&self, program: &Program) -> Result<Instance, InstantiateError> {
        program.instantiate(&self.sandboxes, &self.limits).await
    }
}
