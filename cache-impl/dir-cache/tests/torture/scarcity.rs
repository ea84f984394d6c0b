//! F9: the disk is full, read-only or gone, or no descriptors are left. A call fails or misses, no
//! stored value is lost or wrong, and afterwards the same store works again.
//!
//! One case cannot be handled on a plain file system: a store whose root itself was removed holds a
//! directory in which nothing can be created any more, and a new one of the same name is another
//! directory. Every call is then an error or a miss, until the store is opened anew.

use crate::count::{Count, Scale, rule};
use crate::disk::{Disk, failed};
use crate::faulty::{Fault, Faulty};
use crate::world::{DURABILITIES, Time, got, open, scratch};
use dir_cache::{
    Clock, Directory, DirectoryError, Durability, Error, NativeDirectory, Store, SystemClock,
};
use std::fs;
use std::io::ErrorKind;

#[cfg(target_os = "linux")]
pub use children::{child, run_in_children};

const CYCLES: u64 = 100;

pub fn run(scale: &Scale, count: &mut Count) {
    for _ in 0..scale.times(10, CYCLES) {
        for durability in DURABILITIES {
            count.case(full_disk(durability));
            count.case(refused(durability, || {
                failed(ErrorKind::ReadOnlyFilesystem)
            }));
            count.case(refused(durability, || failed(ErrorKind::Other)));
        }
        count.case(emptied_root());
        count.case(moved_root());
        count.case(removed_root());
    }
}

/// Sets until the disk is full, at a different position each time; then makes room.
fn full_disk(durability: Durability) -> Result<(), String> {
    let time = Time::new();
    let disk = Disk::new(&time);
    let store = open(disk.clone(), time, durability);
    set(&store)?;
    for room in [0, 1, 47, 48, 500, 1000, 1100] {
        disk.set_capacity(disk.used() + room);
        fails_or_works(&store, room > 1050)?;
        rule(disk.temps() == 0, || "a temporary file is left".into())?;
        disk.set_capacity(usize::MAX);
        works(&store)?;
    }
    Ok(())
}

/// The directory refuses every operation for a while.
fn refused(durability: Durability, error: fn() -> DirectoryError) -> Result<(), String> {
    let time = Time::new();
    let (directory, script) = Faulty::new(Disk::new(&time));
    let store = open(directory, time, durability);
    set(&store)?;
    script.begin(Some((0, Fault::Fails(error))));
    rule(store.set("key", b"new", None).is_err(), || {
        "set did not fail".into()
    })?;
    script.begin(Some((0, Fault::FailsForEver)));
    fails(&store)?;
    script.begin(None);
    works(&store)
}

fn native() -> (tempfile::TempDir, Store<NativeDirectory, SystemClock>) {
    let root = scratch();
    fs::create_dir(root.path().join("store")).expect("a directory");
    let directory = NativeDirectory::open(root.path().join("store")).expect("a directory");
    let store = open(directory, SystemClock, Durability::None);
    store.set("key", &[1; 1000], None).expect("a set");
    (root, store)
}

/// Everything in the root is removed.
fn emptied_root() -> Result<(), String> {
    let (root, store) = native();
    fs::remove_dir_all(root.path().join("store/v1")).expect("removed");
    rule(got(store.get("key"))?.is_none(), || {
        "served from nowhere".into()
    })?;
    set(&store)?;
    works(&store)
}

/// The root is renamed.
fn moved_root() -> Result<(), String> {
    let (root, store) = native();
    let (here, there) = (root.path().join("store"), root.path().join("moved"));
    fs::rename(&here, &there).expect("moved");
    works(&store)?;
    rule(!here.exists(), || "made anew".into())
}

/// The root is removed, and created again.
fn removed_root() -> Result<(), String> {
    let (root, store) = native();
    let path = root.path().join("store");
    fs::remove_dir_all(&path).expect("removed");
    fails_to_write(&store)?;
    rule(got(store.get("key"))?.is_none(), || {
        "served from nowhere".into()
    })?;

    fs::create_dir(&path).expect("a directory");
    let _ = store.set("key", b"new", None);
    let directory = NativeDirectory::open(&path).expect("a directory");
    let store = open(directory, SystemClock, Durability::None);
    set(&store)?;
    works(&store)
}

