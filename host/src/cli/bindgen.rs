use super::{output::write_whole, phases::Phases};
use anyhow::Context;
use clap::ValueEnum;
use std::{fs, path::PathBuf, process::ExitCode};
use wit_host::{Language, untrusted::Name};

/// Generate bindings for a world.
#[derive(clap::Args)]
pub struct Bindgen {
    /// The language to generate.
    language: LanguageArg,
    /// A `.wit` file, or a directory of them with its `deps`.
    wit: PathBuf,
    /// The world, by its name.
    #[arg(short, long)]
    world: String,
    /// The directory to write to; it is made if it is missing.
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum LanguageArg {
    C,
    Cpp,
    Rust,
}

impl Bindgen {
    pub fn exec(self, phases: &mut Phases) -> anyhow::Result<ExitCode> {
        let files = phases.time("generate", || {
            wit_host::bindgen(&self.wit, &self.world, self.language.into())
        })?;
        phases.time("write", || -> anyhow::Result<()> {
            fs::create_dir_all(&self.out_dir).with_context(|| {
                format!(
                    "failed to make directory `{}`",
                    Name(self.out_dir.display())
                )
            })?;
            files
                .iter()
                .try_for_each(|file| write_whole(&self.out_dir.join(&file.name), &file.contents))
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl From<LanguageArg> for Language {
    fn from(language: LanguageArg) -> Self {
        match language {
            LanguageArg::C => Self::C,
            LanguageArg::Cpp => Self::Cpp,
            LanguageArg::Rust => Self::Rust,
        }
    }
}
