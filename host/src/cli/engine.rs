//! `--engine`: the way in which guests are executed.

use clap::ValueEnum;
use wit_host::Engine;

/// An engine.
#[derive(Clone, Copy, ValueEnum)]
pub enum EngineChoice {
    /// Compile to machine code. It is much faster.
    Compiler,
    /// Compile to bytecode and interpret it. No memory is made executable.
    Interpreter,
}

impl From<EngineChoice> for Engine {
    fn from(choice: EngineChoice) -> Self {
        match choice {
            EngineChoice::Compiler => Self::Compiler,
            EngineChoice::Interpreter => Self::Interpreter,
        }
    }
}
