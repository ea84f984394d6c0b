use super::{
    args::{is_precompiled, read_wasm},
    console::{print, print_pretty_json},
    exit::UsageError,
    graph::GraphFormat,
    phases::Phases,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use wit_host::{PrecompiledReport, untrusted::Name};

/// Show the kind, the WIT and the size of a file, and the authority that it asks for.
///
/// For a file that `precompile` wrote: its size, its engine, the machine that it is for, and its parts.
#[derive(clap::Args)]
pub struct Inspect {
    /// A component or a core module, as binary or text, or a precompiled program. `-` is standard input.
    file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print a picture of what a component asks for.
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    graph: Option<GraphFormat>,
}

impl Inspect {
    pub fn exec(self, phases: &mut Phases) -> anyhow::Result<ExitCode> {
        if is_precompiled(&self.file)? {
            return self.precompiled(phases);
        }
        let wasm = phases.time("read", || read_wasm(&self.file))?;
        let report = phases.time("inspect", || wit_host::inspect(&wasm))?;
        match self.graph {
            Some(format) => print(report.picture(format.into()))?,
            None if self.json => print_pretty_json(&report)?,
            None => print(report)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn precompiled(&self, phases: &mut Phases) -> anyhow::Result<ExitCode> {
        if self.graph.is_some() {
            let message = format!(
                "there is no picture of `{}`, which is precompiled; `run --explain --graph` draws what its parts can reach",
                Name(self.file.display())
            );
            return Err(UsageError(message).into());
        }
        let report = phases.time("inspect", || PrecompiledReport::read(&self.file))?;
        match self.json {
            true => print_pretty_json(&report)?,
            false => print(report)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    pub fn file(&self) -> &Path {
        &self.file
    }
}
