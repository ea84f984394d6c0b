//! The recipes report failures of the programs that they run.

use libtest_mimic::{Failed, Trial};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
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

const FIRST: &str = "TORTURE=1 cargo test -p cache-impl --release --test torture\n";
const LAST: &str = "TORTURE=1 cargo test -p wit-host --test it -- traps::\n";

fn torture_goes_on() -> Result<(), Failed> {
    let output = torture(&[])?;
    let tried = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    let is_whole = tried.starts_with(FIRST) && tried.ends_with(LAST);
    let names_failures = told.starts_with("error: failed: `cache-impl` `torture`;");
    if is_whole && names_failures && output.status.code() == Some(1) {
        Ok(())
    } else {
        Err(format!("{}\n{tried}{told}", output.status).into())
    }
}

fn one_part() -> Result<(), Failed> {
    let output = torture(&["traps"])?;
    if output.status.success() && output.stdout == LAST.as_bytes() && output.stderr.is_empty() {
        Ok(())
    } else {
        Err(format!("{output:?}").into())
    }
}

fn torture(parts: &[&str]) -> Result<Output, Failed> {
    let bin = tempfile::tempdir()?;
    let cargo = bin.path().join("cargo");
    fs::write(&cargo, CARGO)?;
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(bin.path().to_owned()).chain(std::env::split_paths(&path));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/torture");
    Ok(Command::new(script)
        .args(parts)
        .env("PATH", std::env::join_paths(paths)?)
        .output()?)
}
