//! The guards of functions: a core module between the functions and those who call them.
//!
//! A call that passes little is faster in its plain form, because the engine copies a string by a call of its
//! own. So the importer's guard has both forms of a function, and chooses for each call. It sees the byte lists
//! that the call sends. For those that it will return, the guard keeps a *credit*: a long result pays for as many
//! calls in bulk as it would have cost more in the plain form, and each call takes one of them.

use super::{
    guard_locals::Locals,
    places::{ListAt, Place, visit_strings},
    receiving,
    sending::{self, OwnPointers},
    signature::{Side, Signature},
    value_type::ValueType,
};
use crate::wasm::validate::validate;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, InstructionSink, MemoryType, Module,
    TypeSection, ValType,
};

/// The functions that a function guard imports from the memory guard, with their types.
const OF_MEMORY_GUARD: [(&str, &[ValType], &[ValType]); 10] = {
    use ValType::{I32, I64};
    [
        ("check-bytes", &[I32, I32], &[]),
        ("check-text", &[I32, I32], &[]),
        ("avoid", &[I32, I32], &[]),
        ("plan", &[I32, I32, I32], &[]),
        ("overlaps", &[I32, I32, I32, I32], &[I32]),
        ("reserve", &[], &[I32]),
        ("refuse-move", &[], &[]),
        ("moved", &[I32, I32], &[I32]),
        ("restore", &[], &[]),
        ("received", &[], &[I64]),
    ]
};
pub(super) const CHECK_BYTES: u32 = 0;
pub(super) const CHECK_TEXT: u32 = 1;
pub(super) const AVOID: u32 = 2;
pub(super) const PLAN: u32 = 3;
pub(super) const OVERLAPS: u32 = 4;
pub(super) const RESERVE: u32 = 5;
pub(super) const REFUSE_MOVE: u32 = 6;
pub(super) const MOVED: u32 = 7;
pub(super) const RESTORE: u32 = 8;
pub(super) const RECEIVED: u32 = 9;

/// The globals that a function guard imports from the memory guard: a bit for each string received at an odd
/// address, and the bit of the next string.
const GLOBALS: [&str; 2] = ["odd", "next"];
pub(super) const ODD: u32 = 0;
pub(super) const NEXT: u32 = 1;

/// A byte list of this length and more is passed in bulk; below it, the plain form is as fast. A result pays
/// for one call in bulk for each time that it has this length. Measured (`just bench host`, S17).
const LONG: i32 = 1 << LONG_BITS;
const LONG_BITS: i32 = 7;
/// A list to be sent from an odd address must be longer by this number of binary digits, as it is copied twice.
const ODD_BITS: i32 = 4;

/// The guard of one function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FunctionGuard<'a> {
    pub(super) signature: &'a Signature,
    pub(super) side: Side,
    /// `true` if the function has a post-return function.
    pub(super) has_post_return: bool,
}

/// The name of the import and of the export that is the function with this number.
pub(super) fn call_name(number: usize) -> String {
    format!("call{number}")
}

/// The name of the import that is the plain form of the function with this number.
pub(super) fn plain_name(number: usize) -> String {
    format!("plain{number}")
}

/// The name of the import and of the export that is the post-return function of the function with this
/// number.
pub(super) fn post_return_name(number: usize) -> String {
    format!("post-return{number}")
}

