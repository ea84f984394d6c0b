//! Hostile senders and receivers: what the plain form refuses never reaches the receiver, and what it does
//! not refuse means the same.

use super::{
    component::{DIGEST, SUM, World},
    forms::Forms,
};
use crate::{
    count::Count,
    torture::{mutate, number_from, sized},
};
use fastrand::Rng;
use libtest_mimic::{Failed, Trial};
use wit_host::{Component, Form, Part, Value, Wasm, compose};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("bulk::hostile_pointers", hostile_pointers),
        Trial::test("bulk::text_that_is_not_utf_8_is_refused", invalid_text),
        Trial::test("bulk::mutated_parts_stay_valid", mutated_parts),
        Trial::test("bulk::a_tagged_length_is_refused_as_the_senders", tagged),
        Trial::test("bulk::calls_that_pass_little_are_plain", short_calls),
        Trial::test("bulk::a_sender_needs_no_memory", full_memory),
        Trial::test(
            "bulk::an_odd_address_of_one_call_means_nothing_to_the_next",
            odd_once,
        ),
        Trial::test(
            "bulk::a_realloc_that_returns_an_address_outside_of_its_memory_is_at_fault",
            last_address,
        ),
    ]
}

const WIT: &str = "package test:bulk;
interface x {
  take: func(text: string, one: list<u8>, two: list<u8>) -> result<tuple<list<u8>, string>, string>;
  poke: func(at: u32, data: list<u8>, plain: list<u16>);
  mode: func(mode: u32);
  digest: func() -> u64;
}
world consumer {
  import x;
  export own-poke: func(at: u32, data: list<u8>);
  export own-mode: func(mode: u32);
  export own-digest: func() -> u64;
  export other-poke: func(at: u32, data: list<u8>);
  export other-mode: func(mode: u32);
  export other-digest: func() -> u64;
  export send: func(text: u32, text-length: u32, one: u32, one-length: u32, two: u32, two-length: u32, area: u32) -> u64;
}
world provider { export x; }
";

/// The memory of each part, and its `realloc`, which misbehaves in several modes.
const COMMON: &str = r#"
  (memory (export "memory") 2)
  (global $next (mut i32) (i32.const 8192))
  (global $mode (mut i32) (i32.const 0))
  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $new i32)
    (if (i32.gt_u (global.get $next) (i32.const 60000)) (then (global.set $next (i32.const 8192))))
    (local.set $new
      (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $new) (local.get $size)))
    (if (i32.eq (global.get $mode) (i32.const 1)) (then (return (i32.or (local.get $new) (i32.const 1)))))
    (if (i32.eq (global.get $mode) (i32.const 2)) (then (return (i32.const -1))))
    (if (i32.eq (global.get $mode) (i32.const 3)) (then (return (i32.const 131071))))
    (if (i32.eq (global.get $mode) (i32.const 4)) (then unreachable))
    (if (i32.eq (global.get $mode) (i32.const 5)) (then (return (i32.const 4096))))
    (if (i32.eq (global.get $mode) (i32.const 6)) (then (return (i32.const 4097))))
    (if (i32.eq (global.get $mode) (i32.const 7)) (then (return (i32.const 131072))))
    (if (i32.eq (global.get $mode) (i32.const 9))
      (then
        (drop (memory.grow (i32.const 1)))
        (return (i32.sub (i32.shl (memory.size) (i32.const 16)) (local.get $size)))))
    (if (i32.eq (global.get $mode) (i32.const 8))
      (then
        (i32.store8 (i32.sub (local.get $new) (i32.const 1)) (i32.const 77))
        (return (i32.or (local.get $new) (i32.const 1)))))
    (local.get $new))
"#;

