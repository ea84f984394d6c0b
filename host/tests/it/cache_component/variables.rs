//! The environment variables of the component, and the line on standard error that says what to set or
//! grant. The tests use the `wit-host` command as users do.

use crate::{guests::Guest, wit_host_command};
use libtest_mimic::{Failed, Trial};
use rustix::fs::{CWD, Mode, mkfifoat};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;
use wit_host::{
    Component, Form, Limits, Part, Preopen, Runtime, RuntimeOptions, Sandbox, Sandboxes, compose,
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    let trial = |name: &str, run: fn() -> Result<(), Failed>| {
        Trial::test(format!("cache_component::{name}"), run)
    };
    vec![
        trial("a_value_that_makes_no_sense_is_refused", nonsense),
        trial("an_empty_variable_is_not_set", empty),
        trial("every_mode_of_cache_fsync_is_taken", modes),
        trial("cache_dir_says_where_entries_stand", places),
        trial("without_a_place_one_line_says_what_to_grant", no_place),
        trial("a_directory_that_fails_is_named_once", failing_directory),
        trial("a_store_of_a_newer_version_is_left_alone", newer_version),
        trial("cache_max_bytes_holds", bound),
        trial("a_complaint_is_one_harmless_line", harmless_line),
        trial("what_was_missing_may_come", later_setup),
        trial("a_plugs_variables_are_its_own_and_its_line_is_marked", plug),
    ]
}

const SET: &str = "set(\"key\", [7], none)";
const GET: &str = "get(\"key\")";
const STORED: &str = "ok\nok([7])\n";
const REFUSED: &str = "err(runtime-error)\nerr(runtime-error)\n";

/// Calls the component in a directory with the directories `a`, `b` and `b/c`.
struct World {
    directory: TempDir,
}

impl World {
    fn new() -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        fs::create_dir_all(directory.path().join("a"))?;
        fs::create_dir_all(directory.path().join("b/c"))?;
        Ok(Self { directory })
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn invoke(&self, flags: &[&str], calls: &[&str]) -> Result<Output, Failed> {
        let output = self
            .command("invoke")
            .arg(Guest::CacheImpl.path()?)
            .args(flags)
            .args(calls)
            .output()?;
        if !output.status.success() {
            return Err(format!("{flags:?}: {output:?}").into());
        }
        Ok(output)
    }

    fn command(&self, subcommand: &str) -> Command {
        let mut command = wit_host_command();
        command.current_dir(self.directory.path()).arg(subcommand);
        command
    }

    /// Expects exactly these results of the calls, and exactly this text on standard error.
    fn expect(
        &self,
        flags: &[&str],
        calls: &[&str],
        results: &str,
        stderr: &str,
    ) -> Result<(), Failed> {
        let output = self.invoke(flags, calls)?;
        let found = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        if found == (results.into(), stderr.into()) {
            Ok(())
        } else {
            Err(format!(
                "{flags:?}: expected {:?}, found {found:?}",
                (results, stderr)
            )
            .into())
        }
    }

    /// The directories, among those given, that contain a store.
    fn stores<'a>(&self, of: &[&'a str]) -> Vec<&'a str> {
        let holds = |path: &&&str| self.path(path).join("v1").is_dir();
        of.iter().filter(holds).copied().collect()
    }
}

fn nonsense() -> Result<(), Failed> {
    let world = World::new()?;
    let variables: [(&str, &[&str], &str); 2] = [
        (
            "CACHE_FSYNC",
            &[
                "None",
                "FULL",
                " full",
                "full ",
                "fsync",
                "true",
                "0",
                "none,file",
            ],
            "`none`, `file` or `full`",
        ),
        (
            "CACHE_MAX_BYTES",
            &[
                "0",
                "-1",
                "+1",
                " 1",
                "1e9",
                "1_000",
                "1G",
                "0x10",
                "1.5",
                "18446744073709551616",
                "unlimited",
            ],
            "a number, in digits, from 4096",
        ),
    ];
    for (name, values, accepted) in variables {
        for value in values {
            let variable = format!("--env={name}={value}");
            let line = format!(
                "cache-impl: `{name}={value}` is not a valid value; set it to {accepted}\n"
            );
            let flags = ["--dir=a::/cache", &variable];
            world.expect(&flags, &[SET, GET], REFUSED, &line)?;
        }
    }
    match world.stores(&["a"])[..] {
        [] => Ok(()),
        _ => Err("a store was made all the same".into()),
    }
}

fn empty() -> Result<(), Failed> {
    let world = World::new()?;
    let flags = [
        "--dir=a::/cache",
        "--env=CACHE_DIR=",
        "--env=CACHE_FSYNC=",
        "--env=CACHE_MAX_BYTES=",
    ];
    world.expect(&flags, &[SET, GET], STORED, "")
}

fn modes() -> Result<(), Failed> {
    for mode in ["none", "file", "full"] {
        let world = World::new()?;
        let flags = ["--dir=a::/cache", &format!("--env=CACHE_FSYNC={mode}")];
        world.expect(&flags, &[SET, GET], STORED, "")?;
    }
    Ok(())
}

