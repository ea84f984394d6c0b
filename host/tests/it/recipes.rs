//! The recipes report failures of the programs that they run.

use crate::{
    guests::{self, Guest},
    rooms::{Client, command::ServerProcess, tokio},
};
use libtest_mimic::{Failed, Trial};
use std::{
    ffi::OsString,
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Output},
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "recipes::torture_tries_all_parts_and_names_those_that_failed",
            torture_goes_on,
        ),
        Trial::test("recipes::torture_of_one_part_tries_no_other", one_part),
        Trial::test(
            "recipes::an_unknown_guest_is_an_error_that_names_the_others",
            unknown_guest,
        ),
        Trial::test(
            "recipes::a_folder_with_a_world_and_cpp_is_a_guest",
            new_cpp_guest,
        ),
        Trial::test("recipes::a_guest_is_built_for_each_of_its_targets", targets),
        Trial::test(
            "recipes::only_the_library_and_its_cache_are_published",
            published,
        ),
        Trial::test(
            "recipes::the_table_of_examples_has_every_guest_in_them",
            table_of_examples,
        ),
        guests::trial(
            "recipes::serve_serves_a_page_and_its_room".to_owned(),
            missing_just(),
            serve,
        ),
    ]
}

/// A replacement for cargo that prints its arguments, and fails for one part.
const CARGO: &str = "#!/bin/sh
echo \"TORTURE=$TORTURE cargo $*\"
case $* in
*torture::) exit 101 ;;
*--release*) exit 101 ;;
esac
";

const FIRST: &str = "TORTURE=1 cargo test -p wit-host-dir-cache --release --test torture\n";
const LAST: &str = "TORTURE=1 cargo test --workspace --test it -- redis::\n";

fn torture_goes_on() -> Result<(), Failed> {
    let output = torture(&[])?;
    let tried = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    let is_whole = tried.starts_with(FIRST) && tried.ends_with(LAST);
    let names_failures = told.starts_with("error: failed: `dir-cache` `torture`;");
    if is_whole && names_failures && output.status.code() == Some(1) {
        Ok(())
    } else {
        Err(format!("{}\n{tried}{told}", output.status).into())
    }
}

fn one_part() -> Result<(), Failed> {
    let output = torture(&["redis"])?;
    if output.status.success() && output.stdout == LAST.as_bytes() && output.stderr.is_empty() {
        Ok(())
    } else {
        Err(format!("{output:?}").into())
    }
}

fn torture(parts: &[&str]) -> Result<Output, Failed> {
    let bin = tempfile::tempdir()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/torture");
    Ok(Command::new(script)
        .args(parts)
        .env("PATH", path_with_cargo(bin.path(), CARGO)?)
        .output()?)
}

/// Writes a replacement for cargo into a directory, and returns the value of `PATH` by which it is found first.
fn path_with_cargo(bin: &Path, replacement: &str) -> Result<OsString, Failed> {
    let cargo = bin.join("cargo");
    fs::write(&cargo, replacement)?;
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(paths)?)
}

/// The reason why no recipe can be run; `None` if one can. `./just` would install `just` first.
fn missing_just() -> Option<String> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/just");
    let is_there = std::env::var_os("CI").is_some()
        || installed.exists()
        || Command::new("just").arg("--version").output().is_ok();
    (!is_there).then(|| "`just` is missing; run `./just`".to_owned())
}

