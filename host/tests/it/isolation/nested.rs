//! Isolated plugs that call plugs.

use super::service::{
    act, consumer, expect_words, instance, load, observed, on_tokio, plug_with, service, try_act,
};
use crate::embedding::part;
use libtest_mimic::{Failed, Trial};
use std::time::Duration;
use wit_host::{InstantiateError, Isolation, Limits, Outcome, Part, RuntimeOptions, Sandboxes};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("isolation::nested::the_inner_failure_is_an_error", inner),
        Trial::test(
            "isolation::nested::a_plug_takes_its_fused_plugs_along",
            taken_along,
        ),
        Trial::test("isolation::nested::start_up_code_calls_plugs", start_up),
        Trial::test("isolation::nested::the_innermost_plug_is_named", innermost),
    ]
}

/// A plug that passes calls of the service on to the next plug.
fn relay(name: &str) -> Result<Part, Failed> {
    let text = consumer().replace("test:iso/calls@1.0.0", "test:iso/service@1.0.0");
    part(name, &text)
}

fn interruptible() -> RuntimeOptions {
    RuntimeOptions::new().interruptible(true).fuel(true)
}

/// A trap of the inner plug is an error for the outer one, which passes the error on, and a trap of the
/// outer one where there is no error.
fn inner() -> Result<(), Failed> {
    on_tokio(async || {
        let (of_relay, relay_failed) = observed(Isolation::new());
        let (of_service, service_failed) = observed(Isolation::new());
        let plugs = [
            relay("relay")?.isolate(of_relay),
            part("service", &service())?.isolate(of_service),
        ];
        let program = load(&interruptible(), &plugs)?;
        let mut one = instance(&program).await?;
        assert_eq!(act(&mut one, act::COUNT, 2).await, Ok(2));
        assert_eq!(
            try_act(&mut one, act::TRAP, 2).await,
            Ok("err(runtime-error)".into())
        );
        assert_eq!(act(&mut one, act::COUNT, 3).await, Ok(3));
        let counts = || -> Result<_, Failed> {
            let count = |failures: &std::sync::Mutex<Vec<String>>| {
                failures
                    .lock()
                    .map(|failures| failures.len())
                    .map_err(|_| "a panic")
            };
            Ok((count(&relay_failed)?, count(&service_failed)?))
        };
        assert_eq!(counts()?, (0, 1));
        expect_words(
            &act(&mut one, act::TRAP, 1).await,
            &[
                "`consumer` trapped: the isolated plug `relay` failed",
                "the isolated plug `service` failed",
            ],
        )?;
        assert_eq!(counts()?, (1, 2));
        Ok(())
    })
}

fn taken_along() -> Result<(), Failed> {
    on_tokio(async || {
        let plugs = [
            relay("relay")?.isolate(Isolation::new()),
            part("service", &service())?,
        ];
        let program = load(&interruptible(), &plugs)?;
        let mut one = instance(&program).await?;
        assert_eq!(act(&mut one, act::COUNT, 2).await, Ok(2));
        // The trap of the inner plug ends the store of both.
        assert_eq!(
            try_act(&mut one, act::TRAP, 2).await,
            Ok("err(runtime-error)".into())
        );
        assert_eq!(act(&mut one, act::COUNT, 3).await, Ok(3));
        expect_words(
            &act(&mut one, act::TRAP, 1).await,
            &[
                "`consumer` trapped: the isolated plug `relay` failed",
                "`service` trapped",
            ],
        )
    })
}

/// A plug whose start-up code calls the next plug.
fn calling(what: u32) -> Result<Part, Failed> {
    let imports = r#"(import "test:iso/service@1.0.0" (instance $next
          (export "act" (func (param "what" u32) (param "n" u32) (result u32)))))
        (core func $next-act (canon lower (func $next "act")))"#;
    let arguments = r#"(with "next" (instance (export "act" (func $next-act))))"#;
    let core = r#"(import "next" "act" (func $next (param i32 i32) (result i32)))"#;
    let start = format!("(global.set $count (call $next (i32.const {what}) (i32.const 5)))");
    part("calling", &plug_with(imports, arguments, core, &start))
}

fn start_up() -> Result<(), Failed> {
    on_tokio(async || {
        let service = || -> Result<Part, Failed> {
            Ok(part("service", &service())?.isolate(Isolation::new()))
        };
        let plugs = [calling(act::COUNT)?.isolate(Isolation::new()), service()?];
        let program = load(&interruptible(), &plugs)?;
        let mut one = instance(&program).await?;
        assert_eq!(act(&mut one, act::COUNT, 0).await, Ok(5));
        // The next plug keeps what it counted, although the first one starts again.
        assert_eq!(
            try_act(&mut one, act::TRAP, 0).await,
            Ok("err(runtime-error)".into())
        );
        assert_eq!(act(&mut one, act::COUNT, 0).await, Ok(10));

        for (what, words) in [
            (
                act::TRAP,
                "`calling` trapped: the isolated plug `service` failed",
            ),
            (
                act::LOOP,
                "`service` was computing, and was not done within",
            ),
        ] {
            let program = load(
                &interruptible(),
                &[calling(what)?.isolate(Isolation::new()), service()?],
            )?;
            let limits = Limits::new().timeout(Duration::from_millis(200));
            let started = program.instantiate(&Sandboxes::default(), &limits).await;
            let found = match started {
                Err(InstantiateError::Ended(Outcome::Trapped(trap))) => trap.to_string(),
                Err(InstantiateError::Ended(Outcome::TimedOut(timed_out))) => timed_out.to_string(),
                other => return Err(format!("expected an end, found {other:?}").into()),
            };
            assert!(found.contains(words), "{found}");
        }
        Ok(())
    })
}

/// If the caller's time or fuel is used up, the plug that was running is named.
fn innermost() -> Result<(), Failed> {
    on_tokio(async || {
        let plugs = [
            relay("relay")?.isolate(Isolation::new()),
            part("service", &service())?.isolate(Isolation::new()),
        ];
        let program = load(&interruptible(), &plugs)?;
        let mut one = instance(&program).await?;
        one.set_timeout(Some(Duration::from_millis(100)));
        expect_words(
            &act(&mut one, act::LOOP, 1).await,
            &["`service` was computing, and was not done within 100ms"],
        )?;
        let limits = Limits::new().fuel(100_000);
        let mut one = program.instantiate(&Sandboxes::default(), &limits).await?;
        expect_words(
            &act(&mut one, act::LOOP, 1).await,
            &["`consumer` trapped: it has used up its fuel, in the isolated plug `service`"],
        )
    })
}
