//! The guests of this repository, built when a test needs them.

use libtest_mimic::{Failed, Trial};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

/// A component that is built from a folder of this repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guest {
    CacheImpl,
    RustConsumer,
    CppConsumer,
    CppLru,
    Conformance,
    FaultyCache,
    Hammer,
    ProberConsumer,
    ProberPlug,
}

impl Guest {
    /// The name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::CacheImpl => "cache-impl",
            Self::RustConsumer => "rust-consumer",
            Self::CppConsumer => "cpp-consumer",
            Self::CppLru => "cpp-lru",
            Self::Conformance => "conformance",
            Self::FaultyCache => "faulty-cache",
            Self::Hammer => "hammer",
            Self::ProberConsumer => "prober-consumer",
            Self::ProberPlug => "prober-plug",
        }
    }

    /// Why it cannot be built here, if it cannot. On a continuous integration machine everything
    /// has to be.
    pub fn missing_toolchain(self) -> Option<String> {
        if std::env::var_os("CI").is_some() {
            return None;
        }
        match script().args(["check", self.name()]).output() {
            Ok(output) if output.status.code() == Some(MISSING_TOOLCHAIN) => {
                let reason = String::from_utf8_lossy(&output.stderr);
                Some(reason.trim().trim_start_matches("error: ").to_owned())
            }
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        }
    }

    /// The component file, built if it is not yet.
    pub fn path(self) -> Result<PathBuf, Failed> {
        static BUILT: Mutex<Option<HashMap<Guest, PathBuf>>> = Mutex::new(None);
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        let built = built.get_or_insert_default();
        if let Some(path) = built.get(&self) {
            return Ok(path.clone());
        }
        let path = self.build()?;
        built.insert(self, path.clone());
        Ok(path)
    }

    /// Builds as the recipes do.
    fn build(self) -> Result<PathBuf, Failed> {
        let output = script()
            .args(["build", "--into"])
            .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests"))
            .arg(self.name())
            .env("WIT_HOST", crate::wit_host())
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?.trim_end().into())
    }
}

/// The status with which the script ends where a compiler is missing.
const MISSING_TOOLCHAIN: i32 = 3;

/// What builds guests, for the recipes and for the tests.
pub fn script() -> Command {
    Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/guest"))
}

/// A trial that is ignored if a toolchain is missing, with the reason in its name.
pub fn trial(
    name: String,
    missing_toolchain: Option<String>,
    run: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    match missing_toolchain {
        None => Trial::test(name, run),
        Some(reason) => Trial::test(format!("{name} ({reason})"), run).with_ignored_flag(true),
    }
}