/// The host and the guest are built already, so that cargo has nothing to do.
fn serve() -> Result<(), Failed> {
    let target = tempfile::tempdir()?;
    fs::create_dir(target.path().join("debug"))?;
    symlink(crate::wit_host(), target.path().join("debug/wit-host"))?;
    let chat = Guest::Chat.path()?;
    let just = Path::new(env!("CARGO_MANIFEST_DIR")).join("../just");
    let mut command = Command::new(just);
    command
        .args(["serve", "chat"])
        .env(
            "PATH",
            path_with_cargo(target.path(), "#!/bin/sh\nexit 0\n")?,
        )
        .env("CARGO_TARGET_DIR", target.path())
        .env(
            "WIT_HOST_TEST_GUESTS",
            chat.parent().ok_or("it is in a directory")?,
        )
        // The chat needs no compiler for C++.
        .env("WASM_CXX", "false")
        .env("XDG_CACHE_HOME", crate::code_cache());
    let server = ServerProcess::start(&mut command)?;
    let mut browser = TcpStream::connect(&server.address)?;
    browser.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut page = String::new();
    browser.read_to_string(&mut page)?;
    assert!(page.contains("<title>Chat</title>"), "{page}");
    tokio()?.block_on(async {
        let url = format!("ws://{}/lobby?name=ann", server.address);
        let mut client = Client::connect(&url).await?;
        let welcome = client.text().await?;
        assert!(welcome.starts_with(r#"{"type":"welcome","#), "{welcome}");
        Ok::<_, Failed>(())
    })?;
    server.stop()?;
    Ok(())
}

fn unknown_guest() -> Result<(), Failed> {
    for recipe in ["check", "build"] {
        let output = guests::script().args([recipe, "cache.impl"]).output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        let names_others = told.starts_with("error: there is no guest `cache.impl`; there are ")
            && told.contains(" `cache-impl`")
            && told.contains(" `cpp-lru`")
            && told.contains(" `hammer`");
        if output.status.code() != Some(2) || !names_others || !output.stdout.is_empty() {
            return Err(format!("{output:?}").into());
        }
    }
    Ok(())
}

/// The recipes run in a copy of the scripts, so that the repository is not changed.
fn new_cpp_guest() -> Result<(), Failed> {
    let repository = tempfile::tempdir()?;
    let root = repository.path();
    fs::create_dir_all(root.join("scripts"))?;
    fs::create_dir_all(root.join("examples/rooms/lobby"))?;
    fs::create_dir_all(root.join("examples/only-words"))?;
    fs::write(root.join("examples/only-words/README.md"), "no guest")?;
    fs::write(root.join("examples/rooms/lobby/world"), "consumer\n")?;
    for script in ["guest", "build-cpp-guest"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
        fs::copy(from.join(script), root.join("scripts").join(script))?;
    }
    // This replacement of the compiler is asked for its version before anything is built.
    fs::write(root.join("scripts/wasm-cxx"), "#!/bin/sh\nexit 3\n")?;
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(root.join("scripts/wasm-cxx"), mode)?;

    let guest = |arguments: &[&str]| {
        Command::new(root.join("scripts/guest"))
            .args(arguments)
            .output()
    };
    let list = guest(&["list"])?;
    let check = guest(&["check", "lobby"])?;
    if list.stdout == b"lobby\n" && check.status.code() == Some(3) {
        Ok(())
    } else {
        Err(format!("{list:?} {check:?}").into())
    }
}

/// A replacement for cargo that writes its arguments to a file, and names that file in its answer.
const BUILDING_CARGO: &str = r#"#!/bin/sh
echo "$*" > built.wasm
echo "{\"filenames\":[\"$PWD/built.wasm\"]}"
"#;

/// The recipes run in a copy of the scripts, so that the repository is not changed.
fn targets() -> Result<(), Failed> {
    let repository = tempfile::tempdir()?;
    let root = repository.path();
    fs::create_dir_all(root.join("scripts"))?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/guest");
    fs::copy(script, root.join("scripts/guest"))?;
    let cargo = root.join("cargo");
    fs::write(&cargo, BUILDING_CARGO)?;
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755))?;
    for (name, targets) in [
        ("hall", None),
        ("lobby", Some("wasm32-unknown-unknown\n")),
        ("two-doors", Some("wasm32-wasip2\nwasm32-wasip1\n")),
    ] {
        let folder = root.join("examples").join(name);
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("Cargo.toml"), "")?;
        fs::write(folder.join("src/main.rs"), "")?;
        if let Some(targets) = targets {
            fs::write(folder.join("targets"), targets)?;
        }
    }

    let into = root.join("built");
    let output = Command::new(root.join("scripts/guest"))
        .args(["build", "--into"])
        .arg(&into)
        .args(["hall", "lobby", "two-doors"])
        .env("CARGO", &cargo)
        .env_remove("WIT_HOST_TEST_GUESTS")
        .output()?;
    let mut expected = String::new();
    for (file, target) in [
        ("hall.wasm", "wasm32-wasip2"),
        ("lobby.wasm", "wasm32-unknown-unknown"),
        ("two_doors.wasm", "wasm32-wasip2"),
        ("two_doors_module.wasm", "wasm32-wasip1"),
    ] {
        let path = into.join(file);
        let arguments = fs::read_to_string(&path).unwrap_or_default();
        if !arguments.contains(&format!("--target {target} ")) {
            return Err(format!("`{file}` is built by `cargo {arguments}`: {output:?}").into());
        }
        expected += &format!("{}\n", path.display());
    }
    if output.status.success() && output.stdout == expected.as_bytes() {
        Ok(())
    } else {
        Err(format!("{output:?}").into())
    }
}

fn table_of_examples() -> Result<(), Failed> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let table = fs::read_to_string(examples.join("README.md"))?;
    let output = guests::script().arg("list").output()?;
    let mut tried = 0;
    for name in String::from_utf8(output.stdout)?.lines() {
        for folder in [name.to_owned(), format!("data-in-and-out/{name}")] {
            if examples.join(&folder).exists() {
                tried += 1;
                if !table.contains(&format!("\n| [`{name}`]({folder}) |")) {
                    return Err(format!("`examples/README.md` has no line for `{folder}`").into());
                }
            }
        }
    }
    if tried < 6 {
        return Err(format!("{tried} guests are in `examples/`").into());
    }
    Ok(())
}

fn published() -> Result<(), Failed> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let published: Vec<_> = packages
        .filter(|package| package["publish"].is_null())
        .filter_map(|package| package["name"].as_str())
        .collect();
    if published.len() == 2 && published.iter().all(|name| PUBLISHED.contains(name)) {
        Ok(())
    } else {
        Err(format!("published: {published:?}; expected: {PUBLISHED:?}").into())
    }
}

const PUBLISHED: [&str; 2] = ["wit-host", "wit-host-dir-cache"];
