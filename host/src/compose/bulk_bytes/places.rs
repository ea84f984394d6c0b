//! Code that visits the texts and lists of a value.

use super::{
    abi::{self, flatten},
    value_type::ValueType,
};
use wasm_encoder::{BlockType, InstructionSink, MemArg, ValType};

/// The place of a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    /// The locals from this index on. All locals before them and the value's own have these types.
    Locals { first: u32, types: &'a [ValType] },
    /// The memory at an offset from the address in this local.
    Memory { base: u32, offset: u32 },
}

impl<'a> Place<'a> {
    /// The place of the part of the value that starts after this many core values and bytes.
    fn after(self, locals: u32, bytes: u32) -> Self {
        match self {
            Self::Locals { first, types } => Self::Locals {
                first: first + locals,
                types,
            },
            Self::Memory { base, offset } => Self::Memory {
                base,
                offset: offset + bytes,
            },
        }
    }

    /// Pushes the 32-bit number at this place.
    pub(super) fn load(self, code: &mut InstructionSink<'_>) {
        self.load_bytes(code, 4);
    }

    fn load_bytes(self, code: &mut InstructionSink<'_>, size: u32) {
        match self {
            Self::Locals { first, types } => {
                code.local_get(first);
                // A case of a variant shares its locals with the other cases.
                if types.get(first as usize) == Some(&ValType::I64) {
                    code.i32_wrap_i64();
                }
            }
            Self::Memory { base, offset } => {
                let at = MemArg {
                    offset: offset.into(),
                    align: 0,
                    memory_index: 0,
                };
                code.local_get(base);
                match size {
                    1 => code.i32_load8_u(at),
                    2 => code.i32_load16_u(at),
                    _ => code.i32_load(at),
                };
            }
        }
    }

    /// Stores the 32-bit number that `push` pushes at this place.
    pub(super) fn store(
        self,
        code: &mut InstructionSink<'_>,
        push: impl FnOnce(&mut InstructionSink<'_>),
    ) {
        match self {
            Self::Locals { first, types } => {
                push(code);
                if types.get(first as usize) == Some(&ValType::I64) {
                    code.i64_extend_i32_u();
                }
                code.local_set(first);
            }
            Self::Memory { base, offset } => {
                code.local_get(base);
                push(code);
                code.i32_store(MemArg {
                    offset: offset.into(),
                    align: 0,
                    memory_index: 0,
                });
            }
        }
    }
}

/// A byte list, a text or another list.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListAt<'a> {
    pub(super) ty: &'a ValueType,
    pub(super) pointer: Place<'a>,
    pub(super) length: Place<'a>,
}

impl ListAt<'_> {
    /// `true` for a text, which must be UTF-8.
    pub(super) fn is_text(&self) -> bool {
        *self.ty == ValueType::Text
    }

    /// Pushes the pointer and the length.
    pub(super) fn push(&self, code: &mut InstructionSink<'_>) {
        self.pointer.load(code);
        self.length.load(code);
    }

    /// Pushes 1 if the address is odd.
    pub(super) fn push_is_odd(&self, code: &mut InstructionSink<'_>) {
        self.pointer.load(code);
        code.i32_const(1).i32_and();
    }
}

/// Writes code that visits the strings of a value, which are its texts and those byte lists that are carried as
/// strings, in the order in which the engine copies them. Those in cases that a variant does not have are
/// skipped when the code runs.
pub(super) fn visit_strings<'v>(
    code: &mut InstructionSink<'_>,
    (ty, place): (&'v ValueType, Place<'v>),
    mut action: impl FnMut(&mut InstructionSink<'_>, ListAt<'v>),
) {
    visit(code, ty, place, ValueType::is_string, &mut action);
}

/// Writes code that visits the lists of a value that are carried unchanged.
pub(super) fn visit_other_lists<'v>(
    code: &mut InstructionSink<'_>,
    (ty, place): (&'v ValueType, Place<'v>),
    mut action: impl FnMut(&mut InstructionSink<'_>, ListAt<'v>),
) {
    visit(code, ty, place, ValueType::is_list, &mut action);
}

fn visit<'v>(
    code: &mut InstructionSink<'_>,
    ty: &'v ValueType,
    place: Place<'v>,
    is_visited: fn(&ValueType) -> bool,
    action: &mut dyn FnMut(&mut InstructionSink<'_>, ListAt<'v>),
) {
    if is_visited(ty) {
        let length = place.after(1, 4);
        let pointer = place;
        return action(
            code,
            ListAt {
                ty,
                pointer,
                length,
            },
        );
    }
    match ty {
        ValueType::Record(fields) => {
            let mut locals = 0;
            for (offset, field) in abi::fields_with_offsets(fields) {
                visit(code, field, place.after(locals, offset), is_visited, action);
                locals += flatten(field).len() as u32;
            }
        }
        ValueType::Variant(cases) => {
            let payload = place.after(1, abi::payload_offset(cases));
            for (case, inner) in cases.iter().enumerate() {
                let Some(inner) = inner.as_ref().filter(|inner| inner.contains(is_visited)) else {
                    continue;
                };
                place.load_bytes(code, abi::discriminant_size(cases));
                code.i32_const(case as i32);
                code.i32_eq();
                code.if_(BlockType::Empty);
                visit(code, inner, payload, is_visited, action);
                code.end();
            }
        }
        _ => {}
    }
}
