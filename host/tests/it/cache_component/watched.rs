//! The component in an engine of the test's own, which records each call to `wasi:filesystem/types`, can
//! make it fail, and supplies the random number.

use crate::guests::Guest;
use libtest_mimic::Failed;
use std::{collections::HashMap, path::Path, sync::OnceLock};
use wasmtime::{
    Engine, Store,
    component::{
        Component, ComponentNamedList, ComponentType, Instance, InstancePre, Lift, Linker,
        LinkerInstance, Lower, Resource, ResourceTable, TypedFunc,
    },
};
use wasmtime_wasi::{
    FsPerms, WasiCtx, WasiCtxView, WasiView,
    filesystem::WasiFilesystemCtxView,
    p2::{
        FsResult,
        bindings::sync::filesystem::types::{
            Descriptor, DescriptorFlags, DirectoryEntryStream, ErrorCode, HostDescriptor,
            HostDirectoryEntryStream, OpenFlags, PathFlags,
        },
    },
};

/// The largest number of recorded calls: a component that makes more is in an endless loop.
const MOST_CALLS: usize = 10_000;

const CACHE: &str = "toolkit:cache/cache@0.1.0";
/// The interfaces that are watched, as `wasmtime_wasi` names them.
const TYPES: &str = "wasi:filesystem/types@0.2.12";
const RANDOM_INTERFACE: &str = "wasi:random/random@0.2.12";

/// The `error` of `wit/cache.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum CacheError {
    #[component(name = "runtime-error")]
    RuntimeError,
    #[component(name = "not-found-error")]
    NotFoundError,
}

/// One call of a function of `wasi:filesystem/types`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The name of the function, without the resource.
    pub function: &'static str,
    /// The path of the file or directory, relative to the granted directory, which is `.`.
    pub path: String,
    /// `true` if the call succeeded.
    pub outcome: Result<(), ErrorCode>,
}

type Set = TypedFunc<(String, Vec<u8>, Option<u32>), (Result<(), CacheError>,)>;

/// An instance of the component, which is granted one directory.
pub struct WatchedCache {
    store: Store<State>,
    set: Set,
    get: TypedFunc<(String,), (Result<Vec<u8>, CacheError>,)>,
    delete: TypedFunc<(String,), (Result<(), CacheError>,)>,
}

impl WatchedCache {
    /// Instantiates the component with `directory` as `/cache`, and with these variables.
    pub fn new(directory: &Path, variables: &[(&str, &str)]) -> Result<Self, Failed> {
        let mut wasi = WasiCtx::builder();
        wasi.allow_blocking_current_thread(true)
            .envs(variables)
            .preopened_dir(directory, "/cache", FsPerms::ReadWrite)?;
        let component = linked()?;
        let mut store = Store::new(component.engine(), State::new(wasi.build()));
        let instance = component.instantiate(&mut store)?;
        Ok(Self {
            set: function(&mut store, &instance, "set")?,
            get: function(&mut store, &instance, "get")?,
            delete: function(&mut store, &instance, "delete")?,
            store,
        })
    }

    pub fn set(
        &mut self,
        key: &str,
        value: &[u8],
        ttl: Option<u32>,
    ) -> Result<Result<(), CacheError>, Failed> {
        let arguments = (key.to_owned(), value.to_owned(), ttl);
        Ok(self.set.call(&mut self.store, arguments)?.0)
    }

    pub fn get(&mut self, key: &str) -> Result<Result<Vec<u8>, CacheError>, Failed> {
        Ok(self.get.call(&mut self.store, (key.to_owned(),))?.0)
    }

    pub fn delete(&mut self, key: &str) -> Result<Result<(), CacheError>, Failed> {
        Ok(self.delete.call(&mut self.store, (key.to_owned(),))?.0)
    }

    /// Takes the calls recorded so far. The next call has position 0 again.
    pub fn take_calls(&mut self) -> Vec<Call> {
        std::mem::take(&mut self.store.data_mut().calls)
    }

    /// Makes the call at this position fail without being executed.
    pub fn fail(&mut self, position: usize, error: ErrorCode) {
        self.store.data_mut().failure = Some((position, error));
    }

    /// Stops making calls fail.
    pub fn fail_no_more(&mut self) {
        self.store.data_mut().failure = None;
    }

    /// Sets the random number that the component gets, which it asks for in its first call.
    pub fn give_random(&mut self, number: u64) {
        self.store.data_mut().random = number;
    }

    /// Bounds the number of bytes that one call of `write` writes.
    pub fn write_at_most(&mut self, bytes: usize) {
        self.store.data_mut().most_written = bytes;
    }
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    calls: Vec<Call>,
    /// Paths by the number of the descriptor.
    paths: HashMap<u32, String>,
    failure: Option<(usize, ErrorCode)>,
    most_written: usize,
    random: u64,
}

impl State {
    fn new(wasi: WasiCtx) -> Self {
        Self {
            wasi,
            table: ResourceTable::new(),
            calls: Vec::new(),
            paths: HashMap::new(),
            failure: None,
            most_written: usize::MAX,
            random: 1,
        }
    }

