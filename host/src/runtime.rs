//! Compiling and linking.

pub(crate) mod code_cache;
pub(crate) mod host_functions;
pub(crate) mod host_interfaces;
pub(crate) mod precompiled;

use crate::{
    compose::layout::Layout,
    compose::{
        composition::Composition,
        link::{Link, PrivateImport, PrivateProvider},
    },
    names::{external::ExternName, part::PartName},
    program::{Program, prepared::Prepared},
    runtime::{
        code_cache::{Code, CodeCache, CodeCacheReached},
        host_functions::HostFunctions,
        host_interfaces::HostInterfaceMismatch,
    },
    store::state::State,
    store::ticker::Ticker,
    untrusted::Name,
    wasi,
    wasm::file::Wasm,
    wasm::signature,
    wasm::weight::{self, TooHeavy},
};
use std::sync::Arc;
use wasmtime::{
    Config, Enabled, Engine, ExternType, Module, PoolingAllocationConfig,
    component::{Component, Linker},
};

/// Compiles and links. Making one costs about as much as linking WASI; share it.
pub struct Runtime {
    engine: Engine,
    components: Linker<State>,
    modules: wasmtime::Linker<State>,
    ticker: Option<Arc<Ticker>>,
    code_cache: Option<CodeCache>,
}

/// What a runtime is to be able to do. Each costs something, so each is asked for.
#[derive(Debug, Clone, Default)]
pub struct RuntimeOptions {
    /// Programs can be stopped by [`Limits::timeout`](crate::Limits). Code that computes runs about a
    /// fifth slower, the tightest loops twice as slow.
    pub interruptible: bool,
    /// Programs can be given [`Limits::fuel`](crate::Limits). Code that computes runs much slower.
    pub fuel: bool,
    /// Where compiled code is kept. `None` compiles each time. Whoever grants directories to guests
    /// asks [`CodeCache::refuse_reaching`] first.
    pub code_cache: Option<CodeCache>,
    /// Instances come from a pool that is laid out ahead: instantiating is several times faster,
    /// and each program is held to what a slot of the pool has room for.
    pub pool: Option<Pool>,
}

/// The size of a pool of instances.
///
/// On Linux, what a program has written stays in memory for the next one, cleared: 1 MiB at most of
/// each linear memory.
#[derive(Debug, Clone, Copy)]
pub struct Pool {
    /// Programs that can be instantiated at a time.
    pub programs: u32,
    /// The largest linear memory, in bytes.
    pub memory: usize,
}

/// Why a program cannot be run.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the variants' fields are named in their messages"
)]
pub enum LoadError {
    /// The engine or WASI could not be set up.
    #[error("failed to set up the engine")]
    Engine(#[source] wasmtime::Error),
    /// Nobody meets an import.
    #[error(
        "`{part}` imports `{}`, and nothing satisfies it",
        Name(.import)
    )]
    Unmet { part: PartName, import: ExternName },
    /// The host's function of that name has another type.
    #[error("`{part}` imports `{}` as `{expected}`, and the host's is `{provided}`", Name(.import))]
    HostFunction {
        part: PartName,
        import: String,
        expected: String,
        provided: String,
    },
    /// It is too much to compile.
    #[error("`{part}` is not compiled")]
    TooHeavy { part: PartName, source: TooHeavy },
    /// It is not valid.
    #[error("`{part}` is damaged or uses features that are not supported here")]
    Invalid {
        part: PartName,
        source: wasmparser::BinaryReaderError,
    },
    /// It does not compile.
    #[error("failed to compile `{part}`")]
    Compile {
        part: PartName,
        source: wasmtime::Error,
    },
    /// Another version or configuration of the host compiled it.
    #[error("the compiled code of `{part}` does not fit this host; precompile it anew")]
    OtherHost {
        part: PartName,
        source: wasmtime::Error,
    },
    /// A grant reaches compiled code.
    #[error(transparent)]
    CodeCacheReached(#[from] CodeCacheReached),
    /// The embedder provides an interface that is not what the part imports.
    #[error("the host interface `{}` does not satisfy the import of `{part}`", Name(.interface))]
    HostInterface {
        part: PartName,
        interface: ExternName,
        source: HostInterfaceMismatch,
    },
    /// The host provides an import of that name in another shape.
    #[error("{} in another shape than the host provides; rebuild {} against WASI 0.2", who_imports(.parts, .import), it(.parts))]
    Link {
        /// The part that imports it. Where several do, the engine does not tell whose shape differs.
        parts: Vec<PartName>,
        /// `None` where the engine does not name it.
        import: Option<ExternName>,
        source: wasmtime::Error,
    },
}

