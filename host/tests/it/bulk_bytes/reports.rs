//! What is said about functions that are carried as strings.

use crate::{
    conformance::all_pass,
    guests::{Guest, trial},
    stock_engine, wit_host,
};
use libtest_mimic::{Failed, Trial};
use std::{fs, path::Path, process::Command};
use wit_component::{OutputToString, WitPrinter, decode};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("bulk::the_cache_passes_its_values_in_bulk", cache_in_bulk),
        Trial::test("bulk::conformance_in_both_forms::rust", || {
            conforms(&[Guest::CacheImpl])
        }),
        trial(
            "bulk::conformance_in_both_forms::cpp".to_owned(),
            Guest::CppLru.missing_toolchain(),
            || conforms(&[Guest::CppLru, Guest::CacheImpl]),
        ),
    ]
}

/// The program that checks any cache passes all checks on these plugs, composed in both forms: in this host and in the
/// stock engine. Both forms have the same imports and exports.
fn conforms(plugs: &[Guest]) -> Result<(), Failed> {
    let mut worlds = Vec::new();
    for flags in [&[][..], &["--bulk-bytes"]] {
        let directory = tempfile::tempdir()?;
        let out = directory.path().join("out.wasm");
        let mut compose = Command::new(wit_host());
        compose.arg("compose").arg(Guest::Conformance.path()?);
        for plug in plugs {
            compose.arg("--plug").arg(plug.path()?);
        }
        let composed = compose.args(flags).arg("-o").arg(&out).output()?;
        if !composed.status.success() {
            return Err(String::from_utf8_lossy(&composed.stderr).into());
        }
        let store = format!("{}::/cache", directory.path().display());
        let arguments = ["--seed", "1", "--size", "300", "--max-value", "1MiB"];
        let run = Command::new(wit_host())
            .args(["run", "--dir", &store])
            .arg(&out)
            .arg("--")
            .args(arguments)
            .output()?;
        all_pass(&run).map_err(|failed| with_flags(failed, flags))?;
        let run = stock_engine::run(&out, None, Some(directory.path()), &arguments)?;
        all_pass(&run).map_err(|failed| with_flags(failed, flags))?;
        worlds.push(world_of(&out)?);
    }
    match worlds[0] == worlds[1] {
        true => Ok(()),
        false => Err(worlds.join("\n").into()),
    }
}

fn with_flags(failed: Failed, flags: &[&str]) -> Failed {
    format!("{flags:?}: {}", failed.message().unwrap_or_default()).into()
}

/// The imports and exports of a component.
fn world_of(component: &Path) -> Result<String, Failed> {
    let decoded = decode(&fs::read(component)?)?;
    let mut printer = WitPrinter::<OutputToString>::default();
    printer.print(decoded.resolve(), decoded.package(), &[])?;
    Ok(printer.output.into())
}

/// `compose --bulk-bytes` writes the same bytes each time, and the plain form without the flag.
fn cache_in_bulk() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let mut written = Vec::new();
    for flags in [&["--bulk-bytes", "-v"][..], &["--bulk-bytes"], &[]] {
        let out = directory.path().join("out.wasm");
        let output = Command::new(wit_host())
            .arg("compose")
            .arg(Guest::RustConsumer.path()?)
            .arg("--plug")
            .arg(Guest::CacheImpl.path()?)
            .args(flags)
            .arg("-o")
            .arg(&out)
            .output()?;
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(messages.into());
        }
        let says = |line: &str| messages.lines().any(|one| one == line);
        let edge = "rust-consumer → cache-impl: `toolkit:cache/cache@0.1.0";
        if flags.contains(&"-v")
            && !(says(&format!("{edge}#get`: bytes in bulk"))
                && says(&format!("{edge}#set`: bytes in bulk"))
                && says(&format!(
                    "{edge}#delete`: plain: it passes no byte list outside of other lists"
                )))
        {
            return Err(messages.into());
        }
        written.push(fs::read(out)?);
    }
    match written[0] == written[1] && written[0] != written[2] {
        true => Ok(()),
        false => Err("the forms are not distinguished by the flag alone".into()),
    }
}
