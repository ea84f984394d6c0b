//! Several instances of an embedder at the same time: on several threads, on one allowance, with
//! values, handles and streams of their own.

use crate::{
    embedding::{part, tokio},
    guests::Guest,
};
use libtest_mimic::{Failed, Trial};
use std::{
    fs::OpenOptions,
    io::Cursor,
    process::Command,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};
use wit_host::{
    Allowance, CallError, Capture, Component, Composition, CoreType, FileOperations, Form, Growing,
    HostFunctions, Input, Instance, InstantiateError, Limits, LoadError, Outcome, Output, Part,
    Preopen, Program, Runtime, RuntimeOptions, Sandbox, Sandboxes, Value, Wasm, compose,
};

const COUNTERS: &str = include_str!("../cases/invoke/resources/counters.wat");
const ECHO: &str = include_str!("../cases/run/arguments-environment-directories-stdin/echo.wat");

/// Opens the FIFO `pipe` of its directory to read, and exits with the error.
const OPENS_A_FIFO: &str = r#"(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "pipe")
  (func (export "_start")
    (call $exit (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 4)
      (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))))"#;

/// Grows its memory by this number of pages.
const GROWING: &str = r#"(module
  (memory 1)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("instances::futures_move_between_threads", threads),
        Trial::test("instances::share_an_allowance", allowance),
        Trial::test("instances::end_at_the_deadline_of_their_caller", deadline),
        Trial::test("instances::take_and_give_values", values),
        Trial::test("instances::release_handles", handles),
        Trial::test("instances::keep_as_many_handles_as_they_may", handles_bound),
        Trial::test("instances::have_streams_in_memory", streams),
        Trial::test("instances::are_told_when_a_capture_is_full", full_capture),
        Trial::test("instances::wait_for_files_on_other_threads", fifo),
        Trial::test("instances::find_the_same_on_other_threads", same_files),
        Trial::test("instances::have_host_functions", host_functions),
        Trial::test("instances::have_a_variable_once", variables),
    ]
}

fn component(text: &str) -> Result<Program, Failed> {
    let composition = compose(&part("program", text)?, &[], Form::Granted)?;
    Ok(Runtime::new(&interruptible())?.load(&composition)?)
}

fn module(text: &str) -> Result<Program, Failed> {
    module_with(text, &HostFunctions::new()).map_err(Failed::from)
}

fn module_with(text: &str, functions: &HostFunctions) -> Result<Program, LoadError> {
    let module = Wasm::parse("module", text.as_bytes().to_vec()).expect("a module as text");
    let name = "module".parse().expect("a name");
    Runtime::new(&interruptible())?.load_module_with(&name, &module, functions)
}

fn interruptible() -> RuntimeOptions {
    RuntimeOptions::new().interruptible(true)
}

fn of_consumer(consumer: Sandbox) -> Sandboxes {
    Sandboxes::new(consumer)
}

fn is_send<T: Send>(value: T) -> T {
    value
}

/// A server relies on these properties, which the compiler proves.
#[expect(dead_code, reason = "it is compiled and never called")]
async fn everything_is_send(
    program: &Program,
    mut instance: Instance,
    handle: wit_host::Resource,
) -> Option<()> {
    fn is_sync<T: Send + Sync>() {}
    is_sync::<Program>();
    is_sync::<Runtime>();
    is_sync::<Composition>();
    is_sync::<Allowance>();
    is_sync::<Sandboxes>();
    is_send::<Option<Instance>>(None);
    let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
    let allowance = Allowance::new(&limits);
    drop(is_send(program.instantiate(&sandboxes, &limits)).await);
    drop(is_send(program.instantiate_within(&sandboxes, &allowance, None)).await);
    let function = program.functions().first()?;
    drop(is_send(instance.call(function, Vec::new())).await);
    let call = "f()".parse().ok()?;
    drop(is_send(instance.invoke(&call)).await);
    drop(is_send(instance.release(handle)).await);
    drop(is_send(instance.run()).await);
    Some(())
}

