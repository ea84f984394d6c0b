//! Logic in core modules, also in modules that break the rules.

use super::{Client, LONG, Served, TIMEOUT, ledger, load, logic, plan, server, tokio, until};
use crate::guests::Guest;
use futures_util::SinkExt;
use libtest_mimic::{Failed, Trial};
use std::time::Duration;
use tokio_websockets::Message;
use wit_host::{
    HostFunctions, Plan, Restarts, Sandboxes, Source, Wasm,
    rooms::{Logic, RoomSettings, RoomStorage},
};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("rooms::core_modules::the_relay_relays", || {
            tokio()?.block_on(relay())
        }),
        Trial::test("rooms::core_modules::what_is_missing_is_named", || {
            tokio()?.block_on(missing())
        }),
        Trial::test("rooms::core_modules::a_failure_has_no_effects", || {
            tokio()?.block_on(failures())
        }),
        Trial::test(
            "rooms::core_modules::an_allocator_that_breaks_the_rules_fails_its_event",
            || tokio()?.block_on(allocators()),
        ),
        Trial::test("rooms::core_modules::an_event_has_the_time_of_one", || {
            tokio()?.block_on(one_time())
        }),
        Trial::test("rooms::core_modules::a_state_survives", || {
            tokio()?.block_on(with_state())
        }),
        Trial::test(
            "rooms::core_modules::a_state_that_cannot_be_read_is_not_saved",
            || tokio()?.block_on(bad_states()),
        ),
        Trial::test(
            "rooms::core_modules::a_replacement_without_state_knows_the_clients",
            || tokio()?.block_on(without_state()),
        ),
        Trial::test(
            "rooms::core_modules::a_state_is_not_given_to_a_module_that_would_lose_it",
            || tokio()?.block_on(refused()),
        ),
        Trial::test(
            "rooms::core_modules::only_a_state_lets_a_room_sleep",
            || tokio()?.block_on(sleep()),
        ),
        Trial::test("rooms::core_modules::text_and_bytes_arrive_as_such", || {
            tokio()?.block_on(kinds())
        }),
    ]
}

/// The functions of a module. `tally` answers each message with three digits: the messages so far, the clients, and
/// the blocks of the host. The first byte of a message can be an order to fail, after something was sent.
const FUNCTIONS: [(&str, &str); 7] = [
    (
        "allocate",
        r#"(func (export "allocate") (param i32) (result i32)
          (global.set $blocks (i32.add (global.get $blocks) (i32.const 1)))
          (i32.const 1024))"#,
    ),
    (
        "deallocate",
        r#"(func (export "deallocate") (param i32 i32)
          (global.set $blocks (i32.sub (global.get $blocks) (i32.const 1))))"#,
    ),
    (
        "connect",
        r#"(func (export "connect") (param i64)
          (global.set $clients (i32.add (global.get $clients) (i32.const 1))))"#,
    ),
    (
        "disconnect",
        r#"(func (export "disconnect") (param i64)
          (global.set $clients (i32.sub (global.get $clients) (i32.const 1))))"#,
    ),
    (
        "message",
        r#"(func (export "message") (param $client i64) (param $at i32) (param $length i32) (local $order i32)
          (global.set $messages (i32.add (global.get $messages) (i32.const 1)))
          (i32.store8 (i32.const 16) (i32.add (i32.const 48) (global.get $messages)))
          (i32.store8 (i32.const 17) (i32.add (i32.const 48) (global.get $clients)))
          (i32.store8 (i32.const 18) (i32.add (i32.const 48) (global.get $blocks)))
          (call $send (local.get $client) (i32.const 16) (i32.const 3))
          (local.set $order (i32.load8_u (local.get $at)))
          (if (i32.eq (local.get $order) (i32.const 116)) (then (unreachable)))
          (if (i32.eq (local.get $order) (i32.const 108)) (then (loop (br 0))))
          (if (i32.eq (local.get $order) (i32.const 120)) (then (call $exit (i32.const 0))))
          (if (i32.eq (local.get $order) (i32.const 111))
            (then (call $send (local.get $client) (i32.const 65535) (i32.const 2))))
          (if (i32.eq (local.get $order) (i32.const 110))
            (then (call $send_binary (local.get $client) (i32.const -1) (i32.const -1))))
          (if (i32.eq (local.get $order) (i32.const 117))
            (then (i32.store8 (i32.const 32) (i32.const 255))
              (call $send (local.get $client) (i32.const 32) (i32.const 1))))
          (if (i32.eq (local.get $order) (i32.const 109))
            (then (loop (call $send (local.get $client) (i32.const 4096) (i32.const 60000)) (br 0)))))"#,
    ),
    ("start", ""),
    ("save", ""),
];

