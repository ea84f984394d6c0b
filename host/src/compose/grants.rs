//! The grant form: imports that carry authority, one for each plug.

use super::{ComposeError, Link, Part, PrivateImport, Provider};
use crate::{
    authority::{Authority, Grant},
    name::PartName,
};
use std::collections::{HashMap, HashSet};
use wac_graph::types::{NameMap, NameMapNoIntern};
use wasmparser::{Parser, Payload};

/// The imports that each plug is to have for itself. It fails closed: what a plug imports and
/// neither is shared by all nor can be granted is an error.
pub(super) fn private_imports(
    parts: &[&Part],
    links: &[Link],
) -> Result<Vec<PrivateImport>, ComposeError> {
    let mut private = Vec::new();
    let mut earlier: HashMap<(usize, Grant), u32> = HashMap::new();
    for link in links.iter().filter(|link| link.importer > 0) {
        let plug = &parts[link.importer].name;
        match link.provider {
            Provider::Part { .. } | Provider::Host(Authority::Shared) => {}
            Provider::Host(Authority::Granted(grant)) => {
                let count = earlier.entry((link.importer, grant)).or_insert(0);
                *count += 1;
                private.push(PrivateImport {
                    part: link.importer,
                    import: link.import.clone(),
                    grant,
                    name: private_name(plug, grant, *count),
                });
            }
            Provider::Host(Authority::Network | Authority::Foreign) | Provider::Nothing => {
                return Err(ComposeError::NotGranted {
                    plug: plug.clone(),
                    import: link.import.clone(),
                });
            }
        }
    }
    Ok(private)
}

/// The name has no version: the composer merges imports whose versions are compatible, and a plug may
/// import one interface in two of them.
fn private_name(plug: &PartName, grant: Grant, count: u32) -> String {
    let interface = grant.interface();
    match count {
        1 => format!("{plug}:grant/{interface}"),
        _ => format!("{plug}:grant/{interface}-{count}"),
    }
}

/// Checks the composed binary itself: it has every private import, and nothing else that carries
/// authority but what the socket imports.
pub(super) fn verify(
    bytes: &[u8],
    parts: &[&Part],
    links: &[Link],
    private: &[PrivateImport],
) -> Result<(), ComposeError> {
    let imports = top_level_imports(bytes).map_err(|source| ComposeError::Encode {
        parts: parts.iter().map(|part| part.name.clone()).collect(),
        source: source.into(),
    })?;
    let present: HashSet<&str> = imports.iter().copied().collect();
    if let Some(expected) = private
        .iter()
        .find(|expected| !present.contains(expected.name.as_str()))
    {
        return Err(ComposeError::Unsound {
            wrong: "lacks",
            import: expected.name.clone(),
        });
    }
    let private: HashSet<&str> = private
        .iter()
        .map(|expected| expected.name.as_str())
        .collect();
    let mut sockets = NameMap::default();
    for link in links
        .iter()
        .filter(|link| link.importer == 0 && link.part().is_none())
    {
        // Where shadowing is allowed, inserting cannot fail.
        let _ = sockets.insert(&link.import, &mut NameMapNoIntern, true, ());
    }
    for import in imports {
        let is_private = private.contains(import);
        let is_shared = Authority::of_import(import) == Authority::Shared;
        let is_the_sockets = sockets.get(import, &NameMapNoIntern).is_some();
        if !(is_private || is_shared || is_the_sockets) {
            return Err(ComposeError::Unsound {
                wrong: "also has",
                import: import.to_owned(),
            });
        }
    }
    Ok(())
}

pub(super) fn top_level_imports(component: &[u8]) -> wasmparser::Result<Vec<&str>> {
    let mut depth = 0;
    let mut imports = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import?.name.name);
                }
            }
            _ => {}
        }
    }
    Ok(imports)
}