const CONSUMER: &str = r#"(module
  (import "test:bulk/x" "take" (func $take (param i32 i32 i32 i32 i32 i32 i32)))
  (import "test:bulk/x" "poke" (func $poke (param i32 i32 i32 i32 i32)))
  (import "test:bulk/x" "mode" (func $set-mode (param i32)))
  (import "test:bulk/x" "digest" (func $other-digest (result i64)))
  COMMON
  (func (export "own-poke") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "own-mode") (param i32) (global.set $mode (local.get 0)))
  (func (export "own-digest") (result i64) (call $digest))
  (func (export "other-poke") (param i32 i32 i32)
    (call $poke (local.get 0) (local.get 1) (local.get 2) (i32.const 0) (i32.const 0)))
  (func (export "other-mode") (param i32) (call $set-mode (local.get 0)))
  (func (export "other-digest") (result i64) (call $other-digest))
  (func (export "send") (param i32 i32 i32 i32 i32 i32) (param $area i32) (result i64)
    (local $sum i64)
    (call $take
      (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)
      (local.get $area))
    (global.set $mode (i32.const 0))
    (local.set $sum
      (call $sum
        (i32.load offset=4 (local.get $area)) (i32.load offset=8 (local.get $area)) (i64.const 1)))
    (if (i32.eqz (i32.load8_u (local.get $area)))
      (then
        (local.set $sum
          (i64.add
            (i64.mul (local.get $sum) (i64.const 7))
            (call $sum
              (i32.load offset=12 (local.get $area)) (i32.load offset=16 (local.get $area)) (i64.const 1))))))
    (i64.add
      (local.get $sum)
      (i64.extend_i32_u
        (i32.xor (i32.load offset=4 (local.get $area)) (i32.load offset=8 (local.get $area)))))))"#;

/// The provider stores sums of what it got at 32, and returns the address that is at 16.
const PROVIDER: &str = r#"(module
  COMMON
  (func (export "test:bulk/x#take") (param i32 i32 i32 i32 i32 i32) (result i32)
    (global.set $mode (i32.const 0))
    (i64.store (i32.const 32) (call $sum (local.get 0) (local.get 1) (i64.const 1)))
    (i64.store (i32.const 40) (call $sum (local.get 2) (local.get 3) (i64.const 1)))
    (i64.store (i32.const 48) (call $sum (local.get 4) (local.get 5) (i64.const 1)))
    (i32.store (i32.const 56) (local.get 0))
    (i32.store (i32.const 60) (local.get 2))
    (i32.store (i32.const 64) (local.get 4))
    (i32.load (i32.const 16)))
  (func (export "cabi_post_test:bulk/x#take") (param $area i32)
    (i64.store (i32.const 72) (i64.load offset=4 (local.get $area))))
  (func (export "test:bulk/x#poke") (param i32 i32 i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "test:bulk/x#mode") (param i32) (global.set $mode (local.get 0)))
  (func (export "test:bulk/x#digest") (result i64) (call $digest)))"#;

fn part(name: &str, module: &str) -> Result<Part, Failed> {
    part_with(COMMON, name, module)
}

/// The part with this memory and `realloc`.
fn part_with(common: &str, name: &str, module: &str) -> Result<Part, Failed> {
    let world = World::parse_named(WIT, name)?;
    let module = module.replace("COMMON", &[common, SUM, DIGEST].concat());
    Ok(Part::new(name, world.component(&module)?)?)
}

fn forms() -> Result<Forms, Failed> {
    let provider = part("provider", PROVIDER)?;
    let (forms, fast) = Forms::of(&part("consumer", CONSUMER)?, &[provider])?;
    let in_bulk = fast.functions_between_parts();
    let in_bulk = in_bulk.filter(|function| function.plain.is_none()).count();
    // `poke` stays plain, so that it does not make memories larger.
    match in_bulk {
        1 => Ok(forms),
        other => Err(format!("{other} functions are carried as strings").into()),
    }
}

fn number(value: u32) -> Value {
    Value::U32(value)
}

/// An address or a length of which some are not valid.
fn odd_number(rng: &mut Rng) -> u32 {
    match rng.u32(..40) {
        0..=9 => rng.u32(..64) + 1000,
        10..=24 => rng.u32(1000..5000),
        25..=29 => rng.u32(..40),
        30..=34 => 131_072 - rng.u32(..40),
        35 => 131_072 + rng.u32(..3),
        36 => 0x8000_0000 | rng.u32(..20),
        37 => 0x7fff_ffff - rng.u32(..3),
        38 => u32::MAX - rng.u32(..20),
        _ => rng.u32(..),
    }
}

fn length(rng: &mut Rng) -> u32 {
    match rng.u32(..20) {
        0..=3 => 0,
        4..=16 => rng.u32(..60),
        17 | 18 => rng.u32(..3000),
        _ => odd_number(rng),
    }
}

/// The length of a list in a result. The consumer's memory may have grown, so that a list of a size between
/// would fit into it in the fast form only.
fn result_length(rng: &mut Rng) -> u32 {
    match length(rng) {
        between @ 4000..0x7fff_0000 => between % 4000,
        length => length,
    }
}

