//! Fuel, time and memory of isolated plugs.

use super::service::{
    act, expect_words, instance, instance_within, isolated, load, observed, on_tokio, plug_with,
    storm, try_act,
};
use crate::{
    embedding::{CONSUMER, part, run},
    engines,
};
use libtest_mimic::{Failed, Trial};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use wit_host::{
    Allowance, Engine, Form, HostInterface, InstantiateError, Isolation, Limits, Outcome, Part,
    Program, Restarts, Runtime, RuntimeOptions, Sandboxes, Value, compose,
};

pub fn trials() -> Vec<Trial> {
    engines::on_each(
        "isolation::bounds",
        &[
            ("steps_are_the_callers_too", steps),
            ("fuel_of_one_call", fuel_of_a_call),
            ("traps_do_not_evade_fuel", trapping_steps),
            ("failed_starts_do_not_evade_fuel", failed_starts),
            ("failed_starts_are_counted", counted_starts),
            ("the_callers_deadline_holds_for_starts", deadline_of_a_start),
            ("time_of_one_call", time_of_a_call),
            ("the_callers_deadline_holds", deadline),
            ("the_last_restart", restarts),
            ("memory_of_all_stores_is_one_sum", memory),
            ("passed_values", passed_values),
            ("start_up_code_ends_in_time", start_up),
        ],
    )
}

fn counting(engine: Engine) -> RuntimeOptions {
    RuntimeOptions::new()
        .engine(engine)
        .fuel(true)
        .interruptible(true)
}

/// The numbers of calls that succeed and fail before a caller with this fuel has used it up.
async fn calls_until_out_of_fuel(
    program: &Program,
    fuel: u64,
    what: u32,
    n: u32,
) -> Result<(usize, String), Failed> {
    let allowance = Allowance::new(&Limits::new().fuel(fuel));
    let mut one = instance_within(program, &allowance, None).await?;
    for calls in 0..100_000 {
        if let Err(words) = try_act(&mut one, what, n).await {
            return Ok((calls, words));
        }
    }
    Err("the fuel is not used up".into())
}

/// 1,000 turns of a loop take some thousands of steps, of the plug and of its caller.
fn steps(engine: Engine) -> Result<(), Failed> {
    on_tokio(async || {
        let program = isolated(&counting(engine), Isolation::new())?;
        let (calls, words) = calls_until_out_of_fuel(&program, 1_000_000, act::TURNS, 1000).await?;
        assert!((50..400).contains(&calls), "{calls} calls");
        expect_words(&Err::<(), _>(words), &["used up its fuel"])?;
        let (calls, words) = calls_until_out_of_fuel(&program, 1_000_000, act::LOOP, 0).await?;
        assert_eq!(calls, 0);
        expect_words(
            &Err::<(), _>(words),
            &["used up its fuel, in the isolated plug `service`"],
        )?;
        // The steps of the start are paid by the first call.
        let start = "(local $i i32) (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $l (i32.lt_u (local.get $i) (i32.const 100000))))";
        let slow = part("service", &plug_with("", "", "", start))?.isolate(Isolation::new());
        let program = load(&counting(engine), &[slow])?;
        let (without, _) = calls_until_out_of_fuel(&program, 1_500_000, act::TURNS, 1000).await?;
        let program = isolated(&counting(engine), Isolation::new())?;
        let (with, _) = calls_until_out_of_fuel(&program, 1_500_000, act::TURNS, 1000).await?;
        assert!(
            without + 50 < with,
            "{without} calls, {with} without start-up code"
        );
        Ok(())
    })
}

fn fuel_of_a_call(engine: Engine) -> Result<(), Failed> {
    on_tokio(async || {
        let program = isolated(&counting(engine), Isolation::new().fuel(20_000))?;
        let mut one = instance(&program).await?;
        for _ in 0..20 {
            assert_eq!(
                try_act(&mut one, act::TURNS, 1000).await,
                Ok("ok([0, 0, 0, 0])".into())
            );
        }
        assert_eq!(
            try_act(&mut one, act::LOOP, 0).await,
            Ok("err(runtime-error)".into())
        );
        expect_words(
            &act(&mut one, act::LOOP, 0).await,
            &[
                "the isolated plug `service` failed",
                "`service` trapped: it has used up its fuel",
            ],
        )
    })
}

