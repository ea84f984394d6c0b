//! Strings beside other values of the same call: other lists, tuples in memory, empty lists.

use super::{
    component::{SUM, World},
    forms::Forms,
};
use libtest_mimic::{Failed, Trial};
use wit_host::{Composition, Part, Value};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("bulk::other_lists_survive_a_move", other_lists),
        Trial::test("bulk::bounds_are_those_before_the_memory_grows", bounds),
        Trial::test("bulk::the_last_byte_of_a_memory_survives_a_move", last_byte),
        Trial::test("bulk::a_tuple_of_parameters_is_no_string", tuple),
        Trial::test("bulk::parameters_and_result_may_share_an_area", shared),
        Trial::test("bulk::a_part_has_one_guard_of_its_memory", one_guard),
        Trial::test("bulk::an_empty_list_needs_no_memory", empty),
        Trial::test("bulk::memory_grows_by_the_longest_list", growth),
        Trial::test("bulk::deep_types_are_carried", deep),
    ]
}

const WIT: &str = "package test:bulk;
interface x {
  read: func() -> list<u8>;
  put: func(bytes: list<u8>);
  both: func(bytes: list<u8>, words: list<u32>) -> tuple<list<u8>, list<u32>>;
  seventeen: func(p0: u16, p1: u16, p2: u16, p3: u16, p4: u16, p5: u16, p6: u16, p7: u16, p8: u16,
    p9: u16, p10: u16, p11: u16, p12: u16, p13: u16, p14: u16, p15: u16, p16: u16) -> list<u8>;
  many: func(first: tuple<u32, u32, u32, u32, u32, u32, u32, u32>, second: tuple<u32, u32, u32, u32, u32, u32, u32>,
    bytes: list<u8>) -> tuple<u32, u32, u32>;
}
world consumer {
  import x;
  export send: func(bytes: u32, length: u32, words: u32, count: u32) -> u64;
  export exchange: func(bytes: u32, length: u32) -> u64;
  export fill: func(at: u32, length: u32, byte: u32);
  export pages: func() -> u32;
  export numbers: func() -> u64;
  export shared: func(bytes: u32, length: u32) -> u64;
}
world provider { export x; }
";

/// The memory of each part; its `realloc` returns odd addresses where it may.
const COMMON: &str = r#"
  (memory (export "memory") 2 MOST)
  (global $next (mut i32) (i32.const 8192))
  (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (local $new i32)
    (if (i32.gt_u (i32.add (global.get $next) (local.get $size)) (i32.const 60000))
      (then (global.set $next (i32.const 8192))))
    (local.set $new
      (i32.add
        (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -8))
        (i32.eq (local.get $align) (i32.const 1))))
    (global.set $next (i32.add (local.get $new) (local.get $size)))
    (local.get $new))
"#;

const CONSUMER: &str = r#"(module
  (import "test:bulk/x" "read" (func $read (param i32)))
  (import "test:bulk/x" "put" (func $put (param i32 i32)))
  (import "test:bulk/x" "both" (func $both (param i32 i32 i32 i32 i32)))
  (import "test:bulk/x" "seventeen" (func $seventeen (param i32 i32)))
  (import "test:bulk/x" "many" (func $many (param i32 i32)))
  COMMON
  (func (export "fill") (param $at i32) (param $length i32) (param $byte i32)
    (memory.fill (local.get $at) (local.get $byte) (local.get $length)))
  (func (export "pages") (result i32) (memory.size))
  (func (export "send") (param i32 i32 i32 i32) (result i64)
    (call $both (local.get 0) (local.get 1) (local.get 2) (local.get 3) (i32.const 64))
    (call $sum (i32.load (i32.const 72)) (i32.shl (i32.load (i32.const 76)) (i32.const 2))
      (call $sum (i32.load (i32.const 64)) (i32.load (i32.const 68)) (i64.const 1))))
  (func (export "exchange") (param i32 i32) (result i64)
    (call $put (local.get 0) (local.get 1))
    (call $read (i32.const 64))
    (call $sum (i32.load (i32.const 64)) (i32.load (i32.const 68)) (i64.const 1)))
  (func (export "shared") (param i32 i32) (result i64)
    (i32.store (i32.const 256) (i32.const 11))
    (i32.store offset=4 (i32.const 256) (i32.const 22))
    (i32.store offset=60 (i32.const 256) (local.get 0))
    (i32.store offset=64 (i32.const 256) (local.get 1))
    (call $many (i32.const 256) (i32.const 256))
    (call $sum (i32.const 256) (i32.const 12) (i64.const 1)))
  (func (export "numbers") (result i64)
    (i32.store16 (i32.const 128) (i32.const 1234))
    (i32.store16 (i32.const 160) (i32.const 4321))
    (call $seventeen (i32.const 128) (i32.const 64))
    (call $sum (i32.load (i32.const 64)) (i32.load (i32.const 68)) (i64.const 1))))"#;

