//! Functions with Rust types.

use super::{NUMBERS, expect_exit, load, outcome};
use crate::embedding::{CONSUMER, part, run, tokio};
use bytes::Bytes;
use libtest_mimic::{Failed, Trial};
use std::time::Duration;
use wit_host::{
    Call, Enumeration, Form, HostCall, HostInterface, HostInterfaceMismatch, Limits, LoadError,
    Outcome, Runtime, RuntimeOptions, Sandboxes, compose,
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "host_interfaces::typed::a_function_answers",
            a_function_answers,
        ),
        Trial::test(
            "host_interfaces::typed::values_of_every_type_pass",
            values_pass,
        ),
        Trial::test(
            "host_interfaces::typed::a_wait_is_dropped_in_time",
            wait_is_dropped,
        ),
        Trial::test(
            "host_interfaces::typed::an_error_is_a_trap",
            error_is_a_trap,
        ),
        Trial::test(
            "host_interfaces::typed::another_type_is_refused",
            another_type,
        ),
    ]
}

/// This consumer succeeds if it gets 42.
fn a_function_answers() -> Result<(), Failed> {
    for number in [42, 41] {
        let synchronous =
            HostInterface::new(NUMBERS).typed_function("get", move |call: HostCall<()>| {
                assert_eq!(call.part.as_str(), "consumer");
                Ok(number)
            });
        let asynchronous = HostInterface::new(NUMBERS).async_typed_function(
            "get",
            move |_: HostCall<()>| async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok(number)
            },
        );
        for interface in [synchronous, asynchronous] {
            let consumer = part("consumer", CONSUMER)?.provide(interface);
            expect_exit(&outcome(consumer, &[])?, i32::from(number != 42_u32))?;
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Color {
    Red,
    LightBlue,
}

impl Enumeration for Color {
    const CASES: &'static [(&'static str, Self)] =
        &[("red", Self::Red), ("light-blue", Self::LightBlue)];

    fn position(&self) -> usize {
        *self as usize
    }
}