/// The functions of a state, which is the number of messages in four bytes.
const START: &str = r#"(func (export "start") (param $at i32) (param $length i32)
  (if (local.get $length) (then (global.set $messages (i32.load (local.get $at))))))"#;
const SAVE: &str = r#"(func (export "save") (result i64)
  (global.set $blocks (i32.add (global.get $blocks) (i32.const 1)))
  (i32.store (i32.const 64) (global.get $messages))
  (i64.const 0x4000000004))"#;
const STATE: [(&str, &str); 2] = [("start", START), ("save", SAVE)];

/// A module with other functions in place of some.
fn tally(others: &[(&str, &str)]) -> Result<Plan, Failed> {
    let function = |(name, text): &(&str, &'static str)| {
        let other = others.iter().find(|(other, _)| other == name);
        other.map_or((*text).to_owned(), |(_, text)| (*text).to_owned())
    };
    let functions: Vec<String> = FUNCTIONS.iter().map(function).collect();
    module(&format!(
        r#"(module
          (import "host" "send_message" (func $send (param i64 i32 i32)))
          (import "host" "send_binary" (func $send_binary (param i64 i32 i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (global $messages (mut i32) (i32.const 0))
          (global $clients (mut i32) (i32.const 0))
          (global $blocks (mut i32) (i32.const 0))
          {})"#,
        functions.join("\n")
    ))
}

fn module(text: &str) -> Result<Plan, Failed> {
    plan_of(Wasm::parse("logic.wat", text.as_bytes().to_vec())?)
}

fn plan_of(module: Wasm) -> Result<Plan, Failed> {
    let source = Source::Module {
        name: "logic".parse()?,
        module,
        functions: HostFunctions::new().room("host"),
    };
    plan(source, Sandboxes::default())
}

async fn relay() -> Result<(), Failed> {
    let served = Served::start(plan_of(Wasm::read(Guest::Relay.path()?)?)?).await?;
    let (mut one, mut two) = (served.join("/a").await?, served.join("/a").await?);
    one.send("hello").await?;
    assert_eq!(two.text().await?, "1: hello");
    two.send("").await?;
    assert_eq!(one.text().await?, "2: ");
    two.0.send(Message::binary(&b"\xc3\xa9\xff"[..])).await?;
    assert_eq!(one.text().await?, "2: é\u{fffd}");
    let mut three = served.join("/a").await?;
    drop(two);
    until("the client has left", || {
        served.rooms.counters().clients() == 2
    })
    .await?;
    // Each message is in memory of its own.
    for length in [1, 60_000, 2, 300_000] {
        let said = "x".repeat(length);
        three.send(&said).await?;
        assert_eq!(one.text().await?, format!("3: {said}"));
    }
    // The new instance knows who is there.
    let new = load(plan_of(Wasm::read(Guest::Relay.path()?)?)?).await?;
    let replaced = served.rooms.replace(new).await;
    assert_eq!((replaced.replaced, replaced.refused), (1, 0));
    one.send("still here").await?;
    assert_eq!(three.text().await?, "1: still here");
    served.stop().await
}

async fn missing() -> Result<(), Failed> {
    const SOME: &str = r#"(module
      (memory (export "memory") 1)
      (func (export "allocate") (param i32) (result i32) (i32.const 8))
      (func (export "connect") (param i32))
      (global (export "disconnect") i32 (i32.const 0))
      (func (export "save") (result i64) (i64.const 0)))"#;
    for (text, expected) in [
        (
            SOME,
            "`logic` is not the logic of rooms: it lacks `deallocate` of type `func(i32, i32)`, \
             `connect` of type `func(i64)` (it is `func(i32)`), `message` of type `func(i64, i32, i32)`, \
             `disconnect` of type `func(i64)` (it is `global`), `start` of type `func(i32, i32)`; \
             exported are `allocate: func(i32) -> i32`, `connect: func(i32)`, `save: func() -> i64`",
        ),
        (
            "(module)",
            "`logic` is not the logic of rooms: it lacks `memory` of type `memory`, \
             `allocate` of type `func(i32) -> i32`, `deallocate` of type `func(i32, i32)`, \
             `connect` of type `func(i64)`, `message` of type `func(i64, i32, i32)`, \
             `disconnect` of type `func(i64)`; exported is none at all",
        ),
    ] {
        let plan = module(text)?;
        let runtime = plan.runtime()?;
        let error = Logic::load(plan, &runtime).await.err();
        let error = error.ok_or("it is not logic")?;
        assert_eq!(error.to_string(), expected);
    }
    Ok(())
}

/// The answer to a first message, with this number of clients: the message itself is in a block.
fn first(clients: usize) -> String {
    format!("1{clients}1")
}

fn patient() -> RoomSettings {
    let mut settings = RoomSettings::new(RoomStorage::none());
    settings.restarts = Restarts::new(100, Duration::from_secs(10));
    settings.save_after = Duration::from_millis(10);
    settings
}

/// Waits for the next failure.
async fn failed(served: &Served, before: u64) -> Result<(), Failed> {
    until("the event has failed", || {
        served.rooms.counters().failures() > before
    })
    .await
}

async fn failures() -> Result<(), Failed> {
    let served = Served::with(tally(&[])?, patient(), server()).await?;
    let (mut one, mut other) = (served.join("/a").await?, served.join("/a").await?);
    for order in ["trap", "loop", "x", "outside", "negative", "utf-8", "many"] {
        assert_eq!(one.ask("hi").await?, first(2), "before `{order}`");
        assert_eq!(one.ask("hi").await?, "221", "before `{order}`");
        let before = served.rooms.counters().failures();
        other.send(order).await?;
        failed(&served, before).await?;
        // What was sent before the failure does not arrive, and the new instance knows both clients.
        assert_eq!(other.ask("hi").await?, first(2), "after `{order}`");
        one.send("trap").await?;
        failed(&served, before + 1).await?;
    }
    served.stop().await
}

async fn allocators() -> Result<(), Failed> {
    const TRAP: &str = r#"(func (export "allocate") (param i32) (result i32) unreachable)"#;
    const NONE: &str = r#"(func (export "allocate") (param i32) (result i32) (i32.const 0))"#;
    const OUTSIDE: &str =
        r#"(func (export "allocate") (param i32) (result i32) (i32.const 65534))"#;
    const NEGATIVE: &str = r#"(func (export "allocate") (param i32) (result i32) (i32.const -1))"#;
    const LOOP: &str =
        r#"(func (export "allocate") (param i32) (result i32) (loop (br 0)) unreachable)"#;
    const EXIT: &str = r#"(func (export "allocate") (param i32) (result i32)
      (call $exit (i32.const 0)) unreachable)"#;
    const BAD_FREE: &str = r#"(func (export "deallocate") (param i32 i32) unreachable)"#;
    for (name, function) in [
        ("allocate", TRAP),
        ("allocate", NONE),
        ("allocate", OUTSIDE),
        ("allocate", NEGATIVE),
        ("allocate", LOOP),
        ("allocate", EXIT),
        ("deallocate", BAD_FREE),
    ] {
        let served = Served::with(tally(&[(name, function)])?, patient(), server()).await?;
        let mut client = served.client("/a").await?;
        client.send("hello").await?;
        failed(&served, 0).await?;
        // A message without bytes needs no block.
        assert_eq!(client.ask("").await?, "110", "{function}");
        assert_eq!(served.rooms.counters().failures(), 1, "{function}");
        served.stop().await?;
    }
    Ok(())
}

