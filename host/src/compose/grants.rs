//! The grant form: imports that carry authority, one for each plug.

use super::{ComposeError, Link, Part, PrivateImport, Provider};
use crate::{
    authority::{Authority, Grant},
    name::PartName,
};
use wac_graph::types::are_semver_compatible;
use wasmparser::{Parser, Payload};

/// The imports that each plug is to have for itself. It fails closed: what a plug imports and
/// neither is shared by all nor can be granted is an error.
pub(super) fn private_imports(
    parts: &[&Part],
    links: &[Link],
) -> Result<Vec<PrivateImport>, ComposeError> {
    let mut private: Vec<PrivateImport> = Vec::new();
    for link in links.iter().filter(|link| link.importer > 0) {
        let plug = &parts[link.importer].name;
        match link.provider {
            Provider::Part { .. } | Provider::Host(Authority::Shared) => {}
            Provider::Host(Authority::Granted(grant)) => {
                let is_same =
                    |other: &&PrivateImport| other.part == link.importer && other.grant == grant;
                let earlier = private.iter().filter(is_same).count();
                private.push(PrivateImport {
                    part: link.importer,
                    import: link.import.clone(),
                    grant,
                    name: private_name(plug, grant, earlier),
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
fn private_name(plug: &PartName, grant: Grant, earlier: usize) -> String {
    let interface = grant.interface();
    match earlier {
        0 => format!("{plug}:grant/{interface}"),
        _ => format!("{plug}:grant/{interface}-{}", earlier + 1),
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
    for expected in private {
        if !imports.contains(&expected.name.as_str()) {
            return Err(ComposeError::Unsound {
                wrong: "lacks",
                import: expected.name.clone(),
            });
        }
    }
    for import in imports {
        let is_private = private.iter().any(|expected| expected.name == import);
        let is_shared = Authority::of_import(import) == Authority::Shared;
        let is_the_sockets = links.iter().any(|link| {
            link.importer == 0
                && link.part().is_none()
                && are_semver_compatible(&link.import, import)
        });
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
