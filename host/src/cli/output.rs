//! Where results go.

use super::{console::write_to_stdout, exit::UsageError};
use anyhow::Context;
use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};
use wit_host::untrusted::Name;

/// A file that is written whole or not at all.
#[derive(clap::Args)]
pub struct Output {
    /// Write the component here; `-` is standard output.
    #[arg(short = 'o', long = "output", value_name = "OUT")]
    path: PathBuf,
}

impl Output {
    /// Refuses what could only go wrong, before any work is done.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.is_stdout() && io::stdout().is_terminal() {
            return Err(UsageError(
                "a component is binary and does not belong on a terminal; name a file with `-o OUT`"
                    .to_owned(),
            )
            .into());
        }
        Ok(())
    }

    pub fn is_stdout(&self) -> bool {
        self.path == Path::new("-")
    }

    pub fn write(&self, bytes: &[u8]) -> anyhow::Result<()> {
        if self.is_stdout() {
            write_to_stdout(bytes)
        } else {
            write_whole(&self.path, bytes)
        }
    }
}

/// Writes a file through a temporary one beside it, so that there is never half a file. What is
/// there and is no regular file, such as a device, is written to and stays what it is.
pub fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(parent) = path.parent()
        && parent != Path::new("")
        && !parent.is_dir()
    {
        anyhow::bail!(
            "failed to write `{}`: there is no directory `{}`; make it first",
            Name(path.display()),
            Name(parent.display())
        );
    }
    let is_special = path.metadata().is_ok_and(|metadata| !metadata.is_file());
    let written = if is_special {
        fs::write(path, bytes)
    } else {
        write_and_rename(path, bytes)
    };
    written.with_context(|| format!("failed to write `{}`", Name(path.display())))
}

fn write_and_rename(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut temporary = tempfile::Builder::new();
    temporary.prefix(".wit-host-");
    #[cfg(unix)]
    temporary.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
    let mut file = temporary.tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}
