//! F6 through the guest: the path of an entry is not a regular file. A `get` misses, a `set` replaces it
//! or fails, a `delete` finds nothing. No call hangs, follows a link or touches its target, also if the
//! directory is granted read-only.

#[path = "../../../../cache-impl/dir-cache/tests/torture/strangers.rs"]
mod strangers;

use crate::guests::Guest;
use dir_cache::key::Key;
use libtest_mimic::{Failed, Trial};
use rustix::fs::{CWD, Mode, mkfifoat};
use std::{
    fs,
    path::Path,
    sync::{Arc, mpsc::channel},
    thread,
    time::Duration,
};
use strangers::{Put, STRANGERS};
use wit_host::{
    Access, Cache, Component, DirCache, DirCacheOptions, Form, Limits, Part, Preopen, Program,
    Runtime, RuntimeOptions, Sandbox, Sandboxes, compose,
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "cache_component::strange_files_at_an_entrys_path",
            strange_files,
        ),
        Trial::test(
            "cache_component::a_fifo_in_a_subdirectorys_place",
            strange_subdirectory,
        ),
    ]
}

const KEY: &str = "key";
/// The time after which a case counts as hanging: a call that waits for the other end of a FIFO never
/// returns.
const HANGS: Duration = Duration::from_secs(10);

const MISS: &str = "err(not-found-error)";
const FAILURE: &str = "err(runtime-error)";

struct Call {
    name: &'static str,
    /// The calls in WAVE. `KEY` is the key of the strange file; a neighbour is in the same subdirectory.
    calls: fn(neighbour: &str) -> Vec<String>,
    /// The last results that are allowed if the directory is granted for writing.
    allowed: &'static [&'static str],
    /// The last results that are allowed if the directory is granted read-only.
    allowed_read_only: &'static [&'static str],
    max_bytes: Option<&'static str>,
}

const CALLS: &[Call] = &[
    Call {
        name: "get",
        calls: |_| vec![get()],
        allowed: &[MISS],
        allowed_read_only: &[MISS],
        max_bytes: None,
    },
    Call {
        name: "delete",
        calls: |_| vec![format!("delete(\"{KEY}\")")],
        allowed: &[MISS],
        allowed_read_only: &[MISS],
        max_bytes: None,
    },
    Call {
        name: "set",
        calls: |_| vec![format!("set(\"{KEY}\", [7], none)")],
        allowed: &["ok", FAILURE],
        allowed_read_only: &[FAILURE],
        max_bytes: None,
    },
    Call {
        name: "set, then get",
        calls: |_| vec![format!("set(\"{KEY}\", [7], none)"), get()],
        allowed: &["ok([7])", MISS],
        allowed_read_only: &[MISS],
        max_bytes: None,
    },
    Call {
        name: "set to nothing, then get",
        calls: |_| vec![format!("set(\"{KEY}\", [], some(0))"), get()],
        allowed: &[MISS],
        allowed_read_only: &[MISS],
        max_bytes: None,
    },
    // The bound is so small that each of these calls cleans up the subdirectory.
    Call {
        name: "upkeep next to it, then get",
        calls: |neighbour| {
            let set = format!("set(\"{neighbour}\", [7], some(1))");
            vec![set.clone(), set.clone(), set, get()]
        },
        allowed: &[MISS],
        allowed_read_only: &[MISS],
        max_bytes: Some("16384"),
    },
];

fn get() -> String {
    format!("get(\"{KEY}\")")
}

fn strange_files() -> Result<(), Failed> {
    let program = Arc::new(program()?);
    let (mut tried, mut violations) = (0, Vec::new());
    for &(stranger, put, heals) in STRANGERS {
        for access in [Access::ReadWrite, Access::ReadOnly] {
            for call in CALLS {
                let heals = heals && call.name == "set" && access == Access::ReadWrite;
                let case = Case {
                    put,
                    access,
                    call,
                    heals,
                };
                tried += 1;
                let program = Arc::clone(&program);
                if let Err(what) = watched(move || case.run(&program)) {
                    let name = call.name;
                    violations.push(format!("{name} on {stranger}, {access:?}: {what}"));
                }
            }
        }
    }
    println!(
        "F6 through the guest: tried {tried}, violated {}",
        violations.len()
    );
    match violations.as_slice() {
        [] => Ok(()),
        violations => Err(violations.join("\n").into()),
    }
}

/// The component, compiled and linked.
fn program() -> Result<Program, Failed> {
    let component = Component::open(Guest::CacheImpl.path()?)?;
    let part = Part::new("cache", component)?;
    Ok(Runtime::new(&RuntimeOptions::default())?.load(&compose(&part, &[], Form::Granted)?)?)
}

