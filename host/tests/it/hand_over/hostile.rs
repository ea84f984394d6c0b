//! Hostile core modules (F20): each hand-over of data is compared with a model of the module. A module that
//! breaks the rules is an error of that call, and no byte beyond the named range is read or written.
//!
//! `TORTURE=1` tries a hundred thousand modules. A violation names the `TORTURE_SEED` and the case that
//! repeat it.

use super::on_tokio;
use crate::{
    count::Count,
    torture::{number_from, sized},
};
use fastrand::Rng;
use libtest_mimic::{Failed, Trial};
use std::{collections::BTreeMap, fmt::Write as _};
use wit_host::{
    CallError, HandOverError, HostFunctions, Instance, Limits, MemoryError, Outcome, Runtime,
    RuntimeOptions, Sandboxes, Value, Wasm,
};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("hand_over::hostile::allocators", || {
            torture(sized(400, 60_000), allocator)
        }),
        Trial::test("hand_over::hostile::exchanges", || {
            torture(sized(300, 40_000), exchange)
        }),
    ]
}

const PAGE: u64 = 65536;
/// The longest output that is taken.
const LIMIT: u32 = 100_000;

/// A module, what it is given, and what should come of it.
struct Case {
    text: String,
    way: Way,
    input: Vec<u8>,
    expected: Expected,
    /// The number of ranges that should be freed, and the sum over each of its pointer and three times its
    /// length; `None` if the instance is lost.
    freed: Option<(u32, u64)>,
    /// The [`sum`](Model::sum) of the memory after the call; `None` if nothing is known of it.
    memory: Option<u64>,
}

/// The function by which a module adds up its memory as [`Model::sum`] does.
const SUM: &str = "(func (export \"sum\") (result i64) (local $a i32) (local $sum i64)
  (block $done (loop $next
    (br_if $done (i32.eq (local.get $a) (i32.mul (memory.size) (i32.const 65536))))
    (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.load8_u (local.get $a))))
    (local.set $a (i32.add (local.get $a) (i32.const 1)))
    (br $next)))
  (local.get $sum))";

/// A way of handing over data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Allocator,
    Exchange,
}

/// The outcome of a hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    Output(Vec<u8>),
    Trap,
    Missing,
    NoSpace,
    Allocated,
    Overlapping,
    OutputTooLong,
    Returned,
    NoOutput,
}

impl Expected {
    fn of(result: Result<Vec<u8>, HandOverError>) -> Result<Self, String> {
        Ok(match result {
            Ok(output) => Self::Output(output),
            Err(HandOverError::Call(CallError::Ended {
                outcome: Outcome::Trapped(_),
                ..
            })) => Self::Trap,
            Err(HandOverError::Missing { .. }) => Self::Missing,
            Err(HandOverError::NoSpace { .. }) => Self::NoSpace,
            Err(HandOverError::Allocated(MemoryError::OutOfBounds { .. })) => Self::Allocated,
            Err(HandOverError::Overlapping { .. }) => Self::Overlapping,
            Err(HandOverError::OutputTooLong { .. }) => Self::OutputTooLong,
            Err(HandOverError::Returned { .. }) => Self::Returned,
            Err(HandOverError::NoOutput { .. }) => Self::NoOutput,
            Err(other) => return Err(format!("an unexpected error: {other:?}")),
        })
    }
}

/// The byte at an address before anything is written: `(a * 167) ^ (a >> 8)`.
fn initial(address: u64) -> u8 {
    (address.wrapping_mul(167) ^ (address >> 8)) as u8
}

/// The start function of a module whose memory has this many pages. It fills the memory with
/// [`initial`] bytes.
fn fill(pages: u64) -> String {
    format!(
        "(func $fill (local $a i32) (loop $next
           (i32.store8 (local.get $a) (i32.xor (i32.mul (local.get $a) (i32.const 167)) (i32.shr_u (local.get $a) (i32.const 8))))
           (local.set $a (i32.add (local.get $a) (i32.const 1)))
           (br_if $next (i32.lt_u (local.get $a) (i32.const {})))))
         (start $fill)",
        pages * PAGE
    )
}

