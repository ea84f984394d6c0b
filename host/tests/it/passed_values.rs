//! Values that guests and the embedder pass to each other are bounded and accounted for.

use crate::embedding::{part, tokio};
use libtest_mimic::{Failed, Trial};
use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use wit_host::{
    Allowance, CallError, Form, Growing, HostInterface, Input, Limits, Program, Runtime,
    RuntimeOptions, Sandbox, Sandboxes, Value, Wasm, compose,
};

/// Passes a list of this number of elements of TYPE, whose bytes are FILL, to the host, and returns
/// nothing or an empty list.
const PASSING: &str = r#"(component
  (import "test:a/taker" (instance $taker
    (type $named TYPE) (export "e" (type $e (eq $named)))
    (export "take" (func (param "l" (list $e))))))
  (core module $memory (memory (export "memory") 600))
  (core instance $memory (instantiate $memory))
  (core func $take (canon lower (func $taker "take") (memory (core memory $memory "memory"))))
  (core module $m
    (import "h" "take" (func $take (param i32 i32)))
    (import "h" "memory" (memory 1))
    (func $pass (export "pass") (param $n i32)
      (memory.fill (i32.const 0) (i32.const FILL) (i32.const 39000000))
      (call $take (i32.const 1024) (local.get $n)))
    (func (export "bytes") (param $n i32) (result i32)
      (call $pass (local.get $n))
      (i64.store (i32.const 0) (i64.const 0))
      (i32.const 0)))
  (core instance $m (instantiate $m
    (with "h" (instance (export "take" (func $take)) (export "memory" (memory $memory "memory"))))))
  (func (export "pass") (param "n" u32) (canon lift (core func $m "pass")))
  (func (export "bytes") (param "n" u32) (result (list u8))
    (canon lift (core func $m "bytes") (memory (core memory $memory "memory")))))"#;

/// Returns this number of handles, whose destructor is DESTRUCTOR.
const MAKING: &str = r#"(component
  (core module $d (func (export "dtor") (param i32) DESTRUCTOR))
  (core instance $d (instantiate $d))
  (type $own (resource (rep i32) (dtor (core func $d "dtor"))))
  (export $r "r" (type $own))
  (core func $new (canon resource.new $own))
  (core module $m
    (import "h" "new" (func $new (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "make") (param $n i32) (result i32)
      (local $i i32)
      (loop $l
        (i32.store (i32.add (i32.const 16) (i32.mul (local.get $i) (i32.const 4)))
          (call $new (local.get $i)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
      (i32.store (i32.const 0) (i32.const 16))
      (i32.store (i32.const 4) (local.get $n))
      (i32.const 0)))
  (core instance $m (instantiate $m (with "h" (instance (export "new" (func $new))))))
  (func (export "make") (param "n" u32) (result (list (own $r)))
    (canon lift (core func $m "make") (memory (core memory $m "memory")))))"#;

/// Reads one byte of its standard input: the number of bytes read, or -1.
const READING: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "read") (result i32)
    (i32.store (i32.const 0) (i32.const 100))
    (i32.store (i32.const 4) (i32.const 1))
    (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16))
      (then (return (i32.const -1))))
    (i32.load (i32.const 16))))"#;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("passed_values::flags_are_charged_what_they_take", flags),
        Trial::test(
            "passed_values::a_small_bound_on_results_bounds_results_only",
            results,
        ),
        Trial::test("passed_values::many_cases_are_not_searched", variants),
        Trial::test(
            "passed_values::handles_that_were_not_counted_are_gone",
            uncounted_handles,
        ),
        Trial::test(
            "passed_values::destructors_are_inside_the_deadline",
            destructors,
        ),
        Trial::test("passed_values::a_reader_outlives_an_event_loop", reader),
    ]
}

fn load(text: &str, host: Option<HostInterface>) -> Result<Program, Failed> {
    let part = part("program", text)?;
    let part = host.into_iter().fold(part, wit_host::Part::provide);
    let composition = compose(&part, &[], Form::Granted)?;
    let options = RuntimeOptions::new().interruptible(true);
    Ok(Runtime::new(&options)?.load(&composition)?)
}

/// Calls the function on a new instance, and returns the number of elements that the host received.
fn pass(
    ty: &str,
    fill: &str,
    function: &str,
    count: u32,
    limits: &Limits,
) -> Result<(usize, Result<Vec<Value>, CallError>), Failed> {
    let passed = Arc::new(AtomicUsize::new(0));
    let seen = passed.clone();
    let host = HostInterface::new("test:a/taker").function("take", move |call| {
        let count = match &call.arguments[0] {
            Value::List(values) => values.len(),
            Value::Bytes(bytes) => bytes.len(),
            other => return Err(format!("not a list: {other}").into()),
        };
        seen.store(count, Ordering::Relaxed);
        Ok(None)
    });
    let text = PASSING.replace("TYPE", ty).replace("FILL", fill);
    let program = load(&text, Some(host))?;
    let returned = tokio()?.block_on(async {
        let mut instance = program.instantiate(&Sandboxes::default(), limits).await?;
        let function = program.function(function)?;
        Ok::<_, Failed>(instance.call(function, vec![Value::U32(count)]).await)
    })?;
    Ok((passed.load(Ordering::Relaxed), returned))
}

