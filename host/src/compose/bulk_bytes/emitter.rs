//! Writing a component: the items of an original one, renumbered, and new items between them.

use super::{memory_guard, renumber::Renumber};
use crate::compose::layout::Moved;
use std::ops::Range;
use wasm_encoder::{
    Alias, CanonicalFunctionSection, CanonicalOption, Component, ComponentAliasSection,
    ComponentExportKind, ComponentExportSection, ComponentImportSection, ComponentInstanceSection,
    ComponentSectionId, ComponentTypeRef, ComponentTypeSection, ExportKind, InstanceSection,
    InstanceType, ModuleArg, RawSection, reencode::ReencodeComponent,
};
use wasmparser::{
    CanonicalFunction, ComponentInstance, ComponentTypeRef as ParsedTypeRef, Payload,
    types::TypesRef,
};

/// A component that is being written.
pub(super) struct Emitter {
    /// The original, if it is only continued.
    original: Vec<u8>,
    component: Component,
    pub(super) indices: Renumber,
}

impl Emitter {
    pub(super) fn new() -> Self {
        Self {
            original: Vec::new(),
            component: Component::new(),
            indices: Renumber::default(),
        }
    }

    /// Continues a component at its end. The indices of its items do not change.
    pub(super) fn after(original: &[u8], types: TypesRef<'_>) -> Self {
        Self {
            original: original.to_owned(),
            component: Component::new(),
            indices: Renumber::unchanged(types),
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.original.is_empty() {
            return self.component.finish();
        }
        let added = self.component.as_slice().get(Component::HEADER.len()..);
        self.original.extend_from_slice(added.unwrap_or_default());
        self.original
    }

    /// Writes a section. Returns the range of its contents.
    pub(super) fn section(&mut self, id: u8, data: &[u8]) -> Range<usize> {
        self.component.section(&RawSection { id, data });
        let end = self.component.as_slice().len();
        end - data.len()..end
    }

    /// Copies the contents of a section.
    pub(super) fn copy(&mut self, id: u8, original: &[u8], from: Range<usize>) -> Moved {
        let data = original.get(from.clone()).unwrap_or_default();
        Moved {
            range: self.section(id, data),
            from: from.start,
        }
    }

    /// Writes a canonical function of the original; `None` if it cannot be encoded.
    pub(super) fn canonical(&mut self, function: CanonicalFunction) -> Option<()> {
        let is_lift = matches!(function, CanonicalFunction::Lift { .. });
        let mut functions = CanonicalFunctionSection::new();
        self.indices
            .parse_component_canonical(&mut functions, function)
            .ok()?;
        self.component.section(&functions);
        match is_lift {
            true => self.indices.functions.keep(),
            false => self.indices.core_functions.keep(),
        }
        Some(())
    }

    /// Renumbers a section that defines or names items of the component, other than canonical functions;
    /// `None` for any other section, and if an item cannot be encoded.
    pub(super) fn renumber(&mut self, payload: Payload<'_>) -> Option<()> {
        let indices = &mut self.indices;
        match payload {
            Payload::InstanceSection(section) => {
                let mut instances = InstanceSection::new();
                for instance in section {
                    indices
                        .parse_instance(&mut instances, instance.ok()?)
                        .ok()?;
                    indices.core_instances.keep();
                }
                self.component.section(&instances);
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    self.component_instance(instance.ok()?, &[])?;
                }
            }
            Payload::ComponentAliasSection(section) => {
                let mut aliases = ComponentAliasSection::new();
                for alias in section {
                    let alias = alias.ok()?;
                    aliases.alias(indices.component_alias(alias.clone()).ok()?);
                    indices.keep_alias(&alias);
                }
                self.component.section(&aliases);
            }
            Payload::ComponentTypeSection(section) => {
                let mut types = ComponentTypeSection::new();
                for ty in section {
                    indices.parse_component_type(types.ty(), ty.ok()?).ok()?;
                    indices.types.keep();
                }
                self.component.section(&types);
            }
            Payload::ComponentImportSection(section) => {
                let mut imports = ComponentImportSection::new();
                for import in section {
                    let import = import.ok()?;
                    imports.import(import.name, indices.component_type_ref(import.ty).ok()?);
                    indices.keep(kind_of(import.ty));
                }
                self.component.section(&imports);
            }
            Payload::ComponentExportSection(section) => {
                let mut exports = ComponentExportSection::new();
                for export in section {
                    let export = export.ok()?;
                    let kind = export.kind;
                    indices.parse_component_export(&mut exports, export).ok()?;
                    indices.keep(kind);
                }
                self.component.section(&exports);
            }
            _ => return None,
        }
        Some(())
    }

    /// Writes an instance of the original, with these instances as additional arguments. Returns its index;
    /// `None` if the instance cannot be encoded.
    pub(super) fn component_instance(
        &mut self,
        instance: ComponentInstance<'_>,
        added: &[(&str, u32)],
    ) -> Option<u32> {
        let mut instances = ComponentInstanceSection::new();
        match instance {
            ComponentInstance::Instantiate {
                component_index,
                args,
            } => {
                let indices = &mut self.indices;
                let kept = args.iter().map(|arg| {
                    let index = indices.component_external_index(arg.kind, arg.index);
                    (arg.name, arg.kind.into(), index)
                });
                let mut all: Vec<(&str, ComponentExportKind, u32)> = kept.collect();
                let added = added.iter();
                all.extend(
                    added.map(|(name, index)| (*name, ComponentExportKind::Instance, *index)),
                );
                instances.instantiate(component_index, all);
            }
            instance => self
                .indices
                .parse_component_instance(&mut instances, instance)
                .ok()?,
        }
        self.component.section(&instances);
        self.indices.instances.keep();
        Some(self.indices.instances.len() - 1)
    }

