//! A program: its parts, their grants, its limits, and the source of its code.

use super::{GrantArgs, LimitArgs, PartArgs, input, read_wasm};
use crate::cli::{code_cache, exit::UsageError, heap, phases::Phases};
use anyhow::Context;
use std::path::Path;
use wit_host::{
    CodeCache, Composition, Explanation, Form, Kind, Limits, Part, PartName, Precompiled,
    PrecompiledError, Program, Runtime, RuntimeOptions, Sandbox, Sandboxes, Wasm, untrusted::Name,
};

/// The arguments that `run` and `invoke` share.
#[derive(clap::Args)]
pub struct ProgramArgs {
    #[command(flatten)]
    parts: PartArgs,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Compile the program in this run, and do not keep the compiled code.
    #[arg(long, help_heading = "Code")]
    no_cache: bool,
    /// Allow FILE to be the native code that `precompile` writes.
    ///
    /// Native code has all your rights, outside of every sandbox and limit, and does what its author
    /// wants. Use this flag only for a FILE that you have made yourself with this version of
    /// `wit-host`. The host checks that FILE is yours, that nobody else can write to it, and that it is
    /// unchanged. It cannot check who made it.
    #[arg(long, help_heading = "Code")]
    allow_precompiled: bool,
}

/// A program that is composed and not yet compiled, with all that it runs with.
pub struct Plan {
    pub name: PartName,
    pub source: Source,
    pub sandboxes: Sandboxes,
    pub limits: Limits,
    options: RuntimeOptions,
    keeps_code: bool,
}

/// The form in which the program was given.
pub enum Source {
    Composition(Box<Composition>),
    /// A core module that imports WASI preview1. It runs without being made a component.
    Module(Wasm),
    Precompiled(Precompiled),
}

impl ProgramArgs {
    /// Reads and composes the parts. `consumer` makes the sandbox of FILE from its name.
    pub fn plan(
        &self,
        phases: &mut Phases,
        consumer: impl FnOnce(&PartName) -> Sandbox,
    ) -> anyhow::Result<Plan> {
        let (socket, plugs) =
            phases.time("read", || self.parts.read_with(|| self.read_socket()))?;
        // Precompiled parts keep the names that they had when they were compiled.
        let (name, plug_names) = match &socket {
            Socket::Precompiled(precompiled) => {
                let parts = precompiled.parts();
                (parts[0].clone(), parts[1..].to_vec())
            }
            Socket::Wasm(_) => (
                self.parts.socket_name(),
                plugs.iter().map(|plug| plug.name.clone()).collect(),
            ),
        };
        let sandboxes = self
            .grants
            .sandboxes((&name, consumer(&name)), plug_names)?;
        let source = match socket {
            Socket::Wasm(wasm) if is_plain_module(&wasm) => {
                self.refuse_plugs(
                    &plugs,
                    "is a plain core module, which imports only WASI preview1",
                )?;
                Source::Module(wasm)
            }
            Socket::Wasm(wasm) => {
                let component = wasm.try_into()?;
                let socket = Part::named(name.clone(), component);
                let composition = phases.time("compose", || {
                    wit_host::compose(&socket, &plugs, Form::Granted)
                })?;
                Source::Composition(Box::new(composition))
            }
            Socket::Precompiled(precompiled) => {
                self.refuse_plugs(
                    &plugs,
                    "is compiled already; plug it in with `wit-host precompile --plug`",
                )?;
                Source::Precompiled(precompiled)
            }
        };
        let is_precompiled = matches!(source, Source::Precompiled(_));
        if is_precompiled && self.limits.fuel.is_some() {
            let message = "a precompiled program cannot be given fuel; use `--timeout`";
            return Err(UsageError(message.to_owned()).into());
        }
        Ok(Plan {
            name,
            source,
            sandboxes,
            limits: self.limits.limits(phases.budget().all(), heap::allowed()),
            options: RuntimeOptions {
                // As `precompile` compiles it.
                interruptible: is_precompiled || phases.budget().all().is_some(),
                fuel: self.limits.fuel.is_some(),
                ..RuntimeOptions::default()
            },
            keeps_code: !(self.no_cache || is_precompiled),
        })
    }

