//! Interfaces that the embedder implements: the imports that they satisfy, the parts that reach them,
//! and the errors if they do not fit.

use crate::embedding::{CONSUMER, NUMBER, part, run, tokio};
use libtest_mimic::{Failed, Trial};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use wit_host::{
    Call, ComposeError, Explanation, Form, HostInterface, HostInterfaceMismatch, Limits, LoadError,
    Outcome, Part, PictureFormat, PrecompiledError, Program, Runtime, RuntimeOptions, Sandboxes,
    Value, compose,
};

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
        Trial::test(
            "host_interfaces::parts_have_their_own",
            parts_have_their_own,
        ),
        Trial::test(
            "host_interfaces::a_part_is_not_given_anothers",
            not_anothers,
        ),
        Trial::test("host_interfaces::a_forged_type_gets_nothing", forged_type),
        Trial::test("host_interfaces::what_does_not_fit_is_refused", refused),
        Trial::test("host_interfaces::resources_are_refused", resources),
        Trial::test(
            "host_interfaces::types_of_other_interfaces",
            types_of_others,
        ),
        Trial::test(
            "host_interfaces::versions_and_equal_labels",
            versions_and_labels,
        ),
        Trial::test("host_interfaces::a_portable_import_stays_open", portable),
        Trial::test("host_interfaces::they_are_not_put_into_files", not_in_files),
        Trial::test("host_interfaces::they_are_explained", explained),
    ]
}

const NUMBERS: &str = "test:numbers/number@1.0.0";

fn number(number: u32) -> HostInterface {
    HostInterface::new(NUMBERS).function("get", move |_| Ok(Some(Value::U32(number))))
}

fn secret(number: u32) -> HostInterface {
    HostInterface::new("test:own/secret").function("get", move |_| Ok(Some(Value::U32(number))))
}

fn load(consumer: &Part, plugs: &[Part]) -> Result<Program, Failed> {
    let composition = compose(consumer, plugs, Form::Granted)?;
    Ok(Runtime::new(&RuntimeOptions::default())?.load(&composition)?)
}

fn outcome(consumer: Part, plugs: &[Part]) -> Result<Outcome, Failed> {
    run(&load(&consumer, plugs)?, &Sandboxes::default())
}