/// The calls of an event share its time and its fuel.
async fn one_time() -> Result<(), Failed> {
    // Each of the two takes two thirds of the steps of an event.
    const ALLOCATE: &str = r#"(func (export "allocate") (param i32) (result i32) (local $left i32)
      (local.set $left (i32.const 2000))
      (loop (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (i32.const 1024))"#;
    const DEALLOCATE: &str = r#"(func (export "deallocate") (param i32 i32) (local $left i32)
      (local.set $left (i32.const 2000))
      (loop (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))"#;
    for (functions, fails) in [
        (&[("allocate", ALLOCATE)][..], false),
        (&[("deallocate", DEALLOCATE)], false),
        (&[("allocate", ALLOCATE), ("deallocate", DEALLOCATE)], true),
    ] {
        let mut plan = tally(functions)?;
        plan.limits.fuel = Some(15_000);
        let served = Served::with(plan, patient(), server()).await?;
        let mut client = served.client("/a").await?;
        for _ in 0..2 {
            client.send("hello").await?;
            if !fails {
                client.text().await?;
            }
        }
        // It is answered after the others, in both cases.
        client.ask("").await?;
        let failures = served.rooms.counters().failures();
        assert_eq!(failures, if fails { 2 } else { 0 });
        served.stop().await?;
    }
    Ok(())
}

async fn with_state() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let mut settings = patient();
    settings.storage = RoomStorage::directory(directory.path())?;
    let served = Served::with(tally(&STATE)?, settings, server()).await?;
    let (mut one, mut other) = (served.join("/a").await?, served.join("/a").await?);
    assert_eq!(one.ask("hi").await?, first(2));
    let replaced = served.rooms.replace(load(tally(&STATE)?).await?).await;
    assert_eq!((replaced.replaced, replaced.refused), (1, 0));
    // The host has given back the block of the state.
    assert_eq!(one.ask("hi").await?, "221");
    // The new logic gets the room only if it starts.
    const TRAP_IN_START: &str = r#"(func (export "start") (param i32 i32) unreachable)"#;
    const TRAP_IN_CONNECT: &str = r#"(func (export "connect") (param i64) unreachable)"#;
    for bad in [("start", TRAP_IN_START), ("connect", TRAP_IN_CONNECT)] {
        let functions = [bad, STATE[1], STATE[0]];
        let replaced = served.rooms.replace(load(tally(&functions)?).await?).await;
        assert_eq!((replaced.replaced, replaced.refused), (0, 1), "{bad:?}");
    }
    assert_eq!(other.ask("hi").await?, "321");
    let stopping = tokio::spawn(served.stop());
    assert_eq!(other.close().await?.0, 1012);
    tokio::time::timeout(LONG, stopping).await???;

    let mut settings = patient();
    settings.storage = super::life::free(directory.path()).await?;
    let served = Served::with(tally(&STATE)?, settings, server()).await?;
    let mut one: Client = served.client("/a").await?;
    assert_eq!(one.ask("hi").await?, "411");
    served.stop().await
}