/// The model of a memory that was filled.
struct Model {
    pages: u64,
    bytes: Vec<u8>,
}

impl Model {
    fn new(pages: u64) -> Self {
        Self {
            pages,
            bytes: (0..pages * PAGE).map(initial).collect(),
        }
    }

    fn grow(&mut self, pages: u64) {
        self.pages += pages;
        self.bytes.resize((self.pages * PAGE) as usize, 0);
    }

    /// A number that every byte, and its place, has a part in.
    fn sum(&self) -> u64 {
        let add = |sum: u64, byte: &u8| sum.wrapping_mul(31).wrapping_add((*byte).into());
        self.bytes.iter().fold(0, add)
    }

    fn read(&self, pointer: u32, length: u32) -> Option<Vec<u8>> {
        let end = pointer as usize + length as usize;
        self.bytes.get(pointer as usize..end).map(<[u8]>::to_vec)
    }

    /// `false` if the range is not inside.
    fn write(&mut self, pointer: u32, bytes: &[u8]) -> bool {
        let end = pointer as usize + bytes.len();
        match self.bytes.get_mut(pointer as usize..end) {
            Some(place) => {
                place.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }
}

/// An address or a length near a place where checks go wrong.
fn odd(rng: &mut Rng, pages: u64, length: usize) -> u32 {
    let end = (pages * PAGE) as u32;
    let near = [
        0,
        1,
        8,
        64,
        end / 2,
        end.wrapping_sub(length as u32),
        end,
        end.wrapping_add(PAGE as u32),
        LIMIT,
        i32::MAX as u32,
        1 << 31,
        u32::MAX - length as u32,
        u32::MAX,
    ];
    let near = near[rng.usize(..near.len())];
    match rng.u8(..8) {
        0..5 => rng.u32(..end.max(1)),
        5 => near.wrapping_add(rng.u32(..3)).wrapping_sub(1),
        _ => near,
    }
}

/// A length that is often one that is taken.
fn odd_length(rng: &mut Rng, pages: u64) -> u32 {
    match rng.u8(..4) {
        0 => odd(rng, pages, 0),
        1 => rng.u32(..LIMIT + 2),
        _ => rng.u32(..40),
    }
}

/// A memory, its number of pages, and `true` if the host can use it.
fn memory(rng: &mut Rng) -> (String, u64, bool) {
    let pages = rng.u64(..3);
    let usable = |text: String| (text, pages, true);
    match rng.u8(..20) {
        0 => (format!("(memory {pages})"), pages, false),
        1 => (
            format!("(memory (export \"Memory\") {pages})"),
            pages,
            false,
        ),
        2 => (
            format!("(memory {pages}) (func (export \"memory\"))"),
            pages,
            false,
        ),
        3..10 => usable(format!(
            "(memory (export \"memory\") {pages} {})",
            pages + 2
        )),
        _ => usable(format!("(memory (export \"memory\") {pages})")),
    }
}

/// Grows the memory, so that it may move.
fn growing(model: &mut Model, rng: &mut Rng) -> &'static str {
    if rng.u8(..4) > 0 {
        return "";
    }
    // Each kind of memory has room for two pages more, and nothing else grows.
    if model.pages < 3 {
        model.grow(1);
    } else {
        return "";
    }
    "(drop (memory.grow (i32.const 1)))"
}

/// Writes a byte somewhere, which the code of a module may do at any time.
fn scribble(model: &mut Model, rng: &mut Rng) -> String {
    if rng.bool() || model.bytes.is_empty() {
        return String::new();
    }
    let at = rng.usize(..model.bytes.len());
    model.bytes[at] = rng.u8(..);
    format!(
        "(i32.store8 (i32.const {at}) (i32.const {}))",
        model.bytes[at]
    )
}

/// A module with an allocator. Its `freed` returns the number of ranges that were freed, and the sum.
fn allocator(rng: &mut Rng) -> Case {
    let (memory, pages, mut is_whole) = memory(rng);
    let mut model = Model::new(if is_whole { pages } else { 0 });
    let start = if is_whole && pages > 0 {
        fill(pages)
    } else {
        String::new()
    };
    let input = vec![rng.u8(..); [0, 1, 5, 300][rng.usize(..4)]];
    let mut text = format!(
        "(module {memory} {start} (global $count (mut i32) (i32.const 0)) (global $sum (mut i64) (i64.const 0))\n"
    );

    let mut expected = None;
    let settle = |expected: &mut Option<(Expected, u64)>, end: Expected, model: &Model| {
        expected.get_or_insert_with(|| (end, model.sum()));
    };

    // `allocate`
    let mut freed = (0, 0);
    let mut range_of_input = (0, 0);
    let address = odd(rng, pages, input.len());
    let kind = rng.u8(..24);
    let body = match kind {
        0 => {
            is_whole = false;
            ""
        }
        1 => "(func (export \"allocate\") (param i64) (result i32) (i32.const 8))",
        2 => "(func (export \"allocate\") (param i32) (result i32) unreachable)",
        _ => "(func (export \"allocate\") (param i32) (result i32)",
    };
    if kind == 1 {
        is_whole = false;
    }
    text += body;
    if kind == 2 && !input.is_empty() {
        settle(&mut expected, Expected::Trap, &model);
    }
    if kind > 2 {
        if input.is_empty() {
            // It is not called.
            text += "(i32.const 1))";
        } else {
            if is_whole {
                text += growing(&mut model, rng);
                text += &scribble(&mut model, rng);
            }
            let _ = write!(text, "(i32.const {}))", address.cast_signed());
            if address == 0 {
                settle(&mut expected, Expected::NoSpace, &model);
            } else if !model.write(address, &input) {
                settle(&mut expected, Expected::Allocated, &model);
            } else {
                range_of_input = (address, input.len() as u32);
            }
        }
    }

    // `deallocate`
    let frees = rng.u8(..24);
    match frees {
        0 => is_whole = false,
        1 => {
            text += "(func (export \"deallocate\") (param i32) )";
            is_whole = false;
        }
        2 => text += "(func (export \"deallocate\") (param i32 i32) unreachable)",
        _ => {
            text += "(func (export \"deallocate\") (param i32 i32)
              (global.set $count (i32.add (global.get $count) (i32.const 1)))
              (global.set $sum (i64.add (global.get $sum) (i64.add (i64.extend_i32_u (local.get 0))
                (i64.mul (i64.const 3) (i64.extend_i32_u (local.get 1)))))))";
        }
    }