/// The steps before a trap are the caller's too, so a caller that ignores errors runs out of fuel.
fn trapping_steps(engine: Engine) -> Result<(), Failed> {
    on_tokio(async || {
        let isolation = Isolation::new()
            .fuel(10_000)
            .restarts(Restarts::new(u32::MAX, Duration::from_secs(1)));
        let program = isolated(&counting(engine), isolation)?;
        let allowance = Allowance::new(&Limits::new().fuel(1_000_000));
        let mut one = instance_within(&program, &allowance, None).await?;
        assert_eq!(storm(&mut one, 20, act::LOOP, 0).await, Ok(20));
        let mut one = instance_within(&program, &allowance, None).await?;
        expect_words(
            &storm(&mut one, 1000, act::LOOP, 0).await,
            &["used up its fuel"],
        )
    })
}

/// A plug whose start-up code is `again` from the second start on, and the number of its starts. Starts
/// differ only in the answers of a host interface.
fn starting_again(again: &str, isolation: Isolation) -> Result<(Part, Arc<AtomicU32>), Failed> {
    let starts = Arc::new(AtomicU32::new(0));
    let counter = starts.clone();
    let counts = HostInterface::new("test:iso/starts").function("count", move |_| {
        let before = counter.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Value::U32(before)))
    });
    let imports = r#"(import "test:iso/starts" (instance $starts (export "count" (func (result u32)))))
        (core func $count-starts (canon lower (func $starts "count")))"#;
    let arguments = r#"(with "starts" (instance (export "count" (func $count-starts))))"#;
    let core = r#"(import "starts" "count" (func $starts (result i32)))"#;
    let start = format!("(local $i i32) (if (call $starts) (then {again}))");
    let plug = part("service", &plug_with(imports, arguments, core, &start))?;
    Ok((plug.provide(counts).isolate(isolation), starts))
}

/// The first start succeeds, and every later one takes some 60,000 steps and traps.
fn failed_starts(engine: Engine) -> Result<(), Failed> {
    on_tokio(async || {
        let isolation = Isolation::new().restarts(Restarts::new(u32::MAX, Duration::from_secs(1)));
        let (isolation, failures) = observed(isolation);
        let again = "(loop $l (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $l (i32.lt_u (local.get $i) (i32.const 10000)))) unreachable";
        let (plug, starts) = starting_again(again, isolation)?;
        let program = load(&counting(engine), &[plug])?;
        let allowance = Allowance::new(&Limits::new().fuel(1_000_000));
        let mut one = instance_within(&program, &allowance, None).await?;
        let ended = storm(&mut one, 1000, act::TRAP, 0).await;
        expect_words(&ended, &["used up its fuel"])?;
        let starts = starts.load(Ordering::Relaxed);
        assert!((5..50).contains(&starts), "{starts} starts");
        let failures = failures.lock().map_err(|_| "a panic")?;
        let last = failures.last().ok_or("no failure was observed")?;
        assert!(
            last.contains("`service` trapped: it reached `unreachable`"),
            "{last}"
        );
        Ok(())
    })
}

/// A start that fails is a failure of the plug, which then stays down.
fn counted_starts(engine: Engine) -> Result<(), Failed> {
    on_tokio(async || {
        let isolation = Isolation::new().restarts(Restarts::new(3, Duration::from_secs(600)));
        let (plug, starts) = starting_again("unreachable", isolation)?;
        let program = load(&counting(engine), &[plug])?;
        let mut one = instance(&program).await?;
        assert_eq!(storm(&mut one, 50, act::TRAP, 0).await, Ok(50));
        // One start, and three more after one trap.
        assert_eq!(starts.load(Ordering::Relaxed), 4);
        Ok(())
    })
}

/// The time of the caller is up while the plug starts again: the caller ends, and the plug has not
/// failed.
fn deadline_of_a_start(engine: Engine) -> Result<(), Failed> {
    on_tokio(async || {
        let (isolation, failures) = observed(Isolation::new());
        let (plug, _) = starting_again("(loop $l (br $l))", isolation)?;
        let program = load(&counting(engine), &[plug])?;
        let mut one = instance(&program).await?;
        assert_eq!(
            try_act(&mut one, act::TRAP, 0).await,
            Ok("err(runtime-error)".into())
        );
        one.set_timeout(Some(Duration::from_millis(100)));
        let ended = try_act(&mut one, act::COUNT, 0).await;
        expect_words(
            &ended,
            &["`service` was computing, and was not done within 100ms"],
        )?;
        let failures = failures.lock().map_err(|_| "a panic")?;
        assert_eq!(failures.len(), 1, "{failures:?}");
        Ok(())
    })
}