/// Eight instances compute and wait at the same time, on two threads that steal each other's work.
fn threads() -> Result<(), Failed> {
    let program = component(COUNTERS)?;
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    tokio.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..8u32 {
            let program = program.clone();
            tasks.spawn(async move {
                let sandboxes = Sandboxes::default();
                let mut instance = program.instantiate(&sandboxes, &Limits::default()).await?;
                for round in 0..50 {
                    let start = Value::U32(number + round);
                    let [counter, twice] = program.functions() else {
                        return Err("two functions were expected".into());
                    };
                    let made = instance.call(counter, vec![start]).await?;
                    tokio::task::yield_now().await;
                    let twice = instance.call(twice, made).await?;
                    assert_eq!(twice, [Value::U32(2 * (number + round))]);
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done?.map_err(|error| error.to_string())?;
        }
        Ok(())
    })
}

const PAGE: usize = 64 << 10;

/// Two threads grow their instances until the allowance is used up; then all of it is given back.
fn allowance() -> Result<(), Failed> {
    let program = module(GROWING)?;
    let limits = Limits::new().memory(100 * PAGE);
    let allowance = Allowance::new(&limits);
    let both = Barrier::new(2);
    let grown: usize = thread::scope(|scope| {
        let grow = || {
            let tokio = tokio()?;
            let sandboxes = Sandboxes::default();
            let instance = program.instantiate_within(&sandboxes, &allowance, None);
            let instance = tokio.block_on(instance);
            // Both instances have their first page before one of them takes all that is left.
            both.wait();
            let mut instance = instance?;
            let grow = &program.functions()[0];
            let mut pages = 1;
            loop {
                let grown = tokio.block_on(instance.call(grow, vec![Value::S32(1)]))?;
                if grown == [Value::S32(-1)] {
                    return Ok::<_, Failed>((instance, pages));
                }
                pages += 1;
            }
        };
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(grow)).collect();
        // The instances live until both have grown.
        let grown: Result<Vec<_>, Failed> = threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "a thread panicked")?)
            .collect();
        let grown = grown?;
        assert_eq!(allowance.used(Growing::Memory), 100 * PAGE);
        let sandboxes = Sandboxes::default();
        let third = program.instantiate_within(&sandboxes, &allowance, None);
        match tokio()?.block_on(third) {
            Err(InstantiateError::NoRoom {
                refusal: Some(refusal),
                ..
            }) => assert_eq!(
                (refusal.what, refusal.wanted, refusal.limit),
                (Growing::Memory, 101 * PAGE, 100 * PAGE)
            ),
            other => return Err(format!("expected a refusal, found {other:?}").into()),
        }
        Ok::<_, Failed>(grown.iter().map(|(_, pages)| pages).sum())
    })?;
    assert_eq!(grown, 100);
    for what in [
        Growing::Memory,
        Growing::Tables,
        Growing::Streams,
        Growing::Handles,
    ] {
        assert_eq!(allowance.used(what), 0, "{what:?}");
    }
    Ok(())
}

fn deadline() -> Result<(), Failed> {
    let program = module("(module (func (export \"f\") (loop $l (br $l))))")?;
    let limits = Limits::new().timeout(Duration::from_secs(600));
    let tokio = tokio()?;
    let in_time = || Some(Instant::now() + Duration::from_millis(100));
    let mut instance = tokio.block_on(program.instantiate(&Sandboxes::default(), &limits))?;
    instance.set_deadline(in_time());
    match tokio.block_on(instance.call(&program.functions()[0], Vec::new())) {
        Err(CallError::Ended {
            outcome: Outcome::TimedOut(timed_out),
            ..
        }) => assert!(timed_out.after <= Duration::from_millis(100)),
        other => return Err(format!("expected a time-out, found {other:?}").into()),
    }
    let start = module("(module (func $f (loop $l (br $l))) (start $f))")?;
    let allowance = Allowance::new(&limits);
    match tokio.block_on(start.instantiate_within(&Sandboxes::default(), &allowance, in_time())) {
        Err(InstantiateError::Ended(Outcome::TimedOut(_))) => Ok(()),
        other => Err(format!("expected a time-out, found {other:?}").into()),
    }
}

