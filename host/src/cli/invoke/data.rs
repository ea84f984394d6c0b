//! `--in` and `--out`: bytes for a function of a core module, and the bytes of its answer.

use super::Session;
use crate::cli::{
    activity::Activity, args::is_stdin, console::write_to_stdout, exit::UsageError,
    output::write_whole,
};
use anyhow::Context;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};
use wit_host::{HandOverError, HostFunctions, Source, untrusted::Name};

/// The module from which a core module imports the functions of an exchange.
const HOST: &str = "host";

/// The bytes that a core module gets and gives.
#[derive(clap::Args)]
pub struct DataArgs {
    /// Give the bytes of IN to a function of a core module. `-` is standard input.
    ///
    /// CALL is then the name of one function. A function without parameters asks for the bytes by
    /// `host.get_input_size` and `host.get_input`, and answers by `host.set_output`. For a function that takes a pointer
    /// and a length, the host allocates by `allocate`, and the function returns the range of its answer.
    #[arg(
        long = "in",
        value_name = "IN",
        help_heading = "Bytes of a core module"
    )]
    input: Option<PathBuf>,
    /// Write the bytes of the answer to OUT. The default, `-`, is standard output.
    #[arg(
        long = "out",
        value_name = "OUT",
        help_heading = "Bytes of a core module"
    )]
    output: Option<PathBuf>,
}

/// A call that passes bytes.
pub struct DataCall {
    function: String,
    input: Vec<u8>,
    output: Option<PathBuf>,
}

impl DataArgs {
    /// The call, if there are bytes to pass. The bytes are read now. `file_is_stdin` if FILE is standard
    /// input.
    pub fn call(self, calls: &[String], file_is_stdin: bool) -> anyhow::Result<Option<DataCall>> {
        if self.input.is_none() && self.output.is_none() {
            return Ok(None);
        }
        let [function] = calls else {
            let message =
                "`--in` and `--out` are for one call; write the name of one function as CALL";
            return Err(UsageError(message.to_owned()).into());
        };
        let function = function.trim();
        let function = function.strip_suffix("()").unwrap_or(function);
        if function.contains('(') {
            return Err(UsageError(format!(
                "`{}` has arguments, and its input is bytes; write the name of the function alone",
                Name(function)
            ))
            .into());
        }
        let input = match self.input {
            None => Vec::new(),
            Some(path) if is_stdin(&path) && file_is_stdin => {
                let message = "standard input is FILE, so it cannot be the bytes too; name a file with `--in`";
                return Err(UsageError(message.to_owned()).into());
            }
            Some(path) => read(&path)?,
        };
        Ok(Some(DataCall {
            function: function.to_owned(),
            input,
            output: self.output.filter(|path| path != Path::new("-")),
        }))
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    Activity::begin_with("read", path);
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        io::stdin().lock().read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.with_context(|| format!("failed to read `{}`", Name(path.display())))?;
    Ok(bytes)
}

impl DataCall {
    /// Grants a core module the functions that pass the bytes.
    pub fn grant(&self, source: &mut Source) -> Result<(), UsageError> {
        match source {
            Source::Module { functions, .. } => {
                *functions = HostFunctions::new().exchange(HOST);
                Ok(())
            }
            Source::Precompiled(_) => Ok(()),
            _ => Err(UsageError(
                "`--in` and `--out` are for core modules; FILE is a component, so write values in CALL, as in `get(\"k\")`".to_owned(),
            )),
        }
    }

    /// Makes the call, and writes the answer.
    pub fn make(self, session: &mut Session) -> anyhow::Result<Result<(), HandOverError>> {
        let answer = session.call_with(|tokio, instance| {
            tokio.block_on(async {
                let function = instance.program().function(&self.function)?;
                match function.signature.as_str() {
                    "func()" => instance.exchange(&self.function, self.input).await,
                    _ => instance.hand_over(&self.function, &self.input).await,
                }
            })
        });
        let bytes = match answer {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(error)),
        };
        session.write_with(|| match &self.output {
            None => write_to_stdout(&bytes),
            Some(path) => write_whole(path, &bytes),
        })?;
        Ok(Ok(()))
    }
}