fn of_flags() -> String {
    let names: Vec<String> = (0..32).map(|flag| format!("\"f{flag}\"")).collect();
    format!("(flags {})", names.join(" "))
}

/// A list of flags takes up to a kilobyte on the host for each four bytes of the guest.
fn flags() -> Result<(), Failed> {
    let limits = Limits::new();
    let (passed, returned) = pass(&of_flags(), "255", "pass", 20_000, &limits)?;
    returned?;
    assert_eq!(passed, 20_000);
    let (passed, returned) = pass(&of_flags(), "255", "pass", 400_000, &limits)?;
    assert_eq!(passed, 0);
    let error = returned.expect_err("it is too much");
    assert!(matches!(error, CallError::Ended { .. }), "{error}");
    // Bytes are what the engine takes them for.
    let (passed, returned) = pass("u8", "1", "pass", 1_000_000, &limits)?;
    returned?;
    assert_eq!(passed, 1_000_000);
    Ok(())
}

fn results() -> Result<(), Failed> {
    let limits = Limits::new().result(3_000);
    let (passed, returned) = pass("u8", "1", "bytes", 10_000, &limits)?;
    assert_eq!(passed, 10_000);
    assert_eq!(returned?, [Value::Bytes(Vec::new())]);
    let making = load(&MAKING.replace("DESTRUCTOR", ""), None)?;
    tokio()?.block_on(async {
        let mut instance = making.instantiate(&Sandboxes::default(), &limits).await?;
        let make = making.function("make")?;
        match instance.call(make, vec![Value::U32(1_000)]).await {
            Err(CallError::TooLarge { limit: 3_000, .. }) => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    })
}

/// A guest chooses the number of cases and of elements, and the host looks each case up.
fn variants() -> Result<(), Failed> {
    let cases: String = (0..10_000)
        .map(|case| format!("(case \"c{case}\")"))
        .collect();
    let started = Instant::now();
    let ty = format!("(variant {cases})");
    let (passed, returned) = pass(&ty, "0x26", "pass", 100_000, &Limits::new())?;
    returned?;
    assert_eq!(passed, 100_000);
    // On any machine, elements that each searched through half of the cases would take longer than
    // that.
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    Ok(())
}

fn uncounted_handles() -> Result<(), Failed> {
    let program = load(&MAKING.replace("DESTRUCTOR", "unreachable"), None)?;
    let allowance = Allowance::new(&Limits::new().handles(10));
    tokio()?.block_on(async {
        let nothing = Sandboxes::default();
        let mut one = program
            .instantiate_within(&nothing, &allowance, None)
            .await?;
        let mut other = program
            .instantiate_within(&nothing, &allowance, None)
            .await?;
        let make = program.function("make")?;
        other.call(make, vec![Value::U32(2)]).await?;
        let used = allowance.used(Growing::Handles);
        assert!(one.call(make, vec![Value::U32(20)]).await.is_err());
        for handle in ["$1", "$2", "$20"] {
            assert!(one.handle(handle).is_err(), "{handle}");
        }
        assert_eq!(allowance.used(Growing::Handles), used);
        Ok(())
    })
}

fn destructors() -> Result<(), Failed> {
    let slow = "(loop $l (br $l))";
    let program = load(&MAKING.replace("DESTRUCTOR", slow), None)?;
    let limits = Limits::new().handles(5).timeout(Duration::from_millis(200));
    tokio()?.block_on(async {
        let mut instance = program.instantiate(&Sandboxes::default(), &limits).await?;
        let started = Instant::now();
        let make = program.function("make")?;
        assert!(instance.call(make, vec![Value::U32(100)]).await.is_err());
        let taken = started.elapsed();
        assert!(taken < Duration::from_secs(2), "{taken:?}");
        Ok(())
    })
}

/// Provides one byte at a time, so slowly that the part waits for the next one.
struct Slow(u8);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Ok(0);
        }
        std::thread::sleep(Duration::from_millis(20));
        self.0 -= 1;
        buffer[0] = b'x';
        Ok(1)
    }
}

fn reader() -> Result<(), Failed> {
    let module = Wasm::parse("reading", READING.as_bytes().to_vec())?;
    let runtime = Runtime::new(&RuntimeOptions::new())?;
    let program = runtime.load_module(&"reading".parse()?, &module)?;
    let sandboxes = Sandboxes::new(Sandbox::new().stdin(Input::reader(Slow(3))));
    let mut read = Vec::new();
    for _ in 0..5 {
        let results = tokio()?.block_on(async {
            let mut instance = program.instantiate(&sandboxes, &Limits::new()).await?;
            let function = program.function("read")?;
            Ok::<_, Failed>(instance.call(function, Vec::new()).await?)
        })?;
        read.extend(results);
    }
    assert_eq!(read, [1, 1, 1, 0, 0].map(Value::S32));
    Ok(())
}
