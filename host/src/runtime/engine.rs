//! Engines: the two ways to execute the code of a guest.

use crate::{runtime::LoadError, wasm::features::THREADS};
use serde::{Deserialize, Serialize};
use std::fmt;
use wasmtime::Config;

/// The way in which the code of a guest is executed. Grants, limits and errors are the same on both engines.
///
/// The two engines support the same features of WebAssembly, with one exception: the interpreter never supports
/// shared memory and atomic instructions (threads). The compiler supports them if a program that contains this
/// crate enables the feature `threads` of wasmtime, which this crate does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Engine {
    /// Guests are compiled to machine code, which the processor executes.
    #[default]
    Compiler,
    /// Guests are compiled to bytecode, which an interpreter executes. This is wasmtime's interpreter Pulley;
    /// the same compiler front end makes its bytecode. It needs the cargo feature `interpreter`.
    ///
    /// Code that was generated, or read from a file, is never in executable memory: the processor executes
    /// only the program that contains this crate, and its shared libraries. So guests also run where the
    /// system refuses to make memory executable. They run much slower.
    Interpreter,
}

impl Engine {
    /// The machine for which code is compiled: an architecture and a system, such as `x86_64-linux`, or the
    /// kind of bytecode, such as `pulley64`.
    pub(crate) fn target(self) -> String {
        match self {
            Self::Compiler => {
                use std::env::consts::{ARCH, OS};
                format!("{ARCH}-{OS}")
            }
            Self::Interpreter => BYTECODE.to_owned(),
        }
    }

    /// The other engine, if it supports a feature that this one lacks. The compiler supports threads if a
    /// program that contains this crate enables the feature `threads` of wasmtime.
    pub(super) fn other_with(self, feature: &str) -> Option<Self> {
        /// `(module (memory 1 1 shared))`
        const SHARED_MEMORY: &[u8] = b"\0asm\x01\0\0\0\x05\x04\x01\x03\x01\x01";
        let is_supported = self == Self::Interpreter
            && feature == THREADS
            && wasmtime::Module::validate(&wasmtime::Engine::default(), SHARED_MEMORY).is_ok();
        is_supported.then_some(Self::Compiler)
    }

    /// Makes a configuration of wasmtime choose this engine.
    pub(super) fn configure(self, config: &mut Config) -> Result<(), LoadError> {
        match self {
            Self::Compiler => Ok(()),
            Self::Interpreter if cfg!(feature = "interpreter") => config
                .target(BYTECODE)
                .map(|_| ())
                .map_err(LoadError::engine),
            Self::Interpreter => Err(LoadError::NoEngine {
                engine: self,
                feature: "interpreter",
            }),
        }
    }
}

/// The bytecode of Pulley with the pointers of this machine.
const BYTECODE: &str = match (
    cfg!(target_pointer_width = "64"),
    cfg!(target_endian = "big"),
) {
    (true, false) => "pulley64",
    (true, true) => "pulley64be",
    (false, false) => "pulley32",
    (false, true) => "pulley32be",
};

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Compiler => "compiler",
            Self::Interpreter => "interpreter",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{Runtime, RuntimeOptions};

    #[test]
    fn an_engine_is_there_with_its_feature() {
        let options = RuntimeOptions::new().engine(Engine::Interpreter);
        match (Runtime::new(&options), cfg!(feature = "interpreter")) {
            (Ok(runtime), true) => assert!(runtime.engine().is_pulley()),
            (Err(error @ LoadError::NoEngine { .. }), false) => {
                let message = error.to_string();
                assert!(message.contains("feature `interpreter`"), "{message}");
            }
            (other, is_built) => panic!("{is_built}: {other:?}"),
        }
        let compiler = Runtime::new(&RuntimeOptions::new()).expect("the default engine");
        assert!(!compiler.engine().is_pulley());
    }
}
