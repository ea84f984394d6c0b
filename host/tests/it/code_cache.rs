//! Trust of the code cache. Compiled code that another user could have put there is never used: the
//! program is compiled again, or the directory is refused.

use crate::guests::trial;
use libtest_mimic::{Failed, Trial};
use std::{
    fs, io,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};
use wit_host::{CodeCache, CodeCacheError, PartName, Runtime, RuntimeOptions, Wasm};

/// Another user, and its group.
const OTHER: u32 = 65_534;

/// The program in the code cache. Other code lacks its export.
const PROGRAM: &str = "(module (func (export \"_start\")))";

/// The number of tries that an attacker, who renames files in a loop, gets.
const TRIES: u32 = 300;

/// The trials.
pub fn trials() -> Vec<Trial> {
    let by_root = |name: &str, run: fn() -> Result<(), Failed>| {
        trial(format!("code_cache::{name}"), why_not_root(), run)
    };
    vec![
        by_root("another_users_file_is_replaced", another_users_file),
        by_root(
            "another_users_directory_is_refused",
            another_users_directory,
        ),
        by_root("another_users_link_is_refused", another_users_link),
        by_root(
            "below_the_administrators_directories_a_user_has_one",
            below_the_administrators,
        ),
        by_root("one_of_the_group_swaps_directories", swapped_by_the_group),
        by_root("another_user_swaps_links", swapped_links),
        Trial::test("code_cache::this_user_swaps_files", swapped_files),
    ]
}

fn why_not_root() -> Option<String> {
    let is_root = rustix::process::geteuid().is_root();
    (!is_root).then(|| "needs root, to act for another user".to_owned())
}

