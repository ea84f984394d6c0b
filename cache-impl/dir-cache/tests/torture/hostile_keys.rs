//! F7: keys that would be dangerous as paths, and keys that look alike. Each has its own entry, and
//! every entry stands on a shelf.

use crate::count::{Count, Scale, rule};
use crate::disk::Disk;
use crate::world::{Time, got, open, scratch};
use dir_cache::key::{Key, MAX_KEY_LEN};
use dir_cache::{Directory, Durability, Error, NativeDirectory};
use fastrand::Rng;
use std::collections::HashSet;
use std::fs;

const NAMED: &[&str] = &[
    "",
    ".",
    "..",
    "/",
    "//",
    "\\",
    "\0",
    "\n",
    "\r\n",
    " ",
    "  ",
    "a",
    "A",
    "a ",
    " a",
    "a.",
    "a\0",
    "a\0b",
    "./a",
    "../a",
    "a/..",
    "a/../../b",
    "/etc/passwd",
    "../../../../etc/passwd",
    "~",
    "~root",
    "$HOME",
    "${HOME}",
    "%2e%2e%2f",
    "C:",
    "C:\\",
    "C:\\x",
    "\\\\?\\C:\\x",
    "\\\\server\\share",
    "file:///etc/passwd",
    "CON",
    "con",
    "con.txt",
    "PRN",
    "AUX",
    "NUL",
    "nul",
    "COM1",
    "LPT1",
    "é",
    "e\u{301}",
    "É",
    "ß",
    "ss",
    "SS",
    "ẞ",
    "ı",
    "i",
    "I",
    "İ",
    "K",
    "\u{212a}",
    "Å",
    "\u{212b}",
    "ﬁ",
    "fi",
    "\u{feff}a",
    "\u{202e}a",
    "\u{200b}a",
    "a\u{200d}",
    "\u{ffff}",
    "\u{10ffff}",
    "🦀",
    "v1",
    "v2",
    "v1/tally",
    "v1/00",
    "tmp-0",
    "v1/e3/b0c44298fc1c149afbf4c8996fb924",
    "tally",
    "-",
    "--",
    "-rf",
    "*",
    "?",
    "|",
    "<",
    ">",
    ":",
    "\"",
    "'",
    ";",
    "`id`",
    "$(id)",
    "a:b",
    "a::$DATA",
];

pub fn run(scale: &Scale, count: &mut Count) {
    let long = "k".repeat(MAX_KEY_LEN);
    let longest = "é".repeat(MAX_KEY_LEN / 2);
    let named: Vec<&str> = NAMED.iter().copied().chain([&*long, &*longest]).collect();

    let root = scratch();
    fs::create_dir(root.path().join("store")).expect("a directory");
    let directory = NativeDirectory::open(root.path().join("store")).expect("a directory");
    stored_apart(count, directory, &named);
    let beside = fs::read_dir(root.path()).expect("the root").count();
    let inside = fs::read_dir(root.path().join("store"))
        .expect("the store")
        .count();
    count.case(rule((beside, inside) == (1, 1), || {
        "something outside".into()
    }));

    let disk = Disk::new(&Time::new());
    stored_apart(count, disk.clone(), &named);
    for path in disk.paths() {
        count.case(rule(stands_on_a_shelf(&path), || format!("made `{path}`")));
    }
    paths_apart(count, scale, &named);
    for too_long in [long + "k", longest + "é"] {
        let is_refused = Key::new(&too_long).is_err();
        count.case(rule(is_refused, || {
            "a key that is too long was taken".into()
        }));
    }
}

/// Sets all keys, and gets each one's own value; then deletes one after the other, and still finds
/// all the others.
fn stored_apart(count: &mut Count, directory: impl Directory, keys: &[&str]) {
    let store = open(directory, Time::new(), Durability::None);
    let value = |key: &str| [b"value of ", key.as_bytes()].concat();
    for key in keys {
        count.case(
            store
                .set(key, &value(key), None)
                .map_err(|error| format!("{key:?}: {error:?}")),
        );
    }
    for (deleted, key) in keys.iter().enumerate() {
        let outcome = store
            .delete(key)
            .map_err(|error| format!("{key:?}: {error:?}"));
        count.case(outcome);
        let gone = store.delete(key);
        count.case(rule(matches!(gone, Err(Error::NotFound)), || {
            format!("{key:?}: {gone:?}")
        }));
        for other in &keys[deleted + 1..] {
            let own = got(store.get(other)).map(|got| got == Some(value(other)));
            count.case(rule(own == Ok(true), || {
                format!("{other:?} is not its own")
            }));
        }
    }
}

/// Generates keys, and checks that no two have the same path.
fn paths_apart(count: &mut Count, scale: &Scale, named: &[&str]) {
    let random = &mut Rng::with_seed(scale.seed);
    let mut keys: HashSet<String> = named.iter().copied().map(Into::into).collect();
    let mut paths = HashSet::new();
    for _ in 0..scale.times(50_000, 1_300_000) {
        keys.insert(generated(random, named));
    }
    for key in &keys {
        let outcome = Key::new(key)
            .map_err(|error| error.to_string())
            .and_then(|key| {
                rule(stands_on_a_shelf(key.path()), || {
                    format!("`{}`", key.path())
                })?;
                rule(paths.insert(String::from(key.path())), || {
                    "a path twice".into()
                })
            });
        count.case(outcome.map_err(|what| format!("{what} for {key:?}")));
    }
}

/// A key made of dangerous pieces, or one that differs little from another.
fn generated(random: &mut Rng, pieces: &[&str]) -> String {
    let mut key = String::new();
    for _ in 0..random.u8(1..=6) {
        match random.u8(..4) {
            0 => key.push(random.char(..)),
            1 => key.push_str(&random.u16(..1000).to_string()),
            _ => key.push_str(pieces[random.usize(..pieces.len() - 2)]),
        }
    }
    key
}

/// `v1`, `v1/e3` and `v1/e3/b0c44298fc1c149afbf4c8996fb924`, and no other form.
fn stands_on_a_shelf(path: &str) -> bool {
    let is_hex = |part: &str, len| {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        part.len() == len && part.bytes().all(digit)
    };
    match *path.split('/').collect::<Vec<_>>() {
        ["v1"] => true,
        ["v1", shelf] => is_hex(shelf, 2),
        ["v1", shelf, name] => is_hex(shelf, 2) && is_hex(name, 30),
        _ => false,
    }
}