fn expect_exit(outcome: &Outcome, code: i32) -> Result<(), Failed> {
    match outcome {
        Outcome::Exited(actual) if *actual == code => Ok(()),
        other => Err(format!("expected exit {code}, found {other:?}").into()),
    }
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

/// Succeeds if the plug's number is 5 and its own secret is 1.
const KEEPER: &str = r#"(component
  (import "test:numbers/number@1.0.0" (instance $number (export "get" (func (result u32)))))
  (import "test:own/secret" (instance $secret (export "get" (func (result u32)))))
  (core func $number (canon lower (func $number "get")))
  (core func $secret (canon lower (func $secret "get")))
  (core module $m
    (import "host" "number" (func $number (result i32)))
    (import "host" "secret" (func $secret (result i32)))
    (func (export "run") (result i32)
      (i32.or
        (i32.ne (call $number) (i32.const 5))
        (i32.ne (call $secret) (i32.const 1)))))
  (core instance $i (instantiate $m (with "host" (instance
    (export "number" (func $number)) (export "secret" (func $secret))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $command)))"#;

/// A plug whose number comes from an import.
fn teller(import: &str) -> String {
    format!(
        r#"(component
          (type $secret (instance (export "get" (func (result u32)))))
          {import}
          (core func $get (canon lower (func $import "get")))
          (core module $m
            (import "host" "get" (func $get (result i32)))
            (func (export "get") (result i32) (call $get)))
          (core instance $i (instantiate $m (with "host" (instance (export "get" (func $get))))))
          (func $get (result u32) (canon lift (core func $i "get")))
          (instance $number (export "get" (func $get)))
          (export "test:numbers/number@1.0.0" (instance $number)))"#
    )
}

const SECRET: &str = r#"(import "test:own/secret" (instance $import (type $secret)))"#;

fn parts_have_their_own() -> Result<(), Failed> {
    for (of_keeper, of_teller, code) in [(1, 5, 0), (5, 1, 1), (1, 1, 1), (5, 5, 1)] {
        let keeper = part("keeper", KEEPER)?.provide(secret(of_keeper));
        let teller = part("teller", &teller(SECRET))?.provide(secret(of_teller));
        expect_exit(&outcome(keeper, &[teller])?, code)?;
    }
    Ok(())
}

fn not_anothers() -> Result<(), Failed> {
    let composed = compose(
        &part("keeper", KEEPER)?.provide(secret(1)),
        &[part("teller", &teller(SECRET))?],
        Form::Granted,
    );
    match composed {
        Err(ComposeError::NotGranted { plug, import }) => {
            assert_eq!(
                (plug.as_str(), import.as_str()),
                ("teller", "test:own/secret")
            );
        }
        other => return Err(format!("expected a refusal, found {other:?}").into()),
    }
    let composition = compose(
        &part("keeper", KEEPER)?,
        &[part("teller", &teller(SECRET))?.provide(secret(5))],
        Form::Granted,
    )?;
    match Runtime::new(&RuntimeOptions::default())?.load(&composition) {
        Err(LoadError::Unsatisfied { part, import }) => {
            assert_eq!(
                (part.as_str(), import.as_str()),
                ("keeper", "test:own/secret")
            );
            Ok(())
        }
        Err(other) => Err(other.into()),
        Ok(_) => Err("what the plug was given satisfies the consumer".into()),
    }
}

/// Plugs with a harmless import that has the type, or the name, of the consumer's private import.
fn forged_type() -> Result<(), Failed> {
    const HELPER: &str = r#"(component
      (component $c)
      (instance $i (export "c" (component $c)))
      (export "test:helper/h@1.0.0" (instance $i)))"#;
    let named = |name: &str| {
        format!(
            r#"(import "test:helper/h@1.0.0" (instance
                 (alias outer 1 $secret (type $p))
                 (export "c" (component (alias outer 1 $p (type $q)) (import "{name}" (instance (type $q)))))))
               (import "wasi:io/poll@0.2.6" (instance $import (type $secret)))"#
        )
    };
    let forged = [
        r#"(import "wasi:io/poll@0.2.6" (instance $import (type $secret)))"#.to_owned(),
        named("test:own/secret"),
        named("keeper:host/secret"),
        named("teller:host/secret"),
    ];
    for import in forged {
        let plugs = [part("teller", &teller(&import))?, part("helper", HELPER)?];
        let plugs = match import.contains("helper") {
            true => &plugs[..],
            false => &plugs[..1],
        };
        let keeper = part("keeper", KEEPER)?.provide(secret(5));
        let composition = match compose(&keeper, plugs, Form::Granted) {
            Ok(composition) => composition,
            Err(ComposeError::Miswired { .. } | ComposeError::Unsound { .. }) => continue,
            Err(other) => return Err(other.into()),
        };
        match Runtime::new(&RuntimeOptions::default())?.load(&composition) {
            Err(LoadError::Link { parts, import, .. }) => {
                assert_eq!(parts[0].as_str(), "teller");
                assert_eq!(
                    import.ok_or("no import is named")?.as_str(),
                    "wasi:io/poll@0.2.6"
                );
            }
            Err(other) => return Err(other.into()),
            Ok(_) => return Err(format!("a plug gets what is the consumer's: {import}").into()),
        }
    }
    // A plug that imports the name of the private import openly is refused.
    let open = r#"(import "keeper:host/secret" (instance $import (type $secret)))"#;
    let keeper = part("keeper", KEEPER)?.provide(secret(5));
    match compose(&keeper, &[part("teller", &teller(open))?], Form::Granted) {
        Err(ComposeError::NotGranted { .. }) => Ok(()),
        other => Err(format!("expected a refusal, found {other:?}").into()),
    }
}

