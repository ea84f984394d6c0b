//! The limits of a program as an embedder sets them: each limit alone, at its boundary.

use crate::{
    embedding::{CONSUMER, part, tokio},
    engines::{self, OnEngine},
};
use libtest_mimic::{Failed, Trial};
use std::{thread::sleep, time::Duration};
use wit_host::{
    CallError, Engine, Form, Growing, InstantiateError, Limits, LoadError, Outcome, Pool, Program,
    Refusal, Runtime, RuntimeOptions, Sandboxes, Wasm, compose,
};

const LOOPING: &str = include_str!("../cases/run/limits/timeout/looping.wat");
const SLEEPING: &str = include_str!("../cases/run/limits/sleep/sleep.wat");
const HANDLES: &str = include_str!("../cases/run/limits/handles/handles.wat");

const TRAPPING: &str = include_str!("../cases/run/exit-codes/trap.wat");

/// The trials.
pub fn trials() -> Vec<Trial> {
    let trials: [OnEngine; 13] = [
        ("memory_is_the_sum_of_all_memories", memory),
        ("table_elements_are_the_sum_of_all_tables", tables),
        ("instances_tables_and_memories_are_counted_each", counts),
        ("they_hold_for_a_core_module", module),
        ("each_instance_has_them_for_itself", own_limits),
        ("defaults_are_bounded", defaults),
        ("a_pool_has_its_slots_and_no_more", pool),
        ("handles_are_counted", handles),
        ("fuel_is_used_up", fuel),
        ("each_call_has_the_whole_time", whole_time),
        ("the_part_that_computes_is_named", who_was_computing),
        ("a_trap_in_time_is_a_trap", trap_in_time),
        ("recursion_is_bounded", recursion),
    ];
    engines::on_each("limits", &trials)
}

fn options(engine: Engine) -> RuntimeOptions {
    RuntimeOptions::new().engine(engine)
}

fn load(options: &RuntimeOptions, text: &str) -> Result<Program, Failed> {
    let composition = compose(&part("program", text)?, &[], Form::Granted)?;
    Ok(Runtime::new(options)?.load(&composition)?)
}

/// The error of instantiating a program within these limits, if it fails.
fn refusal(program: &Program, limits: &Limits) -> Result<Option<InstantiateError>, Failed> {
    let instance = tokio()?.block_on(program.instantiate(&Sandboxes::default(), limits));
    Ok(instance.err())
}

fn expect_room(program: &Program, limits: &Limits) -> Result<(), Failed> {
    match refusal(program, limits)? {
        None => Ok(()),
        Some(error) => Err(format!("{limits:?}: {error:?}").into()),
    }
}

/// The resource of a refused growth, the sum with the growth, and the limit.
fn facts(refusal: Refusal) -> (Growing, usize, usize) {
    (refusal.what, refusal.wanted, refusal.limit)
}

fn expect_no_room(
    program: &Program,
    limits: &Limits,
    expected: Option<(Growing, usize, usize)>,
) -> Result<(), Failed> {
    match refusal(program, limits)? {
        Some(InstantiateError::NoRoom { refusal, .. }) if refusal.map(facts) == expected => Ok(()),
        other => Err(format!("{limits:?}: {other:?}").into()),
    }
}

/// A component with `count` instances of a module of these fields.
fn instances(count: usize, fields: &str) -> String {
    let instances = "(core instance (instantiate $m))".repeat(count);
    format!("(component (core module $m {fields}) {instances})")
}

const PAGE: usize = 64 << 10;

fn memory(engine: Engine) -> Result<(), Failed> {
    let of = |memory| Limits::new().memory(memory);
    for (count, fields) in [(3, "(memory 2)"), (1, "(memory 2) (memory 3) (memory 1)")] {
        let program = load(&options(engine), &instances(count, fields))?;
        let refusal = (Growing::Memory, 6 * PAGE, 6 * PAGE - 1);
        expect_room(&program, &of(6 * PAGE))?;
        expect_no_room(&program, &of(6 * PAGE - 1), Some(refusal))?;
    }
    Ok(())
}