fn time_of_a_call(engine: Engine) -> Result<(), Failed> {
    on_tokio(async || {
        let isolation = Isolation::new().timeout(Duration::from_millis(100));
        let program = isolated(&counting(engine), isolation)?;
        let mut one = instance(&program).await?;
        assert_eq!(act(&mut one, act::COUNT, 4).await, Ok(4));
        let started = Instant::now();
        assert_eq!(
            try_act(&mut one, act::LOOP, 0).await,
            Ok("err(runtime-error)".into())
        );
        let after = started.elapsed();
        assert!(after >= Duration::from_millis(100), "{after:?}");
        assert_eq!(act(&mut one, act::COUNT, 1).await, Ok(1));
        expect_words(
            &act(&mut one, act::LOOP, 0).await,
            &[
                "`service` was computing, and was not done within 100ms",
                "the isolated plug",
            ],
        )
    })
}

/// When the caller's time is up, the caller ends; the plug has not failed.
fn deadline(engine: Engine) -> Result<(), Failed> {
    on_tokio(async || {
        for own in [None, Some(Duration::from_secs(60))] {
            let none = Restarts::new(0, Duration::from_secs(60));
            let (isolation, failures) = observed(Isolation::new().timeout(own).restarts(none));
            let program = isolated(&counting(engine), isolation)?;
            let sandboxes = Sandboxes::default();
            let allowance = Allowance::new(&Limits::default());
            let plugs = program.isolated_plugs(&sandboxes, &allowance, None).await?;
            for by_timeout in [true, false] {
                let with = program.instantiate_with(&sandboxes, &allowance, None, &plugs);
                let mut one = with.await?;
                let after = Duration::from_millis(100);
                match by_timeout {
                    true => one.set_timeout(Some(after)),
                    false => one.set_deadline(Some(Instant::now() + after)),
                }
                let ended = try_act(&mut one, act::LOOP, 0).await;
                expect_words(
                    &ended,
                    &["`service` was computing, and was not done within"],
                )?;
            }
            let with = program.instantiate_with(&sandboxes, &allowance, None, &plugs);
            assert_eq!(act(&mut with.await?, act::COUNT, 1).await, Ok(1));
            let failures = failures.lock().map_err(|_| "a panic")?;
            assert!(failures.is_empty(), "{failures:?}");
        }
        Ok(())
    })
}

/// A plug is restarted as often as it may be, and then stays down.
fn restarts(engine: Engine) -> Result<(), Failed> {
    on_tokio(async || {
        let isolation = Isolation::new().restarts(Restarts::new(3, Duration::from_secs(600)));
        let (isolation, failures) = observed(isolation);
        let program = isolated(&counting(engine), isolation)?;
        let mut one = instance(&program).await?;
        for _ in 0..3 {
            assert_eq!(
                try_act(&mut one, act::TRAP, 0).await,
                Ok("err(runtime-error)".into())
            );
            assert_eq!(act(&mut one, act::COUNT, 2).await, Ok(2));
        }
        assert_eq!(
            try_act(&mut one, act::TRAP, 0).await,
            Ok("err(runtime-error)".into())
        );
        assert_eq!(
            try_act(&mut one, act::COUNT, 0).await,
            Ok("err(runtime-error)".into())
        );
        let words = "it stays down, because it failed more often than 3 restarts within 600s allow";
        expect_words(
            &act(&mut one, act::COUNT, 1).await,
            &["the isolated plug `service`", words],
        )?;
        let failures = failures.lock().map_err(|_| "a panic")?;
        let down = failures.iter().filter(|failure| failure.contains(words));
        // The observer learns once that the plug is down.
        assert_eq!((failures.len(), down.count()), (5, 1), "{failures:?}");
        Ok(())
    })
}

/// A page is 64 KiB. The memories of the consumer and of the plug begin with four pages each.
fn memory(engine: Engine) -> Result<(), Failed> {
    const PAGE: usize = 65536;
    on_tokio(async || {
        let grow = async |own: Option<usize>, whole: usize, pages: u32| {
            let program = isolated(&counting(engine), Isolation::new().memory(own))?;
            let allowance = Allowance::new(&Limits::new().memory(whole * PAGE));
            let mut one = instance_within(&program, &allowance, None).await?;
            Ok::<_, Failed>(try_act(&mut one, act::GROW, pages).await)
        };
        let grown = Ok("ok([0, 0, 0, 0])".to_owned());
        let refused = Ok("err(runtime-error)".to_owned());
        assert_eq!(grow(None, 18, 10).await?, grown);
        assert_eq!(grow(None, 18, 11).await?, refused);
        assert_eq!(grow(Some(14 * PAGE), 1000, 10).await?, grown);
        assert_eq!(grow(Some(14 * PAGE), 1000, 11).await?, refused);
        assert_eq!(grow(Some(1000 * PAGE), 18, 11).await?, refused);
        Ok(())
    })
}