/// Sets the value that [`works`] expects.
fn set<D: Directory, C: Clock>(store: &Store<D, C>) -> Result<(), String> {
    let outcome = store.set("key", &[1; 1000], None);
    outcome.map_err(|error| format!("failed to set: {error:?}"))
}

/// No call works.
fn fails<D: Directory, C: Clock>(store: &Store<D, C>) -> Result<(), String> {
    fails_to_write(store)?;
    rule(store.get("key").is_err(), || "get did not fail".into())
}

fn fails_to_write<D: Directory, C: Clock>(store: &Store<D, C>) -> Result<(), String> {
    rule(store.set("key", b"new", None).is_err(), || {
        "set did not fail".into()
    })?;
    rule(store.delete("key").is_err(), || {
        "delete did not fail".into()
    })
}

/// A `set` fails, or has to work; the value is then the old one or the new one.
fn fails_or_works<D: Directory, C: Clock>(
    store: &Store<D, C>,
    has_to_work: bool,
) -> Result<(), String> {
    let outcome = store.set("key", &[2; 1000], None);
    rule(outcome.is_ok() || !has_to_work, || {
        format!("failed to set: {outcome:?}")
    })?;
    let expected = [if outcome.is_ok() { 2 } else { 1 }; 1000];
    let stored = got(store.get("key"))?;
    rule(stored.as_deref() == Some(&expected), || {
        "not the value that was set last".into()
    })
}

/// Every call works, and `key` has its first value, before and afterwards.
fn works<D: Directory, C: Clock>(store: &Store<D, C>) -> Result<(), String> {
    let failed = |error: Error| format!("no recovery: {error:?}");
    rule(
        got(store.get("key"))?.is_some_and(|value| value.len() == 1000),
        || "value lost".into(),
    )?;
    store.set("key", &[1; 1000], None).map_err(failed)?;
    store
        .set("another key", b"another value", None)
        .map_err(failed)?;
    store.delete("another key").map_err(failed)
}

/// Troubles that only the operating system can cause, each for a process of its own.
#[cfg(target_os = "linux")]
mod children {
    use super::{fails, fails_or_works, fails_to_write, set, works};
    use crate::count::{Count, Scale, rule};
    use crate::world::{open, scratch, temps};
    use dir_cache::{Durability, NativeDirectory, SystemClock};
    use std::fs::{self, File};
    use std::path::Path;
    use std::process::{Command, ExitCode};
    use std::{env, io};

    const TROUBLE: &str = "TORTURE_TROUBLE";
    const ROOT: &str = "TORTURE_ROOT";

    type Trouble = fn(&Path) -> Result<(), String>;

    /// The command around the child that causes the trouble.
    const TROUBLES: &[(&str, &[&str], Trouble)] = &[
        (
            "no descriptors",
            &["sh", "-c", "ulimit -n 40; exec \"$0\""],
            no_descriptors,
        ),
        (
            "a full disk",
            &["unshare", "--map-root-user", "--mount"],
            full_disk,
        ),
        (
            "a read-only disk",
            &["unshare", "--map-root-user", "--mount"],
            read_only_disk,
        ),
    ];

    pub fn run_in_children(scale: &Scale, count: &mut Count) {
        for (trouble, around, _) in TROUBLES {
            let root = scratch();
            let output = Command::new(around[0])
                .args(&around[1..])
                .arg(env::current_exe().expect("this program"))
                .env(TROUBLE, trouble)
                .env(ROOT, root.path())
                .env("TORTURE_CYCLES", scale.times(10, super::CYCLES).to_string())
                .output();
            let told = output.map(|output| {
                let told = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                let trace = String::from_utf8_lossy(&output.stderr).into_owned();
                (told, format!("{trouble}: {}: {trace}", output.status))
            });
            let (told, trace) = told.unwrap_or_else(|error| (String::new(), error.to_string()));
            match Told::parse(&told) {
                Some(Told::Counted(tried, violated, first)) => count.cases(tried, violated, first),
                Some(Told::NotHere) => count.note(format!("{trouble} cannot be made here")),
                // The child began, and did not finish.
                None if !can_begin(around) => count.note(format!("{trouble} cannot be made here")),
                None => count.case(Err(trace)),
            }
        }
    }

    /// The output of a child.
    enum Told<'a> {
        Counted(u64, u64, &'a str),
        NotHere,
    }

