use super::{output::write_whole, phases::Phases};
use anyhow::Context;
use clap::ValueEnum;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use wit_host::{Language, untrusted::Name};

/// Generate bindings for a world.
#[derive(clap::Args)]
pub struct Bindgen {
    /// The language of the bindings.
    language: LanguageArg,
    /// A `.wit` file, or a directory of `.wit` files with its `deps`.
    wit: PathBuf,
    /// The name of the world.
    #[arg(short, long)]
    world: String,
    /// The directory to write to. It is made if it does not exist.
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

    pub fn file(&self) -> &Path {
        &self.wit
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