    // `process`
    let (pointer, length) = match rng.u8(..5) {
        0 => (address, input.len() as u32),
        1 => (
            address.wrapping_add(rng.u32(..9)).wrapping_sub(4),
            rng.u32(..9),
        ),
        _ => (odd(rng, pages, 20), odd_length(rng, pages)),
    };
    let kind = rng.u8(..24);
    let name = "process";
    match kind {
        0 => is_whole = false,
        1 => {
            text += "(func (export \"process\") (param i32 i32) (result i32) (i32.const 8))";
            is_whole = false;
        }
        2 => {
            text += "(func (export \"process\") (param i32 i32) (result i64) unreachable)";
            settle(&mut expected, Expected::Trap, &model);
        }
        3 => {
            text += "(func $deep (export \"process\") (param i32 i32) (result i64) (call $deep (local.get 0) (local.get 1)))";
            settle(&mut expected, Expected::Trap, &model);
        }
        _ => {
            let is_packed = kind.is_multiple_of(2);
            let result = if is_packed { "i64" } else { "i32 i32" };
            let _ = write!(
                text,
                "(func (export \"{name}\") (param i32 i32) (result {result})"
            );
            if is_whole {
                text += growing(&mut model, rng);
                text += &scribble(&mut model, rng);
            }
            if is_packed {
                let packed = (u64::from(pointer) << 32 | u64::from(length)).cast_signed();
                let _ = write!(text, "(i64.const {packed}))");
            } else {
                let (pointer, length) = (pointer.cast_signed(), length.cast_signed());
                let _ = write!(text, "(i32.const {pointer}) (i32.const {length}))");
            }
            let end = |(pointer, length): (u32, u32)| u64::from(pointer) + u64::from(length);
            let output = (pointer, length);
            let overlaps = range_of_input.1 > 0
                && length > 0
                && u64::from(pointer) < end(range_of_input)
                && u64::from(range_of_input.0) < end(output);
            let mut free = |(pointer, length): (u32, u32)| {
                if length > 0 {
                    freed.0 += 1;
                    freed.1 += u64::from(pointer) + 3 * u64::from(length);
                }
            };
            let (end, ranges) = if length > LIMIT {
                (Expected::OutputTooLong, [range_of_input, (0, 0)])
            } else if overlaps {
                (Expected::Overlapping, [range_of_input, (0, 0)])
            } else {
                match model.read(pointer, length) {
                    None => (Expected::Returned, [range_of_input, (0, 0)]),
                    Some(bytes) => (Expected::Output(bytes), [output, range_of_input]),
                }
            };
            if expected.is_none() {
                ranges.into_iter().for_each(&mut free);
                let traps = frees == 2 && freed.0 > 0;
                settle(
                    &mut expected,
                    if traps { Expected::Trap } else { end },
                    &model,
                );
            }
        }
    }
    let _ = write!(
        text,
        "{SUM} (func (export \"freed\") (result i32 i64) (global.get $count) (global.get $sum)))"
    );
    let (expected, memory) = match expected {
        Some((expected, sum)) if is_whole => (expected, Some(sum)),
        _ => (Expected::Missing, None),
    };
    let freed = match expected {
        Expected::Trap => None,
        Expected::Missing => Some((0, 0)),
        _ => Some(freed),
    };
    Case {
        text,
        way: Way::Allocator,
        input,
        memory: memory.filter(|_| expected != Expected::Trap),
        expected,
        freed,
    }
}

