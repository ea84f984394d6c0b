//! Names and texts with control characters, in every place of a file, a command line and a path that the
//! host shows: none reaches the terminal unescaped, and no name can forge a line.

use libtest_mimic::{Failed, Trial};
use std::{
    fmt::Display,
    fs,
    path::Path,
    process::{Output, Stdio},
};
use wit_host::{
    BindgenError, Call, CallError, ComponentizeError, ComposeError, Function, ImportDefect,
    InterfaceName, LoadError, PartName, Preopen, ReadError, Runtime, RuntimeOptions, Wasm,
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "terminal::nothing_of_a_guest_is_obeyed",
            nothing_of_a_guest_is_obeyed,
        ),
        Trial::test(
            "terminal::errors_escape_their_facts",
            errors_escape_their_facts,
        ),
    ]
}

/// Escape sequence that erases the line, bell, carriage return, newline, C1 control characters, change of
/// direction, zero-width space and line separator.
const HOSTILE: &str = "x\x1b[2K\x07\r\nerror: forged\x7f\u{9b}1A\u{202e}\u{200b}\u{2028}\u{2066}y";

/// The escaped form of the hostile text, which must appear in the output.
const ESCAPED: [&str; 3] = [r"\u{1b}", r"\u{7f}", r"\u001b"];

