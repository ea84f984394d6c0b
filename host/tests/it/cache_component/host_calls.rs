//! The WASI calls that a call of the cache makes, in their order.

use super::watched::{CacheError, Call, WatchedCache};
use dir_cache::key::Key;
use libtest_mimic::{Failed, Trial};
use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::Path,
    time::{Duration, SystemTime},
};
use wasmtime_wasi::p2::bindings::sync::filesystem::types::ErrorCode;

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "cache_component::no_call_of_the_host_more_than_needed",
            no_call_too_many,
        ),
        Trial::test(
            "cache_component::cache_fsync_chooses_what_is_synchronised_and_when",
            synchronised,
        ),
        Trial::test(
            "cache_component::under_full_the_directories_of_a_first_entry_are_synchronised",
            first_entry_under_full,
        ),
        Trial::test(
            "cache_component::a_temporary_file_of_another_process_is_left_alone",
            exclusive_temporary_file,
        ),
        Trial::test(
            "cache_component::temporary_files_are_told_apart_by_a_random_number",
            random_names,
        ),
        Trial::test(
            "cache_component::a_host_may_write_less_than_asked",
            short_writes,
        ),
        Trial::test(
            "cache_component::a_link_weighs_nothing_whatever_it_leads_to",
            link_is_not_weighed,
        ),
        Trial::test(
            "cache_component::a_name_that_is_not_listed_hides_no_other",
            unlisted_names,
        ),
        Trial::test(
            "cache_component::the_oldest_files_are_evicted_first",
            oldest_first,
        ),
    ]
}

const KEY: &str = "key";
const RANDOM: u64 = 7;
/// A value that is too long to be copied behind the header and written with it in one call.
const LARGE: usize = 100_000;

fn no_call_too_many() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let mut cache = WatchedCache::new(directory.path(), &[])?;
    expect(cache.set(KEY, b"old", None)?, Ok(()))?;
    cache.take_calls();

    expect(cache.set(KEY, &[1; 1024], None)?, Ok(()))?;
    functions(&mut cache, &["open-at", "write", "rename-at"])?;
    expect(cache.get(KEY)?, Ok(vec![1; 1024]))?;
    functions(&mut cache, &["open-at", "read"])?;
    expect(cache.get("absent")?, Err(CacheError::NotFoundError))?;
    functions(&mut cache, &["open-at"])?;
    expect(cache.delete(KEY)?, Ok(()))?;
    functions(&mut cache, &["open-at", "read", "unlink-file-at"])
}

fn functions(cache: &mut WatchedCache, expected: &[&str]) -> Result<(), Failed> {
    let calls = cache.take_calls();
    let functions: Vec<_> = calls.iter().map(|call| call.function).collect();
    expect(functions.as_slice(), expected)
}

/// For each mode of `CACHE_FSYNC`, the calls of a replacing `set` and of a `delete` that change the
/// directory or write to the disk. A file is synchronised after its last write and before it is renamed.
fn synchronised() -> Result<(), Failed> {
    let key = Key::new(KEY)?;
    let (entry, shelf) = (key.path(), key.shelf());
    type Variables = &'static [(&'static str, &'static str)];
    let modes: [(Variables, bool, bool); 5] = [
        (&[], false, false),
        (&[("CACHE_FSYNC", "")], false, false),
        (&[("CACHE_FSYNC", "none")], false, false),
        (&[("CACHE_FSYNC", "file")], true, false),
        (&[("CACHE_FSYNC", "full")], true, true),
    ];
    for (variables, syncs_file, syncs_directory) in modes {
        let directory = tempfile::tempdir()?;
        let mut cache = WatchedCache::new(directory.path(), variables)?;
        expect(cache.set(KEY, b"old", None)?, Ok(()))?;
        cache.take_calls();

        for (value, writes) in [(vec![1], 1), (vec![2; LARGE], 2)] {
            expect(cache.set(KEY, &value, None)?, Ok(()))?;
            let calls = cache.take_calls();
            let temp = written(&calls)?;
            let mut expected = vec![("write", temp); writes];
            expected.extend(syncs_file.then_some(("sync-data", temp)));
            expected.push(("rename-at", temp));
            expected.extend(syncs_directory.then_some(("sync", shelf)));
            effects(&calls, &expected).map_err(|failed| under(variables, "a set", &failed))?;
        }
        expect(cache.delete(KEY)?, Ok(()))?;
        let mut expected = vec![("unlink-file-at", entry)];
        expected.extend(syncs_directory.then_some(("sync", shelf)));
        effects(&cache.take_calls(), &expected)
            .map_err(|failed| under(variables, "a delete", &failed))?;
    }
    Ok(())
}