async fn bad_states() -> Result<(), Failed> {
    const OUTSIDE: &str = r#"(func (export "save") (result i64) (i64.const 0xffff00000002))"#;
    const TOO_LONG: &str = r#"(func (export "save") (result i64) (i64.const 0x00000000ffffffff))"#;
    const TRAP: &str = r#"(func (export "save") (result i64) unreachable)"#;
    const LOOP: &str = r#"(func (export "save") (result i64) (loop (br 0)) unreachable)"#;
    for save in [OUTSIDE, TOO_LONG, TRAP, LOOP] {
        let plan = tally(&[("start", START), ("save", save)])?;
        let mut settings = patient();
        settings.save_after = Duration::from_millis(300);
        let served = Served::with(plan, settings, server()).await?;
        let mut client = served.client("/a").await?;
        assert_eq!(client.ask("hi").await?, first(1), "{save}");
        failed(&served, 0).await?;
        assert_eq!(client.ask("hi").await?, first(1), "{save}");
        served.stop().await?;
    }
    Ok(())
}

async fn without_state() -> Result<(), Failed> {
    // It greets each client that connects.
    const CONNECT: &str = r#"(func (export "connect") (param $client i64)
      (i32.store8 (i32.const 48) (i32.wrap_i64 (i64.add (i64.const 48) (local.get $client))))
      (call $send (local.get $client) (i32.const 48) (i32.const 1))
      (global.set $clients (i32.add (global.get $clients) (i32.const 1))))"#;
    let served = Served::with(tally(&[])?, patient(), server()).await?;
    let (mut one, mut other) = (served.join("/a").await?, served.join("/a").await?);
    assert_eq!(one.ask("hi").await?, first(2));
    let greeting = tally(&[("connect", CONNECT)])?;
    let replaced = served.rooms.replace(load(greeting).await?).await;
    assert_eq!((replaced.replaced, replaced.refused), (1, 0));
    assert_eq!(
        (one.text().await?, other.text().await?),
        ("1".to_owned(), "2".to_owned())
    );
    assert_eq!(one.ask("hi").await?, first(2));
    // A component gets a state without a version and without bytes.
    let replaced = served
        .rooms
        .replace(load(logic(Guest::Echo, &[])?).await?)
        .await;
    assert_eq!((replaced.replaced, replaced.refused), (1, 0));
    assert_eq!(one.ask("echo").await?, "echo");
    let replaced = served.rooms.replace(load(tally(&[])?).await?).await;
    assert_eq!((replaced.replaced, replaced.refused), (1, 0));
    assert_eq!(one.ask("hi").await?, first(2));
    served.stop().await
}

