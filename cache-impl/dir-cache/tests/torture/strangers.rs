//! Strange files at the path of an entry. The tests of the component use the same ones.

use rustix::fs::{CWD, Mode, mkfifoat};
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// Puts a strange file at `path`. The entry was moved to the name `entry` in the same directory;
/// `outside` is a directory that the cache may not reach, and holds the file `precious`.
pub type Put = fn(path: &Path, outside: &Path);

/// The strange files; `true` if a `set` can replace them.
pub const STRANGERS: &[(&str, Put, bool)] = &[
    (
        "a directory",
        |path, _| fs::create_dir(path).expect("a directory"),
        true,
    ),
    (
        "a directory with a file in it",
        |path, _| {
            fs::create_dir(path).expect("a directory");
            fs::write(path.join("file"), "precious").expect("a file");
        },
        false,
    ),
    (
        "a link inward",
        |path, _| {
            let entry = path.with_file_name("followed");
            fs::rename(path.with_file_name("entry"), &entry).expect("an entry");
            symlink("followed", path).expect("a link");
        },
        true,
    ),
    (
        "a link outward",
        |path, outside| {
            fs::rename(path.with_file_name("entry"), outside.join("entry")).expect("an entry");
            symlink(outside.join("entry"), path).expect("a link");
        },
        true,
    ),
    (
        "a dangling link",
        |path, _| symlink("nowhere", path).expect("a link"),
        true,
    ),
    (
        "a link to itself",
        |path, _| symlink(path, path).expect("a link"),
        true,
    ),
    (
        "a link to a directory",
        |path, outside| symlink(outside, path).expect("a link"),
        true,
    ),
    (
        "a hard link to a file outside",
        |path, outside| fs::hard_link(outside.join("precious"), path).expect("a link"),
        true,
    ),
    (
        "a fifo",
        |path, _| mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).expect("a fifo"),
        true,
    ),
    (
        "a socket",
        |path, _| drop(UnixListener::bind(path).expect("a socket")),
        true,
    ),
    (
        "an empty file",
        |path, _| fs::write(path, "").expect("a file"),
        true,
    ),
];
