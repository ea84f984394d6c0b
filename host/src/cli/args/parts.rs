//! A consumer and the plugs for it.

use super::input::{is_stdin, read_component};
use crate::cli::exit::UsageError;
use std::path::{Path, PathBuf};
use wit_host::{
    InterfaceName, Part, PartName,
    untrusted::{Name, quoted_names},
};

/// `FILE --plug [NAME=]PLUG …`
#[derive(clap::Args)]
pub struct PartArgs {
    /// A component, or a core module that carries its WIT world, as binary or text. `-` is standard
    /// input.
    #[arg(value_name = "FILE")]
    pub consumer: PathBuf,
    /// Satisfy imports with the exports of the component PLUG. The first plug is nearest to FILE.
    ///
    /// An import is satisfied by the first plug after its component that exports the interface. NAME is
    /// the plug's name in grants and messages: lower-case words joined by hyphens. The default is the
    /// stem of the file name.
    #[arg(long = "plug", value_name = "[NAME=]PLUG")]
    plugs: Vec<String>,
    /// Allow the plug NAME to satisfy imports of INTERFACE in place of the host.
    ///
    /// The plug then sees, and can change, all that the components before it do through that
    /// interface. With `wasi:filesystem/types` they lend it their open directories. INTERFACE without
    /// a version stands for any version.
    #[arg(long = "virtualize", value_name = "NAME=INTERFACE")]
    virtualized: Vec<String>,
}

impl PartArgs {
    /// Reads FILE as a component, and the plugs in the order of the stack.
    pub fn read(&self) -> anyhow::Result<(Part, Vec<Part>)> {
        self.read_with(|| {
            let component = read_component(&self.consumer)?;
            Ok(Part::named(self.consumer_name(), component))
        })
    }

    /// Reads FILE by `read_consumer`, and the plugs in the order of the stack.
    pub fn read_with<T>(
        &self,
        read_consumer: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<(T, Vec<Part>)> {
        let plugs = self.parse_plugs()?;
        let permissions = self.parse_permissions(&plugs)?;
        let consumer = read_consumer()?;
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
        Ok((consumer, plugs))
    }

    fn parse_plugs(&self) -> Result<Vec<(PartName, &Path)>, UsageError> {
        let plugs: Vec<(PartName, &Path)> = self
            .plugs
            .iter()
            .map(|text| parse_plug(text))
            .collect::<Result<_, _>>()?;
        let paths = std::iter::once(self.consumer.as_path()).chain(plugs.iter().map(|plug| plug.1));
        if paths.filter(|path| is_stdin(path)).count() > 1 {
            let message =
                "standard input can be read only once; name a file for each other component";
            return Err(UsageError(message.to_owned()));
        }
        Ok(plugs)
    }

    /// The permissions that `--virtualize` gives: the names of plugs, each with an interface.
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

    /// The paths of FILE and of the plugs.
    pub fn files(&self) -> Result<Vec<&Path>, UsageError> {
        let plugs = self.parse_plugs()?.into_iter().map(|(_, path)| path);
        Ok(std::iter::once(self.consumer.as_path())
            .chain(plugs)
            .collect())
    }

    /// The stem of the file name, or `consumer` if the stem is not a valid name.
    pub fn consumer_name(&self) -> PartName {
        PartName::of_file(&self.consumer).unwrap_or_else(PartName::consumer)
    }

    pub fn consumer_is_stdin(&self) -> bool {
        is_stdin(&self.consumer)
    }
}

fn no_such_plug(text: &str, name: &str, plugs: &[(PartName, &Path)]) -> UsageError {
    let (text, name) = (Name(text), Name(name));
    let names = quoted_names(plugs.iter().map(|(plug, _)| plug));
    UsageError(match plugs {
        [] => format!("`--virtualize {text}`: there is no plug; add one with `--plug`"),
        [_] => {
            format!("`--virtualize {text}`: no plug is named `{name}`; the only plug is {names}")
        }
        _ => format!("`--virtualize {text}`: no plug is named `{name}`; the plugs are {names}"),
    })
}

/// A path can hold an equals sign too. It ends NAME only if the text before it cannot be a path.
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
            "`--plug {0}`: the file name cannot be the name of a plug; give one, as in `--plug NAME={0}`",
            Name(text)
        ))
    })?;
    Ok((name, path))
}