async fn refused() -> Result<(), Failed> {
    for (old, answers) in [
        (tally(&STATE)?, [first(1), "211".to_owned()]),
        (ledger(&[])?, ["1 1 hi".to_owned(), "2 1 hi".to_owned()]),
    ] {
        let served = Served::with(old, patient(), server()).await?;
        let mut client = served.client("/a").await?;
        let [before, after] = answers;
        assert_eq!(client.ask("hi").await?, before);
        let replaced = served.rooms.replace(load(tally(&[])?).await?).await;
        assert_eq!((replaced.replaced, replaced.refused), (0, 1));
        assert_eq!(client.ask("hi").await?, after);
        served.stop().await?;
    }
    Ok(())
}

async fn sleep() -> Result<(), Failed> {
    let sleepy = || {
        let mut settings = patient();
        settings.sleep_after = Duration::from_millis(30);
        settings
    };
    let served = Served::with(tally(&[])?, sleepy(), server()).await?;
    let mut client = served.client("/a").await?;
    assert_eq!(client.ask("hi").await?, first(1));
    tokio::time::sleep(TIMEOUT / 2).await;
    assert_eq!(served.rooms.counters().rooms_awake(), 1);
    assert_eq!(client.ask("hi").await?, "211");
    drop(client);
    until("the room is forgotten", || served.rooms.count() == 0).await?;
    served.stop().await?;

    let served = Served::with(tally(&STATE)?, sleepy(), server()).await?;
    let asleep = async || {
        until("the room sleeps", || {
            served.rooms.counters().rooms_awake() == 0
        })
        .await
    };
    let mut one = served.join("/a").await?;
    assert_eq!(one.ask("hi").await?, first(1));
    asleep().await?;
    // Each client is connected once: the one that is there, and the one that wakes the room.
    let mut other = served.join("/a").await?;
    assert_eq!(other.ask("hi").await?, "221");
    asleep().await?;
    assert_eq!(one.ask("hi").await?, "321");
    served.stop().await
}

async fn kinds() -> Result<(), Failed> {
    // Sends the message back, first as text and then as bytes.
    const MESSAGE: &str = r#"(func (export "message") (param i64 i32 i32)
      (call $send (local.get 0) (local.get 1) (local.get 2))
      (call $send_binary (local.get 0) (local.get 1) (local.get 2))
      ;; A client that is not there.
      (call $send (i64.const -1) (local.get 1) (local.get 2)))"#;
    let served = Served::start(tally(&[("message", MESSAGE)])?).await?;
    let mut client = served.client("/a").await?;
    assert_eq!(client.ask("é").await?, "é");
    assert_eq!(client.binary().await?, "é".as_bytes());
    client.0.send(Message::binary(&b"a\0b"[..])).await?;
    assert_eq!(client.text().await?, "a\0b");
    assert_eq!(client.binary().await?, b"a\0b");
    served.stop().await
}