fn refused() -> Result<(), Failed> {
    let composed = |interface: HostInterface, plugs: &[Part]| -> Result<String, Failed> {
        let consumer = part("consumer", CONSUMER)?.provide(interface);
        match compose(&consumer, plugs, Form::Granted) {
            Err(error) => Ok(error.to_string()),
            Ok(_) => Err("it was composed".into()),
        }
    };
    assert_eq!(
        composed(number(42), &[part("number", NUMBER)?])?,
        "`consumer` imports `test:numbers/number@1.0.0`, which plug `number` and the host interface `test:numbers/number@1.0.0` both satisfy; leave one of them out"
    );
    assert_eq!(
        composed(secret(1), &[])?,
        "the host interface `test:own/secret` satisfies no import of `consumer`; leave it out, or provide it to the part that imports it"
    );
    assert_eq!(
        composed(HostInterface::new("test:numbers/number@2.0.0"), &[])?,
        "the host interface `test:numbers/number@2.0.0` satisfies no import of `consumer`; `test:numbers/number@2.0.0` and `test:numbers/number@1.0.0` are incompatible versions; build both against the same one"
    );
    for name in [
        "wasi:cli/environment@0.2.0",
        "wasi:random/random",
        "wasi:sockets/tcp@0.2.9",
    ] {
        assert_eq!(
            composed(HostInterface::new(name), &[])?,
            format!(
                "`{name}` cannot be provided to `consumer` by the embedder, because the host itself provides it; grant what `consumer` is to reach in its sandbox"
            )
        );
    }
    // The embedder may provide an interface that the host does not provide, if a part imports it.
    for name in ["wasi:cli/environment@0.3.0", "wasi:http/types@0.2.0"] {
        let words = composed(HostInterface::new(name), &[])?;
        assert!(
            words.contains("satisfies no import of `consumer`"),
            "{words}"
        );
    }
    let twice = part("consumer", CONSUMER)?
        .provide(number(1))
        .provide(number(2));
    match compose(&twice, &[], Form::Granted) {
        Err(ComposeError::IdleHostInterface { .. }) => {}
        other => return Err(format!("expected a refusal, found {other:?}").into()),
    }
    let function = r#"(component (import "get" (func)))"#;
    let function = part("consumer", function)?.provide(HostInterface::new("get"));
    match compose(&function, &[], Form::Granted) {
        Err(ComposeError::NotAnInstance { part, import }) => {
            assert_eq!((part.as_str(), import.as_str()), ("consumer", "get"));
        }
        other => return Err(format!("expected a refusal, found {other:?}").into()),
    }

    let without = HostInterface::new(NUMBERS).function("got", |_| Ok(None));
    let composition = compose(
        &part("consumer", CONSUMER)?.provide(without),
        &[],
        Form::Granted,
    )?;
    match Runtime::new(&RuntimeOptions::default())?
        .load(&composition)
        .err()
    {
        Some(LoadError::HostInterface {
            part,
            interface,
            source: source @ HostInterfaceMismatch::NoFunction { .. },
        }) => {
            assert_eq!((part.as_str(), interface.as_str()), ("consumer", NUMBERS));
            let words = "it has no function `get`; add one, of type `func() -> u32`";
            assert_eq!(source.to_string(), words);
            Ok(())
        }
        other => Err(format!("expected a refusal, found {other:?}").into()),
    }
}