fn tables(engine: Engine) -> Result<(), Failed> {
    let of = |table_elements| Limits::new().table_elements(table_elements);
    let fields = "(table 20 funcref) (table 40 funcref)";
    let program = load(&options(engine), &instances(2, fields))?;
    let refusal = (Growing::Tables, 120, 119);
    expect_room(&program, &of(120))?;
    expect_no_room(&program, &of(119), Some(refusal))
}

fn counts(engine: Engine) -> Result<(), Failed> {
    let of = |instances| Limits::new().instances(instances);
    let programs = [
        instances(4, ""),
        instances(1, &"(table 1 funcref)".repeat(4)),
        instances(1, &"(memory 1)".repeat(4)),
        instances(2, "(table 1 funcref) (table 1 funcref) (memory 1)"),
    ];
    for text in programs {
        let program = load(&options(engine), &text)?;
        expect_room(&program, &of(4))?;
        expect_no_room(&program, &of(3), None).map_err(|error| {
            let why = error.message().unwrap_or_default();
            format!("{text}: {why}")
        })?;
    }
    Ok(())
}

fn module(engine: Engine) -> Result<(), Failed> {
    let text = b"(module (memory 2) (table 10 funcref) (table 10 funcref))".to_vec();
    let module = Wasm::parse("module", text)?;
    let runtime = Runtime::new(&options(engine))?;
    let program = runtime.load_module(&"module".parse()?, &module)?;
    let most = Limits::new()
        .memory(2 * PAGE)
        .table_elements(20)
        .instances(2);
    expect_room(&program, &most)?;
    let memory = most.clone().memory(2 * PAGE - 1);
    let tables = most.clone().table_elements(19);
    let instances = most.instances(1);
    expect_no_room(
        &program,
        &memory,
        Some((Growing::Memory, 2 * PAGE, 2 * PAGE - 1)),
    )?;
    expect_no_room(&program, &tables, Some((Growing::Tables, 20, 19)))?;
    expect_no_room(&program, &instances, None)
}

/// Several instances at a time, each of which uses its whole limits.
fn own_limits(engine: Engine) -> Result<(), Failed> {
    let fields = "(memory 2) (table 10 funcref)";
    let program = load(&options(engine), &instances(2, fields))?;
    let limits = Limits::new()
        .memory(4 * PAGE)
        .table_elements(20)
        .instances(2);
    tokio()?.block_on(async {
        let mut running = Vec::new();
        for _ in 0..3 {
            running.push(program.instantiate(&Sandboxes::default(), &limits).await?);
        }
        Ok(())
    })
}

/// Two GiB of memory, a million table elements, a thousand instances, ten thousand handles.
fn defaults(engine: Engine) -> Result<(), Failed> {
    let limits = Limits::default();
    let load = |text: &str| load(&options(engine), text);
    let large = load(&instances(1, "(memory 32769)"))?;
    let memory = Some((Growing::Memory, (2 << 30) + PAGE, 2 << 30));
    expect_no_room(&large, &limits, memory)?;
    expect_room(&load(&instances(1, "(table 1048576 funcref)"))?, &limits)?;
    let large = load(&instances(1, "(table 1048577 funcref)"))?;
    let tables = Some((Growing::Tables, (1 << 20) + 1, 1 << 20));
    expect_no_room(&large, &limits, tables)?;
    // A single component may not define more than a thousand.
    let twice = |count| {
        let inner = instances(count, "").replacen("(component", "(component $c", 1);
        load(&format!(
            "(component {inner} (instance (instantiate $c)) (instance (instantiate $c)))"
        ))
    };
    expect_room(&twice(500)?, &limits)?;
    expect_no_room(&twice(501)?, &limits, None)?;
    match run(&load(&timers(10_001))?, &limits)? {
        Outcome::Trapped(trap) if trap.reason.contains("handles") => Ok(()),
        other => Err(format!("10,001 timers: {other:?}").into()),
    }
}