fn values() -> Result<(), Failed> {
    let program = module(
        r#"(module
          (func (export "swap") (param i32 f64) (result f64 i32) (local.get 1) (local.get 0)))"#,
    )?;
    let tokio = tokio()?;
    let mut instance =
        tokio.block_on(program.instantiate(&Sandboxes::default(), &Limits::default()))?;
    let swap = program.function("swap")?;
    let given = vec![Value::S32(1), Value::F64(0.5)];
    let swapped = tokio.block_on(instance.call(swap, given))?;
    assert_eq!(swapped, [Value::F64(0.5), Value::S32(1)]);
    let wrong = tokio.block_on(instance.call(swap, vec![Value::S32(1), Value::S32(2)]));
    assert!(
        matches!(&wrong, Err(CallError::WrongArgument { position: 2, .. })),
        "{wrong:?}"
    );
    let wrong = tokio.block_on(instance.call(swap, vec![Value::S32(1)]));
    assert!(
        matches!(&wrong, Err(CallError::WrongCount { given: 1, .. })),
        "{wrong:?}"
    );
    let unknown = component(COUNTERS)?.functions()[0].clone();
    let wrong = tokio.block_on(instance.call(&unknown, Vec::new()));
    assert!(
        matches!(&wrong, Err(CallError::NoSuchFunction { .. })),
        "{wrong:?}"
    );
    Ok(())
}

/// Counters that count their destructions, and a function that takes one.
const RELEASED: &str = r#"(component
  (component $counters
    (core module $m
      (global $dropped (mut i32) (i32.const 0))
      (func (export "drop") (param i32) (global.set $dropped (i32.add (global.get $dropped) (i32.const 1))))
      (func (export "dropped") (result i32) (global.get $dropped))
      (func (export "value") (param i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m))
    (alias core export $i "drop" (core func $destroy))
    (type $counter (resource (rep i32) (dtor (core func $destroy))))
    (core func $resource-new (canon resource.new $counter))
    (core func $resource-drop (canon resource.drop $counter))
    (core module $make
      (import "host" "resource-new" (func $new (param i32) (result i32)))
      (import "host" "resource-drop" (func $drop (param i32)))
      (func (export "new") (param i32) (result i32) (call $new (local.get 0)))
      (func (export "take") (param i32) (call $drop (local.get 0)))
      (func (export "take-two") (param i32 i32)
        (call $drop (local.get 0)) (call $drop (local.get 1))))
    (core instance $maker (instantiate $make (with "host" (instance
      (export "resource-new" (func $resource-new))
      (export "resource-drop" (func $resource-drop))))))
    (export $counter-type "counter" (type $counter))
    (func $new (param "start" u32) (result (own $counter-type)) (canon lift (core func $maker "new")))
    (func $value (param "self" (borrow $counter-type)) (result u32) (canon lift (core func $i "value")))
    (func $take (param "counter" (own $counter-type)) (canon lift (core func $maker "take")))
    (func $take-two (param "a" (own $counter-type)) (param "b" (own $counter-type))
      (canon lift (core func $maker "take-two")))
    (func $dropped (result u32) (canon lift (core func $i "dropped")))
    (export "[constructor]counter" (func $new))
    (export "[method]counter.value" (func $value))
    (export "take" (func $take))
    (export "take-two" (func $take-two))
    (export "dropped" (func $dropped)))
  (instance $counters (instantiate $counters))
  (export "test:counters/counters@1.0.0" (instance $counters)))"#;

