//! The source of the host, without its tests, comments and texts.

use std::{fs, io, path::Path};

/// A file below `host/src`, up to its tests.
pub struct SourceFile {
    /// Its path below `host/src`, with `/` between names.
    pub path: String,
    /// Its lines, without comments and without the contents of string literals.
    pub lines: Vec<String>,
    /// Its original lines; lines that are comments are empty.
    pub text: Vec<String>,
}

/// All files of the host.
pub fn of_the_host() -> io::Result<Vec<SourceFile>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(below) = path.strip_prefix(&root) {
                let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
                files.push(SourceFile::new(
                    &names.join("/"),
                    &fs::read_to_string(&path)?,
                ));
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

impl SourceFile {
    pub fn new(path: &str, text: &str) -> Self {
        let is_code =
            |line: &&str| !(line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test"));
        let mut is_in_string = false;
        let is_comment = |line: &str| line.trim_start().starts_with("//");
        let uncommented = |line: &str| if is_comment(line) { "" } else { line }.to_owned();
        Self {
            path: path.to_owned(),
            text: text.lines().take_while(is_code).map(uncommented).collect(),
            lines: text
                .lines()
                .take_while(is_code)
                .map(|line| code_of(line, &mut is_in_string))
                .collect(),
        }
    }

    /// The top-level module that the file belongs to.
    pub fn layer(&self) -> &str {
        let name = self.path.split('/').next().unwrap_or_default();
        name.strip_suffix(".rs").unwrap_or(name)
    }

    /// The numbers of the lines that contain a text as a whole word.
    pub fn lines_with(&self, word: &str) -> impl Iterator<Item = usize> {
        let is_part_of_word = |c: char| c.is_alphanumeric() || c == '_';
        self.lines
            .iter()
            .enumerate()
            .filter(move |(_, line)| {
                line.match_indices(word).any(|(at, _)| {
                    let end = at + word.len();
                    !line[..at].ends_with(is_part_of_word)
                        && !line[end..].starts_with(is_part_of_word)
                })
            })
            .map(|(at, _)| at + 1)
    }

    /// A violation in this file.
    pub fn violation(&self, line: usize, text: &str) -> String {
        format!("host/src/{}:{line}: {text}", self.path)
    }
}

/// A line without its comment and without the contents of its string literals, which may span lines.
fn code_of(line: &str, is_in_string: &mut bool) -> String {
    let mut code = String::new();
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' if *is_in_string => {
                rest.next();
            }
            '"' => {
                *is_in_string = !*is_in_string;
                code.push(c);
            }
            _ if *is_in_string => {}
            '/' if rest.as_str().starts_with('/') => break,
            // The quotation mark as a character does not start a string.
            '\'' if rest.as_str().starts_with("\"'") => {
                rest.nth(1);
            }
            c => code.push(c),
        }
    }
    code
}