/// The binary of a module with these guards. It imports `memory`, the functions, their plain forms on the
/// importer's side, and their post-return functions from `part`, and functions from `guard`. It exports the
/// guarded functions by the same names. `None` if the module is not valid, which the tests exclude.
pub(super) fn module(guards: &[FunctionGuard<'_>]) -> Option<Vec<u8>> {
    let mut types = TypeSection::new();
    let mut imports = ImportSection::new();
    let mut functions = FunctionSection::new();
    let mut globals = Globals::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();

    let memory = MemoryType {
        minimum: 0,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    imports.import("part", "memory", EntityType::Memory(memory));
    for name in GLOBALS {
        imports.import("guard", name, EntityType::Global(variable(ValType::I64)));
    }
    for (index, (name, params, results)) in OF_MEMORY_GUARD.into_iter().enumerate() {
        types.ty().function(params.to_vec(), results.to_vec());
        imports.import("guard", name, EntityType::Function(index as u32));
    }

    // The index of the next function.
    let mut next = OF_MEMORY_GUARD.len() as u32;
    // The first imported function of each guard.
    let mut imported = Vec::new();
    for (number, guard) in guards.iter().enumerate() {
        let (params, results) = guard.signature.core(guard.side);
        let ty = types.len();
        types.ty().function(params, results.clone());
        types.ty().function(results, []);
        imports.import("part", &call_name(number), EntityType::Function(ty));
        imported.push((ty, next));
        next += 1;
        if guard.side == Side::Importer {
            imports.import("part", &plain_name(number), EntityType::Function(ty));
            next += 1;
        }
        if guard.has_post_return {
            let name = post_return_name(number);
            imports.import("part", &name, EntityType::Function(ty + 1));
            next += 1;
        }
    }
    for (number, (guard, (ty, call))) in guards.iter().zip(imported).enumerate() {
        functions.function(ty);
        exports.export(&call_name(number), ExportKind::Func, next);
        next += 1;
        match guard.side {
            Side::Importer => {
                let credit = globals.add(1);
                code.function(&guard.call_of_importer(call, call + 1, credit));
            }
            Side::Provider => {
                let own = OwnPointers::of(guard.signature, &mut globals);
                code.function(&guard.call_of_provider(call, own));
                if guard.exports_post_return() {
                    functions.function(ty + 1);
                    exports.export(&post_return_name(number), ExportKind::Func, next);
                    code.function(&guard.post_return(call + 1, own));
                    next += 1;
                }
            }
        }
    }

    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&globals.section)
        .section(&exports)
        .section(&code);
    let module = module.finish();
    validate(&module).is_ok().then_some(module)
}

/// The globals of the module.
pub(super) struct Globals {
    section: GlobalSection,
}

impl Globals {
    fn new() -> Self {
        let section = GlobalSection::new();
        Self { section }
    }

    /// Adds an `i32` with this value at first. Returns its index.
    pub(super) fn add(&mut self, value: i32) -> u32 {
        let index = GLOBALS.len() as u32 + self.section.len();
        let value = ConstExpr::i32_const(value);
        self.section.global(variable(ValType::I32), &value);
        index
    }
}

fn variable(val_type: ValType) -> GlobalType {
    GlobalType {
        val_type,
        mutable: true,
        shared: false,
    }
}

impl FunctionGuard<'_> {
    /// `true` if the guard exports a post-return function.
    pub(super) fn exports_post_return(&self) -> bool {
        self.side == Side::Provider
            && (self.has_post_return || self.signature.has_strings_in_result())
    }

    /// The guard of the function at this index, whose plain form is at another index.
    fn call_of_importer(&self, guarded: u32, plain: u32, credit: u32) -> Function {
        let locals = Locals::of(self.signature, self.side);
        let mut function = locals.function();
        let code = &mut function.instructions();
        let (sent, received) = (locals.params(), locals.result());

        if let Some(sent) = sent {
            add_lengths(code, sent, locals.lengths, |code, sent| {
                sent.length.load(code);
                sent.push_is_odd(code);
                code.i32_const(ODD_BITS).i32_mul().i32_shr_u();
            });
        }
        // A branch out of the inner block makes the call in the plain form.
        code.block(BlockType::Empty).block(BlockType::Empty);
        code.local_get(locals.lengths);
        code.i32_const(LONG).i32_lt_u();
        if self.returns_bytes() {
            code.global_get(credit).i32_eqz().i32_and();
        }
        code.br_if(0);
        if let Some(sent) = sent {
            sending::arguments(code, sent, &locals);
        }
        locals.call(code, guarded);
        if sent.is_some() {
            code.local_get(locals.is_odd).if_(BlockType::Empty);
            code.call(RESTORE).end();
        }
        if let Some(received) = received {
            receiving::correct(code, received, locals.mask);
        }
        code.br(1).end();
        locals.call(code, plain);
        code.end();
        if let Some(received) = received.filter(|_| self.returns_bytes()) {
            code.i32_const(0).local_set(locals.lengths);
            add_lengths(code, received, locals.lengths, |code, received| {
                received.length.load(code);
            });
            renew(code, credit, locals.lengths);
        }
        locals.end(code);
        function
    }

    /// The guard of the function at this index.
    fn call_of_provider(&self, guarded: u32, own: OwnPointers) -> Function {
        let locals = Locals::of(self.signature, self.side);
        let mut function = locals.function();
        let code = &mut function.instructions();
        if let Some(received) = locals.params() {
            receiving::correct(code, received, locals.mask);
        }
        locals.call(code, guarded);
        if let Some(sent) = locals.result() {
            sending::result(code, sent, &locals, own);
        }
        locals.end(code);
        function
    }

    /// The function that the engine calls when it has copied the result. The part's own is at this index.
    fn post_return(&self, guarded: u32, own: OwnPointers) -> Function {
        let (_, results) = self.signature.core(self.side);
        let mut function = Function::new([]);
        let code = &mut function.instructions();
        let result = self.signature.result.as_ref();
        if let Some(result) = result.filter(|ty| ty.strings() > 0) {
            own.restore(code, (result, Place::Memory { base: 0, offset: 0 }));
        }
        if self.has_post_return {
            for index in 0..results.len() as u32 {
                code.local_get(index);
            }
            code.call(guarded);
        }
        code.end();
        function
    }

    fn returns_bytes(&self) -> bool {
        let result = self.signature.result.as_ref();
        result.is_some_and(ValueType::has_bytes)
    }
}

/// Combines the lengths of the byte lists of a value by `or`. The combination reaches [`LONG`], a power of two,
/// exactly if one of the lengths does.
fn add_lengths<'v>(
    code: &mut InstructionSink<'_>,
    value: (&'v ValueType, Place<'v>),
    lengths: u32,
    push_length: impl Fn(&mut InstructionSink<'_>, ListAt<'v>),
) {
    visit_strings(code, value, |code, string| {
        if !string.is_text() {
            push_length(code, string);
            code.local_get(lengths).i32_or().local_set(lengths);
        }
    });
}

/// Takes one call from the credit, or sets it to what a result of these lengths pays for, if that is more.
fn renew(code: &mut InstructionSink<'_>, credit: u32, lengths: u32) {
    let push_left = |code: &mut InstructionSink<'_>| {
        code.global_get(credit);
        code.global_get(credit).i32_const(0).i32_ne().i32_sub();
    };
    let push_paid = |code: &mut InstructionSink<'_>| {
        code.local_get(lengths).i32_const(LONG_BITS).i32_shr_u();
    };
    push_left(code);
    push_paid(code);
    push_left(code);
    push_paid(code);
    code.i32_gt_u().select().global_set(credit);
}
