//! Bounded streams and directories of WASI. With the engine's own, a guest could make the host hold
//! more memory than the guest itself may have.
//!
//! There are three differences from the engine. The memory in which the host holds a piece of a file
//! for a stream is charged to [`Limits::streams`]. A directory is read entry by entry, instead of
//! completely before the first entry. One write to a stream has at most the number of bytes that
//! `check-write` can allow.
//!
//! [`Limits::streams`]: crate::Limits

#[cfg(unix)]
mod listing;

use crate::{
    names::wasi::{FILESYSTEM_TYPES, STREAMS},
    store::state::State,
};
use std::any::Any;
use wasmtime::{
    StoreContextMut,
    component::{Linker, LinkerInstance, Resource, ResourceTable, ResourceType},
};
use wasmtime_wasi::{
    WasiView,
    filesystem::{Descriptor, WasiFilesystemCtxView, WasiFilesystemView},
    p2::{
        DynInputStream, DynOutputStream, FsResult, StreamResult,
        bindings::{
            filesystem::types::{ErrorCode, Host as _, HostDescriptor},
            io::streams::{Host as _, HostOutputStream, StreamError},
        },
    },
};

/// The largest number of bytes that the host holds for a stream: bytes that are read ahead, or that
/// wait to be written.
const PIECE: usize = 64 << 10;
/// The number of bytes that the host holds for a directory while it is listed, because the system
/// returns many entries at a time.
const LISTING: usize = 64 << 10;

type Context<'a> = StoreContextMut<'a, State>;

/// Replaces the engine's definitions in the linker.
pub(crate) fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let types = &mut linker.instance(FILESYSTEM_TYPES)?;
    file_streams(types)?;
    #[cfg(unix)]
    listing::define(types)?;
    let streams = &mut linker.instance(STREAMS)?;
    drops(streams)?;
    write(streams)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn file_streams(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    types.func_wrap(
        "[method]descriptor.read-via-stream",
        |mut store: Context<'_>, (file, offset): (Resource<Descriptor>, u64)| {
            charged(&mut store, PIECE, |files| {
                files.read_via_stream(file, offset)
            })
        },
    )?;
    types.func_wrap(
        "[method]descriptor.write-via-stream",
        |mut store: Context<'_>, (file, offset): (Resource<Descriptor>, u64)| {
            charged(&mut store, PIECE, |files| {
                files.write_via_stream(file, offset)
            })
        },
    )?;
    types.func_wrap(
        "[method]descriptor.append-via-stream",
        |mut store: Context<'_>, (file,): (Resource<Descriptor>,)| {
            charged(&mut store, PIECE, |files| files.append_via_stream(file))
        },
    )
}

/// Opens a resource that holds this number of bytes until it is dropped. If that exceeds the limit,
/// opening fails with the error of a system that has no more memory.
fn charged<R: 'static>(
    store: &mut Context<'_>,
    bytes: usize,
    open: impl FnOnce(&mut WasiFilesystemCtxView<'_>) -> FsResult<Resource<R>>,
) -> wasmtime::Result<(Result<Resource<R>, ErrorCode>,)> {
    let state = store.data_mut();
    if !state.limiter.reserve_stream(bytes) {
        return Ok((Err(ErrorCode::InsufficientMemory),));
    }
    let files = &mut state.filesystem();
    match open(files) {
        Ok(opened) => {
            state.limiter.open_stream(opened.rep(), bytes);
            Ok((Ok(opened),))
        }
        Err(error) => {
            let code = files.convert_error_code(error);
            state.limiter.unreserve_stream(bytes);
            Ok((Err(code?),))
        }
    }
}

/// Removes a handle from the table, and gives back the bytes that were drawn for it.
fn dropped<R: Any>(store: &mut Context<'_>, handle: u32) -> wasmtime::Result<R> {
    let state = store.data_mut();
    let held = state.ctx().table.delete(Resource::<R>::new_own(handle))?;
    state.limiter.close_stream(handle);
    Ok(held)
}

fn drops(streams: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    streams.resource_async(
        "input-stream",
        ResourceType::host::<DynInputStream>(),
        |mut store, handle| {
            Box::new(async move {
                dropped::<DynInputStream>(&mut store, handle)?
                    .cancel()
                    .await;
                Ok(())
            })
        },
    )?;
    streams.resource_async(
        "output-stream",
        ResourceType::host::<DynOutputStream>(),
        |mut store, handle| {
            Box::new(async move {
                dropped::<DynOutputStream>(&mut store, handle)?
                    .cancel()
                    .await;
                Ok(())
            })
        },
    )
}

/// Bounds the size of a write. The engine's stream on a file accepts bytes of any length, and keeps
/// them until they are written.
fn write(streams: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    streams.func_wrap(
        "[method]output-stream.write",
        |mut store: Context<'_>, (stream, bytes): (Resource<DynOutputStream>, Vec<u8>)| {
            if bytes.len() > PIECE {
                return Err(wasmtime::Error::msg(format!(
                    "it writes {} bytes to a stream at once, and `check-write` allows at most {PIECE}",
                    bytes.len()
                )));
            }
            let table = store.data_mut().ctx().table;
            let written: StreamResult<()> = HostOutputStream::write(&mut *table, stream, bytes);
            Ok((as_stream_result(table, written)?,))
        },
    )
}

fn as_stream_result<T>(
    table: &mut ResourceTable,
    result: StreamResult<T>,
) -> wasmtime::Result<Result<T, StreamError>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(table.convert_stream_error(error)?)),
    }
}
