use super::{args::read_wasm, output::ComponentOutputArgs, phases::Phases};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Make a component from a core module. The adapter for WASI preview1 is built in.
#[derive(clap::Args)]
pub struct Componentize {
    /// A core module, as binary or text. `-` is standard input.
    module: PathBuf,
    #[command(flatten)]
    output: ComponentOutputArgs,
}

impl Componentize {
    pub fn exec(self, phases: &mut Phases) -> anyhow::Result<ExitCode> {
        self.output.check()?;
        self.output.output.refuse_inputs([self.module.as_path()])?;
        let module = phases.time("read", || read_wasm(&self.module))?;
        let component = phases.time("componentize", || wit_host::componentize(&module))?;
        phases.time("write", || self.output.write(component.bytes()))?;
        Ok(ExitCode::SUCCESS)
    }

    pub fn file(&self) -> &Path {
        &self.module
    }
}
