//! F2 through the guest: each WASI call of a call of the cache fails, at every position, with every
//! error code. The call of the cache then fails, misses, or has succeeded; earlier entries are
//! unchanged; the same call works afterwards, and no temporary file is left.

use super::watched::{CacheError, Call, WatchedCache};
use crate::torture::is_long;
use libtest_mimic::{Failed, Trial};
use std::{fs, path::Path};
use wasmtime_wasi::p2::bindings::sync::filesystem::types::ErrorCode;

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![Trial::test(
        "cache_component::every_call_of_the_host_fails",
        every_call_fails,
    )]
}

const KEY: &str = "key";
const OLD: &[u8] = &[1; 100];
const NEW: &[u8] = &[2; 100];

/// Error codes that the component distinguishes, and some others.
const SHORT: &[ErrorCode] = &[
    ErrorCode::NoEntry,
    ErrorCode::Exist,
    ErrorCode::IsDirectory,
    ErrorCode::Access,
    ErrorCode::Invalid,
    ErrorCode::Loop,
    ErrorCode::NotDirectory,
    ErrorCode::NotPermitted,
    ErrorCode::IllegalByteSequence,
    ErrorCode::Io,
];

const REST: &[ErrorCode] = &[
    ErrorCode::WouldBlock,
    ErrorCode::Already,
    ErrorCode::BadDescriptor,
    ErrorCode::Busy,
    ErrorCode::Deadlock,
    ErrorCode::Quota,
    ErrorCode::FileTooLarge,
    ErrorCode::InProgress,
    ErrorCode::Interrupted,
    ErrorCode::TooManyLinks,
    ErrorCode::MessageSize,
    ErrorCode::NameTooLong,
    ErrorCode::NoDevice,
    ErrorCode::NoLock,
    ErrorCode::InsufficientMemory,
    ErrorCode::InsufficientSpace,
    ErrorCode::NotEmpty,
    ErrorCode::NotRecoverable,
    ErrorCode::Unsupported,
    ErrorCode::NoTty,
    ErrorCode::NoSuchDevice,
    ErrorCode::Overflow,
    ErrorCode::Pipe,
    ErrorCode::ReadOnly,
    ErrorCode::InvalidSeek,
    ErrorCode::TextFileBusy,
    ErrorCode::CrossDevice,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Set,
    Get,
    Delete,
}

type Variables = &'static [(&'static str, &'static str)];

const DEFAULT: Variables = &[];
const FULL: Variables = &[("CACHE_FSYNC", "full")];
/// The values are so large that each `set` also cleans up its subdirectory.
const BOUNDED: Variables = &[("CACHE_MAX_BYTES", "100000")];

fn every_call_fails() -> Result<(), Failed> {
    let rest = if is_long() { REST } else { &[] };
    let (mut tried, mut violations) = (0, Vec::new());
    for variables in [DEFAULT, FULL, BOUNDED] {
        for operation in [Operation::Set, Operation::Get, Operation::Delete] {
            for error in SHORT.iter().chain(rest) {
                for position in 0.. {
                    let case = Case {
                        variables,
                        operation,
                        position,
                        error: *error,
                    };
                    match case.run()? {
                        Outcome::NoSuchPosition => break,
                        Outcome::Lie => {}
                        Outcome::Tried(rule) => {
                            tried += 1;
                            violations.extend(rule.err().map(|what| format!("{case:?}: {what}")));
                        }
                    }
                }
            }
        }
    }
    println!(
        "F2 through the guest: tried {tried}, violated {}",
        violations.len()
    );
    match violations.as_slice() {
        [] if tried == 0 => Err("no call was made to fail".into()),
        [] => Ok(()),
        violations => Err(violations.join("\n").into()),
    }
}

enum Outcome {
    Tried(Result<(), String>),
    /// The host reported that an existing file does not exist, so the component cannot notice it.
    Lie,
    /// The operation makes fewer calls than this position.
    NoSuchPosition,
}