    /// Adds the module, and an instance of it with these instances as arguments.
    pub(super) fn instantiate(&mut self, module: &[u8], arguments: &[(&str, u32)]) -> u32 {
        self.section(ComponentSectionId::CoreModule.into(), module);
        let module = self.indices.modules.insert();
        let mut instances = InstanceSection::new();
        let arguments = arguments.iter();
        instances.instantiate(
            module,
            arguments.map(|(name, instance)| (*name, ModuleArg::Instance(*instance))),
        );
        self.component.section(&instances);
        self.indices.core_instances.insert()
    }

    /// Adds a core instance of these items.
    pub(super) fn core_instance_of(&mut self, items: &[(String, ExportKind, u32)]) -> u32 {
        let mut instances = InstanceSection::new();
        let items = items.iter();
        instances.export_items(items.map(|(name, kind, index)| (name, *kind, *index)));
        self.component.section(&instances);
        self.indices.core_instances.insert()
    }

    /// Adds the guard of a memory.
    pub(super) fn memory_guard(&mut self, memory: u32, realloc: Option<u32>) -> Option<u32> {
        let mut items = vec![("memory".to_owned(), ExportKind::Memory, memory)];
        items.extend(realloc.map(|realloc| ("realloc".to_owned(), ExportKind::Func, realloc)));
        let part = self.core_instance_of(&items);
        let module = memory_guard::module(realloc.is_some())?;
        Some(self.instantiate(module, &[("part", part)]))
    }

    /// Adds the alias of a function of a core instance.
    pub(super) fn core_function_of(&mut self, instance: u32, name: &str) -> u32 {
        let mut aliases = ComponentAliasSection::new();
        aliases.alias(Alias::CoreInstanceExport {
            instance,
            kind: ExportKind::Func,
            name,
        });
        self.component.section(&aliases);
        self.indices.core_functions.insert()
    }

    /// Adds the alias of an item of an instance. Returns its index.
    pub(super) fn item_of(&mut self, instance: u32, kind: ComponentExportKind, name: &str) -> u32 {
        let mut aliases = ComponentAliasSection::new();
        aliases.alias(Alias::InstanceExport {
            instance,
            kind,
            name,
        });
        self.component.section(&aliases);
        match kind {
            ComponentExportKind::Instance => self.indices.instances.insert(),
            _ => self.indices.functions.insert(),
        }
    }

    /// Adds the import of an instance.
    pub(super) fn import(&mut self, name: &str, ty: &InstanceType) -> u32 {
        let mut types = ComponentTypeSection::new();
        types.instance(ty);
        let ty = self.types(&types, 1);
        let mut imports = ComponentImportSection::new();
        imports.import(name, ComponentTypeRef::Instance(ty));
        self.component.section(&imports);
        self.indices.instances.insert()
    }

    /// Adds types. Returns the index of the first one.
    pub(super) fn types(&mut self, types: &ComponentTypeSection, count: u32) -> u32 {
        self.component.section(types);
        let indices = (0..count).map(|_| self.indices.types.insert());
        indices.min().unwrap_or(u32::MAX)
    }

    /// Adds a core function that calls a function.
    pub(super) fn lower(&mut self, function: u32, options: &[CanonicalOption]) -> u32 {
        let mut functions = CanonicalFunctionSection::new();
        functions.lower(function, options.iter().copied());
        self.component.section(&functions);
        self.indices.core_functions.insert()
    }

    /// Adds a function that calls a core function.
    pub(super) fn lift(&mut self, core: u32, ty: u32, options: &[CanonicalOption]) -> u32 {
        let mut functions = CanonicalFunctionSection::new();
        functions.lift(core, ty, options.iter().copied());
        self.component.section(&functions);
        self.indices.functions.insert()
    }

    /// Adds and exports an instance of these items.
    pub(super) fn export(&mut self, name: &str, items: &[(String, ComponentExportKind, u32)]) {
        let mut instances = ComponentInstanceSection::new();
        let items = items.iter();
        let items = items.map(|(name, kind, index)| (name.as_str(), *kind, *index));
        instances.export_items(items);
        self.component.section(&instances);
        let instance = self.indices.instances.insert();
        let mut exports = ComponentExportSection::new();
        exports.export(name, ComponentExportKind::Instance, instance, None);
        self.component.section(&exports);
        self.indices.instances.insert();
    }
}

fn kind_of(ty: ParsedTypeRef) -> wasmparser::ComponentExternalKind {
    use wasmparser::ComponentExternalKind as Kind;
    match ty {
        ParsedTypeRef::Module(_) => Kind::Module,
        ParsedTypeRef::Func(_) => Kind::Func,
        ParsedTypeRef::Value(_) => Kind::Value,
        ParsedTypeRef::Type(_) => Kind::Type,
        ParsedTypeRef::Instance(_) => Kind::Instance,
        ParsedTypeRef::Component(_) => Kind::Component,
    }
}
