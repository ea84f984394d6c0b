//! A plug that fails on demand, and a consumer that passes its calls on.

use crate::embedding::{part, tokio};
use libtest_mimic::Failed;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use wit_host::{
    Allowance, CallError, Form, Instance, Isolation, Limits, Outcome, Part, Program, Runtime,
    RuntimeOptions, Sandboxes, Value, compose,
};

/// The work that the plug does in a call: the first argument of `act`.
pub mod act {
    /// Adds to the counter in the plug's memory, and returns it.
    pub const COUNT: u32 = 0;
    pub const TRAP: u32 = 1;
    pub const LOOP: u32 = 2;
    /// Makes this number of turns of a loop.
    pub const TURNS: u32 = 3;
    /// Grows the memory by this number of pages, and traps if it cannot.
    pub const GROW: u32 = 4;
    pub const RECURSE: u32 = 5;
}

/// The interface, as an import named `$service`.
const IMPORT: &str = r#"
  (import "test:iso/service@1.0.0" (instance $service
    (type $error' (enum "not-found-error" "runtime-error" "unavailable"))
    (export "error" (type $error (eq $error')))
    (export "act" (func (param "what" u32) (param "n" u32) (result u32)))
    (export "try-act" (func (param "what" string) (result (result (list u8) (error $error)))))))
  (alias export $service "error" (type $error))"#;

/// A bump allocator that starts again at its end.
const MEMORY: &str = r#"
  (core module $memory
    (memory (export "memory") 4)
    (global $top (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (if (i32.gt_u (i32.add (global.get $top) (local.get 3)) (i32.const 131072))
        (then (global.set $top (i32.const 4096))))
      (local.set $at (global.get $top))
      (global.set $top (i32.and (i32.add (i32.add (local.get $at) (local.get 3)) (i32.const 7)) (i32.const -8)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))"#;

/// A plug that exports the service. `start` is its start-up code, as the body of a function; `imports`
/// are items of the component, and `core` items of its core module.
pub fn plug_with(imports: &str, arguments: &str, core: &str, start: &str) -> String {
    format!(
        r#"(component
          {imports}
          {MEMORY}
          (core module $m
            (import "memory" "memory" (memory 1))
            {core}
            (global $count (mut i32) (i32.const 0))
            (func $start {start})
            (start $start)
            (func $recurse (result i32) (i32.add (call $recurse) (i32.const 1)))
            (func $act (export "act") (param $what i32) (param $n i32) (result i32)
              (if (i32.eqz (local.get $what))
                (then (global.set $count (i32.add (global.get $count) (local.get $n)))))
              (if (i32.eq (local.get $what) (i32.const 1)) (then unreachable))
              (if (i32.eq (local.get $what) (i32.const 2)) (then (loop $again (br $again))))
              (if (i32.eq (local.get $what) (i32.const 3))
                (then (loop $again
                  (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                  (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))))
              (if (i32.eq (local.get $what) (i32.const 4))
                (then (if (i32.eq (memory.grow (local.get $n)) (i32.const -1)) (then unreachable))))
              (if (i32.eq (local.get $what) (i32.const 5)) (then (drop (call $recurse))))
              (global.get $count))
            ;; The text is a digit for the work, and a decimal number.
            (func (export "try-act") (param $text i32) (param $length i32) (result i32)
              (local $what i32) (local $n i32) (local $i i32)
              (local.set $what (i32.sub (i32.load8_u (local.get $text)) (i32.const 48)))
              (local.set $i (i32.const 1))
              (block $end (loop $again
                (br_if $end (i32.ge_u (local.get $i) (local.get $length)))
                (local.set $n (i32.add (i32.mul (local.get $n) (i32.const 10))
                  (i32.sub (i32.load8_u (i32.add (local.get $text) (local.get $i))) (i32.const 48))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br $again)))
              (i32.store (i32.const 64) (i32.const 0))
              (i32.store (i32.const 68) (i32.const 80))
              (i32.store (i32.const 72) (i32.const 4))
              (i32.store (i32.const 80) (call $act (local.get $what) (local.get $n)))
              (i32.const 64)))
          (core instance $i (instantiate $m (with "memory" (instance $memory)) {arguments}))
          (func $act (param "what" u32) (param "n" u32) (result u32) (canon lift (core func $i "act")))
          (type $error (enum "not-found-error" "runtime-error" "unavailable"))
          (func $try-act (param "what" string) (result (result (list u8) (error $error)))
            (canon lift (core func $i "try-act") (memory $mem) (realloc $realloc)))
          (component $named
            (type $error (enum "not-found-error" "runtime-error" "unavailable"))
            (import "error" (type $imported (eq $error)))
            (import "act" (func $act (param "what" u32) (param "n" u32) (result u32)))
            (import "try-act" (func $try-act (param "what" string) (result (result (list u8) (error $imported)))))
            (export $exported "error" (type $error))
            (export "act" (func $act))
            (export "try-act" (func $try-act)
              (func (param "what" string) (result (result (list u8) (error $exported))))))
          (instance $service (instantiate $named
            (with "error" (type $error)) (with "act" (func $act)) (with "try-act" (func $try-act))))
          (export "test:iso/service@1.0.0" (instance $service)))"#
    )
}

/// The service without imports and start-up code.
pub fn service() -> String {
    plug_with("", "", "", "")
}

/// A part that imports the service, and exports its functions and these.
///
/// `storm: func(times: u32, act: string) -> u32` calls `try-act` this number of times, and returns the
/// number of errors `runtime-error`.
pub fn consumer() -> String {
    format!(
        r#"(component
          {IMPORT}
          {MEMORY}
          (core func $act (canon lower (func $service "act")))
          (core func $try-act (canon lower (func $service "try-act") (memory $mem) (realloc $realloc)))
          (core module $m
            (import "memory" "memory" (memory 1))
            (import "service" "act" (func $act (param i32 i32) (result i32)))
            (import "service" "try-act" (func $try-act (param i32 i32 i32)))
            (func (export "act") (param i32 i32) (result i32)
              (call $act (local.get 0) (local.get 1)))
            (func (export "try-act") (param i32 i32) (result i32)
              (call $try-act (local.get 0) (local.get 1) (i32.const 16))
              (i32.const 16))
            (func (export "storm") (param $times i32) (param i32 i32) (result i32)
              (local $errors i32)
              (loop $again
                (call $try-act (local.get 1) (local.get 2) (i32.const 16))
                (local.set $errors (i32.add (local.get $errors)
                  (i32.and (i32.load8_u (i32.const 16)) (i32.eq (i32.load8_u (i32.const 20)) (i32.const 1)))))
                (local.set $times (i32.sub (local.get $times) (i32.const 1)))
                (br_if $again (i32.gt_s (local.get $times) (i32.const 0))))
              (local.get $errors)))
          (core instance $i (instantiate $m
            (with "memory" (instance $memory))
            (with "service" (instance (export "act" (func $act)) (export "try-act" (func $try-act))))))
          (func $own-act (param "what" u32) (param "n" u32) (result u32)
            (canon lift (core func $i "act")))
          (func $own-try-act (param "what" string) (result (result (list u8) (error $error)))
            (canon lift (core func $i "try-act") (memory $mem) (realloc $realloc)))
          (func $storm (param "times" u32) (param "act" string) (result u32)
            (canon lift (core func $i "storm") (memory $mem) (realloc $realloc)))
          (component $named
            (type $error (enum "not-found-error" "runtime-error" "unavailable"))
            (import "error" (type $imported (eq $error)))
            (import "act" (func $act (param "what" u32) (param "n" u32) (result u32)))
            (import "try-act" (func $try-act (param "what" string) (result (result (list u8) (error $imported)))))
            (import "storm" (func $storm (param "times" u32) (param "act" string) (result u32)))
            (export $exported "error" (type $error))
            (export "act" (func $act))
            (export "storm" (func $storm))
            (export "try-act" (func $try-act)
              (func (param "what" string) (result (result (list u8) (error $exported))))))
          (instance $calls (instantiate $named
            (with "error" (type $error)) (with "act" (func $own-act))
            (with "try-act" (func $own-try-act)) (with "storm" (func $storm))))
          (export "test:iso/calls@1.0.0" (instance $calls)))"#
    )
}

/// Loads the consumer with these plugs.
pub fn load(options: &RuntimeOptions, plugs: &[Part]) -> Result<Program, Failed> {
    let composition = compose(&part("consumer", &consumer())?, plugs, Form::Granted)?;
    Ok(Runtime::new(options)?.load(&composition)?)
}

/// Loads the consumer and the service, isolated in this way.
pub fn isolated(options: &RuntimeOptions, isolation: Isolation) -> Result<Program, Failed> {
    load(options, &[part("service", &service())?.isolate(isolation)])
}

pub async fn instance(program: &Program) -> Result<Instance, Failed> {
    instance_within(program, &Allowance::new(&Limits::default()), None).await
}

/// The outcome of a call of the consumer: the number, or the words of its trap.
pub async fn act(instance: &mut Instance, what: u32, n: u32) -> Result<u32, String> {
    let function = instance.program().function("act").expect("it is exported");
    let function = function.clone();
    let called = instance.call(&function, vec![what.into(), n.into()]).await;
    match called.map_err(ending)?[..] {
        [Value::U32(number)] => Ok(number),
        ref other => Err(format!("{other:?}")),
    }
}

/// The outcome of a call of the consumer: the bytes or the error as text, or the words of its trap.
pub async fn try_act(instance: &mut Instance, what: u32, n: u32) -> Result<String, String> {
    let function = instance
        .program()
        .function("try-act")
        .expect("it is exported");
    let function = function.clone();
    let text = Value::from(format!("{what}{n}"));
    let called = instance.call(&function, vec![text]).await;
    let results = called.map_err(ending)?;
    Ok(results.iter().map(ToString::to_string).collect())
}

/// The number of errors of this number of calls.
pub async fn storm(instance: &mut Instance, times: u32, what: u32, n: u32) -> Result<u32, String> {
    let function = instance
        .program()
        .function("storm")
        .expect("it is exported");
    let function = function.clone();
    let arguments = vec![times.into(), Value::from(format!("{what}{n}"))];
    match instance.call(&function, arguments).await.map_err(ending)?[..] {
        [Value::U32(number)] => Ok(number),
        ref other => Err(format!("{other:?}")),
    }
}

/// The words of an outcome of a call.
pub fn ending(error: CallError) -> String {
    match error {
        CallError::Ended { outcome, .. } => match outcome {
            Outcome::Trapped(trap) => trap.to_string(),
            Outcome::TimedOut(timed_out) => timed_out.to_string(),
            other => format!("{other:?}"),
        },
        other => other.to_string(),
    }
}

/// Settings that keep the failures that they observe.
pub fn observed(isolation: Isolation) -> (Isolation, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let failures = seen.clone();
    let isolation = isolation.observe(move |_, failure| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(failure.to_string());
    });
    (isolation, failures)
}

pub fn expect_words(
    found: &Result<impl std::fmt::Debug, String>,
    words: &[&str],
) -> Result<(), Failed> {
    match found {
        Err(text) if words.iter().all(|word| text.contains(word)) => Ok(()),
        other => Err(format!("expected an ending with {words:?}, found {other:?}").into()),
    }
}

/// An instance of the program with a deadline and an allowance of its own.
pub async fn instance_within(
    program: &Program,
    allowance: &Allowance,
    deadline: Option<Instant>,
) -> Result<Instance, Failed> {
    let sandboxes = Sandboxes::default();
    let instance = program.instantiate_within(&sandboxes, allowance, deadline);
    Ok(instance.await?)
}

/// Runs a test on a runtime of its own.
pub fn on_tokio(test: impl AsyncFnOnce() -> Result<(), Failed>) -> Result<(), Failed> {
    tokio()?.block_on(test())
}