impl Runtime {
    /// Makes a runtime.
    pub fn new(options: &RuntimeOptions) -> Result<Self, LoadError> {
        let engine = Engine::new(&config(options)).map_err(LoadError::Engine)?;
        let mut components = Linker::new(&engine);
        wasi::consumer(&mut components).map_err(LoadError::Engine)?;
        let mut modules = wasmtime::Linker::new(&engine);
        wasi::module(&mut modules).map_err(LoadError::Engine)?;
        let ticker = match options.interruptible {
            false => None,
            true => {
                let ticker = Ticker::start(&engine).map_err(wasmtime::Error::from);
                Some(Arc::new(ticker.map_err(LoadError::Engine)?))
            }
        };
        Ok(Self {
            engine,
            components,
            modules,
            ticker,
            code_cache: options.code_cache.clone(),
        })
    }

    /// Compiles a composition and links it.
    pub fn load(&self, composition: &Composition) -> Result<Program, LoadError> {
        let component = self.compile(composition)?;
        self.link_composition(&component, composition)
    }

    /// Compiles a composition.
    pub(crate) fn compile(&self, composition: &Composition) -> Result<Component, LoadError> {
        refuse_unmet(composition)?;
        let compile = |bytes: &[u8]| Component::from_binary(&self.engine, bytes);
        let consumer = &composition.parts[0];
        self.code_of(consumer, composition.bytes(), &composition.layout, compile)
    }

    /// Links what a composition was compiled to.
    pub(crate) fn link_composition(
        &self,
        component: &Component,
        composition: &Composition,
    ) -> Result<Program, LoadError> {
        let Composition {
            parts,
            links,
            private,
            layout,
            ..
        } = composition;
        self.link(component, parts, links, private, layout)
    }

    /// Compiles a plain core module, which may import WASI preview1 and nothing else.
    pub fn load_module(&self, name: &PartName, module: &Wasm) -> Result<Program, LoadError> {
        self.load_module_with(name, module, &HostFunctions::new())
    }

    /// Compiles a plain core module, which may import WASI preview1 and these functions.
    pub fn load_module_with(
        &self,
        name: &PartName,
        module: &Wasm,
        functions: &HostFunctions,
    ) -> Result<Program, LoadError> {
        let bytes = module.bytes();
        let layout = Layout::single(name.clone(), bytes);
        let compile = |bytes: &[u8]| Module::from_binary(&self.engine, bytes);
        let compiled = self.code_of(name, bytes, &layout, compile)?;
        for import in compiled.imports() {
            if import.module() == wasi::PREVIEW1 {
                continue;
            }
            let full_name = || format!("{}.{}", import.module(), import.name());
            let provided = functions.type_of(&self.engine, import.module(), import.name());
            let Some(provided) = provided else {
                return Err(LoadError::Unmet {
                    part: name.clone(),
                    import: full_name().into(),
                });
            };
            let expected = match import.ty() {
                ExternType::Func(ty) if ty.matches(&provided) => continue,
                ExternType::Func(ty) => signature::of_core_function(&ty),
                ExternType::Global(_) => "a global".to_owned(),
                ExternType::Table(_) => "a table".to_owned(),
                ExternType::Memory(_) => "a memory".to_owned(),
                ExternType::Tag(_) => "a tag".to_owned(),
            };
            return Err(LoadError::HostFunction {
                part: name.clone(),
                import: full_name(),
                expected,
                provided: signature::of_core_function(&provided),
            });
        }
        let mut linker = self.modules.clone();
        functions.add_to(&mut linker).map_err(LoadError::Engine)?;
        let linked = linker
            .instantiate_pre(&compiled)
            .map_err(|source| LoadError::Link {
                parts: vec![name.clone()],
                import: None,
                source,
            })?;
        Ok(Program::new(
            Prepared::Module(linked),
            vec![name.clone()],
            layout,
            self.ticker.clone(),
        ))
    }

    /// Compiles a binary, or takes what it was compiled to before.
    fn code_of<C: Code>(
        &self,
        part: &PartName,
        bytes: &[u8],
        layout: &Layout,
        compile: impl Fn(&[u8]) -> wasmtime::Result<C>,
    ) -> Result<C, LoadError> {
        let compile = || {
            for (part, bytes) in layout.parts(bytes).chain([(part, bytes)]) {
                refuse_too_heavy(part, bytes)?;
            }
            let error = match compile(bytes) {
                Ok(code) => return Ok(code),
                Err(error) => error,
            };
            // The engine does not say which part it is about.
            if let Some((part, source)) = layout.invalid_part(bytes) {
                return Err(LoadError::Invalid { part, source });
            }
            let alone = layout
                .parts(bytes)
                .find_map(|(part, bytes)| Some((part, compile(bytes).err()?)));
            let (part, source) = alone.unwrap_or((part, error));
            Err(LoadError::Compile {
                part: part.clone(),
                source,
            })
        };
        match &self.code_cache {
            Some(cache) => cache.get_or(&self.engine, bytes, compile),
            None => compile(),
        }
    }

