use super::{args::read_wasm, output::Output, phases::Phases};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Make a component of a core module; the adapter for WASI preview1 is built in.
#[derive(clap::Args)]
pub struct Componentize {
    /// A core module, as binary or text; `-` is standard input.
    module: PathBuf,
    #[command(flatten)]
    output: Output,
}

impl Componentize {
    pub fn exec(self, phases: &mut Phases) -> anyhow::Result<ExitCode> {
        self.output.check()?;
        let module = phases.time("read", || read_wasm(&self.module))?;
        let component = phases.time("componentize", || wit_host::componentize(&module))?;
        phases.time("write", || self.output.write(component.bytes()))?;
        Ok(ExitCode::SUCCESS)
    }

    pub fn file(&self) -> &Path {
        &self.module
    }
}
