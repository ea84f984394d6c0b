//! New indices for the items of a component into which others are inserted.

use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent};
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind, ExternalKind, types::TypesRef,
};

/// One index space.
#[derive(Debug, Default)]
pub(super) struct Space {
    /// The new index of each item of the original.
    kept: Vec<u32>,
    len: u32,
}

/// An item of the original.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    old: usize,
    /// Its new index.
    pub(super) index: u32,
}

impl Space {
    fn unchanged(len: u32) -> Self {
        Self {
            kept: (0..len).collect(),
            len,
        }
    }

    /// Adds an item of the original.
    pub(super) fn keep(&mut self) {
        let index = self.insert();
        self.kept.push(index);
    }

    /// Adds an item that the original does not have. Returns its index.
    pub(super) fn insert(&mut self) -> u32 {
        self.len += 1;
        self.len - 1
    }

    /// The last item of the original that was added.
    pub(super) fn last(&self) -> Option<Kept> {
        let old = self.kept.len().checked_sub(1)?;
        let index = *self.kept.get(old)?;
        Some(Kept { old, index })
    }

    /// Replaces an item of the original by one that has been inserted, for all that follows.
    pub(super) fn replace(&mut self, item: Kept, inserted: u32) {
        if let Some(index) = self.kept.get_mut(item.old) {
            *index = inserted;
        }
    }

    /// The number of items.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// The new index of an item. The original is valid, so it has the item.
    pub(super) fn of(&self, index: u32) -> u32 {
        self.kept.get(index as usize).copied().unwrap_or(u32::MAX)
    }
}

/// The index spaces of a component into which items are inserted.
#[derive(Debug, Default)]
pub(super) struct Renumber {
    /// The number of component and instance types around the item that is being encoded. Only their outer
    /// aliases refer to items of the component.
    depth: u32,
    pub(super) modules: Space,
    pub(super) core_instances: Space,
    pub(super) core_functions: Space,
    pub(super) types: Space,
    pub(super) instances: Space,
    pub(super) functions: Space,
}

impl Renumber {
    /// The index spaces of a component behind whose items others are added.
    pub(super) fn unchanged(types: TypesRef<'_>) -> Self {
        Self {
            depth: 0,
            modules: Space::unchanged(types.module_count()),
            core_instances: Space::unchanged(types.core_instance_count()),
            core_functions: Space::unchanged(types.function_count()),
            types: Space::unchanged(types.component_type_count()),
            instances: Space::unchanged(types.component_instance_count()),
            functions: Space::unchanged(types.component_function_count()),
        }
    }

    /// Adds an item of the original.
    pub(super) fn keep(&mut self, kind: ComponentExternalKind) {
        match kind {
            ComponentExternalKind::Module => self.modules.keep(),
            ComponentExternalKind::Func => self.functions.keep(),
            ComponentExternalKind::Type => self.types.keep(),
            ComponentExternalKind::Instance => self.instances.keep(),
            // Nothing is inserted into these index spaces.
            ComponentExternalKind::Component | ComponentExternalKind::Value => {}
        }
    }

    /// Adds the item of an alias of the original.
    pub(super) fn keep_alias(&mut self, alias: &ComponentAlias<'_>) {
        match alias {
            ComponentAlias::InstanceExport { kind, .. } => self.keep(*kind),
            ComponentAlias::CoreInstanceExport { kind, .. } => {
                if let ExternalKind::Func | ExternalKind::FuncExact = kind {
                    self.core_functions.keep();
                }
            }
            ComponentAlias::Outer { kind, .. } => match kind {
                ComponentOuterAliasKind::CoreModule => self.modules.keep(),
                ComponentOuterAliasKind::Type => self.types.keep(),
                ComponentOuterAliasKind::CoreType | ComponentOuterAliasKind::Component => {}
            },
        }
    }

    fn at(&self, depth: u32, space: &Space, index: u32) -> u32 {
        match depth == self.depth {
            true => space.of(index),
            false => index,
        }
    }
}

impl Reencode for Renumber {
    type Error = Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.at(0, &self.core_functions, index))
    }
}

impl ReencodeComponent for Renumber {
    fn component_type_index(&mut self, index: u32) -> u32 {
        self.at(0, &self.types, index)
    }

    fn component_instance_index(&mut self, index: u32) -> u32 {
        self.at(0, &self.instances, index)
    }

    fn component_func_index(&mut self, index: u32) -> u32 {
        self.at(0, &self.functions, index)
    }

    fn module_index(&mut self, index: u32) -> u32 {
        self.at(0, &self.modules, index)
    }

    fn instance_index(&mut self, index: u32) -> u32 {
        self.at(0, &self.core_instances, index)
    }

    fn outer_type_index(&mut self, _: u32, index: u32) -> Result<u32, Error> {
        Ok(index)
    }

    fn outer_component_type_index(&mut self, count: u32, index: u32) -> u32 {
        self.at(count, &self.types, index)
    }

    fn outer_component_index(&mut self, _: u32, index: u32) -> u32 {
        index
    }

    fn outer_module_index(&mut self, count: u32, index: u32) -> u32 {
        self.at(count, &self.modules, index)
    }

    fn push_depth(&mut self) {
        self.depth += 1;
    }

    fn pop_depth(&mut self) {
        self.depth -= 1;
    }
}