/// The provider returns its arguments, or what `RESULT` stores as the result. `read` returns the start of what `put`
/// was given.
const PROVIDER: &str = r#"(module
  COMMON
  (func (export "test:bulk/x#put") (param i32 i32)
    (memory.copy
      (i32.const 6001)
      (local.get 0)
      (select (local.get 1) (i32.const 1000) (i32.lt_u (local.get 1) (i32.const 1000)))))
  (func (export "test:bulk/x#read") (result i32)
    (i32.store (i32.const 64) (i32.const 6001))
    (i32.store (i32.const 68) (i32.const 1000))
    (i32.const 64))
  (func (export "test:bulk/x#both") (param i32 i32 i32 i32) (result i32)
    (i32.store (i32.const 64) (local.get 0))
    (i32.store (i32.const 68) (local.get 1))
    (i32.store (i32.const 72) (local.get 2))
    (i32.store (i32.const 76) (local.get 3))
    RESULT
    (i32.const 64))
  (func (export "test:bulk/x#seventeen") (param $at i32) (result i32)
    (i32.store (i32.const 64) (local.get $at))
    (i32.store (i32.const 68) (i32.const 34))
    (i32.const 64))
  (func (export "test:bulk/x#many") (param $at i32) (result i32)
    (i32.store (i32.const 64) (i32.load (local.get $at)))
    (i32.store (i32.const 68) (i32.load offset=4 (local.get $at)))
    (i32.store (i32.const 72)
      (i32.wrap_i64
        (call $sum (i32.load offset=60 (local.get $at)) (i32.load offset=64 (local.get $at)) (i64.const 1))))
    (i32.const 64)))"#;

fn forms(most: &str, result: &str) -> Result<Forms, Failed> {
    Ok(composed(most, result)?.0)
}

fn composed(most: &str, result: &str) -> Result<(Forms, Composition), Failed> {
    let part = |name: &str, module: &str| -> Result<Part, Failed> {
        let common = [COMMON, SUM].concat().replace("MOST", most);
        let module = module.replace("COMMON", &common);
        let world = World::parse_named(WIT, name)?;
        Ok(Part::new(
            name,
            world.component(&module.replace("RESULT", result))?,
        )?)
    };
    let provider = part("provider", PROVIDER)?;
    let (forms, fast) = Forms::of(&part("consumer", CONSUMER)?, &[provider])?;
    let plain = fast.functions_between_parts();
    let plain = plain.filter(|function| function.plain.is_some());
    let plain: Vec<String> = plain.map(|function| function.function).collect();
    match plain == ["seventeen"] {
        true => Ok((forms, fast)),
        false => Err(format!("plain are {plain:?}").into()),
    }
}

fn numbers(numbers: &[u32]) -> Vec<Value> {
    numbers.iter().copied().map(Value::U32).collect()
}

/// The words are zeros at the end of the memory of their sender, where the region for bytes would be.
fn other_lists() -> Result<(), Failed> {
    let words = (131_072 - 4096, 1024);
    let mut forms_of_consumer = forms("", "")?;
    forms_of_consumer.call("fill", &numbers(&[5001, 4096, 65]))?;
    let sent = numbers(&[5001, 4096, words.0, words.1]);
    if forms_of_consumer.call("send", &sent)?.is_none() {
        return Err("the arguments are refused".into());
    }
    let (at, count) = words;
    let result = format!(
        "(memory.fill (i32.const 5001) (i32.const 65) (i32.const 4096))
         (i32.store (i32.const 64) (i32.const 5001))
         (i32.store (i32.const 68) (i32.const 4096))
         (i32.store (i32.const 72) (i32.const {at}))
         (i32.store (i32.const 76) (i32.const {count}))"
    );
    match forms("", &result)?.call("send", &numbers(&[0, 0, 0, 0]))? {
        Some(_) => Ok(()),
        None => Err("the result is refused".into()),
    }
}

/// A list behind the end of its sender's memory is refused although the memory grows for another one.
fn bounds() -> Result<(), Failed> {
    let mut forms = forms("", "")?;
    forms.call("fill", &numbers(&[131_064, 8, 65]))?;
    let sent = numbers(&[5001, 4096, 131_072, 1]);
    match forms.call("send", &sent)? {
        None => Ok(()),
        Some(_) => Err("it is passed".into()),
    }
}

/// A byte that is in use, even a single one, is never part of the region for bytes at odd addresses.
fn last_byte() -> Result<(), Failed> {
    let last = 131_071;
    for distance in 0..18 {
        let mut forms = forms("", "")?;
        let used = last - distance;
        forms.call("fill", &numbers(&[5001, 4096, 65]))?;
        forms.call("fill", &numbers(&[used, 1, 66]))?;
        let sent = forms.call("send", &numbers(&[5001, 4096, 0, 0]))?;
        let end = forms.call("send", &numbers(&[0, 0, 131_052, 5]))?;
        if sent.is_none() || end.is_none() {
            return Err(format!("{used}: a call traps").into());
        }
    }
    Ok(())
}