/// Bytes of which many are UTF-8.
fn content(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..rng.usize(..40) {
        match rng.u32(..30) {
            0 => bytes.push(rng.u8(..)),
            1..=3 => bytes.extend(rng.char(..).to_string().bytes()),
            _ => bytes.extend(std::iter::repeat_n(rng.u8(..0x80), rng.usize(..30))),
        }
    }
    bytes
}

fn hostile_pointers() -> Result<(), Failed> {
    let seed = number_from("TORTURE_SEED").unwrap_or(1);
    let mut rng = Rng::with_seed(seed);
    let mut forms = forms()?;
    let mut count = Count::of("F19");
    let mut returned = 0;
    for case in 0..sized(1500, 60_000) {
        match one_call(&mut forms, &mut rng) {
            Ok(has_returned) => {
                returned += usize::from(has_returned);
                count.case(Ok::<(), String>(()));
            }
            Err(error) => count.case(Err(format!("TORTURE_SEED={seed}, call {case}: {error}"))),
        }
    }
    count.finish(format_args!(" hostile calls; {returned} returned"))
}

/// Makes a hostile call in both forms, and compares the memories of the parts afterwards.
fn one_call(forms: &mut Forms, rng: &mut Rng) -> Result<bool, String> {
    // A guard may have made the memory of a sender larger.
    forms.renew();
    let poke = |forms: &mut Forms, whose: &str, at: u32, data: Vec<u8>| {
        let arguments = [number(at), Value::Bytes(data)];
        forms.call(&format!("{whose}-poke"), &arguments).map(|_| ())
    };
    for whose in ["own", "other"] {
        for _ in 0..rng.u32(..3) {
            poke(forms, whose, rng.u32(900..4000), content(rng))?;
        }
        // The end of the memory is not free.
        if rng.u32(..4) == 0 {
            poke(forms, whose, 131_000, vec![b'x'; rng.usize(..72)])?;
        }
    }
    // The area of the provider's result.
    let area = match rng.u32(..20) {
        0 => odd_number(rng),
        _ => 400 + 4 * rng.u32(..4),
    };
    poke(forms, "other", 16, area.to_le_bytes().to_vec())?;
    if area < 4000 {
        let discriminant = *rng.choice([0, 0, 0, 1, 1, 2, 255].iter()).expect("one");
        let mut words = vec![discriminant, rng.u8(..), rng.u8(..), rng.u8(..)];
        let lengths = [result_length(rng), result_length(rng)];
        for word in [odd_number(rng), lengths[0], odd_number(rng), lengths[1]] {
            words.extend(word.to_le_bytes());
        }
        poke(forms, "other", area, words)?;
    }
    // The guard of the consumer's arguments may make its memory larger. So addresses behind its end are far
    // behind it from here on, and its `realloc` is in no mode that depends on the end.
    for (whose, modes) in [
        ("other", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9][..]),
        ("own", &[0, 1, 2, 4, 5, 6, 8]),
    ] {
        let mode = match rng.u32(..3) {
            0 => *rng.choice(modes.iter()).expect("a mode"),
            mode => mode - 1,
        };
        forms.call(&format!("{whose}-mode"), &[number(mode)])?;
    }
    let own_area = match rng.u32(..40) {
        0 => 0x8000_0000,
        1 => u32::MAX - 3,
        2 => 601,
        3 => 131_072 - 20,
        _ => 600,
    };
    let mut arguments: Vec<Value> = (0..3)
        .flat_map(|_| [number(odd_number(rng)), number(length(rng))])
        .collect();
    arguments.push(number(own_area));
    let has_returned = forms.call("send", &arguments)?.is_some();
    if has_returned {
        forms.call("own-digest", &[])?;
        forms.call("other-digest", &[])?;
    }
    Ok(has_returned)
}