fn resources() -> Result<(), Failed> {
    let own = r#"(component
        (import "a:b/c" (instance (export "r" (type (sub resource)))
          (export "f" (func)))))"#;
    let of_another = r#"(component
        (import "wasi:io/error@0.2.6" (instance $e (export "error" (type (sub resource)))))
        (alias export $e "error" (type $error))
        (import "a:b/c" (instance (alias outer 1 $error (type $o)) (export "error" (type $r (eq $o)))
          (export "f" (func (result (own $r)))))))"#;
    for (text, resource) in [(own, "r"), (of_another, "error")] {
        let interface = HostInterface::new("a:b/c").function("f", |_| Ok(None));
        let consumer = part("consumer", text)?.provide(interface);
        match compose(&consumer, &[], Form::Granted) {
            Err(ComposeError::ProvidedResource {
                part,
                import,
                resource: named,
            }) => {
                let found = (part.as_str(), import.as_str(), named.as_str());
                assert_eq!(found, ("consumer", "a:b/c", resource));
            }
            other => return Err(format!("expected a refusal, found {other:?}").into()),
        }
    }
    Ok(())
}

/// Expects this exit code from the part alone, which keeps its own binary, and from the part composed
/// with a plug.
fn expect_exit_alone_and_composed(
    text: &str,
    provided: &[HostInterface],
    code: i32,
) -> Result<(), Failed> {
    let import =
        format!(r#"(component (import "{NUMBERS}" (instance (export "get" (func (result u32)))))"#);
    let with_plug = text.replacen("(component", &import, 1);
    for (text, plugs) in [(text, &[][..]), (&with_plug, &[part("number", NUMBER)?])] {
        let consumer = provided
            .iter()
            .cloned()
            .fold(part("consumer", text)?, Part::provide);
        expect_exit(&outcome(consumer, plugs)?, code)?;
    }
    Ok(())
}

/// An interface whose types come from another one; the other one is provided without functions.
fn types_of_others() -> Result<(), Failed> {
    let text = r#"(component
        (import "a:b/types" (instance $types
          (type $e (enum "one" "two")) (export "number" (type (eq $e)))
          (type $r (record (field "x" u8))) (export "unused" (type (eq $r)))))
        (alias export $types "number" (type $number))
        (import "a:b/store@1.0.0" (instance $store (alias outer 1 $number (type $o)) (export "number" (type $n (eq $o)))
          (export "f" (func (result $n)))))
        (core func $f (canon lower (func $store "f")))
        (core module $m (import "h" "f" (func $f (result i32)))
          (func (export "run") (result i32) (call $f)))
        (core instance $i (instantiate $m (with "h" (instance (export "f" (func $f))))))
        (func $run (result (result)) (canon lift (core func $i "run")))
        (instance $command (export "run" (func $run)))
        (export "wasi:cli/run@0.2.6" (instance $command)))"#;
    for (case, code) in [("one", 0), ("two", 1)] {
        let store = HostInterface::new("a:b/store@1.0.0")
            .function("f", move |_| Ok(Some(Value::Enum(case.to_owned()))));
        let provided = [store, HostInterface::new("a:b/types")];
        expect_exit_alone_and_composed(text, &provided, code)?;
    }
    Ok(())
}