/// The engine asks the provider for the memory of 17 numbers as for that of a string.
fn tuple() -> Result<(), Failed> {
    let mut forms = forms("", "")?;
    for _ in 0..3 {
        let returned = forms.call("numbers", &[])?;
        let sent = forms.call("send", &numbers(&[5001, 300, 0, 0]))?;
        if returned.is_none() || sent.is_none() {
            return Err("it traps".into());
        }
    }
    Ok(())
}

/// Rust passes more than 16 parameters in the same area of memory as the result.
fn shared() -> Result<(), Failed> {
    let mut forms = forms("", "")?;
    forms.call("fill", &numbers(&[5000, 4097, 65]))?;
    for (at, length) in [(5001, 4096), (5000, 4096), (5001, 1), (1, 0)] {
        if forms.call("shared", &numbers(&[at, length]))?.is_none() {
            return Err("it traps".into());
        }
    }
    Ok(())
}

/// Functions with a `realloc` and functions without one use the same guard in turn.
fn one_guard() -> Result<(), Failed> {
    let (mut forms, fast) = composed("", "")?;
    let count = |name: &[u8]| {
        let names = fast.bytes().windows(name.len());
        names.filter(|window| *window == name).count()
    };
    // The first imports of the guards of memories and functions. The latter import the memory too.
    let of_functions = count(b"\x05guard\x0bcheck-bytes");
    let of_memories = count(b"\x04part\x06memory") - of_functions;
    if (of_memories, of_functions) != (2, 2) {
        return Err(
            format!("{of_memories} guards of memories, {of_functions} of functions").into(),
        );
    }
    forms.call("fill", &numbers(&[5001, 4096, 65]))?;
    for (at, length) in [(5001, 4096), (5000, 3000), (5003, 999), (5001, 4096)] {
        let sent = forms.call("send", &numbers(&[at, length, 64, 3]))?;
        let exchanged = forms.call("exchange", &numbers(&[at, length]))?;
        if sent.is_none() || exchanged.is_none() {
            return Err(format!("{length} bytes at {at}: a call traps").into());
        }
    }
    Ok(())
}

/// An empty list at an odd address, as those of Rust are, needs no memory on either side.
fn empty() -> Result<(), Failed> {
    let end = "(memory.fill (i32.const 131064) (i32.const 65) (i32.const 8))
         (i32.store (i32.const 64) (i32.const 1))
         (i32.store (i32.const 68) (i32.const 0))";
    let mut forms = forms("2", end)?;
    forms.call("fill", &numbers(&[131_064, 8, 65]))?;
    for length in [0, 300] {
        let returned = forms.call("send", &numbers(&[1, 0, 4000, 1]))?;
        let long = forms.call("send", &numbers(&[5000, length, 4000, 0]))?;
        if returned.is_none() || long.is_none() {
            return Err("it traps".into());
        }
    }
    Ok(())
}

fn growth() -> Result<(), Failed> {
    let mut forms = forms("", "")?;
    forms.call("fill", &numbers(&[131_064, 8, 65]))?;
    for length in (1..10).map(|number| number * 5000) {
        forms.call("send", &numbers(&[5001, length, 0, 0]))?;
    }
    let pages = forms.fast("pages", &[])?;
    match pages == [Value::U32(3)] {
        true => Ok(()),
        false => Err(format!("{pages:?}").into()),
    }
}

/// Reading a type takes no longer than its depth asks for: else this test does not end.
fn deep() -> Result<(), Failed> {
    let deep = |inner: &str| format!("{}{inner}{}", "tuple<".repeat(29), ">".repeat(29));
    let wit = format!(
        "package test:bulk;
        interface x {{ take: func(deep: {}); }}
        world consumer {{ import x; export run: func(); }}
        world provider {{ export x; }}",
        deep("list<u8>")
    );
    let part = |name: &str, module: &str| -> Result<Part, Failed> {
        let world = World::parse_named(&wit, name)?;
        Ok(Part::new(name, world.component(module)?)?)
    };
    let memory = r#"(memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 16))"#;
    let consumer = format!(
        r#"(module (import "test:bulk/x" "take" (func $take (param i32 i32))) {memory}
        (func (export "run") (call $take (i32.const 0) (i32.const 0))))"#
    );
    let provider =
        format!(r#"(module {memory} (func (export "test:bulk/x#take") (param i32 i32)))"#);
    let parts = [part("consumer", &consumer)?, part("provider", &provider)?];
    let (mut forms, _) = Forms::of(&parts[0], &parts[1..])?;
    match forms.call("run", &[])? {
        Some(_) => Ok(()),
        None => Err("it traps".into()),
    }
}
