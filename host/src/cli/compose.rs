use super::{
    args::PartArgs, console::print, exit::UsageError, graph::GraphFormat,
    output::ComponentOutputArgs, phases::Phases,
};
use std::{path::Path, process::ExitCode};
use wit_host::{ComposeError, Form};

/// Compose components into one component that any WASI 0.2 runtime runs.
///
/// Imports that no plug satisfies stay imports of the result. The parts of the result share one
/// authority; `wit-host run --plug` gives each part its own.
#[derive(clap::Args)]
pub struct Compose {
    #[command(flatten)]
    parts: PartArgs,
    #[command(flatten)]
    output: ComponentOutputArgs,
    /// Carry long byte lists between the components as strings of another encoding, which `wasmtime` copies
    /// many times faster.
    ///
    /// The component means the same, and what it imports and exports does not change. Some other runtimes
    /// refuse the encoding `latin1+utf16`. `run`, `invoke`, `serve` and `precompile` always do this.
    #[arg(long)]
    bulk_bytes: bool,
    /// Print a picture of which part satisfies which import. The component is then only written if
    /// `-o` names a file.
    #[arg(long, value_name = "FORMAT")]
    graph: Option<GraphFormat>,
}

impl Compose {
    pub fn exec(self, phases: &mut Phases) -> anyhow::Result<ExitCode> {
        let writes_component = self.writes_component()?;
        self.output.output.refuse_inputs(self.parts.files()?)?;
        let (consumer, plugs) = phases.time("read", || self.parts.read())?;
        let composition = phases.time("compose", || {
            let composition = wit_host::compose(&consumer, &plugs, Form::Portable)?;
            if !self.bulk_bytes {
                return Ok(composition);
            }
            Ok::<_, ComposeError>(composition.with_bulk_bytes())
        })?;
        phases.show_functions(&composition);
        if writes_component {
            phases.time("write", || self.output.write(composition.bytes()))?;
        }
        if let Some(format) = self.graph {
            print(composition.picture(format.into()))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    pub fn file(&self) -> &Path {
        &self.parts.consumer
    }

    fn writes_component(&self) -> Result<bool, UsageError> {
        if self.graph.is_none() {
            self.output.check()?;
            return Ok(true);
        }
        let output = &self.output.output;
        if output.is_stdout() && (output.is_given() || self.output.text) {
            let message = "`--graph` prints the picture to standard output, so the component cannot be written there; name a file with `-o OUT`";
            return Err(UsageError(message.to_owned()));
        }
        Ok(output.is_given())
    }
}