/// Passes this number of sets of flags to the next plug, before it returns 42.
const PASSES: &str = r#"(component
  (import "test:a/taker" (instance $taker
    (type $flags' (flags FLAGS)) (export "flags" (type $flags (eq $flags')))
    (export "take" (func (param "l" (list $flags))))))
  (core module $memory (memory (export "memory") 20))
  (core instance $memory (instantiate $memory))
  (core func $take (canon lower (func $taker "take") (memory (core memory $memory "memory"))))
  (core module $m
    (import "memory" "memory" (memory 1))
    (import "taker" "take" (func $take (param i32 i32)))
    (func (export "get") (result i32)
      (memory.fill (i32.const 0) (i32.const 0xff) (i32.const 1000000))
      (call $take (i32.const 0) (i32.const COUNT))
      (i32.const 42)))
  (core instance $i (instantiate $m
    (with "memory" (instance $memory)) (with "taker" (instance (export "take" (func $take))))))
  (func $get (result u32) (canon lift (core func $i "get")))
  (instance $number (export "get" (func $get)))
  (export "test:numbers/number@1.0.0" (instance $number)))"#;

const TAKES: &str = r#"(component
  (core module $m
    (memory (export "memory") 40)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
    (func (export "take") (param i32 i32)))
  (core instance $i (instantiate $m))
  (type $flags (flags FLAGS))
  (func $take (param "l" (list $flags)) (canon lift (core func $i "take")
    (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (component $named
    (type $flags (flags FLAGS))
    (import "flags" (type $imported (eq $flags)))
    (import "take" (func $take (param "l" (list $imported))))
    (export $exported "flags" (type $flags))
    (export "take" (func $take) (func (param "l" (list $exported)))))
  (instance $taker (instantiate $named (with "flags" (type $flags)) (with "take" (func $take))))
  (export "test:a/taker" (instance $taker)))"#;

/// The values that an isolated plug passes on are bounded, whatever its own result is: a set of 32 flags
/// takes some kilobytes on the host and four bytes in the plug.
fn passed_values(engine: Engine) -> Result<(), Failed> {
    let names: Vec<String> = (0..32).map(|flag| format!("\"flag{flag}\"")).collect();
    let named = |text: &str| text.replace("FLAGS", &names.join(" "));
    let passing = |count: u32| -> Result<Outcome, Failed> {
        let passes = named(PASSES).replace("COUNT", &count.to_string());
        let plugs = [
            part("passes", &passes)?.isolate(Isolation::new()),
            part("takes", &named(TAKES))?.isolate(Isolation::new()),
        ];
        let consumer = part("consumer", CONSUMER)?;
        let composition = compose(&consumer, &plugs, Form::Granted)?;
        let program = Runtime::new(&RuntimeOptions::new().engine(engine))?.load(&composition)?;
        run(&program, &Sandboxes::default())
    };
    match passing(10_000)? {
        Outcome::Exited(0) => {}
        other => return Err(format!("expected an end, found {other:?}").into()),
    }
    match passing(200_000)? {
        Outcome::Trapped(trap) => {
            let words = ["the isolated plug `passes` failed", "`passes` trapped"];
            expect_words(&Err::<(), _>(trap.to_string()), &words)
        }
        other => Err(format!("expected a trap, found {other:?}").into()),
    }
}

fn start_up(engine: Engine) -> Result<(), Failed> {
    on_tokio(async || {
        let looping = plug_with("", "", "", "(loop $l (br $l))");
        for (own, whole) in [(50, 60_000), (60_000, 50)]
            .map(|(own, whole)| (Duration::from_millis(own), Duration::from_millis(whole)))
        {
            let plug = part("service", &looping)?.isolate(Isolation::new().timeout(own));
            let program = load(&counting(engine), &[plug])?;
            let limits = Limits::new().timeout(whole);
            let started = Instant::now();
            let ended = program.instantiate(&Sandboxes::default(), &limits).await;
            assert!(started.elapsed() < Duration::from_secs(30));
            match ended {
                Err(InstantiateError::Ended(Outcome::TimedOut(timed_out))) => {
                    let part = timed_out.part.as_ref().map(|part| part.as_str());
                    assert_eq!(part, Some("service"));
                }
                other => return Err(format!("expected a time-out, found {other:?}").into()),
            }
        }
        Ok(())
    })
}
