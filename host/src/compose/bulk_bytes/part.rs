//! Rewriting one part.

use super::{
    carried_type::{Exported, Imported},
    emitter::Emitter,
    function_guard::{self, FunctionGuard, call_name, plain_name, post_return_name},
    options::Options,
    renumber::Kept,
    signature::{Side, Signature},
    survey::{Implementation, Survey},
};
use crate::{compose::layout::Moved, wasm::walk::top_level_sections};
use std::collections::{BTreeMap, HashMap};
use wasm_encoder::{CanonicalOption, ComponentExportKind, ComponentSectionId, ExportKind};
use wasmparser::{CanonicalFunction, Payload};

/// An interface that carries functions as strings.
#[derive(Debug)]
pub(super) struct Interface<T> {
    /// The name of the import or export.
    pub(super) name: String,
    pub(super) functions: Vec<(Carried, T)>,
}

/// A function that is carried as strings.
#[derive(Debug, Clone)]
pub(super) struct Carried {
    /// The name in the interface.
    pub(super) name: String,
    pub(super) signature: Signature,
}

/// The changes of one part.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The functions that the part calls, each with the positions of its calls in [`Survey::calls`].
    pub(super) imports: Vec<Interface<Vec<usize>>>,
    /// The functions that it implements.
    pub(super) exports: Vec<Interface<Implementation>>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.imports.is_empty() && self.exports.is_empty()
    }
}

/// A part that was rewritten.
#[derive(Debug)]
pub(super) struct Rewritten {
    pub(super) bytes: Vec<u8>,
    /// The code of the original, with its ranges in these bytes.
    pub(super) moved: Vec<Moved>,
}

/// Rewrites a part; `None` if it is built in a way that is not understood.
pub(super) fn rewrite(survey: &Survey<'_>, changes: &Changes) -> Option<Rewritten> {
    let mut writer = Writer {
        survey,
        emitter: Emitter::new(),
        guards: BTreeMap::new(),
        interfaces: vec![None; changes.imports.len()],
        calls: Vec::new(),
    };
    let mut moved = Vec::new();
    if changes.imports.is_empty() {
        let whole = 0..survey.bytes.len();
        moved.push(Moved {
            range: whole,
            from: 0,
        });
        writer.emitter = Emitter::after(survey.bytes, survey.types);
    } else {
        moved = writer.items(&changes.imports)?;
    }
    // These guards come first, so that functions without a `realloc` find them.
    for (_, implementation) in changes.exports.iter().flat_map(|export| &export.functions) {
        let options = implementation.options.ok()?;
        if options.realloc.is_some() {
            writer.guard(options)?;
        }
    }
    for interface in &changes.exports {
        writer.export(interface)?;
    }
    Some(Rewritten {
        bytes: writer.emitter.finish(),
        moved,
    })
}

struct Writer<'s, 'a> {
    survey: &'s Survey<'a>,
    emitter: Emitter,
    /// The core instances of the guards of memories, by the new indices of memory and `realloc`.
    guards: BTreeMap<(u32, Option<u32>), u32>,
    /// The instances of the imported interfaces that have been written.
    interfaces: Vec<Option<u32>>,
    /// The calls whose guards have not been written.
    calls: Vec<UnguardedCall<'s>>,
}

/// A call of a carried function before its guard is written.
struct UnguardedCall<'s> {
    signature: &'s Signature,
    options: Options,
    /// The core function.
    call: u32,
    /// The core function of the original.
    plain: Kept,
}

/// An implementation of a carried function before its guard is written.
struct Implemented<'s> {
    carried: &'s Carried,
    implementation: Implementation,
    /// The index of the carried function's type.
    ty: u32,
}

