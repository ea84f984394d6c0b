//! A socket and the plugs for it.

use super::input::{is_stdin, read_component};
use crate::cli::exit::UsageError;
use std::path::{Path, PathBuf};
use wit_host::{Part, PartName, untrusted::Name};

/// `FILE --plug [NAME=]PLUG …`
#[derive(clap::Args)]
pub struct PartArgs {
    /// A component, or a core module built from WIT, as binary or text; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub socket: PathBuf,
    /// Meet imports with this component's exports; the first plug is nearest to FILE.
    ///
    /// NAME is what grants and messages call the plug: lower-case words joined by hyphens. It is
    /// the stem of the file's name if it is not given.
    #[arg(long = "plug", value_name = "[NAME=]PLUG")]
    plugs: Vec<String>,
}

impl PartArgs {
    /// Reads FILE as a component, and the plugs in the order of the stack.
    pub fn read(&self) -> anyhow::Result<(Part, Vec<Part>)> {
        self.read_with(|| {
            let component = read_component(&self.socket)?;
            let name = self.socket_name();
            Ok(Part { name, component })
        })
    }

    /// Reads FILE by `read_socket`, and the plugs in the order of the stack.
    pub fn read_with<T>(
        &self,
        read_socket: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<(T, Vec<Part>)> {
        let plugs = self.parse_plugs()?;
        let socket = read_socket()?;
        let read = |(name, path): (PartName, &Path)| {
            read_component(path).map(|component| Part { name, component })
        };
        let plugs = plugs.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok((socket, plugs))
    }

    fn parse_plugs(&self) -> Result<Vec<(PartName, &Path)>, UsageError> {
        let plugs: Vec<(PartName, &Path)> = self
            .plugs
            .iter()
            .map(|text| parse_plug(text))
            .collect::<Result<_, _>>()?;
        let paths = std::iter::once(self.socket.as_path()).chain(plugs.iter().map(|plug| plug.1));
        if paths.filter(|path| is_stdin(path)).count() > 1 {
            let message = "standard input can be read only once; name files";
            return Err(UsageError(message.to_owned()));
        }
        Ok(plugs)
    }

    /// The file's stem, or `consumer` where that is no name.
    pub fn socket_name(&self) -> PartName {
        PartName::of_file(&self.socket).unwrap_or_else(PartName::consumer)
    }

    pub fn socket_is_stdin(&self) -> bool {
        is_stdin(&self.socket)
    }
}

/// A path may hold an equals sign too: it is NAME's only where what stands before it can be a name.
fn parse_plug(text: &str) -> Result<(PartName, &Path), UsageError> {
    if let Some((name, path)) = text.split_once('=')
        && !name.contains(['/', '\\', '.'])
    {
        let name = name
            .parse()
            .map_err(|error| UsageError(format!("`--plug {}`: {error}", Name(text))))?;
        return Ok((name, Path::new(path)));
    }
    let path = Path::new(text);
    let name = PartName::of_file(path).ok_or_else(|| {
        UsageError(format!(
            "`--plug {0}`: the file's name gives no name; give one, as in `--plug NAME={0}`",
            Name(text)
        ))
    })?;
    Ok((name, path))
}
