//! A program: its parts, its grants, its limits, and the origin of its code.

use super::{
    BoundArgs, CacheArgs, GrantArgs, IsolationArgs, LimitArgs, PartArgs, caches::Caches, input,
    read_wasm,
};
use crate::cli::{code_cache, engine::EngineChoice, exit::UsageError, heap, phases::Phases};
use std::{iter, path::Path};
use wit_host::{
    ComposeError, FileOperations, Form, HostFunctions, HostInterface, Kind, Part, PartName, Plan,
    Precompiled, Program, Sandbox, Source, SourceError, TrustedCode, Wasm, untrusted::Name,
};

/// The arguments that `run`, `invoke` and `serve` share.
#[derive(clap::Args)]
pub struct ProgramArgs {
    #[command(flatten)]
    parts: PartArgs,
    #[command(flatten)]
    caches: CacheArgs,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten)]
    isolation: IsolationArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Execute the program on this engine; by default on the compiler, or on the one that FILE was
    /// precompiled for.
    ///
    /// Grants, limits and exit codes are the same on both engines.
    #[arg(long, value_name = "ENGINE", value_enum, help_heading = "Code")]
    engine: Option<EngineChoice>,
    /// Compile the program in this run, and do not keep the compiled code.
    #[arg(long, help_heading = "Code")]
    no_cache: bool,
    /// Allow FILE to be the compiled code that `precompile` writes.
    ///
    /// Compiled code has all your rights, outside of every sandbox and limit, and does what its author
    /// wants, on either engine. Use this flag only for a FILE that you have made yourself with this version of
    /// `wit-host`. The host checks that FILE is yours, that nobody else can write to it, and that it is
    /// unchanged. It cannot check who made it.
    #[arg(long, help_heading = "Code")]
    allow_precompiled: bool,
}

/// What surrounds a program: a command, or a server.
pub struct Surroundings {
    /// An interface of the host that FILE may import, if it is a component.
    pub provided: Option<HostInterface>,
    /// Functions of the host that FILE may import, if it is a core module.
    pub functions: HostFunctions,
    /// The threads that file operations block.
    pub file_operations: FileOperations,
}

impl Surroundings {
    /// The program is alone in its process.
    pub fn command() -> Self {
        Self {
            provided: None,
            functions: HostFunctions::new(),
            file_operations: FileOperations::OnCallingThread,
        }
    }
}

impl ProgramArgs {
    /// Reads and composes. `consumer` makes the sandbox of FILE from its name.
    pub fn plan(
        &self,
        phases: &mut Phases,
        bounds: &BoundArgs,
        surroundings: &Surroundings,
        consumer: impl FnOnce(&PartName) -> Sandbox,
    ) -> anyhow::Result<Plan> {
        let (file, plugs) = phases.time("read", || self.parts.read_with(|| self.read_file()))?;
        // Compiled parts keep the names that they were compiled with.
        let names: Vec<PartName> = match &file {
            File::Precompiled(code) => code.precompiled().parts().to_vec(),
            File::Wasm(_) => iter::once(self.parts.consumer_name())
                .chain(plugs.iter().map(|plug| plug.name.clone()))
                .collect(),
        };
        let name = &names[0];
        let sandboxes = self
            .grants
            .sandboxes((name, consumer(name)), names[1..].iter().cloned())?;
        let sandboxes = sandboxes.file_operations(surroundings.file_operations);
        let caches = self.caches.of_parts(&names, surroundings.file_operations)?;
        if let File::Precompiled(_) = &file {
            self.refuse_for_compiled(&plugs, &caches)?;
        }
        let plugs = self.isolation.isolate(name, plugs, &self.limits, bounds)?;
        let source = match file {
            File::Wasm(wasm) => phases.time("compose", || {
                compose(name.clone(), wasm, plugs, &caches, surroundings)
            })?,
            File::Precompiled(code) => Source::Precompiled(code),
        };
        if let Source::Composition(composition) = &source {
            phases.show_functions(composition);
        }
        let limits = self.limits.limits(phases.budget().all(), heap::allowed())?;
        let mut plan = Plan::new(source, sandboxes, limits)?;
        plan.engine = self.engine.map_or(plan.engine, Into::into);
        plan.keeps_code = !(self.no_cache || matches!(plan.source, Source::Precompiled(_)));
        code_cache::protect(&mut plan)?;
        Ok(plan)
    }

    /// The paths of FILE and of the plugs.
    pub fn files(&self) -> Result<Vec<&Path>, UsageError> {
        self.parts.files()
    }

    /// The path of FILE.
    pub fn file(&self) -> &Path {
        &self.parts.consumer
    }