fn handles() -> Result<(), Failed> {
    let program = component(RELEASED)?;
    tokio()?.block_on(async {
        let sandboxes = Sandboxes::default();
        let mut instance = program.instantiate(&sandboxes, &Limits::default()).await?;
        let mut other = program.instantiate(&sandboxes, &Limits::default()).await?;
        let counter = program.function("counter")?;
        let value = program.function("counter.value")?;
        let take = program.function("take")?;
        let take_two = program.function("take-two")?;
        let dropped = program.function("dropped")?;
        let mut made = Vec::new();
        for number in 1..=4u32 {
            made.extend(instance.call(counter, vec![number.into()]).await?);
        }
        let [first, second, third, fourth] = &made[..] else {
            return Err("four handles were expected".into());
        };
        let handle = |value: &Value| match value {
            Value::Resource(handle) => *handle,
            other => panic!("{other} is not a handle"),
        };
        let with = |values: &[&Value]| values.iter().map(|value| (*value).clone()).collect();
        let is_refused = |called: Result<Vec<Value>, CallError>| match called {
            Err(CallError::WrongArgument { reason, .. }) => Ok(reason),
            other => Err(Failed::from(format!("expected a refusal, found {other:?}"))),
        };

        assert_eq!(instance.call(value, with(&[first])).await?, [1u32.into()]);
        instance.release(handle(first)).await?;
        assert_eq!(instance.call(dropped, vec![]).await?, [1u32.into()]);
        let reason = is_refused(instance.call(value, with(&[first])).await)?;
        assert_eq!(reason, "`$1` is not a handle of this instance");
        match instance.release(handle(first)).await {
            Err(CallError::NoSuchHandle { handle }) => assert_eq!(handle, "$1"),
            again => return Err(format!("expected a refusal, found {again:?}").into()),
        }

        instance.call(take, with(&[second])).await?;
        assert_eq!(instance.call(dropped, vec![]).await?, [2u32.into()]);
        is_refused(instance.call(take, with(&[second])).await)?;
        is_refused(instance.call(value, with(&[second])).await)?;

        // A refused call has given no handle away.
        let reason = is_refused(instance.call(take_two, with(&[third, third])).await)?;
        assert_eq!(reason, "`$3` is given away, and passed twice");
        is_refused(instance.call(take_two, with(&[third, second])).await)?;
        assert_eq!(instance.call(value, with(&[third])).await?, [3u32.into()]);

        // Another instance has a handle of the same number.
        let of_other = other.call(counter, vec![9u32.into()]).await?;
        is_refused(instance.call(value, of_other.clone()).await)?;
        is_refused(other.call(value, with(&[first])).await)?;
        assert_eq!(other.call(value, of_other).await?, [9u32.into()]);

        instance.call(take_two, with(&[third, fourth])).await?;
        assert_eq!(instance.call(dropped, vec![]).await?, [4u32.into()]);
        Ok(())
    })
}

fn handles_bound() -> Result<(), Failed> {
    let program = component(RELEASED)?;
    let limits = Limits::new().handles(3);
    tokio()?.block_on(async {
        let mut instance = program.instantiate(&Sandboxes::default(), &limits).await?;
        let counter = program.function("counter")?;
        let dropped = program.function("dropped")?;
        for number in 1..=3u32 {
            instance.call(counter, vec![number.into()]).await?;
        }
        match instance.call(counter, vec![4u32.into()]).await {
            Err(CallError::TooManyHandles { refusal, .. }) => assert_eq!(
                (refusal.what, refusal.wanted, refusal.limit),
                (Growing::Handles, 4, 3)
            ),
            other => return Err(format!("expected a refusal, found {other:?}").into()),
        }
        assert_eq!(instance.call(dropped, vec![]).await?, [1u32.into()]);
        instance.release(instance.handle("$2")?).await?;
        instance.call(counter, vec![5u32.into()]).await?;
        Ok(())
    })
}

/// Runs a program in this sandbox.
fn run(program: &Program, sandboxes: &Sandboxes) -> Result<Outcome, Failed> {
    crate::embedding::run(program, sandboxes)
}

