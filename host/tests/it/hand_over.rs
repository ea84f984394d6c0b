//! Data that is handed over to core modules, and functions that they call.

mod functions;
mod hostile;

use libtest_mimic::{Failed, Trial};
use std::time::{Duration, Instant};
use wit_host::{
    CallError, HandOverError, HostFunctions, Instance, InstantiateError, Limits, LoadError,
    Outcome, Program, Runtime, RuntimeOptions, Sandboxes, Trap, Wasm,
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("hand_over::each_range_is_freed_once", freed_once),
        Trial::test("hand_over::missing_exports_are_listed", missing),
        Trial::test("hand_over::components_are_refused", component),
        Trial::test("hand_over::an_output_is_bounded", bounded),
        Trial::test(
            "hand_over::a_refused_output_leaves_the_instance_usable",
            usable,
        ),
        Trial::test("hand_over::an_exchange_belongs_to_one_call", one_call),
        Trial::test("hand_over::an_instance_is_lost_after_a_trap", lost),
        Trial::test("hand_over::a_dropped_call_leaves_no_input_behind", dropped),
        Trial::test(
            "hand_over::all_calls_together_have_the_time_of_one",
            one_time,
        ),
        Trial::test("hand_over::code_without_loops_is_stopped_too", straight),
        Trial::test("hand_over::reactors_are_initialized", reactor),
        Trial::test("hand_over::a_memory_of_64_bits_is_a_memory", wide),
    ];
    trials.extend(functions::trials());
    trials.extend(hostile::trials());
    trials
}