/// New directories are synchronised at every level: a name that is not on the disk is lost with the power.
fn first_entry_under_full() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let mut cache = WatchedCache::new(directory.path(), &[("CACHE_FSYNC", "full")])?;
    expect(cache.set(KEY, b"value", None)?, Ok(()))?;
    let calls = cache.take_calls();
    let shelf = Key::new(KEY)?.shelf().to_owned();
    let position = |function: &str, path: &str| {
        calls.iter().rposition(|call| {
            call.function == function && call.path == path && call.outcome.is_ok()
        })
    };
    let named = [
        (".", position("create-directory-at", "v1")),
        ("v1", position("create-directory-at", &shelf)),
        (&shelf, position("rename-at", written(&calls)?)),
    ];
    for (parent, named) in named {
        let named = named.ok_or_else(|| format!("nothing was named in `{parent}`: {calls:?}"))?;
        if position("sync", parent).is_none_or(|synchronised| synchronised < named) {
            return Err(format!("`{parent}` was not synchronised: {calls:?}").into());
        }
    }
    Ok(())
}

/// A temporary file of the same name exists, as if two processes had the same random number.
fn exclusive_temporary_file() -> Result<(), Failed> {
    type Put = fn(&Path) -> std::io::Result<()>;
    let plants: [(&str, Put); 2] = [
        ("a file", |path| fs::write(path, "precious")),
        ("a link to a file", |path| {
            fs::write(path.with_file_name("linked"), "precious")?;
            symlink("linked", path)
        }),
    ];
    for (plant, put) in plants {
        let directory = tempfile::tempdir()?;
        let path = first_temporary_file(RANDOM)?;
        let planted = directory.path().join(&path);
        fs::create_dir_all(planted.parent().ok_or("it is in a subdirectory")?)?;
        put(&planted)?;
        let before = (
            fs::symlink_metadata(&planted)?.file_type(),
            fs::read(&planted)?,
        );

        let mut cache = WatchedCache::new(directory.path(), &[])?;
        cache.give_random(RANDOM);
        let outcome = cache.set(KEY, b"value", None)?;
        let met = Call {
            function: "open-at",
            path,
            outcome: Err(ErrorCode::Exist),
        };
        let calls = cache.take_calls();
        if !calls.contains(&met) {
            return Err(format!("{plant} was not met, or was used: {calls:?}").into());
        }
        let after = (
            fs::symlink_metadata(&planted)?.file_type(),
            fs::read(&planted)?,
        );
        expect(after, before)?;
        let kept = match outcome {
            Ok(()) => Ok(b"value".to_vec()),
            Err(error) => {
                expect(error, CacheError::RuntimeError)?;
                Err(CacheError::NotFoundError)
            }
        };
        expect(cache.get(KEY)?, kept)?;
        expect(cache.set(KEY, b"next", None)?, Ok(()))?;
        expect(cache.get(KEY)?, Ok(b"next".to_vec()))?;
    }
    Ok(())
}

fn random_names() -> Result<(), Failed> {
    match (first_temporary_file(1)?, first_temporary_file(2)?) {
        (one, other) if one != other => Ok(()),
        (one, _) => Err(format!("both are `{one}`").into()),
    }
}

fn short_writes() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let mut cache = WatchedCache::new(directory.path(), &[])?;
    let value: Vec<u8> = (0..LARGE).map(|number| (number % 251) as u8).collect();
    cache.write_at_most(999);
    expect(cache.set(KEY, &value, None)?, Ok(()))?;
    expect(cache.get(KEY)?, Ok(value.clone()))?;

    // With a host that writes nothing, the loop would never end.
    cache.write_at_most(0);
    expect(cache.set(KEY, b"new", None)?, Err(CacheError::RuntimeError))?;
    cache.write_at_most(usize::MAX);
    expect(cache.get(KEY)?, Ok(value))
}

/// A link with the name of an entry leads to a file ten times as large as the bound. If its target were
/// counted, all entries around it would be evicted.
fn link_is_not_weighed() -> Result<(), Failed> {
    const BOUND: usize = 100_000;
    let directory = tempfile::tempdir()?;
    let key = Key::new(KEY)?;
    let mut neighbours = neighbours(&key);
    let kept = neighbours.next().ok_or("no neighbour")?;
    let written = neighbours.next().ok_or("no neighbour")?;
    fs::create_dir_all(directory.path().join(key.shelf()))?;
    // The target is in the same directory, where the handle of the subdirectory can reach it.
    fs::write(
        directory.path().join(key.shelf()).join("large"),
        vec![0; 10 * BOUND],
    )?;
    symlink("large", directory.path().join(key.path()))?;

    let variables = [("CACHE_MAX_BYTES", &*BOUND.to_string())];
    let mut cache = WatchedCache::new(directory.path(), &variables)?;
    expect(cache.set(&kept, b"kept", None)?, Ok(()))?;
    cache.take_calls();
    expect(cache.set(&written, &[1; 1000], None)?, Ok(()))?;
    let looked_at = |call: &Call| call.function == "stat-at" && call.path == key.path();
    if !cache.take_calls().iter().any(looked_at) {
        return Err("the link was not looked at".into());
    }
    expect(cache.get(&kept)?, Ok(b"kept".to_vec()))?;
    // The link is not evicted either, though it is the oldest and its target is the largest.
    let link = fs::symlink_metadata(directory.path().join(key.path()))?;
    expect(link.is_symlink(), true)
}

