//! A provider that traps in every possible way. If it is fused, the trap is attributed to it and to no other
//! part, and a new instance of the program runs again. If it is isolated, its caller gets an error and calls
//! it again.

use crate::{
    count::Count,
    embedding::{CONSUMER, part, run, tokio},
    engines,
    torture::sized,
};
use libtest_mimic::{Failed, Trial};
use std::time::Duration;
use wit_host::{
    Allowance, Engine, Form, InstantiateError, IsolatedPlugs, Isolation, Limits, Outcome, Pool,
    Program, Restarts, Runtime, RuntimeOptions, Sandboxes, compose,
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    engines::on_each(
        "traps",
        &[
            ("a_provider_that_traps", provider),
            ("an_isolated_provider_that_traps", isolated_provider),
        ],
    )
}

/// The code of the provider instead of returning a number, and a part of the message.
const WAYS: [(&str, &str); 6] = [
    ("unreachable", "`unreachable`"),
    ("(i32.div_s (i32.const 1) (i32.const 0))", "by zero"),
    ("(i32.load (i32.const -1))", "memory outside"),
    ("(call $get)", "call stack"),
    ("(call_indirect (type $f) (i32.const 0))", "is null"),
    ("(call_indirect (type $f) (i32.const 9))", "does not exist"),
];

fn provider(engine: Engine) -> Result<(), Failed> {
    let pool = Pool::new(1, 1 << 20);
    let runtime = Runtime::new(&RuntimeOptions::new().engine(engine).pool(pool))?;
    let programs = WAYS.iter().map(|(way, _)| load(&runtime, way));
    let programs: Vec<Program> = programs.collect::<Result<_, _>>()?;
    let mut count = Count::of("F18");
    for number in 0..sized(120, 10_000) {
        let (way, said) = WAYS[number % WAYS.len()];
        let outcome = run(&programs[number % WAYS.len()], &Sandboxes::default())?;
        let is_right = match &outcome {
            Outcome::Trapped(trap) => {
                trap.part
                    .as_ref()
                    .is_some_and(|part| part.as_str() == "number")
                    && trap.to_string().contains(said)
            }
            _ => false,
        };
        count.holds(is_right, || format!("{way}: {outcome:?}"));
    }
    count.finish(format_args!("; on the {engine}"))
}

/// `run` succeeds if the first of two calls gives `err(runtime-error)` and the second `ok(42)`.
const CHECKS: &str = r#"(component
  (import "test:numbers/fallible@1.0.0" (instance $number
    (type $error' (enum "other" "runtime-error"))
    (export "error" (type $error (eq $error')))
    (export "get" (func (param "traps" bool) (result (result u32 (error $error)))))))
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (core func $get (canon lower (func $number "get") (memory (core memory $memory "memory"))))
  (core module $m
    (import "memory" "memory" (memory 1))
    (import "number" "get" (func $get (param i32 i32)))
    (func (export "run") (result i32)
      (call $get (i32.const 1) (i32.const 16))
      (if (i32.ne (i32.load8_u (i32.const 16)) (i32.const 1)) (then (return (i32.const 1))))
      (if (i32.ne (i32.load8_u (i32.const 20)) (i32.const 1)) (then (return (i32.const 1))))
      (call $get (i32.const 0) (i32.const 16))
      (if (i32.ne (i32.load8_u (i32.const 16)) (i32.const 0)) (then (return (i32.const 1))))
      (i32.ne (i32.load (i32.const 20)) (i32.const 42))))
  (core instance $i (instantiate $m
    (with "memory" (instance $memory))
    (with "number" (instance (export "get" (func $get))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $command)))"#;

/// The caller gets the error of its interface for each trap, and the next call works, in the same
/// instance of the caller.
fn isolated_provider(engine: Engine) -> Result<(), Failed> {
    let pool = Pool::new(16, 1 << 20);
    let runtime = Runtime::new(&RuntimeOptions::new().engine(engine).pool(pool))?;
    let programs = WAYS.iter().map(|(way, _)| load_isolated(&runtime, way));
    let programs: Vec<Program> = programs.collect::<Result<_, _>>()?;
    let mut count = Count::of("F18");
    let tokio = tokio()?;
    let sandboxes = Sandboxes::default();
    let allowance = Allowance::new(&Limits::default());
    let start =
        |program: &Program| tokio.block_on(program.isolated_plugs(&sandboxes, &allowance, None));
    let plugs: Vec<IsolatedPlugs> = programs.iter().map(start).collect::<Result<_, _>>()?;
    for number in 0..sized(204, 10_000) {
        let at = number % WAYS.len();
        let outcome = tokio.block_on(async {
            let with = programs[at].instantiate_with(&sandboxes, &allowance, None, &plugs[at]);
            Ok::<_, InstantiateError>(with.await?.run().await)
        })?;
        let is_right = matches!(outcome, Outcome::Exited(0));
        count.holds(is_right, || format!("{}: {outcome:?}", WAYS[at].0));
    }
    count.finish(format_args!("; isolated, on the {engine}"))
}

fn load_isolated(runtime: &Runtime, way: &str) -> Result<Program, Failed> {
    let number = part(
        "number",
        &format!(
            r#"(component
              (core module $m
                (memory (export "memory") 1)
                (table 1 funcref)
                (type $f (func (result i32)))
                (func $get (result i32) {way})
                (func (export "get") (param i32) (result i32)
                  (i32.store (i32.const 20) (i32.const 42))
                  (if (local.get 0) (then (i32.store (i32.const 20) (call $get))))
                  (i32.const 16)))
              (core instance $i (instantiate $m))
              (type $error (enum "other" "runtime-error"))
              (func $get (param "traps" bool) (result (result u32 (error $error)))
                (canon lift (core func $i "get") (memory (core memory $i "memory"))))
              (component $named
                (type $error (enum "other" "runtime-error"))
                (import "error" (type $imported (eq $error)))
                (import "get" (func $get (param "traps" bool) (result (result u32 (error $imported)))))
                (export $exported "error" (type $error))
                (export "get" (func $get)
                  (func (param "traps" bool) (result (result u32 (error $exported))))))
              (instance $number (instantiate $named
                (with "error" (type $error)) (with "get" (func $get))))
              (export "test:numbers/fallible@1.0.0" (instance $number)))"#
        ),
    )?;
    let any = Restarts::new(u32::MAX, Duration::from_secs(1));
    let number = number.isolate(Isolation::new().restarts(any));
    let composition = compose(&part("consumer", CHECKS)?, &[number], Form::Granted)?;
    Ok(runtime.load(&composition)?)
}

fn load(runtime: &Runtime, way: &str) -> Result<Program, Failed> {
    let number = part(
        "number",
        &format!(
            r#"(component
              (core module $m
                (memory 1)
                (table 1 funcref)
                (type $f (func (result i32)))
                (func $get (export "get") (result i32) {way}))
              (core instance $i (instantiate $m))
              (func $get (result u32) (canon lift (core func $i "get")))
              (instance $number (export "get" (func $get)))
              (export "test:numbers/number@1.0.0" (instance $number)))"#
        ),
    )?;
    let composition = compose(&part("consumer", CONSUMER)?, &[number], Form::Granted)?;
    Ok(runtime.load(&composition)?)
}