/// Passes its arguments to the import of the same name, and returns the result.
const ECHO: &str = r#"(component
  (import "echo" (instance $echo
    (type $color (enum "red" "light-blue"))
    (export "color" (type $c (eq $color)))
    (export "large" (func (param "a" string) (param "b" (list u8)) (param "c" (option u32))
      (param "d" (list string)) (param "e" $c)
      (result (result (tuple string (list u8) (option u32) (list string)) (error $c)))))
    (export "numbers" (func (param "a" u64) (param "b" s8) (param "c" f32) (param "d" f64)
      (param "e" char) (param "f" bool)
      (result (tuple u64 s8 f32 f64 char bool))))
    (export "others" (func (param "a" (tuple u8 s16 u16 s32 s64)) (param "b" (list u64))
      (result (result))))
    (export "nothing" (func))))
  (alias export $echo "color" (type $color))
  (core module $memory
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (core func $large (canon lower (func $echo "large")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $numbers (canon lower (func $echo "numbers")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $others (canon lower (func $echo "others")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $nothing (canon lower (func $echo "nothing")))
  (core module $m
    (import "host" "large" (func $large (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "host" "numbers" (func $numbers (param i64 i32 f32 f64 i32 i32 i32)))
    (import "host" "others" (func $others (param i32 i32 i32 i32 i64 i32 i32) (result i32)))
    (import "host" "nothing" (func $nothing))
    (func (export "large") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
      (call $nothing)
      (call $large (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)
        (local.get 5) (local.get 6) (local.get 7) (local.get 8) (i32.const 512))
      (i32.const 512))
    (func (export "numbers") (param i64 i32 f32 f64 i32 i32) (result i32)
      (call $numbers (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)
        (local.get 5) (i32.const 512))
      (i32.const 512))
    (func (export "others") (param i32 i32 i32 i32 i64 i32 i32) (result i32)
      (call $others (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)
        (local.get 5) (local.get 6))))
  (core instance $i (instantiate $m (with "host" (instance
    (export "large" (func $large)) (export "numbers" (func $numbers))
    (export "others" (func $others)) (export "nothing" (func $nothing))))))
  (export $c "color" (type $color))
  (func (export "large") (param "a" string) (param "b" (list u8)) (param "c" (option u32))
    (param "d" (list string)) (param "e" $c)
    (result (result (tuple string (list u8) (option u32) (list string)) (error $c)))
    (canon lift (core func $i "large") (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc"))))
  (func (export "numbers") (param "a" u64) (param "b" s8) (param "c" f32) (param "d" f64)
    (param "e" char) (param "f" bool) (result (tuple u64 s8 f32 f64 char bool))
    (canon lift (core func $i "numbers") (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc"))))
  (func (export "others") (param "a" (tuple u8 s16 u16 s32 s64)) (param "b" (list u64))
    (result (result))
    (canon lift (core func $i "others") (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc")))))"#;

type Large = (String, Bytes, Option<u32>, Vec<String>, Color);
type Returned = (String, Vec<u8>, Option<u32>, Vec<String>);
type Numbers = (u64, i8, f32, f64, char, bool);
type Others = ((u8, i16, u16, i32, i64), Vec<u64>);

fn echo() -> HostInterface {
    HostInterface::new("echo")
        .typed_function("nothing", |_: HostCall<()>| Ok(()))
        .typed_function("large", |call: HostCall<Large>| {
            let (text, bytes, number, texts, color) = call.arguments;
            Ok(match color {
                Color::Red => Err::<Returned, _>(Color::LightBlue),
                Color::LightBlue => Ok((text, bytes.to_vec(), number, texts)),
            })
        })
        .typed_function("numbers", |call: HostCall<Numbers>| Ok(call.arguments))
        .typed_function("others", |call: HostCall<Others>| {
            let (tuple, list) = call.arguments;
            let is_expected = tuple == (255, -2, 65535, -3, i64::MIN) && list == [1, u64::MAX];
            Ok(if is_expected { Ok(()) } else { Err(()) })
        })
}

fn values_pass() -> Result<(), Failed> {
    let program = load(&part("echoes", ECHO)?.provide(echo()), &[])?;
    for (call, expected) in [
        (
            r#"large("aä", [0, 255], some(3), ["", "b"], light-blue)"#,
            r#"ok(("aä", [0, 255], some(3), ["", "b"]))"#,
        ),
        (
            r#"large("", [], none, [], light-blue)"#,
            r#"ok(("", [], none, []))"#,
        ),
        (r#"large("", [], none, [], red)"#, "err(light-blue)"),
        (
            "numbers(18446744073709551615, -128, 1.5, -inf, 'ß', true)",
            "(18446744073709551615, -128, 1.5, -inf, 'ß', true)",
        ),
        (
            "others((255, -2, 65535, -3, -9223372036854775808), [1, 18446744073709551615])",
            "ok",
        ),
        ("others((0, 0, 0, 0, 0), [])", "err"),
    ] {
        let call: Call = call.parse()?;
        let shown = tokio()?.block_on(async {
            let mut instance = program
                .instantiate(&Sandboxes::default(), &Limits::default())
                .await?;
            Ok::<_, Failed>(instance.invoke(&call).await?)
        })?;
        let shown = shown.map(|value| value.to_string());
        assert_eq!(shown.as_deref(), Some(expected));
    }
    Ok(())
}

fn wait_is_dropped() -> Result<(), Failed> {
    let never = HostInterface::new(NUMBERS).async_typed_function("get", |_: HostCall<()>| {
        std::future::pending::<Result<u32, wit_host::HostError>>()
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

fn error_is_a_trap() -> Result<(), Failed> {
    let failing = HostInterface::new(NUMBERS).typed_function("get", |_: HostCall<()>| {
        let error = std::io::Error::other("the\x1b[2J disk is full");
        Err::<u32, _>(error.into())
    });
    let program = load(&part("consumer", CONSUMER)?.provide(failing), &[])?;
    match run(&program, &Sandboxes::default())? {
        Outcome::Trapped(trap) => {
            let expected = format!(
                r"`consumer` trapped: the host interface `{NUMBERS}` failed in `get`: the\u{{1b}}[2J disk is full"
            );
            assert_eq!(trap.to_string(), expected);
            Ok(())
        }
        other => Err(format!("expected a trap, found {other:?}").into()),
    }
}

fn another_type() -> Result<(), Failed> {
    let wrong = [
        (
            HostInterface::new(NUMBERS).typed_function("get", |_: HostCall<()>| Ok(42_u64)),
            "`get` is of type `func() -> u32`, and the host's is of type `func() -> u64`",
        ),
        (
            HostInterface::new(NUMBERS).typed_function("get", |_: HostCall<(u8,)>| Ok(42_u32)),
            "`get` is of type `func() -> u32`, and the host's is of type `func(u8) -> u32`",
        ),
        (
            HostInterface::new(NUMBERS).typed_function("get", |_: HostCall<()>| Ok(())),
            "`get` is of type `func() -> u32`, and the host's is of type `func()`",
        ),
        (
            HostInterface::new(NUMBERS)
                .typed_function("get", |_: HostCall<()>| Ok(Err::<(), _>(Color::Red))),
            "`get` is of type `func() -> u32`, and the host's is of type `func() -> result<_, enum { red, light-blue }>`",
        ),
    ];
    for (interface, expected) in wrong {
        let consumer = part("consumer", CONSUMER)?.provide(interface);
        let composition = compose(&consumer, &[], Form::Granted)?;
        match Runtime::new(&RuntimeOptions::default())?
            .load(&composition)
            .err()
        {
            Some(LoadError::HostInterface { source, .. }) => {
                assert!(matches!(*source, HostInterfaceMismatch::OtherType { .. }));
                assert_eq!(source.to_string(), expected);
            }
            other => return Err(format!("expected a refusal, found {other:?}").into()),
        }
    }
    Ok(())
}
