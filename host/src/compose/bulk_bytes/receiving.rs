//! Code of guards for strings that were received.

use super::{
    function_guard::{NEXT, ODD, RECEIVED},
    places::{Place, visit_strings},
    value_type::ValueType,
};
use wasm_encoder::{BlockType, InstructionSink};

/// Corrects the addresses of strings that were received at odd addresses. `mask` is a local.
pub(super) fn correct<'v>(
    code: &mut InstructionSink<'_>,
    received: (&'v ValueType, Place<'v>),
    mask: u32,
) {
    code.i64_const(1).global_set(NEXT);
    code.global_get(ODD).i64_eqz().i32_eqz();
    code.if_(BlockType::Empty);
    code.call(RECEIVED).local_set(mask);
    visit_strings(code, received, |code, string| {
        code.local_get(mask).i64_const(1).i64_and().i32_wrap_i64();
        code.if_(BlockType::Empty);
        string.pointer.store(code, |code| {
            string.pointer.load(code);
            code.i32_const(1).i32_add();
        });
        code.end();
        code.local_get(mask)
            .i64_const(1)
            .i64_shr_u()
            .local_set(mask);
    });
    code.end();
}