#[derive(Debug)]
struct Case {
    variables: Variables,
    operation: Operation,
    position: usize,
    error: ErrorCode,
}

impl Case {
    fn run(&self) -> Result<Outcome, Failed> {
        let directory = tempfile::tempdir()?;
        let mut cache = WatchedCache::new(directory.path(), self.variables)?;
        cache
            .set(KEY, OLD, None)?
            .map_err(|_| "failed to prepare")?;
        cache.take_calls();

        cache.fail(self.position, self.error);
        let done = self.operate(&mut cache)?;
        cache.fail_no_more();
        let calls = cache.take_calls();
        match calls.get(self.position) {
            None => return Ok(Outcome::NoSuchPosition),
            Some(failed) if self.is_lie(failed) => return Ok(Outcome::Lie),
            Some(_) => {}
        }
        let left = cache.get(KEY)?;
        let mut rule = self.expect(done, left.clone(), &calls);
        if rule.is_ok() {
            rule = self.expect_retry(self.operate(&mut cache)?, left);
        }
        let temporary_files = temporary_files(directory.path())?;
        if rule.is_ok() && temporary_files != 0 {
            rule = Err(format!("{temporary_files} temporary files were left"));
        }
        Ok(Outcome::Tried(rule))
    }

    fn operate(&self, cache: &mut WatchedCache) -> Result<Result<Vec<u8>, CacheError>, Failed> {
        match self.operation {
            Operation::Set => Ok(cache.set(KEY, NEW, None)?.map(|()| Vec::new())),
            Operation::Get => cache.get(KEY),
            Operation::Delete => Ok(cache.delete(KEY)?.map(|()| Vec::new())),
        }
    }

    fn is_lie(&self, failed: &Call) -> bool {
        failed.function == "unlink-file-at"
            && matches!(self.error, ErrorCode::NoEntry | ErrorCode::IsDirectory)
    }

    fn expect(
        &self,
        done: Result<Vec<u8>, CacheError>,
        left: Result<Vec<u8>, CacheError>,
        calls: &[Call],
    ) -> Result<(), String> {
        // The entry is already stored by then, and only a power loss could undo it.
        let only_sync_failed = self.variables == FULL
            && calls.iter().any(|call| {
                ["rename-at", "unlink-file-at"].contains(&call.function) && call.outcome.is_ok()
            });
        let holds = match (self.operation, &done, &left) {
            (Operation::Get, Ok(value), Ok(left)) => value == OLD && left == OLD,
            (Operation::Get, Err(_), Ok(left)) => left == OLD,
            (Operation::Set, Ok(_), Ok(left)) => left == NEW,
            (Operation::Set, Err(_), Ok(left)) => left == OLD || only_sync_failed && left == NEW,
            (Operation::Delete, Ok(_), left) => *left == Err(CacheError::NotFoundError),
            (Operation::Delete, Err(_), Ok(left)) => left == OLD,
            (Operation::Delete, Err(_), Err(_)) => only_sync_failed,
            (_, _, Err(_)) => false,
        };
        if holds {
            Ok(())
        } else {
            Err(format!("gave {done:?} and left {left:?}"))
        }
    }

    fn expect_retry(
        &self,
        done: Result<Vec<u8>, CacheError>,
        left: Result<Vec<u8>, CacheError>,
    ) -> Result<(), String> {
        let expected = match self.operation {
            Operation::Get => left,
            Operation::Set => Ok(Vec::new()),
            Operation::Delete => left.map(|_| Vec::new()),
        };
        if done == expected {
            Ok(())
        } else {
            Err(format!("then gave {done:?}"))
        }
    }
}

fn temporary_files(root: &Path) -> Result<usize, Failed> {
    let mut count = 0;
    for shelf in fs::read_dir(root.join("v1"))? {
        let shelf = shelf?.path();
        if shelf.is_dir() {
            for file in fs::read_dir(shelf)? {
                count += usize::from(file?.file_name().to_string_lossy().starts_with("tmp-"));
            }
        }
    }
    Ok(count)
}