/// Files by name. `RAW` and `HOSTILE` stand for the hostile text, unchanged and as a string of the text
/// format.
const FILES: &[(&str, &str)] = &[
    (
        "functions.wat",
        r#"(module
             (func (@name "HOSTILE") (export "_start") (call $inner))
             (func $inner (@name "HOSTILE") unreachable)
             (func (export "HOSTILE") (param i32)))"#,
    ),
    (
        "imports.wat",
        r#"(module (import "HOSTILE" "HOSTILE" (func)) (func (export "_start")))"#,
    ),
    (
        "preview1.wat",
        r#"(module (import "wasi_snapshot_preview1" "HOSTILE" (func)) (func (export "_start")))"#,
    ),
    (
        "duplicate.wat",
        r#"(module (func (export "HOSTILE")) (func (export "HOSTILE")))"#,
    ),
    (
        "section.wat",
        r#"(module (@custom "component-type:HOSTILE" "?") (func (export "_start")))"#,
    ),
    ("url.wat", r#"(component (import "url=<HOSTILE>" (func)))"#),
    (
        "relative-url.wat",
        r#"(component (import "relative-url=<HOSTILE>" (instance)))"#,
    ),
    (
        "locked-dep.wat",
        r#"(component (import "locked-dep=<a:b/HOSTILE@1.0.0>" (instance)))"#,
    ),
    (
        "unlocked-dep.wat",
        r#"(component (import "unlocked-dep=<a:b/HOSTILE>" (instance)))"#,
    ),
    (
        "integrity.wat",
        r#"(component (import "integrity=<sha256-HOSTILE>" (instance)))"#,
    ),
    (
        "urls.wat",
        r#"(component (import "url=<HOSTILE>" (func)) (import "url=<HOSTILE>" (func)))"#,
    ),
    (
        "exported-url.wat",
        r#"(component (import "a:b/c" (instance $i)) (export "url=<HOSTILE>" (instance $i)))"#,
    ),
    ("name.wat", r#"(component (import "HOSTILE" (func)))"#),
    (
        "field.wat",
        r#"(component (type $r (record (field "HOSTILE" u8))) (import "r" (type (eq $r))))"#,
    ),
    (
        "case.wat",
        r#"(component (type $e (enum "HOSTILE")) (import "e" (type (eq $e))))"#,
    ),
    (
        "core.wat",
        r#"(component
             (core module $m (import "HOSTILE" "HOSTILE" (func)))
             (core instance (instantiate $m)))"#,
    ),
    (
        "feature.wat",
        r#"(component
             (@custom "package-docs" "\01{\22worlds\22:{\22root\22:{\22func_exports\22:{\22f\22:{\22stability\22:{\22unstable\22:{\22feature\22:\22\\u001b[2K\\u202e\22}}}}}}}")
             (core module $m (func (export "f")))
             (core instance $i (instantiate $m))
             (func $f (canon lift (core func $i "f")))
             (export "f" (func $f)))"#,
    ),
    (
        "plug.wat",
        r#"(component
             (core module $m (func (export "f")))
             (core instance $i (instantiate $m))
             (func $f (canon lift (core func $i "f")))
             (instance $c (export "f" (func $f)))
             (export "a:b/c" (instance $c)))"#,
    ),
    (
        "needing-plug.wat",
        r#"(component
             (import "url=<HOSTILE>" (func))
             (core module $m (func (export "f")))
             (core instance $i (instantiate $m))
             (func $f (canon lift (core func $i "f")))
             (instance $c (export "f" (func $f)))
             (export "a:b/c" (instance $c)))"#,
    ),
    (
        "consumer.wat",
        r#"(component
             (import "a:b/c" (instance (export "f" (func))))
             (import "url=<HOSTILE>" (func)))"#,
    ),
    (
        "plain.wat",
        r#"(component (import "a:b/c" (instance (export "f" (func)))))"#,
    ),
    ("plain.wit", "package a:b; world w { import f: func(); }"),
    (
        "strings.wat",
        r#"(component
             (core module $m
               (memory (export "memory") 1)
               (data (i32.const 64) "HOSTILE")
               (func (export "text") (result i32)
                 (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 39))
                 (i32.const 0))
               (func (export "letter") (result i32) (i32.const 0x1b)))
             (core instance $i (instantiate $m))
             (func (export "text") (result string)
               (canon lift (core func $i "text") (memory (core memory $i "memory"))))
             (func (export "letter") (result char) (canon lift (core func $i "letter"))))"#,
    ),
    ("identifier.wat", r#"(module (func (call $"HOSTILE")))"#),
    ("comment.wat", "(module (func (call $no)) ;; RAW"),
    ("token.wat", "(module RAW)"),
    ("string.wat", "(module (import \"RAW\" \"\" (func)))"),
    ("comment.wit", "package a:b; // RAW\nworld w { import i }"),
    (
        "docs.wit",
        "package a:b;\n/// RAW\ninterface i { f: func(x: nope); }\nworld w { import i; }",
    ),
    ("HOSTILE.wat", r#"(module (func (export "_start")))"#),
    ("HOSTILE.txt", "RAW"),
];

/// The command lines that run on every WebAssembly file.
const SUBCOMMANDS: &[&[&str]] = &[
    &["run", "FILE"],
    &["run", "--explain", "FILE"],
    &["run", "--explain", "--graph", "mermaid", "FILE"],
    &["run", "FILE", "--plug", "p=plug.wat"],
    &["run", "--explain", "FILE", "--plug", "p=plug.wat"],
    &["run", "plain.wat", "--plug", "p=FILE"],
    &["run", "--explain", "plain.wat", "--plug", "p=FILE"],
    &["inspect", "FILE"],
    &["inspect", "--json", "FILE"],
    &["inspect", "--graph", "mermaid", "FILE"],
    &["invoke", "FILE", "no()"],
    &["componentize", "FILE", "-o", "o.wasm"],
    &["componentize", "FILE", "-t"],
    &["compose", "FILE", "-t"],
    &["compose", "FILE", "-o", "o.wasm", "--graph", "mermaid"],
    &["compose", "FILE", "-o", "o.wasm", "--graph", "dot"],
    &["compose", "plain.wat", "--plug", "p=FILE", "-o", "o.wasm"],
    &["precompile", "FILE", "-o", "o.cwasm"],
];

/// Command lines with hostile arguments.
const LINES: &[&[&str]] = &[
    &["invoke", "strings.wat", "text()"],
    &["invoke", "--json", "strings.wat", "text()"],
    &["invoke", "strings.wat", "letter()"],
    &["invoke", "--json", "strings.wat", "letter()"],
    &["invoke", "functions.wat", "HOSTILE"],
    &["invoke", "functions.wat", "HOSTILE()"],
    &["invoke", "imports.wat", "HOSTILE(1, 2)"],
    &["invoke", "functions.wat", "HOSTILE(HOSTILE)"],
    &["run", "no HOSTILE.wat"],
    &["run", "--allow-precompiled", "no HOSTILE.cwasm"],
    &["run", "functions.wat", "--plug", "HOSTILE=plug.wat"],
    &["run", "consumer.wat", "--plug", "HOSTILE"],
    &["run", "consumer.wat", "--plug", "HOSTILE.wat"],
    &["run", "functions.wat", "--dir", "HOSTILE"],
    &["run", "functions.wat", "--dir", "no=HOSTILE"],
    &["run", "functions.wat", "--dir", "HOSTILE::"],
    &["run", "functions.wat", "--env", "HOSTILE"],
    &["run", "functions.wat", "--env", "no=A=HOSTILE"],
    &[
        "run",
        "--explain",
        "functions.wat",
        "--dir",
        "HOSTILE::HOSTILE",
    ],
    &["run", "--explain", "functions.wat", "--env", "HOSTILE=1"],
    &["componentize", "HOSTILE.wat", "-o", "HOSTILE/o.wasm"],
    &["compose", "plug.wat", "-o", "HOSTILE/o.wasm"],
    &[
        "bindgen",
        "c",
        "comment.wit",
        "--world",
        "w",
        "--out-dir",
        "o",
    ],
    &["bindgen", "c", "docs.wit", "--world", "w", "--out-dir", "o"],
    &[
        "bindgen",
        "c",
        "no HOSTILE.wit",
        "--world",
        "w",
        "--out-dir",
        "o",
    ],
    &[
        "bindgen",
        "c",
        "plain.wit",
        "--world",
        "HOSTILE",
        "--out-dir",
        "o",
    ],
    &[
        "bindgen",
        "c",
        "plain.wit",
        "--world",
        "w",
        "--out-dir",
        "plain.wit/HOSTILE",
    ],
];

/// Files that are harmless, or whose hostile text is shown by only one of [`LINES`].
const NOT_SHOWN: [&str; 3] = ["plain.wat", "plug.wat", "strings.wat"];

fn nothing_of_a_guest_is_obeyed() -> Result<(), Failed> {
    let work = tempfile::tempdir()?;
    for (name, contents) in FILES {
        let contents = contents.replace("HOSTILE", &hostile_in_a_string());
        let contents = contents.replace("RAW", HOSTILE);
        fs::write(work.path().join(name.replace("HOSTILE", HOSTILE)), contents)?;
    }

    let (mut tried, mut violations) = (0, Vec::new());
    let mut try_line = |line: &[String]| -> Result<bool, Failed> {
        let output = run(work.path(), line)?;
        tried += 1;
        let shown = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if let Some(why) = violation(&shown) {
            violations.push(format!("{line:?} {why}: {shown:?}"));
        }
        Ok(ESCAPED.iter().any(|escaped| shown.contains(escaped)))
    };
    let mut unseen = Vec::new();
    for (name, _) in FILES.iter().filter(|(name, _)| !name.ends_with(".wit")) {
        let mut is_seen = NOT_SHOWN.contains(name);
        for line in SUBCOMMANDS {
            let line = line.iter().map(|word| word.replace("FILE", name));
            is_seen |= try_line(&hostile(line))?;
        }
        if !is_seen {
            unseen.push((*name).to_owned());
        }
    }
    for line in LINES {
        let line = hostile(line.iter().map(|word| (*word).to_owned()));
        if !try_line(&line)? {
            unseen.push(format!("{line:?}"));
        }
    }
    println!("terminal: tried {tried}, violated {}", violations.len());
    violations.extend(
        unseen
            .iter()
            .map(|what| format!("{what}: its text is not shown")),
    );
    match violations.as_slice() {
        [] => Ok(()),
        violations => Err(violations.join("\n").into()),
    }
}

/// The command escapes its output once more; an embedder has only the escaping of the library's errors.
fn errors_escape_their_facts() -> Result<(), Failed> {
    let text = || HOSTILE.to_owned();
    let io = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let plug = PartName::consumer;
    let function = exported_function()?;
    let preopen = Preopen::read_only(HOSTILE, HOSTILE);
    let messages: [&dyn Display; 25] = [
        &ReadError::Io {
            origin: text(),
            source: io(),
        },
        &ReadError::TooLarge { origin: text() },
        &ReadError::TooMuchText { origin: text() },
        &ReadError::NotWasm {
            origin: text(),
            start: "?".to_owned(),
        },
        &ComponentizeError::CoreModule { origin: text() },
        &ComponentizeError::AlreadyComponent { origin: text() },
        &ComponentizeError::NoWorld { origin: text() },
        &ComponentizeError::Preview0 { origin: text() },
        &BindgenError::NoWorld {
            package: text(),
            world: text(),
            worlds: vec![text()],
        },
        &BindgenError::TypeTooLarge { name: text() },
        &ComposeError::FitsNothing {
            plug: plug(),
            exports: vec![text().into()],
            open: vec![text().into()],
            hint: None,
        },
        &ComposeError::NotGranted {
            plug: plug(),
            import: text().into(),
        },
        &ComposeError::Unsound {
            defect: ImportDefect::Missing,
            import: text().into(),
        },
        &LoadError::Unsatisfied {
            part: plug(),
            import: text().into(),
        },
        &LoadError::UnsatisfiedInModule {
            part: plug(),
            module: text(),
            name: text(),
        },
        &LoadError::HostFunction {
            part: plug(),
            module: text(),
            name: text(),
            expected: "a memory".to_owned(),
            provided: "func()".to_owned(),
        },
        &CallError::NoSuchFunction {
            name: text(),
            candidates: vec![function.clone()],
        },
        &CallError::Ambiguous {
            name: text(),
            candidates: vec![function.clone()],
        },
        &CallError::WrongCount {
            function: text(),
            expected: 1,
            given: 0,
            signature: text(),
        },
        &CallError::WrongArgument {
            function: text(),
            position: 1,
            text: text(),
            expected: text(),
            reason: text(),
        },
        &CallError::UnsupportedResult {
            function: text(),
            result: text(),
        },
        &text().parse::<PartName>().expect_err("no name"),
        &text().parse::<InterfaceName>().expect_err("no interface"),
        &text().parse::<Call>().expect_err("no call"),
        &preopen,
    ];
    let mut violations = Vec::new();
    for message in messages {
        let shown = message.to_string();
        if let Some(why) = violation(&shown) {
            violations.push(format!("{why}: {shown:?}"));
        }
        if shown.lines().count() != 1 || !shown.contains(ESCAPED[0]) {
            violations.push(format!("is not one line with its fact: {shown:?}"));
        }
    }
    match violations.as_slice() {
        [] => Ok(()),
        violations => Err(violations.join("\n").into()),
    }
}

/// The hostile text as it is written in a string of the text format.
fn hostile_in_a_string() -> String {
    let bytes = HOSTILE.bytes();
    bytes.map(|byte| format!("\\{byte:02x}")).collect()
}

/// A function that a core module exports under the hostile name.
fn exported_function() -> Result<Function, Failed> {
    let text = format!(r#"(module (func (export "{}")))"#, hostile_in_a_string());
    let module = Wasm::parse("module", text.into_bytes())?;
    let runtime = Runtime::new(&RuntimeOptions::new())?;
    let program = runtime.load_module(&PartName::consumer(), &module)?;
    Ok(program.functions()[0].clone())
}

fn hostile(line: impl Iterator<Item = String>) -> Vec<String> {
    line.map(|word| word.replace("HOSTILE", HOSTILE)).collect()
}

fn run(work: &Path, line: &[String]) -> Result<Output, Failed> {
    let output = crate::wit_host_command()
        .args(line)
        .current_dir(work)
        .stdin(Stdio::null())
        .output()?;
    Ok(output)
}

/// Text in an output that a terminal would obey, or that looks like a line of the host.
fn violation(shown: &str) -> Option<&'static str> {
    let is_obeyed = |c: char| match c {
        '\n' | '\t' => false,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{fffd}' => true,
        c => c.is_control(),
    };
    if shown.chars().any(is_obeyed) {
        return Some("has a character that is obeyed");
    }
    let is_forged = |line: &str| line.starts_with("error: forged") || line.starts_with("1A");
    if shown.lines().any(is_forged) {
        return Some("has a line that a name has started");
    }
    shown.contains("panicked").then_some("panics")
}
