use super::{
    args::read_wasm,
    console::{print, print_pretty_json},
    phases::Phases,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Show what a file is: its kind, its WIT, its sizes, the authority it asks for.
#[derive(clap::Args)]
pub struct Inspect {
    /// A component or a core module, as binary or text; `-` is standard input.
    file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print a Mermaid picture of what a component asks for.
    #[arg(long, conflicts_with = "json")]
    mermaid: bool,
}

impl Inspect {
    pub fn exec(self, phases: &mut Phases) -> anyhow::Result<ExitCode> {
        let wasm = phases.time("read", || read_wasm(&self.file))?;
        let report = phases.time("inspect", || wit_host::inspect(&wasm))?;
        if self.mermaid {
            print(report.mermaid())?;
        } else if self.json {
            print_pretty_json(&report)?;
        } else {
            print(report)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    pub fn file(&self) -> &Path {
        &self.file
    }
}
