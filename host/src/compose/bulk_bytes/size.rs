//! The size of a composed component, in modules and instances.

use crate::wasm::walk::sections;
use wasmparser::{ComponentAlias, ComponentExternalKind, ComponentTypeRef, Payload};

/// The engine's compiler tells only so many modules apart (an assertion in wasmtime 48, `AliasRegionKey`).
const MAX_MODULES: usize = 250;
/// The engine's validator takes so many instances in one component (`MAX_WASM_INSTANCES` of wasmparser 0.254).
const MAX_INSTANCES: usize = 1000;

/// `true` if the engine does not take a component with so many modules and instances.
pub(super) fn exceeds_engine(component: &[u8]) -> bool {
    count(component)
        .is_none_or(|(modules, instances)| modules > MAX_MODULES || instances > MAX_INSTANCES)
}

/// The number of modules, and the largest number of instances in one component.
fn count(component: &[u8]) -> Option<(usize, usize)> {
    let (mut modules, mut most) = (0, 0);
    // The numbers of instances in the components around the section.
    let mut around = Vec::new();
    for payload in sections(component) {
        let instances = match payload.ok()? {
            Payload::Version { .. } => {
                around.push(0);
                0
            }
            Payload::End(_) => {
                most = most.max(around.pop()?);
                continue;
            }
            Payload::ModuleSection { .. } => {
                modules += 1;
                0
            }
            Payload::InstanceSection(section) => section.count() as usize,
            Payload::ComponentInstanceSection(section) => section.count() as usize,
            Payload::ComponentImportSection(section) => section
                .into_iter()
                .filter(|import| {
                    let is_instance = |ty| matches!(ty, ComponentTypeRef::Instance(_));
                    import.as_ref().is_ok_and(|import| is_instance(import.ty))
                })
                .count(),
            Payload::ComponentExportSection(section) => section
                .into_iter()
                .filter(|export| {
                    let is_instance = |kind| kind == ComponentExternalKind::Instance;
                    export.as_ref().is_ok_and(|export| is_instance(export.kind))
                })
                .count(),
            Payload::ComponentAliasSection(section) => section
                .into_iter()
                .filter(|alias| {
                    let kind = ComponentExternalKind::Instance;
                    matches!(alias, Ok(ComponentAlias::InstanceExport { kind: of, .. }) if *of == kind)
                })
                .count(),
            _ => 0,
        };
        *around.last_mut()? += instances;
    }
    Some((modules, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_and_instances_are_counted_wherever_they_are() {
        let component = |items: &str| {
            let text = format!("(component {items})");
            wat::parse_str(text).expect("a component")
        };
        let modules = |count: usize| "(core module)".repeat(count);
        let inner = |count| format!("(component {})", modules(count));
        assert!(!exceeds_engine(&component(&format!(
            "{}{}",
            modules(150),
            inner(100)
        ))));
        assert!(exceeds_engine(&component(&format!(
            "{}{}",
            modules(150),
            inner(101)
        ))));
        let instances = |count| {
            format!(
                r#"(import "a:b/c" (instance $i (export "d" (instance))))
                (alias export $i "d" (instance $d))
                (export "a:b/e" (instance $i))
                (core module $m) {}"#,
                "(core instance (instantiate $m))".repeat(count)
            )
        };
        assert_eq!(count(&component(&instances(7))), Some((1, 10)));
        assert!(!exceeds_engine(&component(&format!(
            "(component {})",
            instances(997)
        ))));
        assert!(exceeds_engine(&component(&format!(
            "(component {})",
            instances(998)
        ))));
        assert!(exceeds_engine(b"damaged"));
    }
}
