//! F6: something other than an entry's file stands at its path. A `get` misses, a `set` replaces it
//! or fails, a `delete` finds nothing; no call hangs, follows a link, or touches its target.

use crate::count::{Count, Scale, rule};
use crate::strangers::{Put, STRANGERS};
use crate::world::{got, open, scratch};
use dir_cache::key::Key;
use dir_cache::{Durability, Error, NativeDirectory, Store, SystemClock};
use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const KEY: &str = "key";
const HANGS: Duration = Duration::from_secs(10);

type Call = fn(&Store<NativeDirectory, SystemClock>) -> Result<(), String>;

const CALLS: &[(&str, Call)] = &[
    ("get", |store| {
        rule(got(store.get(KEY))?.is_none(), || "served something".into())
    }),
    ("delete", |store| {
        let outcome = store.delete(KEY);
        rule(matches!(outcome, Err(Error::NotFound)), || {
            format!("{outcome:?}")
        })
    }),
    ("set", |store| match store.set(KEY, b"healed", None) {
        Ok(()) => rule(got(store.get(KEY))?.as_deref() == Some(b"healed"), || {
            "lost".into()
        }),
        Err(Error::Directory(_)) => rule(got(store.get(KEY))?.is_none(), || "served".into()),
        Err(error) => Err(format!("{error:?}")),
    }),
    ("set to nothing", |store| {
        let _ = store.set(KEY, b"", Some(0));
        rule(got(store.get(KEY))?.is_none(), || "served something".into())
    }),
    ("set within a bound", |store| {
        for _ in 0..2000 {
            let _ = store.set("other key", &[0; 100], Some(1));
        }
        rule(got(store.get(KEY))?.is_none(), || "served something".into())
    }),
];

pub fn run(_: &Scale, count: &mut Count) {
    for (stranger, put, heals) in STRANGERS {
        for (name, call) in CALLS {
            let outcome = watched(*put, *call, *heals && *name == "set");
            count.case(outcome.map_err(|what| format!("{name} on {stranger}: {what}")));
        }
    }
}

/// Runs a call in a thread, as it might hang.
fn watched(put: Put, call: Call, heals: bool) -> Result<(), String> {
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(case(put, call, heals)));
    receiver
        .recv_timeout(HANGS)
        .unwrap_or_else(|_| Err("hangs".into()))
}

fn case(put: Put, call: Call, heals: bool) -> Result<(), String> {
    let (root, outside) = (scratch(), scratch_next_door());
    let directory = NativeDirectory::open(root.path()).expect("a directory");
    let store = open(directory, SystemClock, Durability::None);
    store.set(KEY, b"followed", None).expect("a set");

    let path = root.path().join(Key::new(KEY).expect("a short key").path());
    fs::rename(&path, path.with_file_name("entry")).expect("an entry");
    fs::write(outside.path().join("precious"), "precious").expect("a file");
    put(&path, outside.path());
    let before = listing(outside.path());

    call(&store)?;
    let untouched = listing(outside.path()) == before;
    rule(untouched, || "what stands outside was touched".into())?;
    let healed = path.symlink_metadata().is_ok_and(|found| found.is_file());
    rule(healed || !heals, || "did not heal".into())
}

/// On the same file system, for hard links.
fn scratch_next_door() -> TempDir {
    scratch()
}

fn listing(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).expect("a directory").flatten();
    let files = entries.map(|entry| {
        let contents = fs::read(entry.path()).unwrap_or_default();
        (entry.file_name().to_string_lossy().into_owned(), contents)
    });
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}
