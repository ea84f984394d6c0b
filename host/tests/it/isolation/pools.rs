//! Instances and threads that share isolated plugs.

use super::service::{
    act, expect_words, instance, instance_within, isolated, load, observed, on_tokio, service,
    try_act,
};
use crate::embedding::{part, tokio};
use libtest_mimic::{Failed, Trial};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use wit_host::{
    Allowance, Form, Growing, InstantiateError, Isolation, Limits, PrecompiledError, Restarts,
    Runtime, RuntimeOptions, Sandboxes, compose,
};

/// The size of a page of linear memory, in bytes.
const PAGE: usize = 65536;
/// The sums of an allowance.
const SUMS: [Growing; 4] = [
    Growing::Memory,
    Growing::Tables,
    Growing::Streams,
    Growing::Handles,
];

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("isolation::pools::state_lives_until_a_restart", state),
        Trial::test(
            "isolation::pools::plugs_of_another_program_are_refused",
            of_another_program,
        ),
        Trial::test(
            "isolation::pools::a_precompiled_file_holds_one_store",
            precompiled,
        ),
        Trial::test("isolation::pools::instances_share_one_plug", shared),
        Trial::test("isolation::pools::any_size_is_taken", sizes),
        Trial::test("isolation::pools::places_and_waiting_are_bounded", waiting),
        Trial::test(
            "isolation::pools::a_dropped_call_frees_its_place",
            dropped_call,
        ),
        Trial::test(
            "isolation::pools::want_of_room_is_not_a_failure_of_the_plug",
            want_of_room,
        ),
        Trial::test("isolation::pools::nothing_is_left_behind", nothing_left),
        Trial::test("isolation::pools::calls_of_threads", threads),
    ]
}

/// What the plug holds in memory stays between calls, and is lost when a call fails.
fn state() -> Result<(), Failed> {
    on_tokio(async || {
        let program = isolated(&RuntimeOptions::new(), Isolation::new())?;
        let mut one = instance(&program).await?;
        assert_eq!(act(&mut one, act::COUNT, 2).await, Ok(2));
        assert_eq!(act(&mut one, act::COUNT, 3).await, Ok(5));
        assert_eq!(
            try_act(&mut one, act::COUNT, 1).await,
            Ok("ok([6, 0, 0, 0])".into())
        );
        assert_eq!(
            try_act(&mut one, act::TRAP, 0).await,
            Ok("err(runtime-error)".into())
        );
        assert_eq!(act(&mut one, act::COUNT, 3).await, Ok(3));
        Ok(())
    })
}

/// The plugs of one program have another order and other types than those of another program.
fn of_another_program() -> Result<(), Failed> {
    on_tokio(async || {
        let options = RuntimeOptions::new();
        let program = isolated(&options, Isolation::new())?;
        let fused = load(&options, &[part("service", &service())?])?;
        let same = isolated(&options, Isolation::new())?;
        let sandboxes = Sandboxes::default();
        let allowance = Allowance::new(&Limits::default());
        for other in [fused, same] {
            let plugs = other.isolated_plugs(&sandboxes, &allowance, None).await?;
            let instance = program
                .instantiate_with(&sandboxes, &allowance, None, &plugs)
                .await;
            match instance {
                Err(InstantiateError::OtherPlugs { plugs }) => assert!(plugs.len() < 2),
                other => return Err(format!("expected a refusal, found {other:?}").into()),
            }
        }
        let plugs = program.isolated_plugs(&sandboxes, &allowance, None).await?;
        let mut clone = program
            .clone()
            .instantiate_with(&sandboxes, &allowance, None, &plugs)
            .await?;
        assert_eq!(act(&mut clone, act::COUNT, 1).await, Ok(1));
        Ok(())
    })
}

/// Two instances of a program use the same instance of its plug, which outlives either.
fn shared() -> Result<(), Failed> {
    on_tokio(async || {
        let program = isolated(&RuntimeOptions::new(), Isolation::new())?;
        let sandboxes = Sandboxes::default();
        let allowance = Allowance::new(&Limits::default());
        let plugs = program.isolated_plugs(&sandboxes, &allowance, None).await?;
        let names: Vec<&str> = plugs.names().map(|name| name.as_str()).collect();
        assert_eq!(names, ["service"]);
        let with = || program.instantiate_with(&sandboxes, &allowance, None, &plugs);
        let mut one = with().await?;
        let mut other = with().await?;
        assert_eq!(act(&mut one, act::COUNT, 1).await, Ok(1));
        assert_eq!(act(&mut other, act::COUNT, 1).await, Ok(2));
        // The trap of one caller does not stop another.
        expect_words(
            &act(&mut one, act::TRAP, 1).await,
            &["the isolated plug `service` failed"],
        )?;
        drop(one);
        assert_eq!(act(&mut other, act::COUNT, 1).await, Ok(1));
        let mut third = with().await?;
        drop(plugs);
        drop(other);
        assert_eq!(act(&mut third, act::COUNT, 1).await, Ok(2));
        Ok(())
    })
}

