use super::{args::PartArgs, output::Output, phases::Phases};
use std::{path::Path, process::ExitCode};
use wit_host::{Form, Runtime, RuntimeOptions};

/// Compile a program ahead of time; `run` and `invoke` take it with `--allow-precompiled`.
///
/// The file is native code for this machine and this version of the host. Each plug keeps grants of
/// its own, which `run` and `invoke` are given as for the parts themselves.
#[derive(clap::Args)]
pub struct Precompile {
    #[command(flatten)]
    parts: PartArgs,
    #[command(flatten)]
    output: Output,
}

impl Precompile {
    pub fn exec(self, phases: &mut Phases) -> anyhow::Result<ExitCode> {
        self.output.check()?;
        let (socket, plugs) = phases.time("read", || self.parts.read())?;
        let composition = phases.time("compose", || {
            wit_host::compose(&socket, &plugs, Form::Granted)
        })?;
        let options = RuntimeOptions {
            // So that it can be run with `--timeout`.
            interruptible: true,
            ..RuntimeOptions::default()
        };
        let code = phases.time_long("compile", socket.name.as_str(), || {
            Runtime::new(&options)
                .map_err(Into::into)
                .and_then(|runtime| runtime.precompile(&composition))
        })?;
        phases.time("write", || self.output.write(&code))?;
        Ok(ExitCode::SUCCESS)
    }

    pub fn file(&self) -> &Path {
        &self.parts.socket
    }
}