/// A damaged part that can be composed gives a valid composition in the fast form too.
fn mutated_parts() -> Result<(), Failed> {
    let seed = number_from("TORTURE_SEED").unwrap_or(1);
    let mut rng = Rng::with_seed(seed);
    let originals = [part("consumer", CONSUMER)?, part("provider", PROVIDER)?];
    let bytes = originals
        .each_ref()
        .map(|part| part.component.bytes().to_owned());
    let mut count = Count::of("F19");
    let mut composed = 0;
    for case in 0..sized(400, 20_000) {
        let which = rng.usize(..2);
        let damaged = mutate::bytes(&mut rng, &bytes[which], &bytes[1 - which]);
        let Ok(Ok(component)) = Wasm::parse("damaged", damaged).map(Component::try_from) else {
            continue;
        };
        let mut parts = originals.clone();
        parts[which] = Part::named(parts[which].name.clone(), component);
        let [consumer, provider] = parts;
        if let Ok(composition) = compose(&consumer, &[provider], Form::Portable) {
            composed += 1;
            let valid = composition.with_bulk_bytes().validate();
            count.case(valid.map_err(|error| format!("TORTURE_SEED={seed}, case {case}: {error}")));
        }
    }
    count.finish(format_args!(" damaged parts; {composed} composed"))
}

fn invalid_text() -> Result<(), Failed> {
    let mut forms = forms()?;
    let mut count = Count::of("F19");
    let classes: [&[u8]; 29] = [
        b"\x80",
        b"\xbf",
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xc2",
        b"\xc2\x41",
        b"\xc2\x7f",
        b"\xc2\xc0",
        b"\xe0\x80\x80",
        b"\xe0\x9f\xbf",
        b"\xe1\x80",
        b"\xe1\x80\x41",
        b"\xe1\x80\xc0",
        b"\xe1\xc0\x80",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xef\xbf",
        b"\xf0\x80\x80\x80",
        b"\xf0\x8f\xbf\xbf",
        b"\xf1\x80\x80",
        b"\xf1\x80\x80\x41",
        b"\xf1\x80\x41\x80",
        b"\xf1\x80\x80\xc0",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xff",
        b"\xfe",
        b"\xc2\xc2",
    ];
    let valid: [&str; 6] = [
        "",
        "a",
        "\u{80}\u{7ff}",
        "\u{800}\u{d7ff}\u{e000}",
        "\u{ffff}",
        "\u{10000}\u{10ffff}",
    ];
    let cases = classes.iter().map(|bytes| (bytes.to_vec(), false));
    let cases = cases.chain(valid.iter().map(|text| (text.as_bytes().to_vec(), true)));
    for (bytes, is_valid) in cases {
        for before in 0..18 {
            for after in [0, 1, 9] {
                for at in [1000, 1001] {
                    let mut text = vec![b'.'; before];
                    text.extend(&bytes);
                    text.extend(vec![b'.'; after]);
                    let length = text.len() as u32;
                    // Continuation bytes follow, so a check that reads too far finds no fault.
                    text.extend([0xbf; 3]);
                    // A long list beside the text is passed in bulk.
                    for list in [0, 200] {
                        let text = Value::Bytes(text.clone());
                        forms.call("own-poke", &[number(at), text])?;
                        let none = Value::Bytes(vec![0; 4]);
                        forms.call("other-poke", &[number(16), none])?;
                        let arguments = sent([at, length], [2000, list]);
                        let returned = forms.call("send", &arguments)?;
                        count.holds(returned.is_some() == is_valid, || {
                            format!("{bytes:x?} after {before} bytes at {at}: {returned:?}")
                        });
                    }
                }
            }
        }
    }
    count.finish(" texts")
}

/// The arguments of `send`: a text and a list, each as an address and a length.
fn sent(text: [u32; 2], list: [u32; 2]) -> Vec<Value> {
    let words = [text[0], text[1], list[0], list[1], 0, 0, 600];
    words.into_iter().map(number).collect()
}

/// Only guards name the sender of a text that is not UTF-8, so the name says which form a call has.
fn short_calls() -> Result<(), Failed> {
    let invalid = [4000, 1];
    let mut forms = forms()?;
    let mut sender = |list: u32, before: u32| -> Result<Option<String>, Failed> {
        forms.call("own-poke", &[number(4000), Value::Bytes(vec![0xff])])?;
        // A result with a list of this length.
        let words = [0, 1000, before, 0, 0].map(u32::to_le_bytes).concat();
        forms.call("other-poke", &[number(400), Value::Bytes(words)])?;
        let address = 400u32.to_le_bytes().to_vec();
        forms.call("other-poke", &[number(16), Value::Bytes(address)])?;
        if forms.call("send", &sent([0, 0], [0, 0]))?.is_none() {
            return Err("the first call traps".into());
        }
        let trap = forms.trap_of_fast("send", &sent(invalid, [2000, list]))?;
        Ok(trap.part.map(|part| part.to_string()))
    };
    for (list, before, is_bulk) in [
        (0, 0, false),
        (127, 127, false),
        (128, 0, true),
        (0, 128, true),
    ] {
        if sender(list, before)?.is_some() != is_bulk {
            return Err(format!("a list of {list} bytes after one of {before}").into());
        }
    }
    Ok(())
}