/// The reason is the second store, and not what the plug imports.
fn precompiled() -> Result<(), Failed> {
    let consumer = part(
        "consumer",
        r#"(component (import "test:own/empty" (instance)))"#,
    )?;
    let plug = part(
        "plug",
        r#"(component
            (import "wasi:cli/environment@0.2.6" (instance))
            (instance $own)
            (export "test:own/empty" (instance $own)))"#,
    )?;
    let plug = plug.isolate(Isolation::new());
    let composition = compose(&consumer, &[plug], Form::Granted)?;
    match Runtime::new(&RuntimeOptions::new())?.precompile(&composition) {
        Err(PrecompiledError::Isolated { plug }) if plug.as_str() == "plug" => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

/// No number of instances makes the host panic or a call wait for ever.
fn sizes() -> Result<(), Failed> {
    on_tokio(async || {
        let mut none = Isolation::new().wait(Duration::from_millis(50));
        none.instances = 0;
        for isolation in [
            none,
            Isolation::new().instances(0),
            Isolation::new().instances(usize::MAX).wait(Duration::MAX),
        ] {
            let program = isolated(&RuntimeOptions::new(), isolation)?;
            let mut one = instance(&program).await?;
            assert_eq!(act(&mut one, act::COUNT, 1).await, Ok(1));
        }
        Ok(())
    })
}

/// As many calls run at once as there may be instances, and another one waits no longer than it may.
fn waiting() -> Result<(), Failed> {
    const INSTANCES: usize = 2;
    let (isolation, failures) = observed(
        Isolation::new()
            .instances(INSTANCES)
            // Each instance begins with four pages, so this is enough for one and not for two.
            .memory(7 * PAGE)
            .wait(Duration::from_millis(100))
            .restarts(Restarts::new(1, Duration::from_secs(600))),
    );
    let program = isolated(&RuntimeOptions::new().interruptible(true), isolation)?;
    let sandboxes = Sandboxes::default();
    let allowance = Allowance::new(&Limits::default());
    let plugs = tokio()?.block_on(program.isolated_plugs(&sandboxes, &allowance, None))?;
    // Each caller has a thread, because code that computes delays the clock of its runtime.
    let call = |what, timeout| -> Result<_, Failed> {
        tokio()?.block_on(async {
            let with = program.instantiate_with(&sandboxes, &allowance, None, &plugs);
            let mut one = with.await?;
            one.set_timeout(timeout);
            let started = Instant::now();
            let ended = act(&mut one, what, 1).await;
            Ok((ended, started.elapsed()))
        })
    };
    let second = Some(Duration::from_secs(3));
    thread::scope(|scope| {
        let looping = || {
            call(act::LOOP, second)
                .map(drop)
                .map_err(|error| format!("{error:?}"))
        };
        let one = scope.spawn(looping);
        thread::sleep(Duration::from_millis(200));
        assert_eq!(
            call(act::COUNT, None)?.0,
            Ok(1),
            "there is a second instance"
        );
        let other = scope.spawn(looping);
        thread::sleep(Duration::from_millis(200));
        let (waited, after) = call(act::COUNT, None)?;
        expect_words(
            &waited,
            &["the isolated plug `service` failed", "busy for 100ms"],
        )?;
        assert!(after >= Duration::from_millis(100), "{after:?}");
        assert!(after < Duration::from_secs(2), "{after:?}");
        for thread in [one, other] {
            thread.join().map_err(|_| "a thread panicked")??;
        }
        Ok::<_, Failed>(())
    })?;
    // Neither being busy nor the time of a caller is a failure of the plug.
    assert_eq!(call(act::COUNT, None)?.0, Ok(1));
    let failures = failures.lock().map_err(|_| "a panic")?;
    assert_eq!(failures.len(), 1, "{failures:?}");
    Ok(())
}

/// A call that its caller drops frees the place of its instance, and does not count as a failure.
fn dropped_call() -> Result<(), Failed> {
    on_tokio(async || {
        let isolation = Isolation::new()
            .wait(Duration::from_millis(100))
            .restarts(Restarts::new(0, Duration::from_secs(1)));
        let program = isolated(&RuntimeOptions::new().interruptible(true), isolation)?;
        let sandboxes = Sandboxes::default();
        let allowance = Allowance::new(&Limits::default());
        let plugs = program.isolated_plugs(&sandboxes, &allowance, None).await?;
        let with = || program.instantiate_with(&sandboxes, &allowance, None, &plugs);
        for _ in 0..3 {
            let mut dropped = with().await?;
            let call = act(&mut dropped, act::LOOP, 0);
            let ended = tokio::time::timeout(Duration::from_millis(30), call).await;
            assert!(ended.is_err(), "a loop ended");
            drop(dropped);
            let mut next = with().await?;
            assert_eq!(act(&mut next, act::COUNT, 7).await, Ok(7));
        }
        Ok(())
    })
}

/// While others hold the memory of the program, the plug is not restarted. It is as soon as there is room.
fn want_of_room() -> Result<(), Failed> {
    on_tokio(async || {
        let isolation = Isolation::new().restarts(Restarts::new(1, Duration::from_secs(600)));
        let program = isolated(&RuntimeOptions::new(), isolation)?;
        // The memories of a consumer and of its plug begin with four pages each.
        let allowance = Allowance::new(&Limits::new().memory(12 * PAGE));
        let mut one = instance_within(&program, &allowance, None).await?;
        let failed = Ok("err(runtime-error)".to_owned());
        assert_eq!(try_act(&mut one, act::TRAP, 0).await, failed);
        let other = instance_within(&program, &allowance, None).await?;
        for _ in 0..5 {
            assert_eq!(try_act(&mut one, act::COUNT, 1).await, failed);
        }
        drop(other);
        assert_eq!(act(&mut one, act::COUNT, 2).await, Ok(2));
        Ok(())
    })
}

/// When everything is dropped, all that it drew from the allowance is back.
fn nothing_left() -> Result<(), Failed> {
    on_tokio(async || {
        let options = RuntimeOptions::new().interruptible(true);
        let isolation = Isolation::new().timeout(Duration::from_millis(20));
        let program = isolated(&options, isolation)?;
        let used = |allowance: &Allowance| SUMS.map(|what| allowance.used(what));
        for last in ["instance", "plugs"] {
            let allowance = Allowance::new(&Limits::default());
            let plugs = program
                .isolated_plugs(&Sandboxes::default(), &allowance, None)
                .await?;
            assert_ne!(used(&allowance), [0; 4]);
            let mut one = program
                .instantiate_with(&Sandboxes::default(), &allowance, None, &plugs)
                .await?;
            for what in [act::COUNT, act::TRAP, act::LOOP, act::COUNT, act::RECURSE] {
                drop(try_act(&mut one, what, 1).await);
            }
            drop(act(&mut one, act::TRAP, 1).await);
            if last == "plugs" {
                drop(one);
                drop(plugs);
            } else {
                drop(plugs);
                drop(one);
            }
            assert_eq!(used(&allowance), [0; 4], "{last} last");
        }
        let allowance = Allowance::new(&Limits::default());
        let mut one = instance_within(&program, &allowance, None).await?;
        assert_eq!(act(&mut one, act::COUNT, 1).await, Ok(1));
        drop(one);
        assert_eq!(used(&allowance), [0; 4]);
        Ok(())
    })
}

/// Threads with runtimes of their own call one plug, of which there are at most as many instances as
/// there may be, and no call fails.
fn threads() -> Result<(), Failed> {
    for instances in [1, 3] {
        let isolation = Isolation::new()
            .instances(instances)
            .wait(Duration::from_secs(60));
        let program = isolated(&RuntimeOptions::new().interruptible(true), isolation)?;
        let sandboxes = Sandboxes::default();
        let allowance = Allowance::new(&Limits::default());
        let plugs = tokio()?.block_on(program.isolated_plugs(&sandboxes, &allowance, None))?;
        let of_one = allowance.used(Growing::Memory);
        let most = Arc::new(AtomicUsize::new(0));
        let counts = thread::scope(|scope| {
            let calls = || -> Result<u32, String> {
                let run = async {
                    let own = Allowance::new(&Limits::default());
                    let with = program.instantiate_with(&sandboxes, &own, None, &plugs);
                    let mut one = with.await.map_err(|error| error.to_string())?;
                    for _ in 0..100 {
                        act(&mut one, act::COUNT, 1).await?;
                        act(&mut one, act::TURNS, 1000).await?;
                        most.fetch_max(allowance.used(Growing::Memory), Ordering::Relaxed);
                    }
                    Ok(0)
                };
                tokio().map_err(|error| format!("{error:?}"))?.block_on(run)
            };
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(calls)).collect();
            let counts = threads.into_iter().map(|thread| thread.join());
            counts.collect::<Vec<_>>()
        });
        for count in counts {
            count.map_err(|_| "a thread panicked")??;
        }
        let most = most.load(Ordering::Relaxed);
        assert!(
            most <= instances * of_one,
            "{most} bytes in {instances} instances"
        );
        // All instances are idle. The last one counted what its calls added.
        let counted = tokio()?.block_on(async {
            let mut one = program
                .instantiate_with(&sandboxes, &allowance, None, &plugs)
                .await?;
            Ok::<_, Failed>(act(&mut one, act::COUNT, 0).await?)
        })?;
        match instances {
            1 => assert_eq!(counted, 600),
            _ => assert!(counted <= 600),
        }
    }
    Ok(())
}