/// Runs a case in a thread, because it might hang.
fn watched(case: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Result<(), String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        // If the case took too long, the receiver is gone.
        let _ = sender.send(case());
    });
    match receiver.recv_timeout(HANGS) {
        Ok(outcome) => outcome.map_err(|failed| failed.message().unwrap_or_default().to_owned()),
        Err(_) => Err("hangs, or panicked".to_owned()),
    }
}

struct Case {
    put: Put,
    access: Access,
    call: &'static Call,
    heals: bool,
}

impl Case {
    fn run(&self, program: &Program) -> Result<(), Failed> {
        let (root, outside) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let native = DirCache::open(root.path(), DirCacheOptions::default())?;
        crate::embedding::tokio()?.block_on(native.set(KEY, b"followed", None))?;
        let key = Key::new(KEY)?;
        let path = root.path().join(key.path());
        fs::rename(&path, path.with_file_name("entry"))?;
        fs::write(outside.path().join("precious"), "precious")?;
        (self.put)(&path, outside.path());
        let before = listing(outside.path())?;

        let calls = (self.call.calls)(&neighbour(&key)?);
        let results = call_all(
            program,
            root.path(),
            self.access,
            self.call.max_bytes,
            &calls,
        )?;
        let allowed = match self.access {
            Access::ReadWrite => self.call.allowed,
            _ => self.call.allowed_read_only,
        };
        match results.last() {
            Some(last) if allowed.contains(&last.as_str()) => {}
            _ => return Err(format!("{calls:?} gave {results:?}").into()),
        }
        if listing(outside.path())? != before {
            return Err("what stands outside was touched".into());
        }
        if self.heals && !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
            return Err("did not heal".into());
        }
        Ok(())
    }
}

/// Makes the calls in one instance that is granted `root`, with or without a bound.
fn call_all(
    program: &Program,
    root: &Path,
    access: Access,
    max_bytes: Option<&str>,
    calls: &[String],
) -> Result<Vec<String>, Failed> {
    let preopen = Preopen::new(root, "/cache", access);
    let granted = Sandbox::new().preopen(preopen);
    let consumer = match max_bytes {
        None => granted,
        Some(max_bytes) => granted.env("CACHE_MAX_BYTES", max_bytes),
    };
    let sandboxes = Sandboxes::new(consumer);
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio.block_on(async {
        let mut instance = program.instantiate(&sandboxes, &Limits::default()).await?;
        let mut results = Vec::new();
        for call in calls {
            let value = instance.invoke(&call.parse()?).await?;
            results.push(value.map(|value| value.to_string()).unwrap_or_default());
        }
        Ok(results)
    })
}

/// With a bound, a `set` also reads subdirectories other than its own.
fn strange_subdirectory() -> Result<(), Failed> {
    let program = Arc::new(program()?);
    for number in 0..=u8::MAX {
        let shelf = format!("v1/{number:02x}");
        let program = Arc::clone(&program);
        let name = shelf.clone();
        let case = move || {
            let root = tempfile::tempdir()?;
            fs::create_dir(root.path().join("v1"))?;
            let fifo = root.path().join(&shelf);
            mkfifoat(CWD, fifo, Mode::RUSR | Mode::WUSR)?;
            let set = format!("set(\"{KEY}\", [7], none)");
            let calls = [set.clone(), set.clone(), set, get()];
            let results = call_all(
                &program,
                root.path(),
                Access::ReadWrite,
                Some("16384"),
                &calls,
            )?;
            let expected = if Key::new(KEY)?.shelf() == shelf {
                [FAILURE, FAILURE, FAILURE, MISS]
            } else {
                ["ok", "ok", "ok", "ok([7])"]
            };
            if results == expected {
                Ok(())
            } else {
                Err(format!("{calls:?} gave {results:?}").into())
            }
        };
        watched(case).map_err(|what| format!("a FIFO at `{name}`: {what}"))?;
    }
    Ok(())
}

/// Another key in the same subdirectory.
fn neighbour(key: &Key) -> Result<String, Failed> {
    let candidates = (0..100_000).map(|number| format!("neighbour-{number}"));
    let mut neighbours = candidates.filter(|candidate| {
        Key::new(candidate).is_ok_and(|candidate| candidate.shelf() == key.shelf())
    });
    Ok(neighbours.next().ok_or("no key is in that subdirectory")?)
}

fn listing(directory: &Path) -> Result<Vec<(String, Vec<u8>)>, Failed> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.push((name, fs::read(entry.path()).unwrap_or_default()));
    }
    files.sort();
    Ok(files)
}
