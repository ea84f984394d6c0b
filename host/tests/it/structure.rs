//! Invariants of the host's source that neither the compiler nor a lint enforces.

mod layers;
mod length;
mod names;
mod output;
mod source;
mod unsafe_code;

use libtest_mimic::{Failed, Trial};
use source::SourceFile;

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("structure::rooms_depend_only_downward", || {
            holds(layers::violations)
        }),
        Trial::test("structure::only_the_command_prints_and_exits", || {
            holds(output::violations)
        }),
        Trial::test("structure::unsafe_code_is_only_where_documented", || {
            let documented = unsafe_code::documented()?;
            holds(|files| unsafe_code::violations(files, &documented))
        }),
        Trial::test(
            "structure::names_of_interfaces_are_parsed_in_one_place",
            || holds(names::violations),
        ),
        Trial::test("structure::files_are_short", || holds(length::violations)),
        Trial::test("structure::violations_are_found", violations_are_found),
    ]
}

/// Fails with the violations of an invariant, each of which names a file, and a line if there is one.
fn holds(violations: impl Fn(&[SourceFile]) -> Vec<String>) -> Result<(), Failed> {
    let files = source::of_the_host()?;
    if files.len() < 50 {
        return Err(format!("only {} files were found", files.len()).into());
    }
    match violations(&files).as_slice() {
        [] => Ok(()),
        violations => Err(violations.join("\n").into()),
    }
}

/// Each invariant fails for a file that violates it, and not for one that only mentions it.
fn violations_are_found() -> Result<(), Failed> {
    let documented = ["wasm/listed.rs".to_owned()];
    let found = |path: &str, text: &str| {
        let files = [SourceFile::new(path, text)];
        let mut found = layers::violations(&files);
        found.extend(output::violations(&files));
        found.extend(unsafe_code::violations(&files, &documented));
        found.extend(length::violations(&files));
        found.extend(names::violations(&files));
        let here = format!("host/src/{path}:");
        found.retain(|violation| violation.starts_with(&here));
        found
    };
    for (path, text, line) in [
        ("wasm/a.rs", "use crate::compose::Part;", 1),
        (
            "wasm/a.rs",
            "use crate::{\n    names,\n    compose::Part,\n};",
            3,
        ),
        ("wasm/a.rs", "fn f(_: &crate::sandbox::Sandbox) {}", 1),
        ("wasm/a.rs", "use crate::Sandbox;", 1),
        ("wasm/a.rs", "use crate::cli::run;", 1),
        ("attic.rs", "struct A;", 1),
        ("wasm/a.rs", "\nfn f() { println!(\"a\") }", 2),
        ("wasm/a.rs", "let text = \"// \"; dbg!(text);", 1),
        (
            "wasm/a.rs",
            "use std::process;\nfn f() { process::exit(1) }",
            2,
        ),
        ("wasm/a.rs", "use std::io::stderr;", 1),
        ("wasm/a.rs", "use clap::Parser;", 1),
        (
            "wasm/a.rs",
            "// split('@')\nlet version = name.split('@');",
            2,
        ),
        ("wasm/a.rs", "let quote = '\"'; unsafe { f() }", 1),
        ("wasm/a.rs", &"\n".repeat(401), 401),
    ] {
        let found = found(path, text);
        let expected = format!("host/src/{path}:{line}: ");
        if found.len() != 1 || !found[0].starts_with(&expected) {
            return Err(format!("{text:?} in {path}: {found:?}").into());
        }
    }
    for (path, text) in [
        (
            "cli/a.rs",
            "use crate::compose::Part; fn f() { println!(\"a\") }",
        ),
        (
            "compose/a.rs",
            "use crate::{names::part::PartName, compose::Part};",
        ),
        ("wasm/a.rs", "//! See [`crate::compose`]. unsafe println!()"),
        (
            "wasm/a.rs",
            "let text = \"unsafe println!() crate::compose\"; // clap",
        ),
        (
            "wasm/a.rs",
            "#[expect(unsafe_code, reason = \"a \\\" unsafe\")]",
        ),
        (
            "wasm/a.rs",
            "#[cfg(test)]\nmod tests { use crate::compose::Part; }",
        ),
        ("wasm/listed.rs", "unsafe { f() }"),
        ("names/a.rs", "name.split('@')"),
        ("wasm/a.rs", &"\n".repeat(400)),
    ] {
        let found = found(path, text);
        if !found.is_empty() {
            return Err(format!("{text:?} in {path}: {found:?}").into());
        }
    }
    Ok(())
}