    impl<'a> Told<'a> {
        fn parse(told: &'a str) -> Option<Self> {
            if told == NOT_HERE {
                return Some(Self::NotHere);
            }
            let mut words = told.splitn(3, ' ');
            let mut number = || words.next()?.parse().ok();
            let (tried, violated) = (number()?, number()?);
            Some(Self::Counted(
                tried,
                violated,
                words.next().unwrap_or_default(),
            ))
        }
    }

    /// `true` if the command around a child can start a program.
    fn can_begin(around: &[&str]) -> bool {
        let mut command = Command::new(around[0]);
        command.args(&around[1..]).arg("true");
        succeed(command).is_ok()
    }

    /// Causes the trouble, if this process is the child for one, and does nothing else.
    pub fn child() -> Option<ExitCode> {
        let wanted = env::var(TROUBLE).ok()?;
        let root = env::var_os(ROOT)?;
        let cycles: u64 = env::var("TORTURE_CYCLES").ok()?.parse().ok()?;
        let (_, _, trouble) = TROUBLES.iter().find(|(name, _, _)| *name == wanted)?;
        let (mut violated, mut first) = (0, String::new());
        for _ in 0..cycles {
            match trouble(Path::new(&root)) {
                Err(trace) if trace == NOT_HERE => {
                    println!("{NOT_HERE}");
                    return Some(ExitCode::SUCCESS);
                }
                Err(trace) => {
                    violated += 1;
                    first = trace;
                }
                Ok(()) => {}
            }
        }
        println!("{cycles} {violated} {first}");
        Some(ExitCode::SUCCESS)
    }

    /// The output of a child that cannot cause the trouble on this machine.
    const NOT_HERE: &str = "not here";

    fn no_descriptors(root: &Path) -> Result<(), String> {
        let store = open(directory(root), SystemClock, Durability::None);
        set(&store)?;

        let mut open_files = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            open_files.push(file);
        }
        fails(&store)?;
        // A read needs one free descriptor; a write needs two.
        open_files.pop();
        open_files.pop();
        fails_or_works(&store, true)?;

        drop(open_files);
        set(&store)?;
        rule(temps(root) == 0, || "a temporary file is left".into())?;
        works(&store)
    }

    fn full_disk(root: &Path) -> Result<(), String> {
        let disk = mount(root)?;
        let store = open(directory(root), SystemClock, Durability::None);
        set(&store)?;

        let filling = root.join("filling");
        let filled = fs::write(&filling, vec![0; 2 << 20]);
        rule(filled.is_err(), || "the disk did not fill up".into())?;
        fails_or_works(&store, false)?;
        rule(temps(root) == 0, || "a temporary file is left".into())?;

        fs::remove_file(&filling).expect("room");
        set(&store)?;
        works(&store)?;
        drop(store);
        disk.unmount(root)
    }

    fn read_only_disk(root: &Path) -> Result<(), String> {
        let disk = mount(root)?;
        let store = open(directory(root), SystemClock, Durability::None);
        set(&store)?;

        disk.remount(root, "remount,ro")?;
        fails_to_write(&store)?;
        rule(store.get("key").is_ok(), || "get failed".into())?;
        disk.remount(root, "remount,rw")?;

        works(&store)?;
        drop(store);
        disk.unmount(root)
    }

    fn directory(root: &Path) -> NativeDirectory {
        NativeDirectory::open(root).expect("a directory")
    }

    /// A disk of one megabyte, in a mount namespace of this process alone.
    struct Disk;

    fn mount(root: &Path) -> Result<Disk, String> {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(root);
        succeed(mount).map(|()| Disk)
    }

    impl Disk {
        fn remount(&self, root: &Path, options: &str) -> Result<(), String> {
            let mut mount = Command::new("mount");
            mount.args(["-o", options]).arg(root);
            succeed(mount)
        }

        fn unmount(&self, root: &Path) -> Result<(), String> {
            let mut unmount = Command::new("umount");
            unmount.arg(root);
            succeed(unmount)
        }
    }

    fn succeed(mut command: Command) -> Result<(), String> {
        let status: io::Result<_> = command.status();
        let succeeded = status.is_ok_and(|status| status.success());
        rule(succeeded, || NOT_HERE.into())
    }
}
