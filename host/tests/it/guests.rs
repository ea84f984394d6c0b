//! The guests of this repository, built when a test needs them.

use libtest_mimic::{Failed, Trial};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

/// A component or a core module that is built from a folder of this repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guest {
    CacheImpl,
    RustConsumer,
    CppConsumer,
    CppLru,
    Conformance,
    FaultyCache,
    Hammer,
    Chat,
    Chat2,
    Counter,
    Echo,
    Ledger,
    JsonExchange,
    JsonHandOver,
    JsonStdio,
    KeyvalueBridge,
    MemoryStore,
    ProberConsumer,
    ProberPlug,
    Record,
    Relay,
}

impl Guest {
    /// The name of the guest's folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::CacheImpl => "cache-impl",
            Self::RustConsumer => "rust-consumer",
            Self::CppConsumer => "cpp-consumer",
            Self::CppLru => "cpp-lru",
            Self::Conformance => "conformance",
            Self::FaultyCache => "faulty-cache",
            Self::Hammer => "hammer",
            Self::Chat => "chat",
            Self::Chat2 => "chat-2",
            Self::Counter => "counter",
            Self::Echo => "echo",
            Self::Ledger => "ledger",
            Self::JsonExchange => "json-exchange",
            Self::JsonHandOver => "json-hand-over",
            Self::JsonStdio => "json-stdio",
            Self::KeyvalueBridge => "keyvalue-bridge",
            Self::MemoryStore => "memory-store",
            Self::ProberConsumer => "prober-consumer",
            Self::ProberPlug => "prober-plug",
            Self::Record => "record",
            Self::Relay => "relay",
        }
    }

    /// The reason why the guest cannot be built here; `None` if it can. A continuous integration
    /// machine must be able to build every guest.
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

    /// The path of the guest's file, which is built on first use; of several files, the first one.
    pub fn path(self) -> Result<PathBuf, Failed> {
        let first = self.paths()?.into_iter().next();
        first.ok_or_else(|| format!("nothing was built of `{}`", self.name()).into())
    }

    /// The paths of the guest's files, one for each of its targets. They are built on first use.
    pub fn paths(self) -> Result<Vec<PathBuf>, Failed> {
        static BUILT: Mutex<Option<HashMap<Guest, Vec<PathBuf>>>> = Mutex::new(None);
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        let built = built.get_or_insert_default();
        if let Some(paths) = built.get(&self) {
            return Ok(paths.clone());
        }
        let paths = self.build()?;
        built.insert(self, paths.clone());
        Ok(paths)
    }

    /// Builds the guest in the same way as the recipes.
    fn build(self) -> Result<Vec<PathBuf>, Failed> {
        let output = script()
            .args(["build", "--into"])
            .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests"))
            .arg(self.name())
            .env("WIT_HOST", crate::wit_host())
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let paths = String::from_utf8(output.stdout)?;
        Ok(paths.lines().map(PathBuf::from).collect())
    }
}

/// The exit status of the script if a compiler is missing.
const MISSING_TOOLCHAIN: i32 = 3;

/// The script that builds guests, for the recipes and for the tests.
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
