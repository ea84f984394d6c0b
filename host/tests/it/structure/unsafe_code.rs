//! `unsafe` stands only in the files that `ARCHITECTURE.md` lists.

use super::source::SourceFile;
use libtest_mimic::Failed;
use std::{fs, path::Path};

/// The start of the paragraph of `ARCHITECTURE.md` that lists the files, by their paths below `host/src`.
const PARAGRAPH: &str = "- `unsafe` stands ";

/// The files that `ARCHITECTURE.md` lists.
pub fn documented() -> Result<Vec<String>, Failed> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ARCHITECTURE.md");
    let document = fs::read_to_string(document)?;
    let (_, paragraph) = document.split_once(PARAGRAPH).ok_or_else(|| {
        format!("ARCHITECTURE.md has no paragraph that starts with {PARAGRAPH:?}")
    })?;
    let paragraph = paragraph.split("\n-").next().unwrap_or_default();
    let quoted = paragraph.split('`').skip(1).step_by(2);
    Ok(quoted
        .filter(|name| name.ends_with(".rs"))
        .map(str::to_owned)
        .collect())
}

/// Uses of `unsafe` in other files, and listed files that do not use it.
pub fn violations(files: &[SourceFile], documented: &[String]) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| !documented.contains(&file.path)) {
        for line in file.lines_with("unsafe") {
            violations
                .push(file.violation(line, "ARCHITECTURE.md does not list this file for `unsafe`"));
        }
    }
    if files.len() > 1 {
        let is_unsafe = |path: &String| {
            let file = files.iter().find(|file| file.path == *path);
            file.is_some_and(|file| file.lines_with("unsafe").next().is_some())
        };
        let safe = documented.iter().filter(|path| !is_unsafe(path));
        violations.extend(safe.map(|path| {
            format!("host/src/{path} is listed in ARCHITECTURE.md for `unsafe` and has none")
        }));
    }
    violations
}
