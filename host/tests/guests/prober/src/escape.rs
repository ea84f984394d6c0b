//! Ways out of a granted directory: every function that takes a path, with every path that leads out.

use crate::{Report, code};
use wasip2::filesystem::{
    preopens::get_directories,
    types::{Descriptor, DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags},
};

/// Files outside. The test has created links: `up` to the parent, `absolute` and `relative` to a
/// file beside it.
const OUT: [&str; 8] = [
    "../secret",
    "./../secret",
    "sub/../../secret",
    "up/secret",
    "sub/up/secret",
    "/proc/self/status",
    "../../../../../../../../proc/self/status",
    "up/../../../../../../../proc/self/status",
];
/// Unused names outside.
const OUT_AND_FREE: [&str; 6] = [
    "../new",
    "./../new",
    "sub/../../new",
    "up/new",
    "sub/up/new",
    "/tmp/new-by-the-prober",
];
/// Paths that lead out only if links are followed.
const OUT_BY_LINK: [&str; 2] = ["absolute", "relative"];

type Attempt = fn(&Descriptor, &str) -> Result<(), ErrorCode>;

const FOLLOWING: [(&str, Attempt); 4] = [
    ("open-at", |d, path| open(d, path, OpenFlags::empty())),
    ("stat-at", |d, path| d.stat_at(FOLLOW, path).map(drop)),
    ("metadata-hash-at", |d, path| {
        d.metadata_hash_at(FOLLOW, path).map(drop)
    }),
    ("set-times-at", |d, path| {
        d.set_times_at(FOLLOW, path, NewTimestamp::Now, NewTimestamp::Now)
    }),
];
const AT: [(&str, Attempt); 4] = [
    ("unlink-file-at", |d, path| d.unlink_file_at(path)),
    ("rename-at, from there", |d, path| {
        d.rename_at(path, d, "got")
    }),
    ("link-at, from there", |d, path| {
        d.link_at(PathFlags::empty(), path, d, "got")
    }),
    ("open-at, to empty", |d, path| {
        open(d, path, OpenFlags::TRUNCATE)
    }),
];
const MAKING: [(&str, Attempt); 5] = [
    ("open-at, to create", |d, path| {
        open(d, path, OpenFlags::CREATE)
    }),
    ("create-directory-at", |d, path| d.create_directory_at(path)),
    ("rename-at, to there", |d, path| d.rename_at("sub", d, path)),
    ("link-at, to there", |d, path| {
        d.link_at(PathFlags::empty(), "sub/inside", d, path)
    }),
    ("symlink-at", |d, path| d.symlink_at("sub", path)),
];
/// The operations on a directory.
const ON_DIRECTORIES: [(&str, Attempt); 3] = [
    ("open-at of a directory", |d, path| {
        open(d, path, OpenFlags::DIRECTORY)
    }),
    ("stat-at of a directory", |d, path| {
        d.stat_at(FOLLOW, path).map(drop)
    }),
    ("remove-directory-at", |d, path| d.remove_directory_at(path)),
];
/// Directories outside.
const DIRECTORIES: [&str; 5] = ["..", "./..", "up/.", "sub/../..", "/"];
/// Links outside.
const LINKS: [&str; 2] = ["up/data/link", "../data/link"];
const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;

pub fn probe(report: &mut Report) {
    for (directory, _) in &get_directories() {
        let following = [&OUT[..], &OUT_BY_LINK].concat();
        let mut try_all = |attempts: &[(&str, Attempt)], paths: &[&str]| {
            for (function, attempt) in attempts {
                tell(report, directory, function, *attempt, paths);
            }
        };
        try_all(&FOLLOWING, &following);
        try_all(&AT, &OUT);
        try_all(&MAKING, &OUT_AND_FREE);
        try_all(&ON_DIRECTORIES, &DIRECTORIES);
        try_all(
            &[("readlink-at", |d, path| d.readlink_at(path).map(drop))],
            &LINKS,
        );
        let laid = directory.symlink_at("../secret", "laid");
        let opened = laid.and_then(|()| open(directory, "laid", OpenFlags::empty()));
        report.tell(
            "out by a link of one's own",
            match opened {
                Ok(()) => "reached".to_owned(),
                Err(error) => format!("refused, {}", code(&error)),
            },
        );
    }
}

fn tell(
    report: &mut Report,
    directory: &Descriptor,
    function: &str,
    attempt: Attempt,
    paths: &[&str],
) {
    let ways: Vec<&str> = paths
        .iter()
        .copied()
        .filter(|path| attempt(directory, path).is_ok())
        .collect();
    let tried = paths.len();
    report.tell(
        &format!("out by {function}"),
        match ways.as_slice() {
            [] => format!("refused, {tried} of {tried} paths"),
            ways => format!("reached {}", ways.join(" ")),
        },
    );
}

fn open(directory: &Descriptor, path: &str, how: OpenFlags) -> Result<(), ErrorCode> {
    directory
        .open_at(FOLLOW, path, how, DescriptorFlags::READ)
        .map(drop)
}
