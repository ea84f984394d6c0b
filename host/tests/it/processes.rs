//! Many concurrent processes on the directory of one cache, some of which are killed.
//!
//! `TORTURE=1` runs the long form. `TORTURE_SEED` repeats the operations of each process and the time
//! that each is given; their interleaving is not repeatable.

mod bound;
mod crowd;
mod history;
mod kills;

use crate::guests::Guest;
use crate::torture::{is_long, number_from};
use libtest_mimic::{Failed, Trial};
use std::{
    ffi::OsStr,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

/// The trials. A child process has only the trial for which it was started.
pub fn trials() -> Vec<Trial> {
    if let Some(process) = crowd::Process::from_environment() {
        return vec![Trial::test(crowd::PROCESS, move || process.run())];
    }
    if let Some(process) = bound::Process::from_environment() {
        return vec![Trial::test(bound::PROCESS, move || process.run())];
    }
    vec![
        Trial::test("processes::bound", bound::run),
        Trial::test("processes::bound_with_killed_writers", bound::run_killed),
        Trial::test("processes::killed_writers", kills::run),
        Trial::test("processes::crowd_on_hot_keys", crowd::run),
    ]
}

fn sized(short: u64, long: u64) -> u64 {
    if is_long() { long } else { short }
}

fn seed() -> u64 {
    number_from("TORTURE_SEED").unwrap_or_else(now)
}

/// A pseudo-random number, derived from the seed and its purpose.
fn random(seed: u64, purpose: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, purpose).hash(&mut hasher);
    hasher.finish()
}

/// The time in nanoseconds, from the same clock as the guests'.
fn now() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.unwrap_or_default().as_nanos() as u64
}

/// `CACHE_MAX_BYTES` of every other directory: less than the size of all values that are set, but
/// enough that concurrent processes do not evict each other's latest value.
const MAX_BYTES: u64 = 800_000;

/// The bound of the directory with this number, if it has one.
fn max_bytes(directory: u64) -> Option<u64> {
    (directory % 2 == 1).then_some(MAX_BYTES)
}

/// A directory of a cache that many processes share.
struct Shared {
    directory: TempDir,
    hammer: PathBuf,
    cache: PathBuf,
}

impl Shared {
    fn new() -> Result<Self, Failed> {
        Ok(Self {
            directory: tempfile::tempdir()?,
            hammer: Guest::Hammer.path()?,
            cache: Guest::CacheImpl.path()?,
        })
    }

    /// A command that runs the hammer on the directory.
    fn hammer(&self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Command {
        self.hammer_with([] as [&str; 0], arguments)
    }

    /// A command that runs the hammer on the directory, with more flags for the host.
    fn hammer_with(
        &self,
        flags: impl IntoIterator<Item: AsRef<OsStr>>,
        arguments: impl IntoIterator<Item: AsRef<OsStr>>,
    ) -> Command {
        let mut command = crate::wit_host_command();
        command
            .arg("run")
            .arg(&self.hammer)
            .arg(format!("--plug=cache={}", self.cache.display()))
            .arg(format!("--dir=cache={}::/cache", self.path().display()))
            .args(flags)
            .arg("--")
            .args(arguments);
        command
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Reads all keys in a new process: a stamp for each key that has a value. An error if a value
    /// is torn, belongs to another key, or has expired.
    fn check(&self, keys: &[String]) -> Result<Vec<String>, Failed> {
        let check = std::iter::once("check").chain(keys.iter().map(String::as_str));
        let output = self.hammer(check).stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let stamps = String::from_utf8(output.stdout)?;
        Ok(stamps.lines().map(str::to_owned).collect())
    }

    /// The number of files that are not entries.
    fn temporary_files(&self) -> io::Result<u64> {
        Ok(self
            .files()?
            .iter()
            .filter(|file| file.is_temporary)
            .count() as u64)
    }

    /// Fails if the entries exceed the bound by more than is allowed: each process but the first may
    /// add a quarter.
    fn expect_within(&self, max_bytes: u64) -> Result<(), Failed> {
        let files = self.files()?;
        let entries = files.iter().filter(|file| !file.is_temporary);
        match entries.map(|file| file.bytes).sum::<u64>() {
            held if held <= max_bytes => Ok(()),
            held => Err(format!("{held} bytes are held under a bound of {max_bytes}").into()),
        }
    }

    /// The files in the subdirectories.
    fn files(&self) -> io::Result<Vec<StoredFile>> {
        let mut files = Vec::new();
        for shelf in fs::read_dir(self.path().join("v1"))? {
            let shelf = shelf?.path();
            if !shelf.is_dir() {
                continue;
            }
            for file in fs::read_dir(shelf)? {
                let file = file?;
                files.push(StoredFile {
                    is_temporary: file.file_name().to_string_lossy().starts_with("tmp-"),
                    bytes: file.metadata()?.len(),
                });
            }
        }
        Ok(files)
    }
}

struct StoredFile {
    is_temporary: bool,
    bytes: u64,
}