    pub fn reads_stdin(&self) -> bool {
        self.parts.consumer_is_stdin()
    }

    fn read_file(&self) -> anyhow::Result<File> {
        let path: &Path = &self.parts.consumer;
        if !input::is_precompiled(path)? {
            return Ok(File::Wasm(read_wasm(path)?));
        }
        if !self.allow_precompiled {
            let message = format!(
                "`{}` is compiled code, which has all your rights; if you made it yourself, add `--allow-precompiled`",
                Name(path.display())
            );
            return Err(UsageError(message).into());
        }
        Ok(File::Precompiled(trust(Precompiled::open(path)?)))
    }

    /// Plugs are composed and fuel is compiled in before the code is written to a file.
    fn refuse_for_compiled(&self, plugs: &[Part], caches: &Caches<'_>) -> Result<(), UsageError> {
        if let Some(plug) = plugs.first() {
            return Err(UsageError(format!(
                "`--plug {}` has nothing to satisfy: `{}` is compiled already; plug it in with `wit-host precompile --plug`",
                plug.name,
                Name(self.parts.consumer.display())
            )));
        }
        if let Some(text) = caches.first() {
            return Err(UsageError(format!(
                "`--cache {text}` has nothing to satisfy: `{}` is compiled already, without caches of the host; run the component itself",
                Name(self.parts.consumer.display())
            )));
        }
        if let Some(name) = self.isolation.first() {
            return Err(UsageError(format!(
                "`--isolate {name}`: `{}` is compiled already, and its parts share one store; run its components with `--plug`",
                Name(self.parts.consumer.display())
            )));
        }
        if self.limits.give_fuel() {
            let message = "a precompiled program cannot be given fuel; use `--timeout`";
            return Err(UsageError(message.to_owned()));
        }
        Ok(())
    }
}

/// FILE as it was read.
enum File {
    Wasm(Wasm),
    Precompiled(TrustedCode),
}

#[expect(
    unsafe_code,
    reason = "the user vouches for the file by `--allow-precompiled`"
)]
fn trust(precompiled: Precompiled) -> TrustedCode {
    // SAFETY: the user has given a flag whose help says what the code can do.
    unsafe { precompiled.trust() }
}

fn compose(
    name: PartName,
    file: Wasm,
    plugs: Vec<Part>,
    caches: &Caches<'_>,
    surroundings: &Surroundings,
) -> anyhow::Result<Source> {
    let provided = surroundings.provided.as_ref();
    let is_module = file.kind() == Kind::Module;
    if caches.first().is_none() && (provided.is_none() || is_module) {
        let source = Source::new(name, file, &plugs).map_err(|error| match error {
            SourceError::Component(error) => error.into(),
            SourceError::Compose(error) => error.into(),
            error => anyhow::Error::from(UsageError(error.to_string())),
        });
        return source.map(|source| provide(source, &surroundings.functions));
    }
    if let Some(first) = caches.first()
        && is_module
    {
        return Err(UsageError(format!(
            "`--cache {}` has nothing to satisfy: `{}` is a core module without a WIT world, so caches cannot satisfy its imports",
            Name(first),
            Name(file.origin())
        ))
        .into());
    }
    let consumer = caches.provide_to(Part::named(name, file.try_into()?))?;
    let with_provided = match provided {
        Some(interface) => consumer.clone().provide(interface.clone()),
        None => consumer.clone(),
    };
    let plugs: Vec<Part> = plugs
        .into_iter()
        .map(|plug| caches.provide_to(plug))
        .collect::<anyhow::Result<_>>()?;
    let composed =
        wit_host::compose(&with_provided, &plugs, Form::Granted).or_else(|error| match &error {
            // FILE need not import it.
            ComposeError::IdleHostInterface { interface, .. }
                if provided.is_some_and(|provided| provided.name() == interface) =>
            {
                wit_host::compose(&consumer, &plugs, Form::Granted)
            }
            _ => Err(error),
        });
    match composed {
        Ok(composition) => Ok(Source::Composition(Box::new(composition))),
        Err(error) => Err(caches.explain(error)),
    }
}

/// Provides functions to a core module.
fn provide(source: Source, provided: &HostFunctions) -> Source {
    match source {
        Source::Module { name, module, .. } => Source::Module {
            name,
            module,
            functions: provided.clone(),
        },
        source => source,
    }
}

/// Compiles and links a plan.
pub fn load(plan: &Plan, phases: &mut Phases) -> anyhow::Result<Program> {
    let runtime = phases.time("set up", || plan.runtime())?;
    let name = plan.source.parts()[0].as_str();
    Ok(phases.compile(plan.engine, name, || plan.load(&runtime))?)
}
