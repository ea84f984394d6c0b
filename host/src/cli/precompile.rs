use super::{args::PartArgs, engine::EngineChoice, output::OutputArgs, phases::Phases};
use std::{path::Path, process::ExitCode};
use wit_host::{Engine, Form, Runtime, RuntimeOptions};

/// Compile a program ahead of time. `run` and `invoke` take the result with `--allow-precompiled`.
///
/// The result is code for one engine, this machine and this version of `wit-host`. Each plug keeps its
/// own grants: `run` and `invoke` take the same `--dir` and `--env` as for the separate components.
#[derive(clap::Args)]
pub struct Precompile {
    #[command(flatten)]
    parts: PartArgs,
    /// Compile for this engine.
    #[arg(
        long,
        value_name = "ENGINE",
        value_enum,
        default_value = "compiler",
        help_heading = "Code"
    )]
    engine: EngineChoice,
    #[command(flatten)]
    output: OutputArgs,
}

impl Precompile {
    pub fn exec(self, phases: &mut Phases) -> anyhow::Result<ExitCode> {
        self.output
            .refuse_binary_on_terminal("compiled code", "write it to a file with `-o OUT`")?;
        self.output.refuse_inputs(self.parts.files()?)?;
        let (consumer, plugs) = phases.time("read", || self.parts.read())?;
        let composition = phases.time("compose", || {
            wit_host::compose(&consumer, &plugs, Form::Granted)
        })?;
        phases.show_functions(&composition);
        // `run --timeout` needs it.
        let engine = Engine::from(self.engine);
        let options = RuntimeOptions::new().engine(engine).interruptible(true);
        let code = phases.compile(engine, consumer.name.as_str(), || {
            Runtime::new(&options)
                .map_err(Into::into)
                .and_then(|runtime| runtime.precompile(&composition))
        })?;
        phases.time("write", || self.output.write(&code))?;
        Ok(ExitCode::SUCCESS)
    }

    pub fn file(&self) -> &Path {
        &self.parts.consumer
    }
}
