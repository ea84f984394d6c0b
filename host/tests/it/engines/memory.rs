//! The promise of the interpreter: the process executes only its own files. Read from `/proc`, which only
//! Linux has.

use crate::{engines::ENGINES, guests::trial};
use libtest_mimic::{Failed, Trial};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
};
use wit_host::Engine;

/// Prints a line and then computes without end.
const PROGRAM: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "running\n")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 8))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (loop $again (br $again))))"#;

/// The trials.
pub fn trials() -> Vec<Trial> {
    let missing = || (!cfg!(target_os = "linux")).then(|| "needs /proc of Linux".to_owned());
    vec![
        trial(
            "engines::memory::code_that_was_just_compiled".to_owned(),
            missing(),
            just_compiled,
        ),
        trial(
            "engines::memory::code_from_the_code_cache".to_owned(),
            missing(),
            from_the_cache,
        ),
        trial(
            "engines::memory::code_of_a_precompiled_file".to_owned(),
            missing(),
            from_a_file,
        ),
    ]
}

/// A guest that computes, until it is dropped.
struct Running(Child);

impl Running {
    fn start(engine: Engine, arguments: &[&str], cache: &Path) -> Result<Self, Failed> {
        let mut child = crate::wit_host_command()
            .arg("run")
            .arg(format!("--engine={engine}"))
            .args(arguments)
            .env("WIT_HOST_CACHE", cache)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take();
        let running = Self(child);
        let mut line = String::new();
        BufReader::new(stdout.ok_or("no output")?).read_line(&mut line)?;
        match line.as_str() {
            "running\n" => Ok(running),
            _ => Err(format!("the guest printed {line:?}").into()),
        }
    }

    /// The executable memory that is neither a program, nor a shared library, nor the kernel's.
    fn generated(&self) -> Result<Vec<String>, Failed> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.0.id()))?;
        let executable: Vec<&str> = maps
            .lines()
            .filter(|line| permissions(line).contains('x'))
            .collect();
        assert!(
            executable.iter().any(|line| line.ends_with("/wit-host")),
            "the host itself is executable: {maps}"
        );
        let is_of_system = |line: &&str| {
            let name = line.split_whitespace().nth(5).unwrap_or_default();
            let is_library = name
                .rsplit('/')
                .next()
                .is_some_and(|file| file.contains(".so"));
            name == crate::wit_host() || is_library || ["[vdso]", "[vsyscall]"].contains(&name)
        };
        let generated = executable.into_iter().filter(|line| !is_of_system(line));
        Ok(generated.map(str::to_owned).collect())
    }

    /// The interpreter has no such memory, and the compiler has some.
    fn check(&self, engine: Engine) -> Result<(), Failed> {
        let generated = self.generated()?;
        match (engine, generated.as_slice()) {
            (Engine::Interpreter, []) => Ok(()),
            (Engine::Compiler, [_, ..]) => Ok(()),
            _ => Err(format!("on the {engine}: {generated:#?}").into()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // If killing fails, the process has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The permissions of a line such as `7f12-7f13 r-xp 0000 00:00 0 /path`.
fn permissions(line: &str) -> &str {
    line.split_whitespace().nth(1).unwrap_or_default()
}

fn just_compiled() -> Result<(), Failed> {
    let work = tempfile::tempdir()?;
    let program = work.path().join("program.wat");
    fs::write(&program, PROGRAM)?;
    let program = program.display().to_string();
    ENGINES.into_iter().try_for_each(|engine| {
        Running::start(engine, &["--no-cache", &program], work.path())?.check(engine)
    })
}

fn from_the_cache() -> Result<(), Failed> {
    let work = tempfile::tempdir()?;
    let program = work.path().join("program.wat");
    fs::write(&program, PROGRAM)?;
    let program = program.display().to_string();
    for engine in ENGINES {
        let cache = work.path().join(engine.to_string());
        // The first run keeps the code, and the second one maps it.
        for _ in 0..2 {
            let running = Running::start(engine, &[&program], &cache)?;
            running.check(engine)?;
        }
        assert_eq!(fs::read_dir(&cache)?.count(), 1, "{engine}");
    }
    Ok(())
}

fn from_a_file() -> Result<(), Failed> {
    let work = tempfile::tempdir()?;
    let module = work.path().join("program.wat");
    let component = work.path().join("program.wasm");
    fs::write(&module, PROGRAM)?;
    let componentized = crate::wit_host_command()
        .arg("componentize")
        .arg(&module)
        .arg("-o")
        .arg(&component)
        .output()?;
    assert!(componentized.status.success(), "{componentized:?}");
    for engine in ENGINES {
        let file = work.path().join(format!("{engine}.cwasm"));
        let output = crate::wit_host_command()
            .arg("precompile")
            .arg(&component)
            .arg(format!("--engine={engine}"))
            .arg("-o")
            .arg(&file)
            .output()?;
        assert!(output.status.success(), "{output:?}");
        let file = file.display().to_string();
        let arguments = ["--allow-precompiled", &file];
        Running::start(engine, &arguments, work.path())?.check(engine)?;
    }
    Ok(())
}
