//! A file has at most 400 lines without its tests.

use super::source::SourceFile;

const MAX_LINES: usize = 400;

/// Longer files, with the length that they must not exceed. The list only shrinks.
const EXCEPTIONS: [(&str, usize); 0] = [];

/// Files that are too long, and exceptions that are not needed any more.
pub fn violations(files: &[SourceFile]) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files {
        let exception = EXCEPTIONS.iter().find(|(path, _)| *path == file.path);
        let bound = exception.map_or(MAX_LINES, |(_, lines)| *lines);
        let lines = file.lines.len();
        if lines > bound {
            violations.push(file.violation(
                bound + 1,
                &format!("the file has {lines} lines without its tests; split it"),
            ));
        } else if exception.is_some() && lines <= MAX_LINES {
            violations.push(file.violation(lines, "the file is short now; remove the exception"));
        }
    }
    violations
}
