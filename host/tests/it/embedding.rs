//! The library as an embedder uses it.

use crate::guests::Guest;
use libtest_mimic::{Failed, Trial};
use std::time::Duration;
use tokio::runtime::Runtime as Tokio;
use wit_host::{
    Cache, CacheError, Component, DirCache, DirCacheOptions, Form, InstantiateError, Limits,
    Outcome, Part, PartName, Pool, Preopen, Program, Runtime, RuntimeOptions, Sandbox,
    SandboxError, Sandboxes, Wasm, compose,
};

/// A consumer that succeeds if the number of its provider is 42.
pub const CONSUMER: &str = include_str!("../cases/run/plugged/consumer.wat");
pub const NUMBER: &str = include_str!("../cases/run/errors/no-program/number.wat");
pub const COUNTS: &str = include_str!("../cases/run/authority/plug-has-its-own/counts.wat");
pub const EXPECTS: &str = include_str!("../cases/run/authority/plug-has-its-own/expects.wat");

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("embedding::a_program_runs_any_number_of_times", || {
            runs_repeatedly(&RuntimeOptions::default())
        }),
        Trial::test("embedding::a_program_runs_from_a_pool", || {
            let pool = Some(Pool::new(2, 1 << 20));
            runs_repeatedly(&RuntimeOptions::new().pool(pool))
        }),
        Trial::test(
            "embedding::each_instance_has_its_own_sandboxes",
            own_sandboxes,
        ),
        Trial::test(
            "embedding::a_sandbox_for_nobody_is_refused",
            sandbox_for_nobody,
        ),
        Trial::test(
            "embedding::a_component_and_the_host_share_a_directory",
            shared_directory,
        ),
        Trial::test(
            "embedding::start_up_code_is_held_to_the_limits",
            start_up_code,
        ),
    ]
}

pub fn part(name: &str, text: &str) -> Result<Part, Failed> {
    let wasm = Wasm::parse(name, text.as_bytes().to_vec())?;
    Ok(Part::new(name, Component::try_from(wasm)?)?)
}

pub fn tokio() -> Result<Tokio, Failed> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

pub fn run(program: &Program, sandboxes: &Sandboxes) -> Result<Outcome, Failed> {
    tokio()?.block_on(async {
        let instance = program.instantiate(sandboxes, &Limits::default()).await?;
        Ok(instance.run().await)
    })
}

fn expect_exit(outcome: &Outcome, code: i32) -> Result<(), Failed> {
    match outcome {
        Outcome::Exited(actual) if *actual == code => Ok(()),
        other => Err(format!("expected exit {code}, found {other:?}").into()),
    }
}

fn runs_repeatedly(options: &RuntimeOptions) -> Result<(), Failed> {
    let plugs = [part("number", NUMBER)?];
    let composition = compose(&part("consumer", CONSUMER)?, &plugs, Form::Granted)?;
    let program = Runtime::new(options)?.load(&composition)?;
    for _ in 0..10 {
        expect_exit(&run(&program, &Sandboxes::default())?, 0)?;
    }
    Ok(())
}

/// `EXPECTS` succeeds if its plug has one directory, two variables and no argument.
fn own_sandboxes() -> Result<(), Failed> {
    let plugs = [part("counts", COUNTS)?];
    let composition = compose(&part("consumer", EXPECTS)?, &plugs, Form::Granted)?;
    let program = Runtime::new(&RuntimeOptions::default())?.load(&composition)?;
    let directory = tempfile::tempdir()?;
    let granted = Sandbox::new()
        .preopen(Preopen::read_only(directory.path(), "/d"))
        .env("A", "1")
        .env("B", "2");
    let rich = Sandboxes::new(Sandbox::new()).plug("counts".parse::<PartName>()?, granted.clone());
    expect_exit(&run(&program, &rich)?, 0)?;
    // A plug without a sandbox of its own does not get the consumer's.
    let of_consumer = Sandboxes::new(granted);
    expect_exit(&run(&program, &of_consumer)?, 1)?;
    expect_exit(&run(&program, &Sandboxes::default())?, 1)
}

fn sandbox_for_nobody() -> Result<(), Failed> {
    let plugs = [part("number", NUMBER)?];
    let composition = compose(&part("consumer", CONSUMER)?, &plugs, Form::Granted)?;
    let program = Runtime::new(&RuntimeOptions::default())?.load(&composition)?;
    let sandboxes =
        Sandboxes::new(Sandbox::new()).plug("numbre".parse::<PartName>()?, Sandbox::new());
    let result = tokio()?.block_on(program.instantiate(&sandboxes, &Limits::default()));
    match result.err() {
        Some(InstantiateError::Sandbox(SandboxError::NoSuchPlug { name, plugs })) => {
            assert_eq!(name.as_str(), "numbre");
            assert_eq!(plugs, ["number".parse()?]);
            Ok(())
        }
        other => Err(format!("expected a refusal, found {other:?}").into()),
    }
}

fn start_up_code() -> Result<(), Failed> {
    let module = Wasm::parse(
        "loop.wat",
        b"(module (func $f (loop $l (br $l))) (start $f) (func (export \"_start\")))".to_vec(),
    )?;
    let options = RuntimeOptions::new().interruptible(true);
    let program = Runtime::new(&options)?.load_module(&"loop".parse()?, &module)?;
    let limits = Limits::new().timeout(Duration::from_millis(100));
    let result = tokio()?.block_on(program.instantiate(&Sandboxes::default(), &limits));
    match result.err() {
        Some(InstantiateError::Ended(Outcome::TimedOut(_))) => Ok(()),
        other => Err(format!("expected a time-out, found {other:?}").into()),
    }
}

/// Entries written by the component are read by the native cache, and the reverse.
fn shared_directory() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let name: PartName = "cache".parse()?;
    let component = Component::open(Guest::CacheImpl.path()?)?;
    let composition = compose(&Part::named(name, component), &[], Form::Granted)?;
    let program = Runtime::new(&RuntimeOptions::default())?.load(&composition)?;
    let sandboxes =
        Sandboxes::new(Sandbox::new().preopen(Preopen::read_write(directory.path(), "/cache")));
    let native = DirCache::open(directory.path(), DirCacheOptions::default())?;
    tokio()?.block_on(native.set("from the host", b"h", None))?;
    let shown = tokio()?.block_on(async {
        let mut instance = program.instantiate(&sandboxes, &Limits::default()).await?;
        let mut shown = Vec::new();
        for call in [
            "set(\"from the component\", [99], none)",
            "get(\"from the host\")",
        ] {
            shown.push(
                instance
                    .invoke(&call.parse()?)
                    .await?
                    .map(|value| value.to_string()),
            );
        }
        Ok::<_, Failed>(shown)
    })?;
    assert_eq!(shown, [Some("ok".to_owned()), Some("ok([104])".to_owned())]);
    assert_eq!(tokio()?.block_on(native.get("from the component"))?, "c");
    tokio()?.block_on(native.delete("from the component"))?;
    assert!(matches!(
        tokio()?.block_on(native.get("from the component")),
        Err(CacheError::NotFound)
    ));
    Ok(())
}
