//! Runs the documents' `sh` and `console` blocks: `sh needs COMMAND` only where COMMAND runs, `sh ignore: REASON` never.
//!
//! The blocks of a document run from top to bottom in one directory, which looks like a clone in which
//! everything has been built: [`Clone`]. A `sh` block is a script, which must succeed. In a `console`
//! block each line that starts with `$ ` is a command, which must succeed; the lines below it, if there
//! are any, are its whole output, and `…` in them stands for any text. Blocks of Rust are doctests of
//! the library; blocks in other languages are not run.

use crate::guests::Guest;
use libtest_mimic::{Failed, Trial};
use std::{
    fmt::Write,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// One trial for each document, and the trials of the mechanism.
pub fn trials() -> Vec<Trial> {
    let documents = documents().expect("the examples can be listed");
    let run = documents.into_iter().map(|path| {
        let name = path.strip_prefix(root()).unwrap_or(&path).display();
        Trial::test(format!("readme::{name}"), move || {
            let text = fs::read_to_string(&path)?;
            run_document(&text, &Clone::new()?)
        })
    });
    run.chain([
        Trial::test("readme::a_wrong_block_is_an_error", wrong_blocks),
        Trial::test("readme::a_block_is_run_as_it_is_marked", marked_blocks),
    ])
    .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is in a workspace")
        .to_owned()
}

fn documents() -> std::io::Result<Vec<PathBuf>> {
    let mut documents = vec![root().join("README.md"), root().join("docs/backends.md")];
    for folder in ["examples", "examples/data-in-and-out"] {
        for example in fs::read_dir(root().join(folder))? {
            documents.push(example?.path().join("README.md"));
        }
    }
    documents.retain(|path| path.is_file());
    Ok(documents)
}

/// A directory that looks like a clone in which everything has been built. The commands of the
/// documents write here and not into the real clone.
struct Clone {
    directory: tempfile::TempDir,
}

impl Clone {
    fn new() -> Result<Self, Failed> {
        let clone = Self {
            directory: tempfile::tempdir()?,
        };
        for entry in fs::read_dir(root())? {
            let entry = entry?;
            if entry.file_name() != "target" && entry.file_name() != ".git" {
                symlink(entry.path(), clone.path().join(entry.file_name()))?;
            }
        }
        clone.add_target()?;
        for guest in [
            Guest::CacheImpl,
            Guest::RustConsumer,
            Guest::CppConsumer,
            Guest::CppLru,
            Guest::KeyvalueBridge,
            Guest::JsonStdio,
            Guest::JsonExchange,
            Guest::JsonHandOver,
            Guest::Record,
        ] {
            if guest.missing_toolchain().is_none() {
                for path in guest.paths()? {
                    let file = path.file_name().expect("a guest is a file");
                    fs::copy(&path, clone.path().join(file))?;
                    fs::copy(&path, clone.path().join("target/components").join(file))?;
                }
            }
        }
        let mul = root().join("host/tests/cases/invoke/core-module/mul.wat");
        fs::copy(mul, clone.path().join("mul.wasm"))?;
        Ok(clone)
    }

    /// The directories in which cargo builds guests are the real ones, so nothing is built twice.
    fn add_target(&self) -> Result<(), Failed> {
        let target = self.path().join("target");
        fs::create_dir_all(target.join("components"))?;
        fs::create_dir_all(target.join("debug"))?;
        symlink(crate::wit_host(), target.join("debug/wit-host"))?;
        let built = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .expect("the directory is in that of the build");
        for shared in ["guest", "wasm32-wasip2"] {
            fs::create_dir_all(built.join(shared))?;
            symlink(built.join(shared), target.join(shared))?;
        }
        Ok(())
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn sh(&self, script: &str) -> Result<Output, Failed> {
        let bin = Path::new(crate::wit_host())
            .parent()
            .expect("the command is in a directory");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path));
        let output = Command::new("sh")
            .args(["-c", script])
            .current_dir(self.path())
            .env("PATH", std::env::join_paths(path)?)
            .env("XDG_CACHE_HOME", crate::code_cache())
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null())
            .output()?;
        Ok(output)
    }
}

fn run_document(text: &str, clone: &Clone) -> Result<(), Failed> {
    let mut failures = String::new();
    for block in blocks(text)? {
        if let Some(command) = &block.needs
            && !clone.sh(&format!("{command} --version"))?.status.success()
        {
            println!(
                "readme: line {} is not run: `{command}` is missing",
                block.line
            );
            continue;
        }
        if let Err(failure) = block.run(clone)? {
            writeln!(failures, "line {}: {failure}", block.line)?;
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.into())
    }
}

/// A block that is run.
struct Block {
    /// The number of its first line.
    line: usize,
    /// The command that the block needs; without it the block is left out.
    needs: Option<String>,
    steps: Vec<Step>,
}

/// A command or a script, and its expected output.
struct Step {
    command: String,
    /// Empty if the document does not show the output.
    output: String,
}