/// An allocator that only moves forward, and records the ranges that it freed. `upper` makes the input upper case,
/// in a new range; `pair` does the same with two results. `echo` returns its input, which is against the rules.
const ALLOCATOR: &str = r#"(module
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 64))
  (global $freed (mut i64) (i64.const 0))
  (func $allocate (export "allocate") (param i32) (result i32)
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get 0))))
  (func (export "deallocate") (param i32 i32)
    (global.set $freed (i64.add (i64.mul (global.get $freed) (i64.const 1000))
      (i64.extend_i32_u (i32.add (i32.mul (local.get 0) (i32.const 10)) (local.get 1))))))
  (func (export "freed") (result i64) (global.get $freed))
  (func $upper (param $from i32) (param $length i32) (result i32)
    (local $to i32) (local $at i32)
    (local.set $to (call $allocate (local.get $length)))
    (block $done (loop $next
      (br_if $done (i32.eq (local.get $at) (local.get $length)))
      (i32.store8 (i32.add (local.get $to) (local.get $at))
        (i32.and (i32.const 0xdf) (i32.load8_u (i32.add (local.get $from) (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
    (local.get $to))
  (func (export "upper") (param i32 i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (call $upper (local.get 0) (local.get 1))) (i64.const 32))
      (i64.extend_i32_u (local.get 1))))
  (func (export "pair") (param i32 i32) (result i32 i32)
    (call $upper (local.get 0) (local.get 1)) (local.get 1))
  (func (export "echo") (param i32 i32) (result i32 i32) (local.get 0) (local.get 1))
  (func (export "sum") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#;

fn load(text: &str, functions: &HostFunctions) -> Result<Program, LoadError> {
    let module = Wasm::parse("module", text.as_bytes().to_vec()).expect("a module as text");
    let runtime = Runtime::new(&RuntimeOptions::new().interruptible(true))?;
    runtime.load_module_with(&"module".parse().expect("a name"), &module, functions)
}

fn on_tokio<T>(work: impl AsyncFnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
    crate::embedding::tokio()?.block_on(work())
}

async fn instance(text: &str) -> Result<Instance, Failed> {
    let program = load(text, &HostFunctions::new().exchange("host"))?;
    Ok(program
        .instantiate(&Sandboxes::default(), &Limits::default())
        .await?)
}

async fn number(instance: &mut Instance, function: &str) -> Result<i64, Failed> {
    let function = instance.program().function(function)?.clone();
    match instance.call(&function, Vec::new()).await?[..] {
        [wit_host::Value::S64(number)] => Ok(number),
        ref other => Err(format!("one number was expected, found {other:?}").into()),
    }
}

/// The trap of a call that did not return.
fn trap(error: HandOverError) -> Result<Box<Trap>, Failed> {
    match error {
        HandOverError::Call(CallError::Ended {
            outcome: Outcome::Trapped(trap),
            ..
        }) => Ok(trap),
        other => Err(format!("a trap was expected, found {other:?}").into()),
    }
}

fn freed_once() -> Result<(), Failed> {
    on_tokio(async || {
        for function in ["upper", "pair"] {
            let mut instance = instance(ALLOCATOR).await?;
            let output = instance.hand_over(function, b"abcd").await?;
            assert_eq!(output, b"ABCD");
            // First 4 bytes of output at 68, then 4 bytes of input at 64.
            assert_eq!(number(&mut instance, "freed").await?, 684_644);
            let output = instance.hand_over(function, b"").await?;
            assert_eq!(output, b"");
            assert_eq!(
                number(&mut instance, "freed").await?,
                684_644,
                "nothing was allocated"
            );
        }
        Ok(())
    })
}

fn missing() -> Result<(), Failed> {
    const OTHER: &str = r#"(module
      (global (export "memory") i32 (i32.const 1))
      (func (export "allocate") (param i64) (result i32) (i32.const 8))
      (func (export "mul") (param i32 i32) (result i32) (i32.mul (local.get 0) (local.get 1))))"#;
    on_tokio(async || {
        let mut other = instance(OTHER).await?;
        let error = other.hand_over("mul", b"a").await.expect_err("a refusal");
        assert_eq!(
            error.to_string(),
            "`module` lacks `memory` of type `memory` (it is `global`), \
             `allocate` of type `func(i32) -> i32` (it is `func(i64) -> i32`), \
             `deallocate` of type `func(i32, i32)`, \
             `mul` of type `func(i32, i32) -> (i32, i32)` or `func(i32, i32) -> i64` (it is `func(i32, i32) -> i32`); \
             exported are `allocate: func(i64) -> i32`, `mul: func(i32, i32) -> i32`"
        );
        let error = other.exchange("mul", "a").await.expect_err("a refusal");
        assert_eq!(
            error.to_string(),
            "`module` lacks `mul` of type `func()` (it is `func(i32, i32) -> i32`); \
             exported are `allocate: func(i64) -> i32`, `mul: func(i32, i32) -> i32`"
        );
        let error = instance("(module)").await?.exchange("f", "").await;
        let error = error.expect_err("a refusal");
        assert_eq!(
            error.to_string(),
            "`module` lacks `f` of type `func()`; exported is none at all"
        );
        Ok(())
    })
}

fn component() -> Result<(), Failed> {
    on_tokio(async || {
        let part = crate::embedding::part("consumer", "(component)")?;
        let composition = wit_host::compose(&part, &[], wit_host::Form::Granted)?;
        let program = Runtime::new(&RuntimeOptions::new())?.load(&composition)?;
        let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
        let mut instance = program.instantiate(&sandboxes, &limits).await?;
        let handed = instance.hand_over("f", b"").await;
        assert!(
            matches!(handed, Err(HandOverError::Component { .. })),
            "{handed:?}"
        );
        let exchanged = instance.exchange("f", "").await;
        assert!(
            matches!(exchanged, Err(HandOverError::Component { .. })),
            "{exchanged:?}"
        );
        Ok(())
    })
}

fn bounded() -> Result<(), Failed> {
    const LARGE: &str = r#"(module
      (import "host" "set_output" (func $set (param i32 i32)))
      (memory (export "memory") 1)
      (func (export "allocate") (param i32) (result i32) (i32.const 8))
      (func (export "deallocate") (param i32 i32))
      (func (export "one") (param i32 i32) (result i32 i32) (i32.const 16) (i32.const 1001))
      (func (export "run") (call $set (i32.const 16) (i32.const 1001))))"#;
    on_tokio(async || {
        let program = load(LARGE, &HostFunctions::new().exchange("host"))?;
        let limits = Limits::new().result(1000);
        let mut instance = program.instantiate(&Sandboxes::default(), &limits).await?;
        let refused = instance.hand_over("one", b"a").await;
        assert!(
            matches!(
                refused,
                Err(HandOverError::OutputTooLong {
                    length: 1001,
                    limit: 1000,
                    ..
                })
            ),
            "{refused:?}"
        );
        let refused = instance.exchange("run", "").await.expect_err("a refusal");
        let trap = trap(refused)?;
        let words = "the host's `host.set_output` failed: the output has 1001 bytes, and at most 1000 are taken";
        assert!(trap.reason.contains(words), "{trap}");
        Ok(())
    })
}

fn usable() -> Result<(), Failed> {
    on_tokio(async || {
        let mut instance = instance(ALLOCATOR).await?;
        let refused = instance.hand_over("echo", b"abcd").await;
        assert!(
            matches!(
                refused,
                Err(HandOverError::Overlapping {
                    pointer: 64,
                    length: 4,
                    ..
                })
            ),
            "{refused:?}"
        );
        assert_eq!(
            number(&mut instance, "freed").await?,
            644,
            "the input alone"
        );
        assert_eq!(instance.hand_over("upper", b"ef").await?, b"EF");
        Ok(())
    })
}

fn one_call() -> Result<(), Failed> {
    const MODULE: &str = r#"(module
      (import "host" "get_input_size" (func $size (result i32)))
      (import "host" "get_input" (func $get (param i32)))
      (import "host" "set_output" (func $set (param i32 i32)))
      (memory (export "memory") 1)
      (func (export "twice")
        (call $get (i32.const 0))
        (call $set (i32.const 1) (i32.const 1))
        (call $set (i32.const 0) (call $size)))
      (func (export "nothing"))
      (func (export "size") (result i64) (i64.extend_i32_u (call $size))))"#;
    on_tokio(async || {
        let mut one = instance(MODULE).await?;
        let mut other = instance(MODULE).await?;
        assert_eq!(one.exchange("twice", "abc").await?, b"abc");
        assert_eq!(other.exchange("twice", "").await?, b"");
        let refused = one.exchange("nothing", "abc").await;
        assert!(
            matches!(refused, Err(HandOverError::NoOutput { .. })),
            "{refused:?}"
        );
        let size = one.program().function("size")?.clone();
        match one.call(&size, Vec::new()).await {
            Err(CallError::Ended {
                outcome: Outcome::Trapped(trap),
                ..
            }) => assert!(
                trap.reason.contains("no input was given for this call"),
                "{trap}"
            ),
            other => return Err(format!("a trap was expected, found {other:?}").into()),
        }
        Ok(())
    })
}

fn lost() -> Result<(), Failed> {
    const MODULE: &str = r#"(module
      (memory (export "memory") 1)
      (func (export "allocate") (param i32) (result i32) (i32.const 8))
      (func (export "deallocate") (param i32 i32) unreachable)
      (func (export "echo") (param i32 i32) (result i32 i32) (i32.const 64) (local.get 1))
      (func (export "nothing"))
      (func (export "one") (result i64) (i64.const 1)))"#;
    on_tokio(async || {
        let mut lost = instance(MODULE).await?;
        assert_eq!(number(&mut lost, "one").await?, 1);
        trap(lost.hand_over("echo", b"ab").await.expect_err("a trap"))?;
        let refused = |error: HandOverError| matches!(error, HandOverError::Call(CallError::Lost));
        assert!(lost.hand_over("echo", b"").await.is_err_and(refused));
        assert!(
            lost.exchange("nothing", b"".to_vec())
                .await
                .is_err_and(refused)
        );
        let one = lost.program().function("one")?.clone();
        let called = lost.call(&one, Vec::new()).await;
        assert!(matches!(called, Err(CallError::Lost)), "{called:?}");
        let invoked = lost.invoke(&"one()".parse()?).await;
        assert!(matches!(invoked, Err(CallError::Lost)), "{invoked:?}");
        Ok(())
    })
}

/// An exchange that computes for ever is dropped, and nobody reads its input after that.
fn dropped() -> Result<(), Failed> {
    const MODULE: &str = r#"(module
      (import "host" "get_input_size" (func $size (result i32)))
      (func (export "spin") (loop (br 0)))
      (func (export "size") (result i64) (i64.extend_i32_u (call $size))))"#;
    on_tokio(async || {
        let mut instance = instance(MODULE).await?;
        let exchange = instance.exchange("spin", "a secret");
        let dropped = tokio::time::timeout(Duration::from_millis(50), exchange).await;
        assert!(dropped.is_err(), "it was dropped");
        let size = instance.program().function("size")?.clone();
        let called = instance.call(&size, Vec::new()).await;
        assert!(matches!(called, Err(CallError::Lost)), "{called:?}");
        match instance.run().await {
            Outcome::Trapped(trap) => assert!(trap.reason.contains("is lost"), "{trap}"),
            other => return Err(format!("a trap was expected, found {other:?}").into()),
        }
        Ok(())
    })
}

fn timed_out(result: Result<Vec<u8>, HandOverError>) -> Result<(), Failed> {
    match result {
        Err(HandOverError::Call(CallError::Ended {
            outcome: Outcome::TimedOut(_),
            ..
        })) => Ok(()),
        other => Err(format!("a timeout was expected, found {other:?}").into()),
    }
}

/// Each of the three functions takes two thirds of the time.
fn one_time() -> Result<(), Failed> {
    const SLOW: &str = r#"(module
      (import "host" "sleep" (func $sleep))
      (memory (export "memory") 1)
      (func (export "allocate") (param i32) (result i32) (call $sleep) (i32.const 8))
      (func (export "deallocate") (param i32 i32) (call $sleep))
      (func (export "process") (param i32 i32) (result i32 i32) (call $sleep) (i32.const 0) (i32.const 0))
      (func (export "spin") (loop (br 0))))"#;
    let functions = HostFunctions::new().typed("host", "sleep", |_, ()| {
        std::thread::sleep(Duration::from_millis(100));
        Ok(())
    });
    on_tokio(async || {
        let program = load(SLOW, &functions)?;
        let (sandboxes, limits) = (Sandboxes::default(), Limits::default());
        for (timeout, is_enough) in [(150, false), (5000, true)] {
            let mut instance = program.instantiate(&sandboxes, &limits).await?;
            instance.set_timeout(Some(Duration::from_millis(timeout)));
            let result = instance.hand_over("process", b"a").await;
            match is_enough {
                true => assert_eq!(result?, b""),
                false => timed_out(result)?,
            }
        }
        let mut instance = program.instantiate(&sandboxes, &limits).await?;
        instance.set_timeout(Some(Duration::from_millis(100)));
        timed_out(instance.exchange("spin", "").await)
    })
}

