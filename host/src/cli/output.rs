//! `-o` and `-t`: where results are written, and in which form.

use super::{
    console::{print, write_to_stdout},
    exit::UsageError,
};
use anyhow::Context;
use std::{
    fmt, fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};
use wasmprinter::PrintFmtWrite;
use wit_host::{MAX_FILE_SIZE, untrusted::Name};

/// The destination of a result. A file is replaced as a whole, or is not changed.
#[derive(clap::Args)]
pub struct OutputArgs {
    /// Write the result to this file. The default, `-`, is standard output.
    #[arg(short = 'o', long = "output", value_name = "OUT")]
    path: Option<PathBuf>,
}

impl OutputArgs {
    /// `true` if the command line has `-o`.
    pub fn is_given(&self) -> bool {
        self.path.is_some()
    }

    pub fn is_stdout(&self) -> bool {
        self.file().is_none()
    }

    /// Refuses to write binary to a terminal. Call it before any work is done.
    pub fn refuse_binary_on_terminal(&self, what: &str, remedy: &str) -> Result<(), UsageError> {
        if self.is_stdout() && io::stdout().is_terminal() {
            return Err(UsageError(format!(
                "{what} is binary and is not written to a terminal; {remedy}"
            )));
        }
        Ok(())
    }

    /// Refuses to replace a file that the result is made from. Call it before any work is done.
    pub fn refuse_inputs<'a>(
        &self,
        inputs: impl IntoIterator<Item = &'a Path>,
    ) -> Result<(), UsageError> {
        let Some(output) = self.file().and_then(|path| path.canonicalize().ok()) else {
            return Ok(());
        };
        let is_output = |input: &&Path| input.canonicalize().is_ok_and(|input| input == output);
        match inputs.into_iter().find(is_output) {
            None => Ok(()),
            Some(input) => Err(UsageError(format!(
                "`{}` is an input and would be replaced by the result; name another file with `-o OUT`",
                Name(input.display())
            ))),
        }
    }

    pub fn write(&self, bytes: &[u8]) -> anyhow::Result<()> {
        match self.file() {
            Some(path) => write_whole(path, bytes),
            None => write_to_stdout(bytes),
        }
    }

    /// Writes text: escaped on a terminal, unchanged elsewhere.
    fn write_text(&self, text: &str) -> anyhow::Result<()> {
        if self.is_stdout() && io::stdout().is_terminal() {
            print(text)
        } else {
            self.write(text.as_bytes())
        }
    }

    fn file(&self) -> Option<&Path> {
        self.path.as_deref().filter(|path| *path != Path::new("-"))
    }
}

/// The destination of a component, and its form.
#[derive(clap::Args)]
pub struct ComponentOutputArgs {
    #[command(flatten)]
    pub output: OutputArgs,
    /// Write the component in the text format (WAT).
    #[arg(short, long)]
    pub text: bool,
}

impl ComponentOutputArgs {
    /// Refuses to write a binary component to a terminal. Call it before any work is done.
    pub fn check(&self) -> Result<(), UsageError> {
        if self.text {
            return Ok(());
        }
        let remedy = "write it to a file with `-o OUT`, or print it as text with `-t`";
        self.output.refuse_binary_on_terminal("a component", remedy)
    }

    pub fn write(&self, component: &[u8]) -> anyhow::Result<()> {
        if self.text {
            self.output.write_text(&text_of(component)?)
        } else {
            self.output.write(component)
        }
    }
}

/// The text format of a component. It can be much longer than the binary, because it repeats names.
fn text_of(component: &[u8]) -> anyhow::Result<String> {
    let mut text = BoundedText {
        text: String::new(),
        limit: MAX_FILE_SIZE,
    };
    let printed = wasmprinter::Config::new().print(component, &mut PrintFmtWrite(&mut text));
    if text.is_full() {
        anyhow::bail!(
            "failed to write the component as text: it is longer than {} MiB; leave out `-t`",
            MAX_FILE_SIZE >> 20
        );
    }
    printed.context("failed to write the component as text")?;
    Ok(text.text)
}

/// Text that stops its writer at a number of bytes.
struct BoundedText {
    text: String,
    limit: u64,
}

impl BoundedText {
    fn is_full(&self) -> bool {
        self.text.len() as u64 > self.limit
    }
}

impl fmt::Write for BoundedText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.is_full() {
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}

/// Writes a temporary file beside `path` and renames it into place, so that there is never half a
/// file. If `path` is a device or a FIFO, the bytes are written to it.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn names_of_strangers_are_escaped_in_the_text_format() {
        let escapes: String = "\x1b[2K\n\u{9b}\u{202e}\u{e9}"
            .bytes()
            .map(|byte| format!("\\{byte:02x}"))
            .collect();
        let module = format!(
            r#"(component
                 (core module $m (func $f (@name "{escapes}") (export "{escapes}") (call $f))
                   (@custom "{escapes}" "{escapes}") (memory 1) (data (i32.const 0) "{escapes}"))
                 (import "url=<{escapes}>" (func)))"#
        );
        let component = wat::parse_str(module).expect("text");
        let text = text_of(&component).expect("printable");
        let is_shown = |c: char| c == '\n' || c == ' ' || c.is_ascii_graphic();
        assert!(text.chars().all(is_shown), "{text:?}");
        assert!(text.contains(r"\u{1b}[2K"), "{text}");
        assert_eq!(wat::parse_str(&text).expect("text"), component);
    }

    #[test]
    fn text_stops_its_writer() {
        let mut text = BoundedText {
            text: String::new(),
            limit: 10,
        };
        let written = (0..100).try_for_each(|_| text.write_str("four"));
        assert_eq!(written, Err(fmt::Error));
        assert!(text.is_full());
        assert_eq!(text.text.len(), 12);
    }
}