impl<'s> Writer<'s, '_> {
    /// Writes the items of the part, with other calls of these functions.
    fn items(&mut self, imports: &'s [Interface<Vec<usize>>]) -> Option<Vec<Moved>> {
        let mut by_entry = HashMap::new();
        for (number, interface) in imports.iter().enumerate() {
            for (carried, calls) in &interface.functions {
                for call in calls {
                    let call = &self.survey.calls[*call];
                    by_entry.insert(call.entry, (number, carried, call));
                }
            }
        }
        let original = self.survey.bytes;
        let mut moved = Vec::new();
        let mut entry = 0;
        for payload in top_level_sections(original) {
            let payload = payload.ok()?;
            // What uses a core function in these sections gets its plain form.
            let uses_none = matches!(
                payload,
                Payload::ComponentAliasSection(_)
                    | Payload::ComponentTypeSection(_)
                    | Payload::ComponentCanonicalSection(_)
            );
            if !uses_none {
                self.guard_calls()?;
            }
            match payload {
                Payload::Version { .. } | Payload::End(_) => {}
                Payload::ComponentCanonicalSection(section) => {
                    for function in section {
                        let function = function.ok()?;
                        match by_entry.get(&entry) {
                            Some((number, carried, call)) => {
                                let options = call.options.ok()?;
                                self.emitter.canonical(function)?;
                                self.call(*number, &imports[*number], carried, options)?;
                            }
                            None => {
                                if let CanonicalFunction::Lift { .. } = function {
                                    self.guard_calls()?;
                                }
                                self.emitter.canonical(function)?;
                            }
                        }
                        entry += 1;
                    }
                }
                Payload::ModuleSection {
                    unchecked_range, ..
                } => {
                    let range = unchecked_range.start as usize..unchecked_range.end as usize;
                    let id = ComponentSectionId::CoreModule.into();
                    moved.push(self.emitter.copy(id, original, range));
                    self.emitter.indices.modules.keep();
                }
                Payload::ComponentSection {
                    unchecked_range, ..
                } => {
                    let range = unchecked_range.start as usize..unchecked_range.end as usize;
                    let id = ComponentSectionId::Component.into();
                    moved.push(self.emitter.copy(id, original, range));
                }
                // It names items by their indices.
                Payload::CustomSection(section) if section.name() == "component-name" => {}
                payload => {
                    let raw = payload.as_section();
                    let is_copied = matches!(
                        payload,
                        Payload::CustomSection(_) | Payload::CoreTypeSection(_)
                    );
                    match raw {
                        Some((id, range)) if is_copied => {
                            let range = range.start as usize..range.end as usize;
                            self.emitter.copy(id, original, range);
                        }
                        _ => self.emitter.renumber(payload)?,
                    }
                }
            }
        }
        Some(moved)
    }

    /// Adds a call of a carried function beside its plain form, which has just been written.
    fn call(
        &mut self,
        number: usize,
        interface: &Interface<Vec<usize>>,
        carried: &'s Carried,
        options: Options,
    ) -> Option<()> {
        let plain = self.emitter.indices.core_functions.last()?;
        let instance = match self.interfaces[number] {
            Some(instance) => instance,
            None => {
                let mut imported = Imported::new();
                for (carried, _) in &interface.functions {
                    imported.function(&carried.name, &carried.signature);
                }
                let instance = self.emitter.import(&interface.name, &imported.ty);
                self.interfaces[number] = Some(instance);
                instance
            }
        };
        let kind = ComponentExportKind::Func;
        let function = self.emitter.item_of(instance, kind, &carried.name);
        let canonical = self.canonical(options)?;
        self.calls.push(UnguardedCall {
            signature: &carried.signature,
            options,
            call: self.emitter.lower(function, &canonical),
            plain,
        });
        Some(())
    }

    /// Adds the guards of all calls that have none yet, as few modules as possible.
    fn guard_calls(&mut self) -> Option<()> {
        let mut by_guard: BTreeMap<u32, Vec<UnguardedCall<'_>>> = BTreeMap::new();
        for call in std::mem::take(&mut self.calls) {
            let guard = self.guard(call.options)?;
            by_guard.entry(guard).or_default().push(call);
        }
        for (guard, calls) in by_guard {
            let memory = calls.first()?.options.memory;
            let guards = calls.iter().map(|call| FunctionGuard {
                signature: call.signature,
                side: Side::Importer,
                has_post_return: false,
            });
            let module = function_guard::module(&guards.collect::<Vec<_>>())?;
            let mut items = vec![("memory".to_owned(), ExportKind::Memory, memory)];
            for (number, call) in calls.iter().enumerate() {
                items.push((call_name(number), ExportKind::Func, call.call));
                items.push((plain_name(number), ExportKind::Func, call.plain.index));
            }
            let part = self.emitter.core_instance_of(&items);
            let arguments = [("part", part), ("guard", guard)];
            let guarded = self.emitter.instantiate(&module, &arguments);
            for (number, call) in calls.iter().enumerate() {
                let index = self.emitter.core_function_of(guarded, &call_name(number));
                let core_functions = &mut self.emitter.indices.core_functions;
                core_functions.replace(call.plain, index);
            }
        }
        Some(())
    }

    /// Adds an export of carried functions.
    fn export(&mut self, interface: &Interface<Implementation>) -> Option<()> {
        let mut types = Exported::new(self.emitter.indices.types.len());
        let functions = interface.functions.iter();
        let functions = functions.map(|(carried, implementation)| Implemented {
            carried,
            implementation: *implementation,
            ty: types.function(&carried.name, &carried.signature),
        });
        let mut by_guard: BTreeMap<u32, Vec<Implemented<'_>>> = BTreeMap::new();
        for function in functions {
            let guard = self.guard(function.implementation.options.ok()?)?;
            by_guard.entry(guard).or_default().push(function);
        }
        self.emitter.types(&types.types, types.types.len());
        let named = types.named.into_iter();
        let mut items: Vec<(String, ComponentExportKind, u32)> = named
            .map(|(name, ty)| (name, ComponentExportKind::Type, ty))
            .collect();
        for (guard, functions) in by_guard {
            self.implementations(guard, functions, &mut items)?;
        }
        self.emitter.export(&interface.name, &items);
        Some(())
    }

    /// Adds functions with guards around their implementations. The guard of their memory is this core instance.
    fn implementations(
        &mut self,
        guard: u32,
        functions: Vec<Implemented<'_>>,
        items: &mut Vec<(String, ComponentExportKind, u32)>,
    ) -> Option<()> {
        let first = functions.first()?.implementation.options.ok()?;
        let mut guards = Vec::new();
        let mut of_part = vec![("memory".to_owned(), ExportKind::Memory, first.memory)];
        for (number, function) in functions.iter().enumerate() {
            let implementation = function.implementation;
            let indices = &self.emitter.indices;
            let core = indices.core_functions.of(implementation.core);
            of_part.push((call_name(number), ExportKind::Func, core));
            let post_return = implementation.options.ok()?.post_return;
            if let Some(post_return) = post_return {
                let post_return = indices.core_functions.of(post_return);
                of_part.push((post_return_name(number), ExportKind::Func, post_return));
            }
            guards.push(FunctionGuard {
                signature: &function.carried.signature,
                side: Side::Provider,
                has_post_return: post_return.is_some(),
            });
        }
        let part = self.emitter.core_instance_of(&of_part);
        let arguments = [("part", part), ("guard", guard)];
        let module = function_guard::module(&guards)?;
        let guarded = self.emitter.instantiate(&module, &arguments);
        for (number, (function, own)) in functions.iter().zip(&guards).enumerate() {
            let call = self.emitter.core_function_of(guarded, &call_name(number));
            let mut canonical = self.canonical(function.implementation.options.ok()?)?;
            if own.exports_post_return() {
                let name = post_return_name(number);
                let post_return = self.emitter.core_function_of(guarded, &name);
                canonical.push(CanonicalOption::PostReturn(post_return));
            }
            let lifted = self.emitter.lift(call, function.ty, &canonical);
            let name = function.carried.name.clone();
            items.push((name, ComponentExportKind::Func, lifted));
        }
        Some(())
    }

    /// The core instance of the guard for functions with these options. A function without a `realloc` can have
    /// any guard of its memory.
    fn guard(&mut self, options: Options) -> Option<u32> {
        let memory = options.memory;
        let core_functions = &self.emitter.indices.core_functions;
        let realloc = options.realloc.map(|realloc| core_functions.of(realloc));
        // `None` is less than each `Some`.
        let suitable = (memory, realloc)..=(memory, realloc.or(Some(u32::MAX)));
        if let Some((_, guard)) = self.guards.range(suitable).next() {
            return Some(*guard);
        }
        let guard = self.emitter.memory_guard(memory, realloc)?;
        self.guards.insert((memory, realloc), guard);
        Some(guard)
    }

    /// The options of a guarded function whose own options are these: its `realloc` is that of the guard.
    fn canonical(&mut self, options: Options) -> Option<Vec<CanonicalOption>> {
        let mut canonical = vec![
            CanonicalOption::CompactUTF16,
            CanonicalOption::Memory(options.memory),
        ];
        if options.realloc.is_some() {
            let guard = self.guard(options)?;
            let realloc = self.emitter.core_function_of(guard, "realloc");
            canonical.push(CanonicalOption::Realloc(realloc));
        }
        Some(canonical)
    }
}
