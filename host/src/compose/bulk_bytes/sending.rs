//! Code of guards for strings that are sent.
//!
//! The engine takes a string from an even address only. If one of the strings is at an odd address, such strings
//! are copied into a region of the sender's memory (`memory_guard.wat`), and the engine gets their addresses there.

use super::{
    abi,
    function_guard::{
        AVOID, CHECK_BYTES, CHECK_TEXT, Globals, MOVED, OVERLAPS, PLAN, REFUSE_MOVE, RESERVE,
        RESTORE,
    },
    guard_locals::{Area, Locals},
    places::{ListAt, Place, visit_other_lists, visit_strings},
    signature::Signature,
    value_type::ValueType,
};
use wasm_encoder::{BlockType, InstructionSink, ValType};

/// A value that is sent, and its place.
type Sent<'v> = (&'v ValueType, Place<'v>);

/// Checks the strings in the parameters of a call, and gives them even addresses. Where that is not possible,
/// branches out of the innermost block around this code.
pub(super) fn arguments(code: &mut InstructionSink<'_>, sent: Sent<'_>, locals: &Locals<'_>) {
    check(code, sent, locals.is_odd);
    code.local_get(locals.is_odd);
    if let (_, Place::Memory { .. }) = sent {
        // The part's own code might see other addresses there while the call lasts.
        code.br_if(0);
        return;
    }
    code.if_(BlockType::Empty);
    plan(code, sent, locals.result_area(), |code, string| {
        string.push_is_odd(code);
    });
    code.call(RESERVE).i32_eqz().br_if(1);
    visit_strings(code, sent, |code, string| {
        string.push_is_odd(code);
        code.if_(BlockType::Empty);
        string.pointer.store(code, |code| {
            string.push(code);
            code.call(MOVED);
        });
        code.end();
    });
    code.end();
}

/// Checks the strings in a result, and gives them even addresses until [`OwnPointers::restore`].
pub(super) fn result(
    code: &mut InstructionSink<'_>,
    sent: Sent<'_>,
    locals: &Locals<'_>,
    own: OwnPointers,
) {
    check(code, sent, locals.is_odd);
    code.local_get(locals.is_odd).if_(BlockType::Empty);
    let area = locals.result_area();
    // A string that overlaps the result must not change with its pointers.
    let push_moves = |code: &mut InstructionSink<'_>, string: ListAt<'_>| {
        string.push_is_odd(code);
        if let Some((address, size)) = area {
            string.push(code);
            code.local_get(address).i32_const(size as i32);
            code.call(OVERLAPS).i32_or();
        }
    };
    plan(code, sent, area, push_moves);
    code.call(RESERVE).i32_eqz().if_(BlockType::Empty);
    code.call(REFUSE_MOVE).end();
    let mut pointer = own.first;
    visit_strings(code, sent, |code, string| {
        push_moves(code, string);
        code.if_(BlockType::Result(ValType::I32));
        string.push(code);
        code.call(MOVED);
        code.else_();
        string.pointer.load(code);
        code.end();
        code.global_set(pointer);
        pointer += 1;
    });
    own.exchange(code, sent);
    code.i32_const(1).global_set(own.is_moved);
    code.end();
}

/// Checks the strings of a value. Sets the local `is_odd` if one of them is at an odd address.
fn check(code: &mut InstructionSink<'_>, sent: Sent<'_>, is_odd: u32) {
    visit_strings(code, sent, |code, string| {
        if string.is_text() {
            string.push(code);
            code.call(CHECK_TEXT);
        } else {
            // The memory guard checks it again, and traps.
            push_is_refused(code, string);
            code.if_(BlockType::Empty);
            string.push(code);
            code.call(CHECK_BYTES).end();
        }
        string.push_is_odd(code);
        code.local_get(is_odd).i32_or().local_set(is_odd);
    });
}

/// Pushes 1 if the length has its top bit set, or if the end is outside of the memory.
fn push_is_refused(code: &mut InstructionSink<'_>, string: ListAt<'_>) {
    string.length.load(code);
    code.i32_const(0).i32_lt_s();
    string.pointer.load(code);
    code.i64_extend_i32_u();
    string.length.load(code);
    code.i64_extend_i32_u().i64_add();
    code.memory_size(0).i64_extend_i32_u();
    code.i64_const(16).i64_shl().i64_gt_u().i32_or();
}

/// Plans a region for those strings for which `push_moves` pushes a number other than 0. It overlaps nothing
/// that the engine reads or writes.
fn plan<'v>(
    code: &mut InstructionSink<'_>,
    sent: Sent<'v>,
    area: Option<Area>,
    push_moves: impl Fn(&mut InstructionSink<'_>, ListAt<'v>),
) {
    if let Some((address, size)) = area {
        code.local_get(address).i32_const(size as i32).call(AVOID);
    }
    visit_other_lists(code, sent, |code, list| {
        list.push(code);
        if let ValueType::List(element) = list.ty {
            code.i32_const(abi::size(element) as i32).i32_mul();
        }
        code.call(AVOID);
    });
    visit_strings(code, sent, |code, string| {
        string.push(code);
        push_moves(code, string);
        code.call(PLAN);
    });
}

/// The globals of a function for the pointers in its result while the result has other ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnPointers {
    /// 1 while the result has other pointers.
    is_moved: u32,
    /// The first of the pointers, one for each string of the type.
    first: u32,
}

impl OwnPointers {
    pub(super) fn of(signature: &Signature, globals: &mut Globals) -> Self {
        let strings = signature.result.as_ref().map_or(0, ValueType::strings);
        let is_moved = globals.add(0);
        for _ in 0..strings {
            globals.add(0);
        }
        Self {
            is_moved,
            first: is_moved + 1,
        }
    }

    /// Exchanges the pointers in the result with those in the globals.
    fn exchange(self, code: &mut InstructionSink<'_>, result: Sent<'_>) {
        let mut pointer = self.first;
        visit_strings(code, result, |code, string| {
            string.pointer.load(code);
            string
                .pointer
                .store(code, |code| _ = code.global_get(pointer));
            code.global_set(pointer);
            pointer += 1;
        });
    }

    /// Gives the result its own pointers again, and clears the region.
    pub(super) fn restore(self, code: &mut InstructionSink<'_>, result: Sent<'_>) {
        code.global_get(self.is_moved).if_(BlockType::Empty);
        self.exchange(code, result);
        code.i32_const(0).global_set(self.is_moved);
        code.call(RESTORE).end();
    }
}