    /// The engine underneath.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Links what is compiled.
    pub(crate) fn link(
        &self,
        component: &Component,
        parts: &[PartName],
        links: &[Link],
        private: &[PrivateImport],
        layout: &Layout,
    ) -> Result<Program, LoadError> {
        let mut linker = self.components.clone();
        for import in private {
            define(&mut linker, component, &parts[import.part], import)?;
        }
        let linked = linker
            .instantiate_pre(component)
            .map_err(|source| blame(source, parts, links, private))?;
        Ok(Program::new(
            Prepared::Component(linked),
            parts.to_vec(),
            layout.clone(),
            self.ticker.clone(),
        ))
    }
}

/// Defines what one part has for itself.
fn define(
    linker: &mut Linker<State>,
    component: &Component,
    part: &PartName,
    import: &PrivateImport,
) -> Result<(), LoadError> {
    let interface = match &import.provider {
        PrivateProvider::Grant(grant) => {
            return wasi::plug(linker, part, import, *grant).map_err(LoadError::Engine);
        }
        PrivateProvider::Embedder(interface) => interface,
    };
    let functions = host_interfaces::imported_functions(component, &import.name, interface)
        .map_err(|source| LoadError::HostInterface {
            part: part.clone(),
            interface: interface.name().clone(),
            source,
        })?;
    let instance = linker.instance(&import.name);
    instance
        .and_then(|mut instance| {
            host_interfaces::define(&mut instance, part, interface.name(), functions)
        })
        .map_err(LoadError::Engine)
}

/// Finds out whose import the engine could not link. It says only by words which import that is; the
/// golden case `run/errors/other-shape-of-wasi-in-a-plug` fails when they change.
fn blame(
    source: wasmtime::Error,
    parts: &[PartName],
    links: &[Link],
    private: &[PrivateImport],
) -> LoadError {
    let words = source.to_string();
    let named = ExternName::from(words.split('`').nth(1).unwrap_or_default());
    let private = private.iter().find(|own| named == *own.name);
    let (mut indices, import): (Vec<usize>, &ExternName) = match private {
        Some(own) => (vec![own.part], &own.import),
        // The composer merges imports of compatible versions.
        None => {
            let importers = links
                .iter()
                .filter(|link| link.authority().is_some())
                .filter(|link| link.import.is_compatible_with(&named))
                .map(|link| link.importer);
            (importers.collect(), &named)
        }
    };
    // A part may import it in several versions; links are in the order of their importers.
    indices.dedup();
    let is_known = !indices.is_empty();
    LoadError::Link {
        parts: match is_known {
            true => indices
                .into_iter()
                .map(|index| parts[index].clone())
                .collect(),
            false => parts.to_vec(),
        },
        import: is_known.then(|| import.clone()),
        source,
    }
}

fn who_imports(parts: &[PartName], import: &Option<ExternName>) -> String {
    let names: Vec<String> = parts.iter().map(|part| format!("`{part}`")).collect();
    let what = match import {
        Some(import) => format!("`{}`", Name(import)),
        None => "an interface of WASI".to_owned(),
    };
    format!("{} imports {what}", names.join(" or "))
}

fn it(parts: &[PartName]) -> &'static str {
    match parts {
        [_] => "it",
        _ => "them",
    }
}

fn refuse_unmet(composition: &Composition) -> Result<(), LoadError> {
    match composition.open_imports().next() {
        None => Ok(()),
        Some((part, import)) => Err(LoadError::Unmet {
            part: part.clone(),
            import: import.clone(),
        }),
    }
}

fn refuse_too_heavy(part: &PartName, binary: &[u8]) -> Result<(), LoadError> {
    weight::check(binary).map_err(|source| LoadError::TooHeavy {
        part: part.clone(),
        source,
    })
}

fn config(options: &RuntimeOptions) -> Config {
    let mut config = Config::new();
    config
        // Sparse data is not blown up into an image of 16 MiB for each memory.
        .memory_guaranteed_dense_image_size(1 << 20)
        .epoch_interruption(options.interruptible)
        .consume_fuel(options.fuel);
    if let Some(pool) = options.pool {
        config.allocation_strategy(allocation(pool));
    }
    config
}

/// How much of a linear memory, and of a table, stays in use by its slot, in bytes.
const KEPT_MEMORY: usize = 1 << 20;
const KEPT_TABLE: usize = 64 << 10;

fn allocation(pool: Pool) -> wasmtime::InstanceAllocationStrategy {
    // A component is several core instances, memories and tables: a fused one of interpreted
    // languages has about forty.
    let inside = pool.programs.saturating_mul(50);
    let mut config = PoolingAllocationConfig::default();
    config
        .total_component_instances(pool.programs)
        .total_core_instances(inside)
        .total_memories(inside)
        .total_tables(inside)
        .total_stacks(pool.programs)
        .max_memory_size(pool.memory);
    // Few pages are written between two uses of a slot. To clear those costs a fraction of giving all
    // back to the system and faulting them in anew (`just bench host`, S11), where the system tells
    // which they are: Linux, since 6.7.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        config
            .pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(KEPT_MEMORY)
            .table_keep_resident(KEPT_TABLE);
    }
    config.into()
}