/// A directory that other users can read.
fn root() -> Result<tempfile::TempDir, Failed> {
    let root = tempfile::tempdir()?;
    set_mode(root.path(), 0o755)?;
    Ok(root)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Failed> {
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

fn directory(path: PathBuf) -> Result<PathBuf, Failed> {
    fs::create_dir_all(&path)?;
    Ok(path)
}

/// Loads a program with this cache.
fn load(cache: CodeCache) -> Result<(), Failed> {
    let module = Wasm::parse("one", PROGRAM.as_bytes().to_vec())?;
    let options = RuntimeOptions::new().code_cache(cache);
    let runtime = Runtime::new(&options)?;
    let name: PartName = "one".parse()?;
    Ok(runtime.load_module(&name, &module)?.expect_command()?)
}

fn kept_files(directory: &Path) -> Result<Vec<PathBuf>, Failed> {
    let entries = fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
    Ok(entries.into_iter().map(|entry| entry.path()).collect())
}

/// A cache that contains the program, and the file of its code.
fn kept(directory: &Path) -> Result<PathBuf, Failed> {
    load(CodeCache::open(directory)?)?;
    match kept_files(directory)?.as_slice() {
        [file] => Ok(file.clone()),
        files => Err(format!("expected one file, found {files:?}").into()),
    }
}

fn expect_refused(path: &Path, expected: &str) -> Result<(), Failed> {
    match CodeCache::open(path) {
        Err(CodeCacheError::NotOwn { why, .. }) if why.contains(expected) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err(format!("`{}` is used", path.display()).into()),
    }
}

fn another_users_file() -> Result<(), Failed> {
    let root = root()?;
    let file = kept(root.path())?;
    let inode = || -> Result<u64, Failed> { Ok(fs::symlink_metadata(&file)?.ino()) };
    let mut before = inode()?;
    load(CodeCache::open(root.path())?)?;
    assert_eq!(before, inode()?, "what is its own is taken");

    let elsewhere = root.path().join("elsewhere");
    type Make<'a> = &'a dyn Fn() -> Result<(), Failed>;
    let foreign: [(&str, Make); 3] = [
        ("of another user", &|| Ok(chown(&file, Some(OTHER), None)?)),
        ("a link to a file of its own", &|| {
            fs::rename(&file, &elsewhere)?;
            Ok(symlink(&elsewhere, &file)?)
        }),
        ("a file with a second name", &|| {
            fs::remove_file(&elsewhere)?;
            Ok(fs::hard_link(&file, &elsewhere)?)
        }),
    ];
    for (what, make) in foreign {
        make()?;
        before = inode()?;
        load(CodeCache::open(root.path())?)?;
        assert_ne!(before, inode()?, "{what}");
    }
    Ok(())
}

fn another_users_directory() -> Result<(), Failed> {
    let root = root()?;
    let above = directory(root.path().join("above"))?;
    let own = directory(above.join("own"))?;
    CodeCache::open(&own)?;
    chown(&own, Some(OTHER), None)?;
    expect_refused(&own, "it belongs to another user")?;
    chown(&own, Some(0), None)?;
    chown(&above, Some(OTHER), None)?;
    expect_refused(&own, "above it: it belongs to another user")?;
    // The owner can replace files in the directory with any mode.
    set_mode(&above, 0o1755)?;
    expect_refused(&own, "above it: it belongs to another user")?;
    // Other users may be members of the user's own group.
    chown(&above, Some(0), Some(OTHER))?;
    CodeCache::open(&own)?;
    set_mode(&above, 0o775)?;
    expect_refused(&own, "above it: its group may write it")?;
    chown(&above, Some(0), Some(0))?;
    expect_refused(&own, "above it: its group may write it")
}

fn another_users_link() -> Result<(), Failed> {
    let root = root()?;
    let own = directory(root.path().join("own"))?;
    let shared = directory(root.path().join("shared"))?;
    set_mode(&shared, 0o1777)?;
    let link = shared.join("link");
    symlink(&own, &link)?;
    CodeCache::open(&link)?;
    std::os::unix::fs::lchown(&link, Some(OTHER), None)?;
    expect_refused(&link, "is another user's link")?;
    expect_refused(&link.join("below"), "is another user's link")
}

/// Runs the command as a user other than root, below directories that belong to root.
fn below_the_administrators() -> Result<(), Failed> {
    let root = root()?;
    // The build may be in a directory that only root can read.
    let command = root.path().join("wit-host");
    fs::copy(crate::wit_host(), &command)?;
    let hello = root.path().join("hello.wat");
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/run/plain-module/hello.wat"),
        &hello,
    )?;
    let home = directory(root.path().join("home"))?;
    chown(&home, Some(OTHER), Some(OTHER))?;
    for mode in [0o755, 0o775] {
        set_mode(&home, mode)?;
        let mut run = Command::new(&command);
        run.arg("run")
            .arg(&hello)
            .env("WIT_HOST_CACHE", home.join("code"))
            .current_dir(root.path())
            .uid(OTHER)
            .gid(OTHER);
        let output = output_of_copy(&mut run)?;
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_refused = message.contains("its group may write it");
        if output.status.success() != (mode == 0o755) || is_refused != (mode == 0o775) {
            return Err(format!("mode {mode:o}: {message}").into());
        }
    }
    match kept_files(&home.join("code"))?.as_slice() {
        [file] => assert_eq!(fs::metadata(file)?.uid(), OTHER),
        files => return Err(format!("expected one file, found {files:?}").into()),
    }
    Ok(())
}

/// Runs a program that was just copied. A process that another test has started meanwhile may have
/// inherited the open copy; until it closes the file, the program cannot be run.
fn output_of_copy(command: &mut Command) -> io::Result<Output> {
    let mut output = command.output();
    for _ in 0..500 {
        match &output {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {}
            _ => break,
        }
        thread::sleep(Duration::from_millis(10));
        output = command.output();
    }
    output
}

/// A process that repeats a command until it is dropped.
struct Loop(Child);

impl Loop {
    fn start(shell: &mut Command, script: &str, directory: &Path) -> Result<Self, Failed> {
        let script = format!("while :; do {script}; done 2>/dev/null");
        let child = shell
            .args(["-c", &script])
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    /// Runs as another user who is in the group of this one.
    fn of_the_group(script: &str, directory: &Path) -> Result<Self, Failed> {
        Self::start(Command::new("sh").uid(OTHER).gid(0), script, directory)
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        // If killing fails, the process has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Counts the tries in which the attack succeeds; there must be none.
fn count(mut succeeds: impl FnMut() -> Result<bool, Failed>) -> Result<(), Failed> {
    let mut successes = 0;
    for _ in 0..TRIES {
        successes += u32::from(succeeds()?);
    }
    println!("swapped meanwhile: tried {TRIES}, violated {successes}");
    match successes {
        0 => Ok(()),
        _ => Err(format!("{successes} of {TRIES} succeeded").into()),
    }
}

/// The directory above the cache is writable by its group: a member of the group replaces the cache
/// by another directory of this user.
fn swapped_by_the_group() -> Result<(), Failed> {
    let root = root()?;
    let shared = directory(root.path().join("shared"))?;
    let cache = directory(shared.join("cache"))?;
    directory(shared.join("chosen"))?;
    set_mode(&shared, 0o770)?;
    let swap = "mv cache a; mv chosen cache; mv cache chosen; mv a cache";
    let _attacker = Loop::of_the_group(swap, &shared)?;
    count(|| Ok(CodeCache::open(&cache).is_ok()))
}

/// All users may add names to the directory above, as in `/tmp`: another user creates there, in turn,
/// a link to a directory of this user, and a directory.
fn swapped_links() -> Result<(), Failed> {
    let root = root()?;
    let shared = directory(root.path().join("shared"))?;
    let chosen = directory(root.path().join("chosen"))?;
    set_mode(&shared, 0o1777)?;
    let name = shared.join("name");
    let swap = "ln -s ../chosen name; rm name; mkdir name; rmdir name";
    let _attacker = Loop::of_the_group(swap, &shared)?;
    count(|| {
        if let Ok(cache) = CodeCache::open(&name) {
            load(cache)?;
            // The cache was missing and was created; the other user gets the next chance.
            if fs::metadata(&name).is_ok_and(|found| found.uid() == 0) {
                fs::remove_dir_all(&name)?;
            }
        }
        let files = kept_files(&chosen)?;
        files.iter().try_for_each(fs::remove_file)?;
        Ok(!files.is_empty())
    })
}

/// Another process of this user replaces the file of the cache by the code of another program and by
/// half of the right one. Each load still gets the right program.
fn swapped_files() -> Result<(), Failed> {
    let root = root()?;
    let file = kept(root.path())?;
    let options = RuntimeOptions::new().code_cache(CodeCache::open(root.path())?);
    let runtime = Runtime::new(&options)?;
    let other = Wasm::parse("other", b"(module)".to_vec())?;
    let name: PartName = "one".parse()?;
    runtime.load_module(&name, &other)?;
    let wrong = kept_files(root.path())?;
    let wrong = wrong.into_iter().find(|found| *found != file);
    let wrong = wrong.ok_or("the code of the other program was not kept")?;

    let work = directory(root.path().join("work"))?;
    let whole = fs::read(&file)?;
    for (name, bytes) in [
        ("wrong", fs::read(wrong)?),
        ("half", whole[..whole.len() / 2].into()),
    ] {
        fs::write(work.join(name), bytes)?;
        set_mode(&work.join(name), 0o500)?;
    }
    let place = file.display();
    let swap = format!("for f in wrong half; do cp -p $f new; mv -f new '{place}'; done");
    let _attacker = Loop::start(&mut Command::new("sh"), &swap, &work)?;
    let right = Wasm::parse("one", PROGRAM.as_bytes().to_vec())?;
    count(|| {
        let program = runtime.load_module(&name, &right)?;
        Ok(program.expect_command().is_err())
    })
}
