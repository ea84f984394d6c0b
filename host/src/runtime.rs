//! Compiling and linking.

pub(crate) mod code_cache;
pub(crate) mod engine;
mod error;
pub(crate) mod host_interfaces;
pub(crate) mod isolated_links;
mod options;
pub(crate) mod precompiled;

pub use error::LoadError;
pub use options::{Pool, RuntimeOptions};

use crate::{
    compose::{
        composition::{Composition, Unit},
        layout::Layout,
        link::{Link, PrivateImport, PrivateProvider},
    },
    core_module::host_functions::HostFunctions,
    names::{external::ExternName, part::PartName},
    program::{Code, Program, isolated::IsolatedProgram, prepared::Prepared},
    runtime::{code_cache::CodeCache, engine::Engine, isolated_links::DefineError},
    store::limits::MAX_PASSED,
    store::{state::State, ticker::Ticker},
    wasi,
    wasm::{features, file::Wasm, signature, validate::InvalidBinary, weight},
};
use std::{collections::BTreeMap, error::Error, fmt, sync::Arc};
use wasmtime::{
    ExternType, Module,
    component::{Component, Linker},
};

/// The isolated plugs that are linked already, by their units.
type Plugs = BTreeMap<usize, IsolatedProgram>;

/// Compiles and links programs. Making a runtime links WASI, so several programs should share one
/// runtime.
pub struct Runtime {
    engine: wasmtime::Engine,
    kind: Engine,
    components: Linker<State>,
    modules: wasmtime::Linker<State>,
    ticker: Option<Arc<Ticker>>,
    code_cache: Option<CodeCache>,
}

impl Runtime {
    /// Makes a runtime.
    pub fn new(options: &RuntimeOptions) -> Result<Self, LoadError> {
        let engine = wasmtime::Engine::new(&options.engine_config()?).map_err(LoadError::engine)?;
        let mut components = Linker::new(&engine);
        wasi::consumer(&mut components).map_err(LoadError::engine)?;
        let mut modules = wasmtime::Linker::new(&engine);
        wasi::module(&mut modules).map_err(LoadError::engine)?;
        let ticker = match options.interruptible {
            false => None,
            true => {
                let ticker = Ticker::start(&engine).map_err(wasmtime::Error::from);
                Some(Arc::new(ticker.map_err(LoadError::engine)?))
            }
        };
        Ok(Self {
            engine,
            kind: options.engine,
            components,
            modules,
            ticker,
            code_cache: options.code_cache.clone(),
        })
    }

    /// Compiles a composition and links it.
    pub fn load(&self, composition: &Composition) -> Result<Program, LoadError> {
        refuse_unsatisfied(composition)?;
        let mut plugs = Plugs::new();
        // The parts of a unit call only units after it.
        for (index, unit) in composition.units.iter().enumerate().skip(1).rev() {
            let code = self.link_unit(&self.compile(unit)?, unit, &plugs)?;
            let plug = IsolatedProgram {
                program: Program::of_plug(code),
                isolation: unit.isolation.clone().unwrap_or_default(),
            };
            isolated_links::refuse_unknown_case(&plug)?;
            plugs.insert(index, plug);
        }
        let root = composition.root();
        let code = self.link_unit(&self.compile(root)?, root, &plugs)?;
        let plugs = plugs.into_values().collect();
        Ok(Program::new(code, composition.parts.clone(), plugs))
    }

    /// Compiles the binary of a unit.
    pub(crate) fn compile(&self, unit: &Unit) -> Result<Component, LoadError> {
        let compile = |bytes: &[u8]| Component::from_binary(&self.engine, bytes);
        self.code_of(&unit.parts[0], &unit.bytes, &unit.layout, compile)
    }

    pub(crate) fn link_unit(
        &self,
        component: &Component,
        unit: &Unit,
        plugs: &Plugs,
    ) -> Result<Code, LoadError> {
        let Unit {
            parts,
            links,
            private,
            layout,
            ..
        } = unit;
        self.link(component, parts, links, private, layout, plugs)
    }

    /// Compiles and links a core module that imports only WASI preview1.
    pub fn load_module(&self, name: &PartName, module: &Wasm) -> Result<Program, LoadError> {
        self.load_module_with(name, module, &HostFunctions::new())
    }

