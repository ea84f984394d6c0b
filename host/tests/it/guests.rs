//! The guests of this repository, built when a test needs them.

use libtest_mimic::{Failed, Trial};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

/// A component that is built from a crate or folder at the top of the repository.
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
    /// The name of its crate or folder.
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

    fn file_name(self) -> String {
        format!("{}.wasm", self.name().replace('-', "_"))
    }

    /// The folder and the world of a guest in C++.
    fn cpp(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::CppConsumer => Some(("cpp-consumer", "consumer")),
            Self::CppLru => Some(("examples/cpp-lru", "middleware")),
            _ => None,
        }
    }

    /// The missing toolchain, if the guest cannot be built here. On a continuous integration machine
    /// all guests must be built.
    pub fn missing_toolchain(self) -> Option<String> {
        if self.cpp().is_none() || std::env::var_os("CI").is_some() {
            return None;
        }
        let probe = Command::new(root().join("scripts/wasm-cxx"))
            .arg("--version")
            .output();
        match probe {
            Ok(output) if output.status.success() => None,
            Ok(output) => {
                let reason = String::from_utf8_lossy(&output.stderr);
                Some(reason.trim().trim_start_matches("error: ").to_owned())
            }
            Err(error) => Some(error.to_string()),
        }
    }

    /// The component file, which is built if necessary.
    ///
    /// `WIT_HOST_TEST_GUESTS` names a directory of Rust guests that another tool has built.
    pub fn path(self) -> Result<PathBuf, Failed> {
        static BUILT: Mutex<Option<HashMap<Guest, PathBuf>>> = Mutex::new(None);
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        let built = built.get_or_insert_default();
        if let Some(path) = built.get(&self) {
            return Ok(path.clone());
        }
        let path = match (self.cpp(), std::env::var_os("WIT_HOST_TEST_GUESTS")) {
            (Some((folder, world)), _) => build_cpp(&self.file_name(), folder, world)?,
            (None, None) => build_rust(self)?,
            (None, Some(directory)) => root().join(directory).join(self.file_name()),
        };
        built.insert(self, path.clone());
        Ok(path)
    }
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

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Builds a guest in the same way as the recipes, and reads the path from cargo's output.
fn build_rust(guest: Guest) -> Result<PathBuf, Failed> {
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--package",
            guest.name(),
            "--target",
            "wasm32-wasip2",
        ])
        .args([
            "--profile",
            "guest",
            "--message-format",
            "json-render-diagnostics",
        ])
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo failed to build {}", guest.name()).into());
    }
    let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    let mut path = None;
    for message in messages {
        let message: serde_json::Value = message?;
        if message["reason"] == "compiler-artifact"
            && message["package_id"]
                .as_str()
                .is_some_and(|id| id.contains(guest.name()))
        {
            let files = message["filenames"].as_array().into_iter().flatten();
            path = files
                .filter_map(|file| file.as_str())
                .find(|file| file.ends_with(".wasm"))
                .map(PathBuf::from)
                .or(path);
        }
    }
    path.ok_or_else(|| format!("cargo named no component for {}", guest.name()).into())
}

fn build_cpp(file: &str, folder: &str, world: &str) -> Result<PathBuf, Failed> {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    let output = Command::new(root().join("scripts/build-cpp-guest"))
        .args([crate::wit_host(), folder, world])
        .arg(&out)
        .current_dir(root())
        .output()?;
    if output.status.success() {
        Ok(out)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }
}