fn places() -> Result<(), Failed> {
    const A_AND_B: [&str; 2] = ["--dir=a::/cache", "--dir=b::/data"];
    const NESTED: [&str; 3] = ["--dir=.::/", "--dir=b::/data", "--dir=b/c::/data/near"];
    let cases: &[(&[&str], Option<&str>, &str)] = &[
        (&["--dir=a::/cache"], None, "a"),
        (&["--dir=a::/any/name"], None, "a"),
        (&A_AND_B, None, "a"),
        (&A_AND_B, Some("/cache"), "a"),
        (&A_AND_B, Some("/data"), "b"),
        (&A_AND_B, Some("data/"), "b"),
        (&A_AND_B, Some("/data/c"), "b/c"),
        (&A_AND_B, Some("/data/./new//deep/"), "b/new/deep"),
        (&NESTED, Some("/data/near"), "b/c"),
        (&NESTED, Some("/data/near/new"), "b/c/new"),
        (&NESTED, Some("/data"), "b"),
        (&NESTED, Some("/a"), "a"),
        (&NESTED, Some("/"), "."),
    ];
    let anywhere = [".", "a", "b", "b/c", "b/new/deep", "b/c/new"];
    for (grants, cache_dir, expected) in cases {
        let world = World::new()?;
        let variable = cache_dir.map(|place| format!("--env=CACHE_DIR={place}"));
        let flags: Vec<&str> = grants.iter().copied().chain(variable.as_deref()).collect();
        world.expect(&flags, &[SET, GET], STORED, "")?;
        let found = world.stores(&anywhere);
        if found != [*expected] {
            return Err(format!("{flags:?}: expected {expected}, found {found:?}").into());
        }
    }
    Ok(())
}

fn no_place() -> Result<(), Failed> {
    let cases: &[(&[&str], &str)] = &[
        (
            &[],
            "no directory to keep entries in; grant one to this component, for example with \
             `--dir NAME=./store::/cache` if it is the plug NAME",
        ),
        (
            &["--dir=a::/x", "--dir=b::/y"],
            "several directories are granted and none is `/cache`; name the one to keep entries in, \
             for example with `--env CACHE_DIR=/store`",
        ),
        (
            &["--dir=a::/cache", "--env=CACHE_DIR=/elsewhere"],
            "`CACHE_DIR=/elsewhere` names no granted directory and nothing in one; grant it, for \
             example with `--dir ./store::/elsewhere`",
        ),
        (
            &["--dir=a::/cache", "--env=CACHE_DIR=/cache/../b"],
            "`CACHE_DIR=/cache/../b` names no granted directory and nothing in one; grant it, for \
             example with `--dir ./store::/cache/../b`",
        ),
    ];
    for (flags, line) in cases {
        let world = World::new()?;
        world.expect(
            flags,
            &[SET, GET],
            REFUSED,
            &format!("cache-impl: {line}\n"),
        )?;
        if !world.stores(&["a", "b", "."]).is_empty() {
            return Err(format!("{flags:?}: a store was made all the same").into());
        }
    }
    Ok(())
}

/// Reading works, and each `set` fails; only the first failure prints a line.
fn failing_directory() -> Result<(), Failed> {
    let world = World::new()?;
    world.expect(&["--dir=a::/cache"], &[SET, GET], STORED, "")?;
    let line = "cache-impl: failed to use `/cache`; grant a directory that exists, can be read and \
                written, and has room\n";
    let results = "ok([7])\nerr(runtime-error)\nerr(runtime-error)\nok([7])\n";
    let calls = [GET, "set(\"key\", [8], none)", SET, GET];
    world.expect(&["--dir=a::/cache:ro"], &calls, results, line)?;

    // Neither a directory nor a link to one. Opening the FIFO must not wait.
    fs::write(world.path("b/file"), "")?;
    symlink("c", world.path("b/link"))?;
    mkfifoat(CWD, world.path("b/fifo"), Mode::RUSR | Mode::WUSR)?;
    for stranger in ["file", "link", "fifo"] {
        let place = format!("/data/{stranger}");
        let variable = format!("--env=CACHE_DIR={place}");
        let flags = ["--dir=b::/data", &variable, "--timeout=10s"];
        world.expect(
            &flags,
            &[SET, GET],
            REFUSED,
            &line.replace("/cache", &place),
        )?;
    }
    match world.stores(&["b", "b/c"])[..] {
        [] => Ok(()),
        _ => Err("a store was made all the same".into()),
    }
}

fn newer_version() -> Result<(), Failed> {
    let world = World::new()?;
    fs::create_dir(world.path("a/v2"))?;
    let line = "cache-impl: `/cache/v2` was written by a newer version of this cache; use that, or \
                another directory\n";
    for grant in ["--dir=a::/cache", "--dir=a::/cache/"] {
        world.expect(&[grant], &[SET, GET], REFUSED, line)?;
    }
    match world.stores(&["a"])[..] {
        [] => Ok(()),
        _ => Err("a store was made all the same".into()),
    }
}