    /// Compiles and links a core module that imports only WASI preview1 and these functions.
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
            let provided = functions.type_of(&self.engine, import.module(), import.name());
            let Some(provided) = provided else {
                return Err(LoadError::UnsatisfiedInModule {
                    part: name.clone(),
                    module: import.module().to_owned(),
                    name: import.name().to_owned(),
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
                module: import.module().to_owned(),
                name: import.name().to_owned(),
                expected,
                provided: signature::of_core_function(&provided),
            });
        }
        let mut linker = self.modules.clone();
        functions.add_to(&mut linker).map_err(LoadError::engine)?;
        let linked = linker
            .instantiate_pre(&compiled)
            .map_err(|source| LoadError::Link {
                parts: vec![name.clone()],
                import: None,
                source: source.into(),
            })?;
        let parts = vec![name.clone()];
        let code = Code {
            prepared: Prepared::Module(linked),
            parts: parts.clone(),
            layout,
            passing_fuel: MAX_PASSED,
            _ticker: self.ticker.clone(),
        };
        Ok(Program::new(code, parts, Vec::new()))
    }

    /// Compiles a binary, or takes its code from the code cache.
    fn code_of<C: code_cache::Code>(
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
            // The engine does not report the part that is not valid.
            if let Some((part, error)) = layout.invalid_part(bytes) {
                let words = error.to_string();
                return Err(match missing_feature(&part, bytes, layout, &words) {
                    Some(feature) => self.unsupported(part, feature, error.into()),
                    None => LoadError::Invalid {
                        source: InvalidBinary {
                            offset: layout.own_offset(&part, error.offset()),
                            ..InvalidBinary::new(&error)
                        },
                        part,
                    },
                });
            }
            let alone = layout
                .parts(bytes)
                .find_map(|(part, bytes)| Some((part, compile(bytes).err()?)));
            let (part, error) = alone.unwrap_or((part, error));
            let words = error.root_cause().to_string();
            let missing = missing_feature(part, bytes, layout, &words);
            let (part, source) = (part.clone(), error.into());
            Err(match missing {
                Some(feature) => self.unsupported(part, feature, source),
                None => LoadError::Compile { part, source },
            })
        };
        match &self.code_cache {
            Some(cache) => cache.get_or(&self.engine, bytes, compile),
            None => compile(),
        }
    }

    /// The error of a part that uses a feature which the engine of this runtime lacks.
    fn unsupported(
        &self,
        part: PartName,
        feature: &'static str,
        source: Box<dyn Error + Send + Sync>,
    ) -> LoadError {
        LoadError::Unsupported {
            part,
            feature,
            engine: self.kind,
            other: self.kind.other_with(feature),
            source,
        }
    }

    /// The engine of this runtime.
    pub(crate) fn engine(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// Links compiled code.
    pub(crate) fn link(
        &self,
        component: &Component,
        parts: &[PartName],
        links: &[Link],
        private: &[PrivateImport],
        layout: &Layout,
        plugs: &Plugs,
    ) -> Result<Code, LoadError> {
        let mut linker = self.components.clone();
        let mut bytes_per_fuel = 1.0_f64;
        for import in private {
            let defined = define(&mut linker, component, &parts[import.part], import, plugs)?;
            bytes_per_fuel = bytes_per_fuel.max(defined);
        }
        let linked = linker
            .instantiate_pre(component)
            .map_err(|source| error::of_linking(source, parts, links, private))?;
        Ok(Code {
            prepared: Prepared::Component(linked),
            parts: parts.to_vec(),
            layout: layout.clone(),
            passing_fuel: (MAX_PASSED as f64 / bytes_per_fuel) as usize,
            _ticker: self.ticker.clone(),
        })
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("engine", &self.kind)
            .field("is_interruptible", &self.ticker.is_some())
            .field("code_cache", &self.code_cache)
            .finish_non_exhaustive()
    }
}

/// Defines a private import of one part. Returns the largest number of bytes on the host for each unit of
/// the engine's fuel with which the part passes an argument to it.
fn define(
    linker: &mut Linker<State>,
    component: &Component,
    part: &PartName,
    import: &PrivateImport,
    plugs: &Plugs,
) -> Result<f64, LoadError> {
    let interface = match &import.provider {
        PrivateProvider::Isolated { unit, export } => {
            let plug = (*unit, plugs);
            return define_isolated(linker, component, part, import, plug, export);
        }
        PrivateProvider::Grant(grant) => {
            wasi::plug(linker, part, import, *grant).map_err(LoadError::engine)?;
            return Ok(1.0);
        }
        PrivateProvider::Embedder(interface) => interface,
    };
    let functions = host_interfaces::imported_functions(component, &import.name, interface)
        .map_err(|source| LoadError::HostInterface {
            part: part.clone(),
            interface: interface.name().clone(),
            source: Box::new(source),
        })?;
    let bytes_per_fuel = functions
        .iter()
        .map(|function| function.bytes_per_fuel)
        .fold(1.0, f64::max);
    let instance = linker.instance(&import.name);
    instance
        .and_then(|mut instance| {
            host_interfaces::define(&mut instance, part, interface.name(), functions)
        })
        .map_err(LoadError::engine)?;
    Ok(bytes_per_fuel)
}

/// Defines a private import of one part, which an isolated plug satisfies.
fn define_isolated(
    linker: &mut Linker<State>,
    component: &Component,
    part: &PartName,
    import: &PrivateImport,
    (unit, plugs): (usize, &Plugs),
    export: &ExternName,
) -> Result<f64, LoadError> {
    // A unit is linked after the units that it calls, and the first one has no pool.
    let Some((pool, plug)) = unit.checked_sub(1).zip(plugs.get(&unit)) else {
        return Err(LoadError::engine(wasmtime::Error::msg(
            "the plug is not linked",
        )));
    };
    isolated_links::define(linker, component, import, (pool, plug), export).map_err(|error| {
        match error {
            DefineError::Engine(error) => LoadError::engine(error),
            DefineError::Mismatch(source) => LoadError::Isolated {
                part: part.clone(),
                import: import.import.clone(),
                plug: plug.program.parts()[0].clone(),
                source: source.into(),
            },
        }
    })
}

fn refuse_unsatisfied(composition: &Composition) -> Result<(), LoadError> {
    match composition.open_imports().next() {
        None => Ok(()),
        Some((part, import)) => Err(LoadError::Unsatisfied {
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

/// The feature that makes the engine refuse a part with this error, in words.
fn missing_feature(
    part: &PartName,
    bytes: &[u8],
    layout: &Layout,
    error: &str,
) -> Option<&'static str> {
    let (_, bytes) = layout.parts(bytes).find(|(name, _)| *name == part)?;
    features::missing(bytes, error)
}
