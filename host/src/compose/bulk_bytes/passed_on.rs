//! Functions that a component passes on from its arguments to its exports.

use crate::wasm::walk::top_level_sections;
use std::collections::HashMap;
use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentTypeRef, Payload,
};

/// The functions that a component exports unchanged: their names, and those of the arguments. Components
/// that only give names to the items of an interface are built in this way.
pub(super) fn passed_on(component: &[u8]) -> wasmparser::Result<HashMap<&str, &str>> {
    let mut functions: Vec<Option<&str>> = Vec::new();
    let mut found = HashMap::new();
    for payload in top_level_sections(component) {
        match payload? {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import?;
                    if let ComponentTypeRef::Func(_) = import.ty {
                        functions.push(Some(import.name.name));
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    if let ComponentAlias::InstanceExport {
                        kind: ComponentExternalKind::Func,
                        ..
                    } = alias?
                    {
                        functions.push(None);
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    if let CanonicalFunction::Lift { .. } = function? {
                        functions.push(None);
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for item in section {
                    let item = item?;
                    if item.kind == ComponentExternalKind::Func {
                        let origin = functions.get(item.index as usize).copied().flatten();
                        functions.push(origin);
                        found.extend(origin.map(|origin| (item.name.name, origin)));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(found)
}
