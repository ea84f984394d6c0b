use super::{
    args::read_wasm,
    console::{print, print_pretty_json},
    graph::GraphFormat,
    phases::Phases,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Show the kind, the WIT and the size of a file, and the authority that it asks for.
#[derive(clap::Args)]
pub struct Inspect {
    /// A component or a core module, as binary or text. `-` is standard input.
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
        let wasm = phases.time("read", || read_wasm(&self.file))?;
        let report = phases.time("inspect", || wit_host::inspect(&wasm))?;
        match self.graph {
            Some(format) => print(report.picture(format.into()))?,
            None if self.json => print_pretty_json(&report)?,
            None => print(report)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    pub fn file(&self) -> &Path {
        &self.file
    }
}