    /// The path of `path` below a descriptor; an empty path is the descriptor's own.
    fn path(&self, descriptor: &Resource<Descriptor>, path: &str) -> String {
        match (self.paths.get(&descriptor.rep()).map(String::as_str), path) {
            (None | Some("."), "") => ".".to_owned(),
            (None | Some("."), path) => path.to_owned(),
            (Some(directory), "") => directory.to_owned(),
            (Some(directory), path) => format!("{directory}/{path}"),
        }
    }

    fn answer<R>(
        &mut self,
        function: &'static str,
        path: String,
        call: impl FnOnce(&mut WasiFilesystemCtxView<'_>) -> FsResult<R>,
    ) -> wasmtime::Result<Result<R, ErrorCode>> {
        if self.calls.len() >= MOST_CALLS {
            return Err(wasmtime::Error::msg(format!(
                "`{function}` is called for ever"
            )));
        }
        let answer = match self.failure {
            Some((position, error)) if position == self.calls.len() => Err(error),
            _ => {
                let mut host = WasiFilesystemCtxView {
                    ctx: self.wasi.filesystem(),
                    table: &mut self.table,
                };
                match call(&mut host) {
                    Ok(result) => Ok(result),
                    Err(error) => Err(error.downcast()?.into()),
                }
            }
        };
        self.calls.push(Call {
            function,
            path,
            outcome: answer.as_ref().map(drop).map_err(|error| *error),
        });
        Ok(answer)
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// The component, compiled and linked once.
fn linked() -> Result<&'static InstancePre<State>, Failed> {
    static LINKED: OnceLock<InstancePre<State>> = OnceLock::new();
    if let Some(linked) = LINKED.get() {
        return Ok(linked);
    }
    let engine = Engine::default();
    let component = Component::from_file(&engine, Guest::CacheImpl.path()?)?;
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    linker.allow_shadowing(true);
    watch(&mut linker.instance(TYPES)?)?;
    linker
        .instance(RANDOM_INTERFACE)?
        .func_wrap("get-random-u64", |store, (): ()| Ok((store.data().random,)))?;
    let linked = linker.instantiate_pre(&component)?;
    Ok(LINKED.get_or_init(|| linked))
}

fn function<P, R>(
    store: &mut Store<State>,
    instance: &Instance,
    name: &str,
) -> Result<TypedFunc<P, R>, Failed>
where
    P: ComponentNamedList + Lower + Send + Sync + 'static,
    R: ComponentNamedList + Lift + Send + Sync + 'static,
{
    let missing = || format!("the component exports no `{name}`");
    let cache = instance.get_export_index(&mut *store, None, CACHE);
    let function = instance.get_export_index(&mut *store, cache.as_ref(), name);
    let function = function.ok_or_else(missing)?;
    Ok(instance.get_typed_func(store, function)?)
}

/// Redefines a method of descriptors: it is recorded and then does what `HostDescriptor` does.
macro_rules! watch {
    ($types:ident, $name:literal, $method:ident($($argument:ident: $type:ty),*), $path:expr) => {
        $types.func_wrap(
            concat!("[method]descriptor.", $name),
            |mut store, (descriptor, $($argument,)*): (Resource<Descriptor>, $($type,)*)| {
                let path = store.data().path(&descriptor, $path);
                let answer = store
                    .data_mut()
                    .answer($name, path, |host| host.$method(descriptor, $($argument),*))?;
                Ok((answer,))
            },
        )
    };
}

/// Redefines all functions that the component calls, except those that drop a resource.
fn watch(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    watch!(types, "read", read(len: u64, offset: u64), "")?;
    watch!(types, "stat", stat(), "")?;
    watch!(types, "sync", sync(), "")?;
    watch!(types, "sync-data", sync_data(), "")?;
    watch!(types, "read-directory", read_directory(), "")?;
    watch!(types, "stat-at", stat_at(flags: PathFlags, path: String), &path)?;
    watch!(types, "create-directory-at", create_directory_at(path: String), &path)?;
    watch!(types, "remove-directory-at", remove_directory_at(path: String), &path)?;
    watch!(types, "unlink-file-at", unlink_file_at(path: String), &path)?;
    watch!(types, "rename-at", rename_at(from: String, directory: Resource<Descriptor>, to: String), &from)?;
    types.func_wrap(
        "[method]descriptor.write",
        |mut store, (descriptor, mut bytes, offset): (Resource<Descriptor>, Vec<u8>, u64)| {
            let state = store.data_mut();
            bytes.truncate(state.most_written);
            let path = state.path(&descriptor, "");
            let answer =
                state.answer("write", path, |host| host.write(descriptor, bytes, offset))?;
            Ok((answer,))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.open-at",
        |mut store,
         (descriptor, follow, path, how, access): (
            Resource<Descriptor>,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        )| {
            let state = store.data_mut();
            let place = state.path(&descriptor, &path);
            let answer = state.answer("open-at", place.clone(), |host| {
                host.open_at(descriptor, follow, path, how, access)
            })?;
            if let Ok(opened) = &answer {
                state.paths.insert(opened.rep(), place);
            }
            Ok((answer,))
        },
    )?;
    types.func_wrap(
        "[method]directory-entry-stream.read-directory-entry",
        |mut store, (stream,): (Resource<DirectoryEntryStream>,)| {
            let path = "a directory that is listed".to_owned();
            let answer = store
                .data_mut()
                .answer("read-directory-entry", path, |host| {
                    host.read_directory_entry(stream)
                })?;
            Ok((answer,))
        },
    )
}
