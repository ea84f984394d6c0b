use super::{args::PartArgs, console::print, exit::UsageError, output::Output, phases::Phases};
use clap::ValueEnum;
use std::{path::Path, process::ExitCode};
use wit_host::{Form, PictureFormat};

/// Compose components into one that runs on any runtime.
///
/// Imports that no plug meets stay imports of the result. Its parts share one authority; `run
/// --plug` gives each its own.
#[derive(clap::Args)]
pub struct Compose {
    #[command(flatten)]
    parts: PartArgs,
    #[command(flatten)]
    output: Output,
    /// Print a picture of what meets what.
    #[arg(long, value_name = "FORMAT")]
    graph: Option<Graph>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Graph {
    Mermaid,
    Dot,
}

impl Compose {
    pub fn exec(self, phases: &mut Phases) -> anyhow::Result<ExitCode> {
        self.output.check()?;
        if self.graph.is_some() && self.output.is_stdout() {
            return Err(UsageError(
                "`--graph` prints to standard output, where `-o -` puts the component; name a file with `-o OUT`"
                    .to_owned(),
            )
            .into());
        }
        let (socket, plugs) = phases.time("read", || self.parts.read())?;
        let composition = phases.time("compose", || {
            wit_host::compose(&socket, &plugs, Form::Portable)
        })?;
        phases.time("write", || self.output.write(composition.bytes()))?;
        if let Some(graph) = self.graph {
            print(composition.picture(graph.into()))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    pub fn file(&self) -> &Path {
        &self.parts.socket
    }
}

impl From<Graph> for PictureFormat {
    fn from(graph: Graph) -> Self {
        match graph {
            Graph::Mermaid => Self::Mermaid,
            Graph::Dot => Self::Dot,
        }
    }
}