/// Cleanup still finds the other entries of a subdirectory that holds a name that is not Unicode, and of
/// one where a file disappears while it is listed. Otherwise nothing there would ever be evicted.
fn unlisted_names() -> Result<(), Failed> {
    const BOUND: usize = 100_000;
    const VALUE: &[u8] = &[7; 5000];
    let variables = [("CACHE_MAX_BYTES", &*BOUND.to_string())];
    for goes_away in [false, true] {
        let directory = tempfile::tempdir()?;
        let key = Key::new(KEY)?;
        let shelf = directory.path().join(key.shelf());
        fs::create_dir_all(&shelf)?;
        fs::write(shelf.join(OsStr::from_bytes(b"\xff")), "")?;

        let mut cache = WatchedCache::new(directory.path(), &variables)?;
        // The first call lists the granted directory itself.
        expect(cache.get(KEY)?, Err(CacheError::NotFoundError))?;
        cache.take_calls();
        let mut looks = 0;
        for key in neighbours(&key).take(5 * BOUND / VALUE.len()) {
            expect(cache.set(&key, VALUE, None)?, Ok(()))?;
            let calls = cache.take_calls();
            let listed = |call: &Call| call.function == "read-directory-entry";
            if let Some(position) = calls.iter().position(listed) {
                looks += 1;
                if goes_away {
                    cache.fail(position, ErrorCode::NoEntry);
                }
            }
        }
        let mut held = 0;
        for file in fs::read_dir(&shelf)? {
            held += file?.metadata()?.len();
        }
        if looks == 0 || held == 0 || held > BOUND as u64 {
            return Err(format!("{held} bytes are held after {looks} looks").into());
        }
    }
    Ok(())
}

/// Entries are evicted by the modification times that the host reports, not in the order of their names.
fn oldest_first() -> Result<(), Failed> {
    const VALUE: &[u8] = &[7; 5000];
    let directory = tempfile::tempdir()?;
    let key = Key::new(KEY)?;
    let mut keys: Vec<String> = neighbours(&key).take(10).collect();
    let mut cache = WatchedCache::new(directory.path(), &[])?;
    for (minutes, key) in keys.iter().enumerate() {
        expect(cache.set(key, VALUE, None)?, Ok(()))?;
        let file = File::options()
            .append(true)
            .open(directory.path().join(Key::new(key)?.path()))?;
        file.set_modified(SystemTime::now() - Duration::from_secs(60 * minutes as u64))?;
    }
    // The oldest go first.
    keys.reverse();

    let mut cache = WatchedCache::new(directory.path(), &[("CACHE_MAX_BYTES", "40000")])?;
    expect(cache.set(KEY, VALUE, None)?, Ok(()))?;
    let mut kept = Vec::new();
    for key in &keys {
        kept.push(cache.get(key)?.is_ok());
    }
    if kept.is_sorted() && kept.contains(&false) && cache.get(KEY)?.is_ok() {
        Ok(())
    } else {
        Err(format!("from the oldest on, these were kept: {kept:?}").into())
    }
}

/// Keys in the same subdirectory.
fn neighbours(key: &Key) -> impl Iterator<Item = String> {
    let shelf = key.shelf().to_owned();
    let candidates = (0..100_000).map(|number| format!("neighbour-{number}"));
    candidates.filter(move |candidate| {
        Key::new(candidate).is_ok_and(|candidate| candidate.shelf() == shelf)
    })
}

/// The temporary file, which is written and then renamed.
fn written(calls: &[Call]) -> Result<&str, Failed> {
    let write = calls.iter().find(|call| call.function == "write");
    Ok(&write.ok_or("nothing was written")?.path)
}

/// The path of the first temporary file of an instance that is given this random number.
fn first_temporary_file(random: u64) -> Result<String, Failed> {
    let directory = tempfile::tempdir()?;
    let mut cache = WatchedCache::new(directory.path(), &[])?;
    cache.give_random(random);
    expect(cache.set(KEY, b"value", None)?, Ok(()))?;
    written(&cache.take_calls()).map(str::to_owned)
}

/// Compares the calls that were made, except those that open, list and read.
fn effects(calls: &[Call], expected: &[(&str, &str)]) -> Result<(), Failed> {
    const LOOKS: [&str; 6] = [
        "open-at",
        "read",
        "stat",
        "stat-at",
        "read-directory",
        "read-directory-entry",
    ];
    let effects = calls.iter().filter(|call| !LOOKS.contains(&call.function));
    let effects: Vec<_> = effects
        .map(|call| (call.function, call.path.as_str()))
        .collect();
    expect(effects.as_slice(), expected)
}

fn under(variables: &[(&str, &str)], call: &str, failed: &Failed) -> Failed {
    let what = failed.message().unwrap_or_default();
    format!("{call} under {variables:?}: {what}").into()
}

fn expect<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Result<(), Failed> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("expected {expected:?}, found {found:?}").into())
    }
}
