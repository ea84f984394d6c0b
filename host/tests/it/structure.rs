//! Rules of the source that neither the compiler nor a lint keeps.

use libtest_mimic::{Failed, Trial};
use std::{fs, path::Path};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![Trial::test(
        "structure::names_of_interfaces_are_parsed_in_one_place",
        names_are_parsed_in_one_place,
    )]
}

/// What code does that takes a name apart by itself, or compares it as a text.
const BY_HAND: [&str; 7] = [
    "split_once('@')",
    "split('@')",
    "find('@')",
    "rsplit('/')",
    "0.2.",
    "starts_with(\"wasi:",
    "are_semver_compatible",
];

/// Only `names/` takes the name of an interface apart.
fn names_are_parsed_in_one_place() -> Result<(), Failed> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut looked_at = 0;
    let mut found = Vec::new();
    let mut open = vec![source.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                if path != source.join("names") {
                    open.push(path);
                }
                continue;
            }
            looked_at += 1;
            let text = fs::read_to_string(&path)?;
            for (number, line) in code(&text) {
                if BY_HAND.iter().any(|by_hand| line.contains(by_hand)) {
                    found.push(format!("{}:{number}: {line}", path.display()));
                }
            }
        }
    }
    if looked_at < 50 {
        return Err(format!("only {looked_at} files were looked at").into());
    }
    match found.as_slice() {
        [] => Ok(()),
        found => Err(format!(
            "names of interfaces are taken apart outside of `names/`:\n{}",
            found.join("\n")
        )
        .into()),
    }
}

/// The lines of a file before its tests, without comments, each with its number.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| *line != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(at, line)| (at + 1, line))
}
