//! The imports that the host provides.

mod bounded_io;
#[cfg(target_os = "linux")]
mod renaming;

use crate::{
    compose::link::PrivateImport, names::part::PartName, sandbox::authority::Grant,
    store::state::State,
};
use wasmtime::component::{ComponentNamedList, Linker, LinkerInstance, Lower};
use wasmtime_wasi::{
    I32Exit, WasiCtxView,
    cli::WasiCliCtxView,
    filesystem::WasiFilesystemCtxView,
    p2::bindings::{
        cli::{
            environment::Host as _, stderr::Host as _, stdin::Host as _, stdout::Host as _,
            terminal_stderr::Host as _, terminal_stdin::Host as _, terminal_stdout::Host as _,
        },
        filesystem::preopens::Host as _,
    },
};

/// Defines the interfaces that the consumer imports under their own names.
pub(crate) fn consumer(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    bounded_io::define(linker)?;
    #[cfg(target_os = "linux")]
    renaming::define(linker)?;
    Ok(())
}

/// The name of the module from which core modules import WASI preview1.
pub(crate) const PREVIEW1: &str = "wasi_snapshot_preview1";

/// Defines WASI preview1 for a core module.
pub(crate) fn module(linker: &mut wasmtime::Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p1::add_to_linker_async(linker, State::preview1)?;
    // The engine's own `proc_exit` traps for codes from 126.
    linker.allow_shadowing(true);
    linker.func_wrap(PREVIEW1, "proc_exit", |code: i32| -> wasmtime::Result<()> {
        Err(I32Exit(code).into())
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Defines a private import of a plug, which reaches the plug's own sandbox.
pub(crate) fn plug(
    linker: &mut Linker<State>,
    plug: &PartName,
    import: &PrivateImport,
    grant: Grant,
) -> wasmtime::Result<()> {
    let part = import.part;
    let instance = &mut linker.instance(&import.name)?;
    match grant {
        Grant::Preopens => own(instance, part, "get-directories", |wasi| {
            filesystem(wasi).get_directories()
        }),
        Grant::Environment => {
            own(instance, part, "get-environment", |wasi| {
                cli(wasi).get_environment()
            })?;
            own(instance, part, "get-arguments", |wasi| {
                cli(wasi).get_arguments()
            })?;
            own(instance, part, "initial-cwd", |wasi| {
                cli(wasi).initial_cwd()
            })
        }
        Grant::Stdin => own(instance, part, "get-stdin", |wasi| cli(wasi).get_stdin()),
        Grant::Stdout => own(instance, part, "get-stdout", |wasi| cli(wasi).get_stdout()),
        Grant::Stderr => own(instance, part, "get-stderr", |wasi| cli(wasi).get_stderr()),
        Grant::TerminalStdin => own(instance, part, "get-terminal-stdin", |wasi| {
            cli(wasi).get_terminal_stdin()
        }),
        Grant::TerminalStdout => own(instance, part, "get-terminal-stdout", |wasi| {
            cli(wasi).get_terminal_stdout()
        }),
        Grant::TerminalStderr => own(instance, part, "get-terminal-stderr", |wasi| {
            cli(wasi).get_terminal_stderr()
        }),
        Grant::Exit => exit(instance, plug),
    }
}

/// Defines a function without parameters. Its result comes from the context of one part.
fn own<R>(
    instance: &mut LinkerInstance<'_, State>,
    part: usize,
    name: &str,
    answer: fn(WasiCtxView<'_>) -> wasmtime::Result<R>,
) -> wasmtime::Result<()>
where
    R: 'static,
    (R,): ComponentNamedList + Lower,
{
    instance.func_wrap(name, move |mut store, (): ()| {
        Ok((answer(store.data_mut().part(part))?,))
    })
}

/// Only the consumer can end the program: a plug that calls `exit` is stopped as by a trap.
fn exit(instance: &mut LinkerInstance<'_, State>, plug: &PartName) -> wasmtime::Result<()> {
    let refusal = format!("plug `{plug}` called `exit`, and only the consumer can end the program");
    let refusal_with_code = refusal.clone();
    instance.func_wrap(
        "exit",
        move |_, (_,): (Result<(), ()>,)| -> wasmtime::Result<()> {
            Err(wasmtime::Error::msg(refusal.clone()))
        },
    )?;
    instance.func_wrap(
        "exit-with-code",
        move |_, (_,): (u8,)| -> wasmtime::Result<()> {
            Err(wasmtime::Error::msg(refusal_with_code.clone()))
        },
    )
}

fn cli(wasi: WasiCtxView<'_>) -> WasiCliCtxView<'_> {
    WasiCliCtxView {
        ctx: wasi.ctx.cli(),
        table: wasi.table,
    }
}

fn filesystem(wasi: WasiCtxView<'_>) -> WasiFilesystemCtxView<'_> {
    WasiFilesystemCtxView {
        ctx: wasi.ctx.filesystem(),
        table: wasi.table,
    }
}