/// A pool for one program at a time, with a memory of one page.
fn pool(engine: Engine) -> Result<(), Failed> {
    let options = options(engine).pool(Pool::new(1, PAGE));
    let runtime = Runtime::new(&options)?;
    let compose = |text| Ok::<_, Failed>(compose(&part("program", text)?, &[], Form::Granted)?);
    let program = runtime.load(&compose(
        "(component (core module $m (memory 1)) (core instance (instantiate $m)))",
    )?)?;
    tokio()?.block_on(async {
        let instantiate = async || {
            program
                .instantiate(&Sandboxes::default(), &Limits::default())
                .await
        };
        for _ in 0..2 {
            let first = instantiate().await?;
            let second = instantiate().await;
            assert!(
                matches!(second, Err(InstantiateError::NoRoom { .. })),
                "a second program has found a slot"
            );
            drop(first);
        }
        Ok::<_, Failed>(())
    })?;
    let larger =
        compose("(component (core module $m (memory 2)) (core instance (instantiate $m)))")?;
    match runtime.load(&larger) {
        Err(LoadError::Compile { .. }) => Ok(()),
        Err(other) => Err(other.into()),
        Ok(program) => expect_no_room(&program, &Limits::default(), None),
    }
}

fn run(program: &Program, limits: &Limits) -> Result<Outcome, Failed> {
    tokio()?.block_on(async {
        let instance = program.instantiate(&Sandboxes::default(), limits).await?;
        Ok(instance.run().await)
    })
}

/// A program that creates `count` timers and drops none.
fn timers(count: u32) -> String {
    let again = "(loop $again (drop (call $subscribe (i64.const 1))) (br $again))";
    let times = format!(
        "(loop $again (drop (call $subscribe (i64.const 1)))
           (global.set $made (i32.add (global.get $made) (i32.const 1)))
           (br_if $again (i32.lt_u (global.get $made) (i32.const {count}))))"
    );
    let counted = HANDLES.replace(again, &times);
    assert_ne!(counted, HANDLES, "how many timers it makes can be told it");
    let function = "(func (export \"run\")";
    counted.replace(
        function,
        &format!("(global $made (mut i32) (i32.const 0)) {function}"),
    )
}

/// A timer uses at least one handle.
fn handles(engine: Engine) -> Result<(), Failed> {
    let run = |count| {
        let limits = Limits::new().handles(20);
        run(&load(&options(engine), &timers(count))?, &limits)
    };
    match run(5)? {
        Outcome::Exited(0) => {}
        other => return Err(format!("5 timers: {other:?}").into()),
    }
    match run(21)? {
        Outcome::Trapped(trap) if trap.reason.contains("handles") => Ok(()),
        other => Err(format!("21 timers: {other:?}").into()),
    }
}

fn fuel(engine: Engine) -> Result<(), Failed> {
    let options = options(engine).fuel(true);
    let times = |count: u32| {
        format!(
            r#"(component
              (core module $m
                (func (export "run") (result i32) (local $i i32)
                  (loop $again
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $again (i32.lt_u (local.get $i) (i32.const {count}))))
                  (i32.const 0)))
              (core instance $i (instantiate $m))
              (func $run (result (result)) (canon lift (core func $i "run")))
              (instance $command (export "run" (func $run)))
              (export "wasi:cli/run@0.2.6" (instance $command)))"#
        )
    };
    let of = |fuel| Limits::new().fuel(fuel);
    let (short, long) = (
        load(&options, &times(10))?,
        load(&options, &times(100_000))?,
    );
    // The second run has as much fuel as the first one.
    for (program, fuel) in [(&short, Some(1000)), (&short, Some(1000)), (&long, None)] {
        match run(program, &of(fuel))? {
            Outcome::Exited(0) => {}
            other => return Err(format!("{fuel:?}: {other:?}").into()),
        }
    }
    match run(&long, &of(Some(1000)))? {
        Outcome::Trapped(trap) if trap.reason.contains("fuel") => Ok(()),
        other => Err(format!("expected an end by fuel, found {other:?}").into()),
    }
}

fn interruptible(engine: Engine) -> RuntimeOptions {
    options(engine).interruptible(true)
}