/// The module and the component that is made of it, with inputs of all kinds.
fn streams() -> Result<(), Failed> {
    let as_module = module(ECHO)?;
    let wasm = Wasm::parse("echo", ECHO.as_bytes().to_vec())?;
    let echo = Part::new("echo", wit_host::componentize(&wasm)?)?;
    let composition = compose(&echo, &[], Form::Granted)?;
    let as_component = Runtime::new(&interruptible())?.load(&composition)?;
    let long = "é".repeat(1000);
    for program in [&as_module, &as_component] {
        for (input, expected) in [
            (Input::empty(), ""),
            (Input::bytes("text"), "text"),
            (Input::reader(Cursor::new(long.clone())), long.as_str()),
        ] {
            let output = Capture::new(1 << 20);
            let sandbox = Sandbox::new()
                .stdin(input)
                .stdout(Output::captured(&output));
            match run(program, &of_consumer(sandbox))? {
                Outcome::Exited(0) => {}
                other => return Err(format!("expected an end, found {other:?}").into()),
            }
            let text = String::from_utf8(output.take())?;
            let found = text
                .split_once("stdin: ")
                .map(|(_, input)| input.trim_end());
            assert_eq!(found, Some(expected));
            assert!(!output.is_cut());
        }
    }
    Ok(())
}

/// Writes 10 bytes twice, and exits with the second error.
const WRITES: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "0123456789")
  (data (i32.const 0) "\40\00\00\00\0a\00\00\00")
  (func (export "_start")
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    (call $exit (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))))"#;

fn full_capture() -> Result<(), Failed> {
    let program = module(WRITES)?;
    for (limit, kept, is_cut) in [
        (20, "01234567890123456789", false),
        (15, "012345678901234", true),
    ] {
        let output = Capture::new(limit);
        let sandbox = Sandbox::new().stdout(Output::captured(&output));
        match run(&program, &of_consumer(sandbox))? {
            Outcome::Exited(code) => assert_eq!(code != 0, is_cut, "exit code {code}"),
            other => return Err(format!("expected an end, found {other:?}").into()),
        }
        assert_eq!(output.bytes(), kept.as_bytes());
        assert_eq!(output.is_cut(), is_cut);
    }
    Ok(())
}

/// An instance that opens a FIFO waits, while another one on the same thread runs. Then a process opens
/// the other end.
fn fifo() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let pipe = directory.path().join("pipe");
    if !Command::new("mkfifo").arg(&pipe).status()?.success() {
        return Err("there is no `mkfifo`".into());
    }
    let waiting = module(OPENS_A_FIFO)?;
    let computing = module("(module (func (export \"_start\")))")?;
    let sandboxes =
        Sandboxes::new(Sandbox::new().preopen(Preopen::read_only(directory.path(), "/d")))
            .file_operations(FileOperations::OnOtherThreads);
    let limits = Limits::new().timeout(Duration::from_secs(60));
    tokio()?.block_on(async {
        let waiting = waiting.instantiate(&sandboxes, &limits).await?;
        let waiting = waiting.run();
        let other = async {
            // The first instance waits before the other one begins.
            tokio::time::sleep(Duration::from_millis(50)).await;
            let instance = computing.instantiate(&Sandboxes::default(), &limits).await;
            let outcome = instance?.run().await;
            let writer = thread::spawn(move || OpenOptions::new().write(true).open(pipe));
            Ok::<_, Failed>((outcome, writer))
        };
        let waiting = tokio::task::spawn(waiting);
        let (computed, writer) = other.await?;
        let waited = waiting.await?;
        assert!(matches!(computed, Outcome::Exited(0)), "{computed:?}");
        assert!(matches!(waited, Outcome::Exited(0)), "{waited:?}");
        writer.join().map_err(|_| "the writer panicked")??;
        Ok(())
    })
}

