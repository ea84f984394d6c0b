//! Renaming within one directory, as stores on files do when a new file takes its name.
//!
//! The engine resolves the path of the directory for each of the two names. Here it is resolved once, which saves two
//! of the nine system calls of a cache's `set` (`just bench store`, S1 and S4).

use crate::{names::wasi::FILESYSTEM_TYPES, sandbox::open::FileOperations, store::state::State};
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2, renameat};
use wasmtime::{
    StoreContextMut,
    component::{Linker, Resource},
};
use wasmtime_wasi::{
    WasiView,
    filesystem::{Descriptor, Dir, WasiFilesystemView},
    p2::bindings::filesystem::types::{Host as _, HostDescriptor},
};

type Arguments = (Resource<Descriptor>, String, Resource<Descriptor>, String);

/// Replaces the engine's definition in the linker.
pub(crate) fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    linker.instance(FILESYSTEM_TYPES)?.func_wrap_async(
        "[method]descriptor.rename-at",
        |mut store: StoreContextMut<'_, State>, (from, old, to, new): Arguments| {
            Box::new(async move {
                let state = store.data_mut();
                // Changing threads takes longer than what is saved.
                let is_here = state.file_operations == FileOperations::OnCallingThread;
                if is_here
                    && from.rep() == to.rep()
                    && let Descriptor::Dir(directory) = state.ctx().table.get(&from)?
                    && within_one(directory, &old, &new)
                {
                    return Ok((Ok(()),));
                }
                let files = &mut state.filesystem();
                Ok((match files.rename_at(from, old, to, new).await {
                    Ok(()) => Ok(()),
                    Err(error) => Err(files.convert_error_code(error)?),
                },))
            })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Renames a file if both paths name the same subdirectory in the same words. Returns `false` if nothing was renamed, for
/// any reason: the engine's own function then renames it, or says why not.
fn within_one(directory: &Dir, old: &str, new: &str) -> bool {
    let (Some((parent, old)), Some((other, new))) = (old.rsplit_once('/'), new.rsplit_once('/'))
    else {
        return false;
    };
    if directory.perms.write_not_permitted() || parent != other || !is_name(old) || !is_name(new) {
        return false;
    }
    // As in the engine, the system itself refuses a path that leads out of the directory.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let parent = openat2(&*directory.dir, parent, flags, Mode::empty(), resolve);
    parent.is_ok_and(|parent| renameat(&parent, old, &parent, new).is_ok())
}

fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink, path::Path};
    use wasmtime_wasi::filesystem::{FsPerms, OpenMode};

    fn directory(path: &Path, perms: FsPerms) -> Dir {
        let file = fs::File::open(path).expect("a directory");
        Dir::new(file, perms, OpenMode::READ | OpenMode::WRITE, true)
    }

    #[test]
    fn a_name_in_the_same_subdirectory_is_replaced() {
        let root = tempfile::tempdir().expect("a directory");
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("a/b")).expect("directories");
        fs::write(path("a/b/old"), "new contents").expect("a file");
        fs::write(path("a/b/new"), "old contents").expect("a file");
        let directory = directory(root.path(), FsPerms::ReadWrite);
        assert!(within_one(&directory, "a/b/old", "a/b/new"));
        assert!(!path("a/b/old").exists());
        assert_eq!(
            fs::read_to_string(path("a/b/new")).expect("it is there"),
            "new contents"
        );
        // Nothing stands there any more.
        assert!(!within_one(&directory, "a/b/old", "a/b/new"));
    }

    #[test]
    fn nothing_is_renamed_outside_of_the_directory_or_without_permission() {
        let root = tempfile::tempdir().expect("a directory");
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("granted/inside")).expect("directories");
        fs::create_dir_all(path("outside")).expect("a directory");
        for name in ["outside/old", "granted/inside/old", "granted/old"] {
            fs::write(path(name), "").expect("a file");
        }
        symlink(path("outside"), path("granted/absolute")).expect("a link");
        symlink("../outside", path("granted/relative")).expect("a link");
        let outside = path("outside");
        let outside = outside.to_str().expect("it is Unicode");
        let writable = directory(&path("granted"), FsPerms::ReadWrite);
        for parent in [
            "absolute",
            "relative",
            "../outside",
            "inside/../../outside",
            outside,
            "missing",
            "",
        ] {
            let [old, new] = ["old", "new"].map(|name| format!("{parent}/{name}"));
            assert!(!within_one(&writable, &old, &new), "{parent}");
        }
        for (old, new) in [
            ("old", "new"),
            ("inside/old", "relative/new"),
            ("inside/old", "inside/"),
            ("inside/old", "inside/.."),
            ("inside/.", "inside/new"),
            ("inside/old", "inside/ne\0w"),
        ] {
            assert!(!within_one(&writable, old, new), "{old} {new}");
        }
        let read_only = directory(&path("granted"), FsPerms::ReadOnly);
        assert!(!within_one(&read_only, "inside/old", "inside/new"));
        for name in ["outside/old", "granted/inside/old", "granted/old"] {
            assert!(path(name).exists(), "{name}");
        }
    }
}