/// The second call computes until after the timeout of the first one has passed.
fn whole_time(engine: Engine) -> Result<(), Failed> {
    let program = load(
        &interruptible(engine),
        r#"(component
          (import "wasi:clocks/monotonic-clock@0.2.6" (instance $clock
            (export "now" (func (result u64)))))
          (core func $now (canon lower (func $clock "now")))
          (core module $m
            (import "clock" "now" (func $now (result i64)))
            (func (export "compute") (param $nanoseconds i64) (local $end i64)
              (local.set $end (i64.add (call $now) (local.get $nanoseconds)))
              (loop $again (br_if $again (i64.lt_u (call $now) (local.get $end))))))
          (core instance $i (instantiate $m
            (with "clock" (instance (export "now" (func $now))))))
          (func (export "compute") (param "nanoseconds" u64)
            (canon lift (core func $i "compute"))))"#,
    )?;
    let limit = Duration::from_secs(1);
    let limits = Limits::new().timeout(limit);
    let outcome = tokio()?.block_on(async {
        let mut instance = program.instantiate(&Sandboxes::default(), &limits).await?;
        for _ in 0..2 {
            instance.invoke(&"compute(50000000)".parse()?).await?;
            sleep(limit);
        }
        let for_ever = "compute(1000000000000000)".parse()?;
        Ok::<_, Failed>(instance.invoke(&for_ever).await)
    })?;
    match outcome {
        Err(CallError::Ended {
            outcome: Outcome::TimedOut(timed_out),
            ..
        }) => {
            assert_eq!(timed_out.after, limit);
            assert_eq!(timed_out.part, Some("program".parse()?));
            Ok(())
        }
        other => Err(format!("expected a time-out, found {other:?}").into()),
    }
}

fn who_was_computing(engine: Engine) -> Result<(), Failed> {
    let limits = Limits::new().timeout(Duration::from_millis(100));
    let runtime = Runtime::new(&interruptible(engine))?;
    let computing = [part("looping", LOOPING)?];
    let computing = compose(&part("consumer", CONSUMER)?, &computing, Form::Granted)?;
    let waiting = compose(&part("sleeping", SLEEPING)?, &[], Form::Granted)?;
    for (composition, part) in [(computing, Some("looping".parse()?)), (waiting, None)] {
        match run(&runtime.load(&composition)?, &limits)? {
            Outcome::TimedOut(timed_out) => {
                assert_eq!(timed_out.part, part);
                assert_eq!(Some(timed_out.after), limits.timeout);
            }
            other => return Err(format!("expected a time-out, found {other:?}").into()),
        }
    }
    Ok(())
}

fn trap_in_time(engine: Engine) -> Result<(), Failed> {
    let limits = Limits::new().timeout(Duration::from_secs(600));
    match run(&load(&interruptible(engine), TRAPPING)?, &limits)? {
        Outcome::Trapped(trap) => {
            assert_eq!(trap.part, Some("program".parse()?));
            Ok(())
        }
        other => Err(format!("expected a trap, found {other:?}").into()),
    }
}

/// A recursion of some thousand calls has room, and one without end is a trap.
fn recursion(engine: Engine) -> Result<(), Failed> {
    let times = |count: u32| {
        format!(
            r#"(component
              (core module $m
                (func $down (param i32) (result i32)
                  (if (result i32) (local.get 0)
                    (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
                    (else (i32.const 0))))
                (func (export "run") (result i32)
                  (i32.ne (call $down (i32.const {count})) (i32.const {count}))))
              (core instance $i (instantiate $m))
              (func $run (result (result)) (canon lift (core func $i "run")))
              (instance $command (export "run" (func $run)))
              (export "wasi:cli/run@0.2.6" (instance $command)))"#
        )
    };
    let run = |count| run(&load(&options(engine), &times(count))?, &Limits::default());
    match run(5000)? {
        Outcome::Exited(0) => {}
        other => return Err(format!("5000 calls: {other:?}").into()),
    }
    match run(100_000)? {
        Outcome::Trapped(trap) if trap.reason.contains("call stack") => {
            assert_eq!(trap.part, Some("program".parse()?));
            Ok(())
        }
        other => Err(format!("100,000 calls: {other:?}").into()),
    }
}