    /// The path of FILE.
    pub fn file(&self) -> &Path {
        &self.parts.socket
    }

    pub fn reads_stdin(&self) -> bool {
        self.parts.socket_is_stdin()
    }

    fn read_socket(&self) -> anyhow::Result<Socket> {
        let path: &Path = &self.parts.socket;
        if !input::is_precompiled(path)? {
            return Ok(Socket::Wasm(read_wasm(path)?));
        }
        if !self.allow_precompiled {
            let message = format!(
                "`{}` is native code, which has all your rights; if you made it yourself, add `--allow-precompiled`",
                Name(path.display())
            );
            return Err(UsageError(message).into());
        }
        Ok(Socket::Precompiled(Precompiled::open(path)?))
    }

    fn refuse_plugs(&self, plugs: &[Part], why: &str) -> Result<(), UsageError> {
        match plugs.first() {
            None => Ok(()),
            Some(plug) => Err(UsageError(format!(
                "`--plug {}` has nothing to satisfy: `{}` {why}",
                plug.name,
                Name(self.parts.socket.display())
            ))),
        }
    }
}

enum Socket {
    Wasm(Wasm),
    Precompiled(Precompiled),
}

#[expect(
    unsafe_code,
    reason = "with `--allow-precompiled` the user vouches for the file"
)]
fn load_precompiled(
    runtime: &Runtime,
    precompiled: &Precompiled,
) -> Result<Program, PrecompiledError> {
    // SAFETY: the user vouches for the file by a flag, whose help states the risk.
    unsafe { runtime.load_precompiled(precompiled) }
}

/// Whether a core module runs as it is. One that carries its WIT world is made a component instead.
fn is_plain_module(wasm: &Wasm) -> bool {
    wasm.kind()
        == Kind::Module {
            embeds_world: false,
        }
}

impl Plan {
    /// Compiles and links.
    pub fn load(&self, phases: &mut Phases) -> anyhow::Result<Program> {
        let runtime = phases.time("set up", || -> anyhow::Result<_> {
            Ok(Runtime::new(&RuntimeOptions {
                code_cache: self.code_cache()?,
                ..self.options.clone()
            })?)
        })?;
        phases.time_long(
            "compile",
            self.name.as_str(),
            || -> anyhow::Result<Program> {
                Ok(match &self.source {
                    Source::Composition(composition) => runtime.load(composition)?,
                    Source::Module(module) => runtime.load_module(&self.name, module)?,
                    Source::Precompiled(precompiled) => load_precompiled(&runtime, precompiled)?,
                })
            },
        )
    }

    /// The code cache, unless compiled code is not kept. A grant that reaches it is an error.
    fn code_cache(&self) -> anyhow::Result<Option<CodeCache>> {
        if !(self.keeps_code || self.sandboxes.grant_writing()) {
            return Ok(None);
        }
        let opened = code_cache::open();
        let cache = opened.as_ref().ok().and_then(Option::as_ref);
        code_cache::refuse_reaching(cache, &self.sandboxes)?;
        if self.keeps_code {
            Ok(opened?)
        } else {
            Ok(None)
        }
    }

    /// What each part can reach.
    pub fn explain(&self) -> Explanation {
        match &self.source {
            Source::Composition(composition) => Explanation::of(composition, &self.sandboxes),
            Source::Module(_) => Explanation::of_module(&self.name, &self.sandboxes.consumer),
            Source::Precompiled(precompiled) => precompiled.explain(&self.sandboxes),
        }
    }

    /// The event loop in which the program waits.
    pub fn tokio() -> anyhow::Result<tokio::runtime::Runtime> {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("failed to set up the event loop")
    }
}