/// The blocks of a document that are run.
fn blocks(text: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let contents: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```")
            .collect();
        let line = index + 1;
        let (language, marks) = info.split_once(' ').unwrap_or((info, ""));
        let steps = match language {
            "sh" => vec![Step {
                command: contents.join("\n"),
                output: String::new(),
            }],
            "console" => {
                console_steps(&contents).ok_or_else(|| format!("line {line}: no `$ ` command"))?
            }
            "" | "bash" | "shell" => {
                return Err(format!(
                    "line {line}: the language is `{language}`; name it, and write `sh` or `console` for commands"
                ));
            }
            _ => continue,
        };
        let needs = match marks.split_once(' ') {
            _ if marks.is_empty() => None,
            Some(("ignore:", _)) => continue,
            Some(("needs", command)) => Some(command.to_owned()),
            _ => return Err(format!("line {line}: `{marks}` is not a mark of a block")),
        };
        blocks.push(Block { line, needs, steps });
    }
    Ok(blocks)
}

/// The commands of a `console` block. A command continues after a backslash at the end of its line.
fn console_steps(lines: &[&str]) -> Option<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    for line in lines {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step {
                command: command.to_owned(),
                output: String::new(),
            });
            continue;
        }
        let step = steps.last_mut()?;
        if step.output.is_empty() && step.command.ends_with('\\') {
            step.command = format!("{}\n{line}", step.command);
        } else {
            step.output = format!("{}{line}\n", step.output);
        }
    }
    (!steps.is_empty()).then_some(steps)
}

impl Block {
    /// Runs the block in one shell, so that `cd` and variables keep their effect. The inner error means
    /// that a command failed or that its output differs.
    fn run(&self, clone: &Clone) -> Result<Result<(), String>, Failed> {
        /// The text between the outputs of the commands and their exit codes.
        const END: char = '\u{1e}';
        let mut script = String::from("exec 2>&1\n");
        for step in &self.steps {
            // A syntax error in one command must be an error of that command only.
            writeln!(script, "eval {}", quoted(&step.command))?;
            writeln!(script, "printf '{END}%s{END}' \"$?\"")?;
        }
        let output = clone.sh(&script)?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let mut printed = printed.split(END);
        for Step { command, output } in &self.steps {
            let found = printed.next().unwrap_or_default();
            let code = printed.next().unwrap_or("no exit code");
            if code != "0" {
                return Ok(Err(format!("`{command}` ends with {code}:\n{found}")));
            }
            if !output.is_empty() && !matches(output.trim_end(), found.trim_end()) {
                return Ok(Err(format!(
                    "`{command}` prints\n{found}\n--- and not\n{output}"
                )));
            }
        }
        Ok(Ok(()))
    }
}

fn quoted(command: &str) -> String {
    format!("'{}'", command.replace('\'', r"'\''"))
}

/// `true` if the text fits the pattern, in which `…` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn wrong_blocks() -> Result<(), Failed> {
    for (text, expected) in [
        ("```console\n$ wit-host runn\n```", "ends with 2"),
        ("```console\n$ echo a\nb\n```", "and not\nb"),
        (
            "```console\n$ printf 'a\\nb'\na\n```",
            "prints\na\nb\n--- and not\na",
        ),
        ("```sh\nfalse; true &&\n```", "ends with"),
        (
            "```console\n$ true\n$ exit 3\n```",
            "ends with no exit code",
        ),
        ("text\n\n```console\necho a\n```", "line 3: no `$ ` command"),
        ("```\n$ true\n```", "name it"),
        ("```bash\ntrue\n```", "name it"),
        ("```sh ignore\ntrue\n```", "`ignore` is not a mark"),
        ("```sh ignored: why\ntrue\n```", "is not a mark"),
    ] {
        let clone = Clone::new()?;
        let failure = run_document(text, &clone).err();
        let message = failure.and_then(|failure| failure.message().map(str::to_owned));
        if !message
            .as_ref()
            .is_some_and(|message| message.contains(expected))
        {
            return Err(format!("{text}\ngives {message:?}").into());
        }
    }
    Ok(())
}

fn marked_blocks() -> Result<(), Failed> {
    let clone = Clone::new()?;
    let text = "\
        ```console\n$ echo a \\\n    b\na b\n$ cd wit && there=$PWD\n$ test \"$there\" = \"$PWD\"\n```\n\
        ```console\n$ printf 'one\\ntwo\\nthree\\n'\none\n…\nth…e\n$ touch seen\n```\n\
        ```sh\ntest -e seen\ntest -e wit/cache.wit\n```\n\
        ```sh ignore: it fails\nfalse\n```\n\
        ```sh needs no-such-command\nfalse\n```\n\
        ```rust,ignore\nfalse\n```\n";
    run_document(text, &clone)?;
    let is_run = run_document("```sh needs echo\nfalse\n```", &clone).is_err();
    assert!(is_run, "a block is left out although its command runs");
    Ok(())
}
