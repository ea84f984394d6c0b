//! Calls of functions with dynamic values, and their endings.

use super::{NUMBERS, expect_exit, load, number, outcome};
use crate::embedding::{CONSUMER, part, run, tokio};
use libtest_mimic::{Failed, Trial};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use wit_host::{Call, HostInterface, Limits, Outcome, Sandboxes, Value};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("host_interfaces::a_function_answers", a_function_answers),
        Trial::test("host_interfaces::values_of_every_kind_pass", values_pass),
        Trial::test(
            "host_interfaces::a_wait_is_dropped_in_time",
            wait_is_dropped,
        ),
        Trial::test("host_interfaces::a_wrong_result_is_a_trap", wrong_result),
        Trial::test("host_interfaces::an_error_is_a_trap", error_is_a_trap),
    ]
}

/// This consumer succeeds if it gets 42.
fn a_function_answers() -> Result<(), Failed> {
    let consumer = || part("consumer", CONSUMER);
    expect_exit(&outcome(consumer()?.provide(number(42)), &[])?, 0)?;
    expect_exit(&outcome(consumer()?.provide(number(41)), &[])?, 1)?;

    let calls = Arc::new(AtomicU32::new(0));
    let count = calls.clone();
    let asynchronous = HostInterface::new("test:numbers/number@1.0.3")
        .async_function("get", move |call| {
            let count = count.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                count.fetch_add(1, Ordering::Relaxed);
                assert_eq!((call.part.as_str(), call.arguments.len()), ("consumer", 0));
                Ok(Some(Value::U32(42)))
            }
        })
        .function("not-imported", |_| Ok(None));
    let program = load(&consumer()?.provide(asynchronous), &[])?;
    for _ in 0..3 {
        expect_exit(&run(&program, &Sandboxes::default())?, 0)?;
    }
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    Ok(())
}

/// Passes its argument to the import of that name, and returns the result.
const ECHO: &str = r#"(component
  (import "echo" (instance $echo
    (type $r (record (field "a" u8) (field "b" (option string))))
    (export "r" (type $r2 (eq $r)))
    (export "both" (func (param "bytes" (list u8)) (param "r" $r2) (result (result string (error u32)))))
    (export "nothing" (func))))
  (alias export $echo "r" (type $r))
  (core module $memory
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (core func $both (canon lower (func $echo "both")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $nothing (canon lower (func $echo "nothing")))
  (core module $m
    (import "host" "both" (func $both (param i32 i32 i32 i32 i32 i32 i32)))
    (import "host" "nothing" (func $nothing))
    (func (export "both") (param i32 i32 i32 i32 i32 i32) (result i32)
      (call $nothing)
      (call $both (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (i32.const 512))
      (i32.const 512)))
  (core instance $i (instantiate $m (with "host" (instance
    (export "both" (func $both)) (export "nothing" (func $nothing))))))
  (export $r3 "r" (type $r))
  (func (export "both") (param "bytes" (list u8)) (param "r" $r3) (result (result string (error u32)))
    (canon lift (core func $i "both") (memory (core memory $memory "memory")) (realloc (core func $memory "realloc")))))"#;

fn values_pass() -> Result<(), Failed> {
    let echo = HostInterface::new("echo")
        .function("nothing", |_| Ok(None))
        .function("both", |call| {
            let [Value::Bytes(bytes), Value::Record(fields)] = &call.arguments[..] else {
                return Err(format!("called with {:?}", call.arguments).into());
            };
            Ok(Some(match bytes.len() {
                0 => Value::err(7_u32),
                _ => Value::ok(format!("{bytes:?} {} {}", fields[0].1, fields[1].1)),
            }))
        });
    let program = load(&part("echoes", ECHO)?.provide(echo), &[])?;
    for (call, expected) in [
        (
            "both([1, 2], {a: 3, b: some(\"x\")})",
            r#"ok("[1, 2] 3 some(\"x\")")"#,
        ),
        ("both([], {a: 3, b: none})", "err(7)"),
    ] {
        let call: Call = call.parse()?;
        let shown = tokio()?.block_on(async {
            let mut instance = program
                .instantiate(&Sandboxes::default(), &Limits::default())
                .await?;
            Ok::<_, Failed>(instance.invoke(&call).await?)
        })?;
        assert_eq!(
            shown.map(|value| value.to_string()).as_deref(),
            Some(expected)
        );
    }
    Ok(())
}

fn wait_is_dropped() -> Result<(), Failed> {
    let never = HostInterface::new(NUMBERS).async_function("get", |_| {
        std::future::pending::<Result<_, wit_host::HostError>>()
    });
    let program = load(&part("consumer", CONSUMER)?.provide(never), &[])?;
    let limits = Limits::new().timeout(Duration::from_millis(50));
    let outcome = tokio()?.block_on(async {
        let instance = program.instantiate(&Sandboxes::default(), &limits).await?;
        Ok::<_, Failed>(instance.run().await)
    })?;
    match outcome {
        Outcome::TimedOut(timed_out) if timed_out.part.is_none() => Ok(()),
        other => Err(format!("expected a time-out, found {other:?}").into()),
    }
}

fn expect_trap(interface: HostInterface, reason: &str) -> Result<(), Failed> {
    match outcome(part("consumer", CONSUMER)?.provide(interface), &[])? {
        Outcome::Trapped(trap) => {
            let expected = format!(
                "`consumer` trapped: the host interface `{NUMBERS}` failed in `get`: {reason}"
            );
            assert_eq!(trap.to_string(), expected);
            Ok(())
        }
        other => Err(format!("expected a trap, found {other:?}").into()),
    }
}

fn wrong_result() -> Result<(), Failed> {
    let returning = |value: Option<Value>| {
        HostInterface::new(NUMBERS).function("get", move |_| Ok(value.clone()))
    };
    expect_trap(
        returning(Some("42".into())),
        "expected `u32`, found a `string`",
    )?;
    expect_trap(
        returning(Some(Value::S32(42))),
        "expected `u32`, found an `s32`",
    )?;
    expect_trap(returning(None), "expected `u32`, found no result")?;
    let echo = HostInterface::new("echo")
        .function("nothing", |_| Ok(Some(Value::Bool(true))))
        .function("both", |_| Ok(None));
    let program = load(&part("echoes", ECHO)?.provide(echo), &[])?;
    let call: Call = "both([], {a: 3, b: none})".parse()?;
    let error = tokio()?.block_on(async {
        let mut instance = program
            .instantiate(&Sandboxes::default(), &Limits::default())
            .await?;
        Ok::<_, Failed>(instance.invoke(&call).await.err())
    })?;
    let error = error.ok_or("a result that the function does not have was taken")?;
    let expected = "the host interface `echo` failed in `nothing`: expected no result, found one";
    // The trap is a field of the error, so the message of the error does not contain it.
    let facts = format!("{error:?}");
    assert!(facts.contains(expected), "{facts}");
    Ok(())
}

fn error_is_a_trap() -> Result<(), Failed> {
    let failing = HostInterface::new(NUMBERS).async_function("get", |_| async {
        let error = std::io::Error::other("the\x1b[2J disk is full");
        Err(error.into())
    });
    expect_trap(failing, r"the\u{1b}[2J disk is full")
}
