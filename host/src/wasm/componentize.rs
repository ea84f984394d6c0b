//! Turning core modules into components.

use crate::{
    untrusted::Name,
    wasm::walk::top_level_sections,
    wasm::{
        component::Component,
        file::{Kind, ReadError, Wasm},
        guarded::guarded,
    },
};
use std::error::Error;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1,
    WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR_ADAPTER,
};
use wasmparser::Payload;
use wit_component::ComponentEncoder;

/// An error of [`componentize()`]: the file is not a component and could not be turned into one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentizeError {
    /// The file is not usable WebAssembly.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A component is needed, and the file is a core module that does not embed a WIT world.
    #[error(
        "`{}` is a core module, and a component is needed here",
        Name(.origin)
    )]
    CoreModule {
        /// The path of the file, or the name that was given to the input.
        origin: String,
    },
    /// The file is a component already.
    #[error("`{}` is a component already; use it as it is", Name(.origin))]
    AlreadyComponent {
        /// The path of the file, or the name that was given to the input.
        origin: String,
    },
    /// The module has no WIT world and no WASI entry point, so the component would be empty.
    #[error(
        "`{}` embeds no WIT world and has no WASI entry point, so the component would be empty",
        Name(.origin)
    )]
    NoWorld {
        /// The path of the file, or the name that was given to the input.
        origin: String,
    },
    /// The module uses the version of WASI before preview1.
    #[error(
        "`{}` imports `wasi_unstable`, the version of WASI before preview1, for which there is no adapter; rebuild it with a current toolchain",
        Name(.origin)
    )]
    Preview0 {
        /// The path of the file, or the name that was given to the input.
        origin: String,
    },
    /// The module does not implement the world that it embeds.
    #[error("failed to make `{}` a component", Name(.origin))]
    Encode {
        /// The path of the file, or the name that was given to the input.
        origin: String,
        /// The difference between the module and its world.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Turns a core module into a component. The world that the module embeds becomes the component's
/// type, and the built-in adapter satisfies imports of WASI preview1.
///
/// A module that exports `_start` becomes a command, which exports `wasi:cli/run`.
pub fn componentize(module: &Wasm) -> Result<Component, ComponentizeError> {
    let origin = module.origin().to_owned();
    let kind = module.kind();
    if kind == Kind::Component {
        return Err(ComponentizeError::AlreadyComponent { origin });
    }
    module.validate()?;
    let uses = match WasiUse::of(module.bytes()) {
        Ok(uses) => uses,
        Err(error) => return Err(ReadError::invalid(origin, &error).into()),
    };
    if uses.preview0 {
        return Err(ComponentizeError::Preview0 { origin });
    }
    if !(kind == Kind::ModuleWithWorld || uses.preview1 || uses.start) {
        return Err(ComponentizeError::NoWorld { origin });
    }
    let encode = || {
        let mut encoder = ComponentEncoder::default();
        encoder.module(module.bytes())?;
        if uses.start {
            encoder.adapter(PREVIEW1, COMMAND_ADAPTER)?;
        } else if uses.preview1 {
            encoder.adapter(PREVIEW1, REACTOR_ADAPTER)?;
        }
        encoder.validate(true).encode()
    };
    match guarded(encode) {
        Ok(bytes) => Ok(Component::new(origin, bytes)),
        Err(error) => {
            let source = error.into();
            Err(ComponentizeError::Encode { origin, source })
        }
    }
}

/// The use that a core module makes of WASI.
#[derive(Default)]
struct WasiUse {
    preview0: bool,
    preview1: bool,
    start: bool,
}

impl WasiUse {
    fn of(module: &[u8]) -> wasmparser::Result<Self> {
        let mut uses = Self::default();
        for payload in top_level_sections(module) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        match import?.module {
                            "wasi_unstable" => uses.preview0 = true,
                            PREVIEW1 => uses.preview1 = true,
                            _ => {}
                        }
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        uses.start |= export?.name == "_start";
                    }
                }
                _ => {}
            }
        }
        Ok(uses)
    }
}
