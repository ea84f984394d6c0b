use super::{
    args::{GrantArgs, PartArgs, Parts},
    exit::TRAP,
    phases::Phases,
};
use std::process::ExitCode;
use wasmtime::WasmBacktrace;
use wit_host::{Form, Outcome, PartName, Runtime, Sandbox};

/// Run a component, with plugs for its imports, each with its own authority.
///
/// FILE has standard input, output and error and the ARGS; a plug has none of them, and what it
/// writes to standard error is shown with its name. Everything else must be granted.
#[derive(clap::Args)]
pub struct Run {
    #[command(flatten)]
    parts: PartArgs,
    #[command(flatten)]
    grants: GrantArgs,
    /// Arguments for FILE; after `--` if the first one starts with a hyphen.
    #[arg(value_name = "ARGS", trailing_var_arg = true)]
    args: Vec<String>,
}

impl Run {
    pub fn exec(self, phases: &mut Phases) -> anyhow::Result<ExitCode> {
        let Parts { socket, plugs } = phases.time("read", || self.parts.read())?;
        let plug_names = plugs.iter().map(|plug| plug.name.clone());
        let sandboxes = self.grants.sandboxes(
            (&socket.name, self.consumer(socket.name.as_str())),
            plug_names,
        )?;
        let composition = phases.time("compose", || {
            wit_host::compose(&socket, &plugs, Form::Granted)
        })?;
        let runtime = phases.time("set up", Runtime::new)?;
        let program = phases.time("compile", || runtime.load(&composition))?;

        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let instance = phases.time("instantiate", || {
            tokio.block_on(program.instantiate(&sandboxes))
        })?;
        let outcome = phases.time("run", || tokio.block_on(instance.run()));
        // A read of standard input may still be waiting; the process does not wait for it.
        tokio.shutdown_background();
        Ok(match outcome {
            Outcome::Exited(code) => exit_code(code),
            Outcome::Trapped(trap) => {
                report_trap(&socket.name, &trap);
                ExitCode::from(TRAP)
            }
        })
    }

    fn consumer(&self, name: &str) -> Sandbox {
        let sandbox = Sandbox::new().inherit_stdout().inherit_stderr().arg(name);
        let sandbox = if self.parts.socket_is_stdin() {
            sandbox
        } else {
            sandbox.inherit_stdin()
        };
        self.args.iter().fold(sandbox, Sandbox::arg)
    }
}

/// The reason first, then where it happened.
fn report_trap(name: &PartName, trap: &wasmtime::Error) {
    let reason = trap.root_cause().to_string();
    eprintln!(
        "error: `{name}` trapped: {}",
        reason.trim_start_matches("wasm trap: ")
    );
    if let Some(backtrace) = trap.downcast_ref::<WasmBacktrace>() {
        // Its first line says that it is a backtrace.
        for frame in backtrace.to_string().lines().skip(1) {
            eprintln!("{frame}");
        }
    }
}

/// A process can say one byte.
fn exit_code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