/// Interfaces whose private names would be equal, and two versions of one interface.
fn versions_and_labels() -> Result<(), Failed> {
    let names = [
        "a:b/store@1.0.0",
        "a:b/store@1.1.0",
        "a:b/store@2.0.0",
        "c:d/store",
        "c:d/store-2",
        "c:d/STORE",
        "store",
        "store2",
    ];
    let mut imports = String::new();
    let mut calls = String::new();
    let mut lowered = String::new();
    for (index, name) in names.iter().enumerate() {
        imports += &format!(
            r#"(import "{name}" (instance $i{index} (export "get" (func (result u32)))))
               (core func $f{index} (canon lower (func $i{index} "get")))"#
        );
        lowered += &format!(r#"(export "{index}" (func $f{index}))"#);
        calls += &format!(
            r#"(if (i32.ne (call $f{index}) (i32.const {index})) (then (return (i32.const 1))))"#
        );
    }
    let functions = (0..names.len())
        .map(|index| format!(r#"(import "h" "{index}" (func $f{index} (result i32)))"#))
        .collect::<String>();
    let text = format!(
        r#"(component {imports}
          (core module $m {functions} (func (export "run") (result i32) {calls} (i32.const 0)))
          (core instance $i (instantiate $m (with "h" (instance {lowered}))))
          (func $run (result (result)) (canon lift (core func $i "run")))
          (instance $command (export "run" (func $run)))
          (export "wasi:cli/run@0.2.6" (instance $command)))"#
    );
    let get = |name: &str, number: u32| {
        HostInterface::new(name).function("get", move |_| Ok(Some(Value::U32(number))))
    };
    let each = || {
        names
            .iter()
            .zip(0..)
            .map(|(name, number)| get(name, number))
    };
    let all: Vec<HostInterface> = each().collect();
    expect_exit_alone_and_composed(&text, &all, 0)?;

    // A compatible version satisfies an import if its own version is not provided.
    let second = HostInterface::new("a:b/store@1.2.0").function("get", |_| Ok(Some(Value::U32(1))));
    let others = each().enumerate().filter(|(index, _)| *index != 1);
    let others = others.map(|(_, interface)| interface).chain([second]);
    expect_exit_alone_and_composed(&text, &others.collect::<Vec<_>>(), 0)
}

fn portable() -> Result<(), Failed> {
    let consumer = part("consumer", CONSUMER)?;
    let composition = compose(&consumer.clone().provide(number(42)), &[], Form::Portable)?;
    let open: Vec<&str> = composition
        .open_imports()
        .map(|(_, name)| name.as_str())
        .collect();
    assert_eq!(open, [NUMBERS]);
    match Runtime::new(&RuntimeOptions::default())?
        .load(&composition)
        .err()
    {
        Some(LoadError::Unsatisfied { import, .. }) if import == NUMBERS => {}
        other => return Err(format!("expected a refusal, found {other:?}").into()),
    }
    // The result can be composed again.
    let composed = wit_host::Wasm::parse("composed.wasm", composition.bytes().to_vec())?;
    let composed = Part::new("composed", composed.try_into()?)?;
    expect_exit(&outcome(composed, &[part("number", NUMBER)?])?, 0)
}

fn not_in_files() -> Result<(), Failed> {
    let consumer = part("consumer", CONSUMER)?.provide(number(42));
    let composition = compose(&consumer, &[], Form::Granted)?;
    match Runtime::new(&RuntimeOptions::default())?.precompile(&composition) {
        Err(PrecompiledError::HostInterface { part, import }) => {
            assert_eq!((part.as_str(), import.as_str()), ("consumer", NUMBERS));
            Ok(())
        }
        other => Err(format!("expected a refusal, found {:?}", other.err()).into()),
    }
}

fn explained() -> Result<(), Failed> {
    let keeper = part("keeper", KEEPER)?.provide(secret(1));
    let teller = part("teller", &teller(SECRET))?.provide(secret(5));
    let composition = compose(&keeper, &[teller], Form::Granted)?;
    let explanation = Explanation::of(&composition, &Sandboxes::default());
    let text = explanation.to_string();
    for part in ["keeper", "teller"] {
        let line = format!(
            "`{part}` calls the host interface `test:own/secret`, provided by the embedder\n"
        );
        assert!(text.contains(&line), "{text}");
    }
    let picture = explanation.picture(PictureFormat::Mermaid);
    for line in [
        "  embedder[\"embedder\"]\n",
        "  p0 -- \"test:own/secret\" --> embedder\n",
        "  p1 -- \"test:own/secret\" --> embedder\n",
    ] {
        assert!(picture.contains(line), "{picture}");
    }
    let picture = composition.picture(PictureFormat::Dot);
    assert!(
        picture.contains("p0 -> embedder [label=\"test:own/secret\"]"),
        "{picture}"
    );
    Ok(())
}
