use crate::{NOTHING, Report, reached};
use wasip2::{
    filesystem::{
        preopens::get_directories,
        types::{
            Advice, Descriptor, DescriptorFlags, NewTimestamp, OpenFlags, PathFlags,
            filesystem_error_code,
        },
    },
    io::streams::StreamError,
};

const METHODS: [&str; 27] = [
    "read-via-stream",
    "write-via-stream",
    "append-via-stream",
    "advise",
    "sync-data",
    "get-flags",
    "get-type",
    "set-size",
    "set-times",
    "read",
    "write",
    "read-directory",
    "read-directory-entry",
    "sync",
    "create-directory-at",
    "stat",
    "stat-at",
    "set-times-at",
    "link-at",
    "open-at",
    "readlink-at",
    "rename-at",
    "symlink-at",
    "unlink-file-at",
    "remove-directory-at",
    "is-same-object",
    "metadata-hash",
];

/// Tries each granted directory, with the files `inside` and `link` of the test.
pub fn probe(report: &mut Report) {
    let directories = get_directories();
    let names: Vec<&str> = directories.iter().map(|(_, name)| name.as_str()).collect();
    report.tell(
        "filesystem/preopens#get-directories",
        match names.as_slice() {
            [] => NOTHING.to_owned(),
            names => format!("reached {}", names.join(" ")),
        },
    );
    if directories.is_empty() {
        report.tell_each("filesystem/types", &METHODS, NOTHING);
        report.tell_each(
            "filesystem/types",
            &["metadata-hash-at", "filesystem-error-code"],
            NOTHING,
        );
        report.tell("io/error#error.to-debug-string", NOTHING);
    }
    for (directory, _) in &directories {
        in_directory(report, directory);
    }
}

fn in_directory(report: &mut Report, directory: &Descriptor) {
    let mut tell = |function: &str, outcome: String| {
        report.tell(&format!("filesystem/types#{function}"), outcome);
    };
    let follow = PathFlags::SYMLINK_FOLLOW;
    let open = |flags| directory.open_at(follow, "inside", OpenFlags::empty(), flags);
    let opened = open(DescriptorFlags::READ | DescriptorFlags::WRITE);
    tell("open-at", format!("{}, to write", reached(opened.as_ref())));
    let Ok(file) = opened.or_else(|_| open(DescriptorFlags::READ)) else {
        return tell("open-at", NOTHING.to_owned());
    };
    tell(
        "read-via-stream",
        reached(
            file.read_via_stream(0)
                .map(|stream| stream.blocking_read(1)),
        ),
    );
    tell("write-via-stream", reached(file.write_via_stream(0)));
    tell("append-via-stream", reached(file.append_via_stream()));
    tell("advise", reached(file.advise(0, 1, Advice::Normal)));
    tell("sync-data", reached(file.sync_data()));
    tell("get-flags", reached(file.get_flags()));
    tell("get-type", reached(file.get_type()));
    tell("set-size", reached(file.set_size(7)));
    let now = NewTimestamp::Now;
    tell("set-times", reached(file.set_times(now, now)));
    tell("read", reached(file.read(1, 0)));
    tell("write", reached(file.write(b"w", 0)));
    let entries = directory.read_directory();
    tell("read-directory", reached(entries.as_ref()));
    let entry = entries.and_then(|entries| entries.read_directory_entry());
    tell("read-directory-entry", reached(entry));
    tell("sync", reached(file.sync()));
    tell(
        "create-directory-at",
        reached(directory.create_directory_at("made")),
    );
    tell("stat", reached(directory.stat()));
    tell("stat-at", reached(directory.stat_at(follow, "inside")));
    tell(
        "set-times-at",
        reached(directory.set_times_at(follow, "inside", now, now)),
    );
    tell(
        "link-at",
        reached(directory.link_at(PathFlags::empty(), "inside", directory, "hard")),
    );
    tell("readlink-at", reached(directory.readlink_at("link")));
    tell(
        "rename-at",
        reached(directory.rename_at("inside", directory, "renamed")),
    );
    tell(
        "symlink-at",
        reached(directory.symlink_at("renamed", "soft")),
    );
    tell("unlink-file-at", reached(directory.unlink_file_at("link")));
    tell(
        "remove-directory-at",
        reached(directory.remove_directory_at("made")),
    );
    tell("is-same-object", file.is_same_object(&file).to_string());
    tell("metadata-hash", reached(file.metadata_hash()));
    tell(
        "metadata-hash-at",
        reached(directory.metadata_hash_at(follow, ".")),
    );
    let stream = file.read_via_stream(u64::MAX);
    let read = stream.map(|stream| stream.blocking_read(1));
    if let Ok(Err(StreamError::LastOperationFailed(error))) = read {
        let code = filesystem_error_code(&error);
        let code = code.map_or(NOTHING, |code| code.name());
        tell("filesystem-error-code", format!("reached {code}"));
        report.tell("io/error#error.to-debug-string", error.to_debug_string());
    }
}