/// Sets values of a hundredth of the bound each, in total five times the bound.
fn bound() -> Result<(), Failed> {
    const BOUND: u64 = 10_000;
    const SETS: usize = 500;
    let set = |number: usize| format!("set(\"key-{number}\", [{}], none)", "7, ".repeat(100));
    let sets: Vec<String> = (0..SETS).map(set).collect();
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let acknowledged = "ok\n".repeat(SETS);

    let world = World::new()?;
    let bounded = ["--dir=a::/cache", "--env=CACHE_MAX_BYTES=10000"];
    world.expect(&bounded, &sets, &acknowledged, "")?;
    world.expect(&["--dir=b::/cache"], &sets, &acknowledged, "")?;
    let (held, unbounded) = (
        bytes_of_entries(&world.path("a"))?,
        bytes_of_entries(&world.path("b"))?,
    );
    if held == 0 || held > BOUND || unbounded < 5 * BOUND {
        return Err(format!(
            "{held} bytes are held under a bound of {BOUND}, and {unbounded} under none"
        )
        .into());
    }
    // A value larger than the bound is refused, and evicts nothing.
    let too_large = format!("set(\"key\", [{}], none)", "7, ".repeat(BOUND as usize));
    let calls = [SET, &too_large, GET];
    world.expect(&bounded, &calls, "ok\nerr(runtime-error)\nok([7])\n", "")
}

/// The sum of the sizes of the files in the subdirectories.
fn bytes_of_entries(root: &Path) -> Result<u64, Failed> {
    let mut bytes = 0;
    for shelf in fs::read_dir(root.join("v1"))? {
        let shelf = shelf?.path();
        if shelf.is_dir() {
            for file in fs::read_dir(shelf)? {
                bytes += file?.metadata()?.len();
            }
        }
    }
    Ok(bytes)
}

/// The value of a variable is escaped and on one line, and is not cut.
fn harmless_line() -> Result<(), Failed> {
    let world = World::new()?;
    let long = "x".repeat(10_000);
    let value = format!("\x1b]0;title\x07\nerror: forged\r\t\x7f{long}");
    let shown = format!("?]0;title??error: forged???{long}");
    let line = format!(
        "cache-impl: `CACHE_FSYNC={shown}` is not a valid value; set it to `none`, `file` or `full`\n"
    );
    let flags = ["--dir=a::/cache", &format!("--env=CACHE_FSYNC={value}")];
    world.expect(&flags, &[SET, GET], REFUSED, &line)
}

/// A later call tries again to set up the store.
fn later_setup() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let newer = directory.path().join("v2");
    fs::create_dir(&newer)?;
    let part = Part::new("cache", Component::open(Guest::CacheImpl.path()?)?)?;
    let runtime = Runtime::new(&RuntimeOptions::default())?;
    let program = runtime.load(&compose(&part, &[], Form::Granted)?)?;
    let sandboxes =
        Sandboxes::new(Sandbox::new().preopen(Preopen::read_write(directory.path(), "/cache")));
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let results = tokio.block_on(async {
        let mut instance = program.instantiate(&sandboxes, &Limits::default()).await?;
        let refused = instance.invoke(&SET.parse()?).await?;
        fs::remove_dir(&newer)?;
        let accepted = instance.invoke(&SET.parse()?).await?;
        Ok::<_, Failed>([refused, accepted].map(|value| value.map(|value| value.to_string())))
    })?;
    let expected = ["err(runtime-error)", "ok"].map(|wave| Some(wave.to_owned()));
    if results == expected {
        Ok(())
    } else {
        Err(format!("{results:?}").into())
    }
}

/// The plug sees its own variables and not the consumer's.
fn plug() -> Result<(), Failed> {
    let world = World::new()?;
    let plug = format!("--plug=cache={}", Guest::CacheImpl.path()?.display());
    let grant = "--dir=cache=a::/cache";
    let check = |variable: &str| -> Result<Output, Failed> {
        let output = world
            .command("run")
            .arg(Guest::Hammer.path()?)
            .args([plug.as_str(), grant, variable])
            .args(["--", "check", "key"])
            .output()?;
        Ok(output)
    };
    let ignored = check("--env=CACHE_FSYNC=nonsense")?;
    if !ignored.status.success() || !ignored.stderr.is_empty() {
        return Err(format!("the consumer's variable reached the plug: {ignored:?}").into());
    }
    let refused = check("--env=cache=CACHE_FSYNC=nonsense")?;
    let stderr = String::from_utf8_lossy(&refused.stderr);
    let line = "[cache] cache-impl: `CACHE_FSYNC=nonsense` is not a valid value; set it to `none`, `file` \
                or `full`";
    if refused.status.code() == Some(1) && stderr.lines().any(|told| told == line) {
        Ok(())
    } else {
        Err(format!("expected `{line}`, found {refused:?}").into())
    }
}
