//! A program: its parts, what each is granted, its limits, and where its code comes from.

use super::{GrantArgs, LimitArgs, PartArgs, input, read_wasm};
use crate::cli::{code_cache, exit::UsageError, heap, phases::Phases};
use anyhow::Context;
use std::path::Path;
use wit_host::{
    CodeCache, Composition, Explanation, Form, Kind, Limits, Part, PartName, Precompiled,
    PrecompiledError, Program, Runtime, RuntimeOptions, Sandbox, Sandboxes, Wasm, untrusted::Name,
};

/// Everything that `run` and `invoke` have in common.
#[derive(clap::Args)]
pub struct ProgramArgs {
    #[command(flatten)]
    parts: PartArgs,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Compile anew, and do not keep the compiled code for the next time.
    #[arg(long, help_heading = "Code")]
    no_cache: bool,
    /// Take a FILE that `precompile` wrote, which is native code.
    ///
    /// It runs with all your rights, outside of every sandbox and limit, and whoever made FILE
    /// decides what it does: give this only where that was you, with this version of the host.
    /// Checked is that FILE is yours, that nobody else may write to it, and that it is unchanged;
    /// who made it cannot be checked.
    #[arg(long, help_heading = "Code")]
    allow_precompiled: bool,
}

/// What is to be run, before anything is compiled.
pub struct Plan {
    pub name: PartName,
    pub source: Source,
    pub sandboxes: Sandboxes,
    pub limits: Limits,
    options: RuntimeOptions,
    keeps_code: bool,
}

/// Where the program comes from.
pub enum Source {
    Composition(Box<Composition>),
    /// A core module that imports WASI preview1 and runs as what it is.
    Module(Wasm),
    Precompiled(Precompiled),
}

impl ProgramArgs {
    /// Reads and composes. `consumer` makes the sandbox of FILE from its name.
    pub fn plan(
        &self,
        phases: &mut Phases,
        consumer: impl FnOnce(&PartName) -> Sandbox,
    ) -> anyhow::Result<Plan> {
        let (socket, plugs) =
            phases.time("read", || self.parts.read_with(|| self.read_socket()))?;
        // Compiled parts are called what they were called when they were compiled.
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
                    "is compiled already; plug it in when you precompile",
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
                "`{}` is native code, which could do anything; if it is your own, add `--allow-precompiled`",
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
                "`--plug {}` has nothing to meet: `{}` {why}",
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
    reason = "whoever gives `--allow-precompiled` vouches for the file"
)]
fn load_precompiled(
    runtime: &Runtime,
    precompiled: &Precompiled,
) -> Result<Program, PrecompiledError> {
    // SAFETY: the user has said so, by a flag whose help says what it means.
    unsafe { runtime.load_precompiled(precompiled) }
}

/// A module that was built from WIT is made a component instead.
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

    /// Where compiled code is kept, if it is to be, and if no grant leads there.
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

    /// Who can reach what.
    pub fn explain(&self) -> Explanation {
        match &self.source {
            Source::Composition(composition) => Explanation::of(composition, &self.sandboxes),
            Source::Module(_) => Explanation::of_module(&self.name, &self.sandboxes.consumer),
            Source::Precompiled(precompiled) => precompiled.explain(&self.sandboxes),
        }
    }

    /// The runtime that waits for what the program waits for.
    pub fn tokio() -> anyhow::Result<tokio::runtime::Runtime> {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("failed to set up the event loop")
    }
}