/// A guest that tries all of WASI gets the same results on whichever threads its file operations block.
fn same_files() -> Result<(), Failed> {
    let consumer = Part::new("prober", Component::open(Guest::ProberConsumer.path()?)?)?;
    let plug = Part::new("plug", Component::open(Guest::ProberPlug.path()?)?)?;
    let composition = compose(&consumer, std::slice::from_ref(&plug), Form::Granted)?;
    let program = Runtime::new(&interruptible())?.load(&composition)?;
    let found = |file_operations| {
        let directory = tempfile::tempdir()?;
        for number in 0..150 {
            std::fs::write(directory.path().join(number.to_string()), "text")?;
        }
        // The file and the link that the guest tries.
        std::fs::write(directory.path().join("inside"), "text")?;
        std::os::unix::fs::symlink("inside", directory.path().join("link"))?;
        let output = Capture::new(1 << 20);
        let granted = || Sandbox::new().preopen(Preopen::read_write(directory.path(), "/d"));
        let sandboxes = Sandboxes::new(granted().stdout(Output::captured(&output)))
            .plug(plug.name.clone(), granted())
            .file_operations(file_operations);
        let outcome = run(&program, &sandboxes)?;
        let found = String::from_utf8(output.take())?;
        assert!(
            matches!(outcome, Outcome::Exited(0)),
            "{outcome:?}\n{found}"
        );
        Ok::<_, Failed>(found)
    };
    let here = found(FileOperations::OnCallingThread)?;
    assert!(here.contains("read-directory-entry"), "{here}");
    assert_eq!(here, found(FileOperations::OnOtherThreads)?);
    Ok(())
}

fn host_functions() -> Result<(), Failed> {
    const MODULE: &str = r#"(module
      (import "host" "add" (func $add (param i32 i64) (result i64)))
      (func (export "f") (param i32) (result i64) (call $add (local.get 0) (i64.const 40))))"#;
    let add = |parameters: &[CoreType], result: Result<i64, &'static str>| {
        let call = move |arguments: &[Value]| match (arguments, result) {
            ([Value::S32(2), Value::S64(40)], Ok(sum)) => Ok(vec![sum.into()]),
            (_, Ok(_)) => Err("other arguments were expected".into()),
            (_, Err("nothing")) => Ok(Vec::new()),
            (_, Err(error)) => Err(error.into()),
        };
        let parameters = parameters.iter().copied();
        HostFunctions::new().define("host", "add", parameters, [CoreType::I64], call)
    };
    let types = [CoreType::I32, CoreType::I64];
    let call = |functions: &HostFunctions| {
        let program = module_with(MODULE, functions)?;
        let tokio = tokio()?;
        let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
        let instance = program.instantiate(&sandboxes, &limits);
        let mut instance = tokio.block_on(instance)?;
        let called = instance.call(program.function("f")?, vec![Value::S32(2)]);
        Ok::<_, Failed>(tokio.block_on(called))
    };
    assert_eq!(call(&add(&types, Ok(42)))??, [Value::S64(42)]);
    for (result, words) in [
        (
            Err("it is broken"),
            "the host's `host.add` failed: it is broken",
        ),
        (Err("nothing"), "it returned 0 values instead of 1"),
    ] {
        match call(&add(&types, result))? {
            Err(CallError::Ended {
                outcome: Outcome::Trapped(trap),
                ..
            }) => assert!(trap.reason.contains(words), "{trap}"),
            other => return Err(format!("expected a trap, found {other:?}").into()),
        }
    }
    match module_with(MODULE, &add(&[CoreType::I32], Ok(1))).err() {
        Some(LoadError::HostFunction {
            module,
            name,
            expected,
            provided,
            ..
        }) => {
            assert_eq!((&*module, &*name), ("host", "add"));
            assert_eq!(expected, "func(i32, i64) -> i64");
            assert_eq!(provided, "func(i32) -> i64");
        }
        other => return Err(format!("expected a refusal, found {other:?}").into()),
    }
    match module_with(MODULE, &HostFunctions::new()).err() {
        Some(LoadError::UnsatisfiedInModule { module, name, .. }) => {
            assert_eq!((&*module, &*name), ("host", "add"));
        }
        other => return Err(format!("expected a refusal, found {other:?}").into()),
    }
    Ok(())
}

fn variables() -> Result<(), Failed> {
    let output = Capture::new(1 << 20);
    let sandbox = Sandbox::new().stdout(Output::captured(&output));
    let sandbox = sandbox.env("A", "1").env("B", "2").env("A", "3");
    run(&module(ECHO)?, &of_consumer(sandbox))?;
    let text = String::from_utf8(output.take())?;
    assert!(text.contains("env: A=3\0B=2\0"), "{text:?}");
    Ok(())
}