/// Two thousand calls of the host in a row, each of which copies 8 MiB.
fn straight() -> Result<(), Failed> {
    let calls = "(call $get (i32.const 0))".repeat(2000);
    let module = format!(
        r#"(module
          (import "host" "get_input" (func $get (param i32)))
          (memory (export "memory") 128)
          (func (export "copy") {calls}))"#
    );
    on_tokio(async || {
        let mut instance = instance(&module).await?;
        instance.set_timeout(Some(Duration::from_millis(50)));
        let started = Instant::now();
        timed_out(instance.exchange("copy", vec![1; 8 << 20]).await)?;
        let taken = started.elapsed();
        assert!(taken < Duration::from_secs(2), "{taken:?}");
        Ok(())
    })
}

/// Pointers have 32 bits all the same.
fn wide() -> Result<(), Failed> {
    const WIDE: &str = r#"(module
      (memory (export "memory") i64 1)
      (func (export "allocate") (param i32) (result i32) (i32.const 8))
      (func (export "deallocate") (param i32 i32))
      (func (export "process") (param i32 i32) (result i32 i32) (i32.const 65530) (local.get 1)))"#;
    on_tokio(async || {
        let mut instance = instance(WIDE).await?;
        assert_eq!(instance.hand_over("process", b"abcdef").await?, [0; 6]);
        let refused = instance.hand_over("process", b"abcdefg").await;
        assert!(
            matches!(refused, Err(HandOverError::Returned { .. })),
            "{refused:?}"
        );
        Ok(())
    })
}