/// A module that asks for its input and sets its output, in any order, any number of times.
fn exchange(rng: &mut Rng) -> Case {
    let (memory, pages, is_usable) = memory(rng);
    let mut model = Model::new(pages);
    let start = if pages > 0 {
        fill(pages)
    } else {
        String::new()
    };
    let input = vec![rng.u8(..); [0, 1, 5, 300][rng.usize(..4)]];
    let mut text = format!(
        "(module
           (import \"host\" \"get_input_size\" (func $size (result i32)))
           (import \"host\" \"get_input\" (func $get (param i32)))
           (import \"host\" \"set_output\" (func $set (param i32 i32)))
           {memory} {start} {SUM}
           (func (export \"freed\") (result i32 i64) (i32.const 0) (i64.const 0))"
    );
    if rng.u8(..16) == 0 {
        text += "(func (export \"process\") (result i32) (i32.const 0)))";
        return Case {
            text,
            way: Way::Exchange,
            input,
            expected: Expected::Missing,
            freed: Some((0, 0)),
            memory: Some(model.sum()),
        };
    }
    text += "(func (export \"process\")";
    let mut output = None;
    let mut is_trapped = false;
    for _ in 0..rng.u8(..6) {
        match rng.u8(..8) {
            0 => {
                let _ = write!(
                    text,
                    "(if (i32.ne (call $size) (i32.const {})) (then unreachable))",
                    input.len()
                );
            }
            1 => text += growing(&mut model, rng),
            2 => text += &scribble(&mut model, rng),
            3..5 => {
                let pointer = odd(rng, pages, input.len());
                let _ = write!(text, "(call $get (i32.const {}))", pointer.cast_signed());
                is_trapped |= !is_usable || !model.write(pointer, &input);
            }
            _ => {
                let (pointer, length) = (odd(rng, pages, 20), odd_length(rng, pages));
                let _ = write!(
                    text,
                    "(call $set (i32.const {}) (i32.const {}))",
                    pointer.cast_signed(),
                    length.cast_signed()
                );
                let bytes = model.read(pointer, length);
                let bytes = bytes.filter(|_| is_usable && length <= LIMIT);
                is_trapped |= bytes.is_none();
                output = bytes;
            }
        }
        if is_trapped {
            break;
        }
    }
    text += "))";
    let expected = match output {
        _ if is_trapped => Expected::Trap,
        Some(bytes) => Expected::Output(bytes),
        None => Expected::NoOutput,
    };
    let freed = (expected != Expected::Trap).then_some((0, 0));
    Case {
        text,
        way: Way::Exchange,
        input,
        memory: freed.map(|_| model.sum()),
        expected,
        freed,
    }
}

fn torture(count: usize, generate: fn(&mut Rng) -> Case) -> Result<(), Failed> {
    let seed = number_from("TORTURE_SEED").unwrap_or(1);
    let cases = match number_from("TORTURE_CASE") {
        Some(number) => number as usize..count.min(number as usize + 1),
        None => 0..count,
    };
    on_tokio(async || {
        let runtime = Runtime::new(&RuntimeOptions::new().interruptible(true))?;
        let mut counted = Count::of("F20");
        let mut kinds = BTreeMap::<String, usize>::new();
        for number in cases {
            let mut rng = Rng::with_seed(seed ^ ((number as u64) << 20));
            let case = generate(&mut rng);
            let kind = format!("{:?}", case.expected);
            let kind = kind.split('(').next().unwrap_or_default();
            *kinds.entry(kind.to_owned()).or_default() += 1;
            let held = hold(&runtime, &case).await;
            counted.case(held.map_err(|violation| {
                format!(
                    "TORTURE_SEED={seed} TORTURE_CASE={number}: {violation}\n{}",
                    case.text
                )
            }));
        }
        counted.finish(format!(": {kinds:?}"))
    })
}

async fn hold(runtime: &Runtime, case: &Case) -> Result<(), String> {
    let module = Wasm::parse("module", case.text.clone().into_bytes());
    let module = module.map_err(|error| error.to_string())?;
    let name = "module".parse().expect("a name");
    let functions = HostFunctions::new().exchange("host");
    let program = runtime.load_module_with(&name, &module, &functions);
    let program = program.map_err(|error| error.to_string())?;
    let limits = Limits::new().result(LIMIT as usize);
    let instance = program.instantiate(&Sandboxes::default(), &limits).await;
    let mut instance = instance.map_err(|error| error.to_string())?;
    let result = match case.way {
        Way::Exchange => instance.exchange("process", case.input.clone()).await,
        Way::Allocator => instance.hand_over("process", &case.input).await,
    };
    let found = Expected::of(result)?;
    if found != case.expected {
        return Err(format!("expected {:?}, found {found:?}", case.expected));
    }
    if let Some((count, sum)) = case.freed {
        let freed = call(&mut instance, "freed").await?;
        let expected = [
            Value::S32(count.cast_signed()),
            Value::S64(sum.cast_signed()),
        ];
        if freed != expected {
            return Err(format!(
                "expected {expected:?} to be freed, found {freed:?}"
            ));
        }
    }
    if let Some(sum) = case.memory {
        let found = call(&mut instance, "sum").await?;
        if found != [Value::S64(sum.cast_signed())] {
            return Err(format!(
                "a byte of the memory differs: {sum}, found {found:?}"
            ));
        }
    }
    Ok(())
}

async fn call(instance: &mut Instance, name: &str) -> Result<Vec<Value>, String> {
    let function = instance.program().function(name);
    let function = function.map_err(|error| error.to_string())?.clone();
    let called = instance.call(&function, Vec::new()).await;
    called.map_err(|error| error.to_string())
}
