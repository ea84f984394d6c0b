//! Golden cases. A case is a folder in `tests/cases/` that holds input files and a `transcript`:
//!
//! ```text
//! $ wit-host compose consumer.wat --plug cache.wat -o out.wasm
//! what it prints on standard output
//! ! what it prints on standard error
//! [exit 125]
//! + out.wasm
//! ```
//!
//! The lines that start with `$ ` are run by `sh` in a copy of the folder; everything between
//! them must come out again: output, exit code unless it is 0, and the files that appeared.

use libtest_mimic::{Failed, Trial};
use std::{
    collections::BTreeSet,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const TRANSCRIPT: &str = "transcript";

/// One trial a case.
pub fn trials() -> Vec<Trial> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut found = Vec::new();
    find_cases(&cases, &mut found).expect("tests/cases can be listed");
    found.sort();
    found
        .into_iter()
        .map(|case| {
            let name = case
                .strip_prefix(&cases)
                .expect("a case is below")
                .display()
                .to_string();
            Trial::test(format!("golden::{name}"), move || check(&case))
        })
        .collect()
}

fn find_cases(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.join(TRANSCRIPT).exists() {
            found.push(path);
        } else if path.is_dir() {
            find_cases(&path, found)?;
        }
    }
    Ok(())
}

fn check(case: &Path) -> Result<(), Failed> {
    let path = case.join(TRANSCRIPT);
    let expected = fs::read_to_string(&path)?;
    let actual = replay(case, &expected)?;
    if actual == expected {
        Ok(())
    } else if std::env::var_os("BLESS").is_some() {
        fs::write(path, actual)?;
        Ok(())
    } else {
        Err(format!(
            "{} differs; BLESS=1 accepts the new one\n--- expected\n{expected}\n--- actual\n{actual}",
            path.display()
        )
        .into())
    }
}

/// Runs the commands of a transcript and writes it anew.
fn replay(case: &Path, transcript: &str) -> Result<String, Failed> {
    let work = tempfile::tempdir()?;
    for entry in fs::read_dir(case)? {
        let entry = entry?;
        fs::copy(entry.path(), work.path().join(entry.file_name()))?;
    }
    let commands: Vec<&str> = transcript
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    if commands.is_empty() {
        return Err(format!("{} holds no command", case.join(TRANSCRIPT).display()).into());
    }
    let mut replayed = String::new();
    let mut files = files_below(work.path())?;
    for command in commands {
        writeln!(replayed, "$ {command}")?;
        run(command, work.path(), &mut replayed)?;
        let now = files_below(work.path())?;
        for file in now.difference(&files) {
            writeln!(replayed, "+ {file}")?;
        }
        for file in files.difference(&now) {
            writeln!(replayed, "- {file}")?;
        }
        files = now;
    }
    Ok(replayed)
}

fn run(command: &str, directory: &Path, transcript: &mut String) -> Result<(), Failed> {
    let bin = Path::new(crate::wit_host())
        .parent()
        .expect("the command stands in a directory");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths(std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path)))?;
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(directory)
        .env("PATH", path)
        .env_remove("RUST_BACKTRACE")
        .env("XDG_CACHE_HOME", crate::code_cache())
        .stdin(Stdio::null())
        .output()?;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        writeln!(transcript, "{line}")?;
    }
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        writeln!(transcript, "! {line}")?;
    }
    match output.status.code() {
        Some(0) => {}
        Some(code) => writeln!(transcript, "[exit {code}]")?,
        None => writeln!(transcript, "[{}]", output.status)?,
    }
    Ok(())
}

fn files_below(directory: &Path) -> io::Result<BTreeSet<String>> {
    fn visit(directory: &Path, root: &Path, files: &mut BTreeSet<String>) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                visit(&path, root, files)?;
            } else if let Ok(name) = path.strip_prefix(root) {
                files.insert(name.display().to_string());
            }
        }
        Ok(())
    }
    let mut files = BTreeSet::new();
    visit(directory, directory, &mut files)?;
    Ok(files)
}