fn reactor() -> Result<(), Failed> {
    const REACTOR: &str = r#"(module
      (global $is (mut i64) (i64.const 0))
      (func (export "_initialize") (global.set $is (i64.add (global.get $is) (i64.const 1))))
      (func (export "is") (result i64) (global.get $is)))"#;
    on_tokio(async || {
        let mut reactor = instance(REACTOR).await?;
        assert_eq!(number(&mut reactor, "is").await?, 1);
        let other = r#"(module (func (export "_initialize") (param i32) unreachable))"#;
        instance(other).await?;
        let trap = load(
            r#"(module (func (export "_initialize") unreachable))"#,
            &HostFunctions::new(),
        )?;
        let trapped = trap
            .instantiate(&Sandboxes::default(), &Limits::default())
            .await;
        assert!(
            matches!(trapped, Err(InstantiateError::Ended(Outcome::Trapped(_)))),
            "{trapped:?}"
        );
        let spin = r#"(module (func (export "_initialize") (loop (br 0))))"#;
        let spin = load(spin, &HostFunctions::new())?;
        let limits = Limits::new().timeout(Duration::from_millis(50));
        let stopped = spin.instantiate(&Sandboxes::default(), &limits).await;
        assert!(
            matches!(stopped, Err(InstantiateError::Ended(Outcome::TimedOut(_)))),
            "{stopped:?}"
        );
        Ok(())
    })
}
