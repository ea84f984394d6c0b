//! A socket and the plugs for it.

use super::input::{is_stdin, read_component};
use crate::cli::exit::UsageError;
use std::path::{Path, PathBuf};
use wit_host::{InterfaceName, Part, PartName, untrusted::Name};

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
    /// Let the plug NAME satisfy imports of INTERFACE, which the host provides.
    ///
    /// The plug then sees, and can change, all that the components before it do through that
    /// interface: with `wasi:filesystem/types` it is lent their open directories. INTERFACE without
    /// a version means any.
    #[arg(long = "virtualize", value_name = "NAME=INTERFACE")]
    virtualized: Vec<String>,
}

impl PartArgs {
    /// Reads FILE as a component, and the plugs in the order of the stack.
    pub fn read(&self) -> anyhow::Result<(Part, Vec<Part>)> {
        self.read_with(|| {
            let component = read_component(&self.socket)?;
            Ok(Part::named(self.socket_name(), component))
        })
    }

    /// Reads FILE by `read_socket`, and the plugs in the order of the stack.
    pub fn read_with<T>(
        &self,
        read_socket: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<(T, Vec<Part>)> {
        let plugs = self.parse_plugs()?;
        let permissions = self.parse_permissions(&plugs)?;
        let socket = read_socket()?;
        let read = |(name, path): (PartName, &Path)| -> anyhow::Result<Part> {
            let own = permissions
                .iter()
                .filter(|(plug, _)| *plug == name.as_str())
                .map(|(_, interface)| interface.clone())
                .collect::<Vec<_>>();
            let part = Part::named(name, read_component(path)?);
            Ok(own.into_iter().fold(part, Part::virtualize))
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

    /// What `--virtualize` allows: the names of plugs, each with an interface.
    fn parse_permissions<'a>(
        &'a self,
        plugs: &[(PartName, &Path)],
    ) -> Result<Vec<(&'a str, InterfaceName)>, UsageError> {
        let parse = |text: &'a String| {
            let shown = Name(text);
            let (name, interface) = text
                .split_once('=')
                .filter(|(name, interface)| !name.is_empty() && !interface.is_empty())
                .ok_or_else(|| {
                    UsageError(format!(
                        "`--virtualize {shown}` is not of the form `NAME=INTERFACE`, such as `clock=wasi:clocks/wall-clock`"
                    ))
                })?;
            if !plugs.iter().any(|(plug, _)| plug.as_str() == name) {
                return Err(no_such_plug(text, name, plugs));
            }
            let interface = interface
                .parse()
                .map_err(|error| UsageError(format!("`--virtualize {shown}`: {error}")))?;
            Ok((name, interface))
        };
        self.virtualized.iter().map(parse).collect()
    }

    /// The file's stem, or `consumer` where that is no name.
    pub fn socket_name(&self) -> PartName {
        PartName::of_file(&self.socket).unwrap_or_else(PartName::consumer)
    }

    pub fn socket_is_stdin(&self) -> bool {
        is_stdin(&self.socket)
    }
}

fn no_such_plug(text: &str, name: &str, plugs: &[(PartName, &Path)]) -> UsageError {
    let (text, name) = (Name(text), Name(name));
    let names: Vec<String> = plugs.iter().map(|(plug, _)| format!("`{plug}`")).collect();
    UsageError(match names.as_slice() {
        [] => format!("`--virtualize {text}`: there is no plug; add one with `--plug`"),
        names => format!(
            "`--virtualize {text}`: no plug is named `{name}`; there are {}",
            names.join(", ")
        ),
    })
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
