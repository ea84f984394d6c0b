//! Items of a component that refer to items of the component around it.

use crate::wasm::walk::sections;
use wasmparser::{
    ComponentAlias, ComponentOuterAliasKind, ComponentType, ComponentTypeDeclaration,
    InstanceTypeDeclaration, Payload,
};

/// `true` if a component inside this one refers to items of this one by their indices.
pub(super) fn refers_to_outer_items(component: &[u8]) -> wasmparser::Result<bool> {
    // The number of components and modules around the section.
    let mut depth = 0;
    for payload in sections(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            Payload::ComponentAliasSection(section) if depth > 0 => {
                for alias in section {
                    if refers_outside(&alias?, depth) {
                        return Ok(true);
                    }
                }
            }
            Payload::ComponentTypeSection(section) if depth > 0 => {
                for ty in section {
                    if type_refers_outside(&ty?, depth) {
                        return Ok(true);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(false)
}

fn refers_outside(alias: &ComponentAlias<'_>, depth: u32) -> bool {
    match alias {
        ComponentAlias::Outer { kind, count, .. } => {
            // The index spaces of components and core types do not change.
            let changes = matches!(
                kind,
                ComponentOuterAliasKind::Type | ComponentOuterAliasKind::CoreModule
            );
            changes && *count >= depth
        }
        _ => false,
    }
}

fn type_refers_outside(ty: &ComponentType<'_>, depth: u32) -> bool {
    match ty {
        ComponentType::Component(declarations) => declarations.iter().any(|one| match one {
            ComponentTypeDeclaration::Alias(alias) => refers_outside(alias, depth + 1),
            ComponentTypeDeclaration::Type(ty) => type_refers_outside(ty, depth + 1),
            _ => false,
        }),
        ComponentType::Instance(declarations) => declarations.iter().any(|one| match one {
            InstanceTypeDeclaration::Alias(alias) => refers_outside(alias, depth + 1),
            InstanceTypeDeclaration::Type(ty) => type_refers_outside(ty, depth + 1),
            _ => false,
        }),
        _ => false,
    }
}