/// A long list at an odd address is passed although its sender's memory is full and cannot grow.
fn full_memory() -> Result<(), Failed> {
    let bounded = COMMON.replace(
        r#"(memory (export "memory") 2)"#,
        r#"(memory (export "memory") 2 2)"#,
    );
    let consumer = part_with(&bounded, "consumer", CONSUMER)?;
    let (mut forms, _) = Forms::of(&consumer, &[part("provider", PROVIDER)?])?;
    let end = [number(131_064), Value::Bytes(vec![b'x'; 8])];
    forms.call("own-poke", &end)?;
    match forms.call("send", &sent([0, 0], [5001, 4096]))? {
        Some(_) => Ok(()),
        None => Err("the call traps".into()),
    }
}

fn odd_once() -> Result<(), Failed> {
    let mut forms = forms()?;
    let text = Value::Bytes(b"abcdefgh".repeat(40));
    forms.call("own-poke", &[number(2000), text])?;
    // A result with a list of 300 bytes.
    let words = [0, 1000, 300, 0, 0].map(u32::to_le_bytes).concat();
    forms.call("other-poke", &[number(400), Value::Bytes(words)])?;
    let address = 400u32.to_le_bytes().to_vec();
    forms.call("other-poke", &[number(16), Value::Bytes(address)])?;
    let content = Value::Bytes(b"ijklmnop".repeat(40));
    forms.call("other-poke", &[number(1000), content])?;
    for mode in [1, 0, 1, 1, 0, 0] {
        forms.call("own-mode", &[number(mode)])?;
        forms.call("other-mode", &[number(mode)])?;
        let returned = forms.call("send", &sent([2000, 200], [2001, 300]))?;
        let own = forms.call("own-digest", &[])?;
        let other = forms.call("other-digest", &[])?;
        if returned.is_none() || own.is_none() || other.is_none() {
            return Err(format!("mode {mode}: it traps").into());
        }
    }
    Ok(())
}

/// The `realloc` of the receiver returns the address of the last byte of its memory.
fn last_address() -> Result<(), Failed> {
    let mut forms = forms()?;
    // The last list is long, so the call is made in bulk.
    let arguments = |length| {
        let words = [[0, 0], [2000, length], [2000, 200]].concat();
        let words = words.into_iter().chain([600]);
        words.map(number).collect::<Vec<_>>()
    };
    for length in [2, 200] {
        forms.call("other-mode", &[number(3)])?;
        let trap = forms.trap_of_fast("send", &arguments(length))?;
        let part = trap.part.as_ref().map(ToString::to_string);
        if part.as_deref() != Some("provider") || !trap.reason.contains("`realloc` returned") {
            return Err(format!("{trap}").into());
        }
    }
    Ok(())
}

fn tagged() -> Result<(), Failed> {
    let mut forms = forms()?;
    let at = |text, length| sent([text, length], [0, 0]);
    for (arguments, words) in [
        (at(1000, 0x8000_0001), "2 GiB or more"),
        (at(1000, 0x7fff_ffff), "outside of its memory"),
        (at(131_073, 0), "outside of its memory"),
    ] {
        let trap = forms.trap_of_fast("send", &arguments)?;
        let part = trap.part.as_ref().map(ToString::to_string);
        if part.as_deref() != Some("consumer") || !trap.reason.contains(words) {
            return Err(format!("{trap}").into());
        }
    }
    // The result of the provider: a list with a tagged length.
    let mut words = vec![0; 4];
    words.extend(1000u32.to_le_bytes());
    words.extend(0x8000_0002u32.to_le_bytes());
    forms.call("other-poke", &[number(400), Value::Bytes(words)])?;
    forms.call(
        "other-poke",
        &[number(16), Value::Bytes(400u32.to_le_bytes().to_vec())],
    )?;
    let trap = forms.trap_of_fast("send", &at(1000, 4))?;
    let part = trap.part.as_ref().map(ToString::to_string);
    match part.as_deref() == Some("provider") && trap.reason.contains("2 GiB") {
        true => Ok(()),
        false => Err(format!("{trap}").into()),
    }
}
