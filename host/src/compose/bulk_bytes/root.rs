//! Rewriting the component around the parts.

use super::{edges::Edge, emitter::Emitter, part::Rewritten};
use crate::{
    compose::layout::{Layout, Moved},
    names::part::PartName,
    wasm::walk::top_level_sections,
};
use wasm_encoder::{ComponentExportKind, ComponentSectionId};
use wasmparser::{ComponentInstance, Payload};

/// Replaces parts by their rewritten forms, and connects them; `None` if the composed component is not
/// one that the composer makes.
pub(super) fn rewrite(
    bytes: &[u8],
    layout: &Layout,
    parts: &[PartName],
    rewritten: &[Option<Rewritten>],
    edges: &[Edge],
) -> Option<(Vec<u8>, Layout)> {
    let mut emitter = Emitter::new();
    let mut places = Vec::new();
    let mut moved = Vec::new();
    // The part of each component.
    let mut components: Vec<Option<usize>> = Vec::new();
    // The instance of each part.
    let mut instances: Vec<Option<u32>> = vec![None; parts.len()];
    for payload in top_level_sections(bytes) {
        match payload.ok()? {
            Payload::Version { .. } | Payload::End(_) => {}
            Payload::ComponentSection {
                unchecked_range, ..
            } => {
                let range = unchecked_range.start as usize..unchecked_range.end as usize;
                let name = layout.part_from(range.start);
                let part = name.and_then(|name| parts.iter().position(|part| part == name));
                components.push(part);
                let new = part.and_then(|part| rewritten[part].as_ref());
                let id = ComponentSectionId::Component.into();
                let place = match new {
                    Some(new) => {
                        let place = emitter.section(id, &new.bytes);
                        moved.extend(new.moved.iter().map(|of_part| Moved {
                            range: place.start + of_part.range.start
                                ..place.start + of_part.range.end,
                            from: of_part.from,
                        }));
                        place
                    }
                    None => emitter.copy(id, bytes, range).range,
                };
                places.extend(name.map(|name| (place, name.clone())));
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    let instance = instance.ok()?;
                    let part = match &instance {
                        ComponentInstance::Instantiate {
                            component_index, ..
                        } => components.get(*component_index as usize).copied().flatten(),
                        ComponentInstance::FromExports(_) => None,
                    };
                    let added = arguments(&mut emitter, part, edges, &instances)?;
                    let index = emitter.component_instance(instance, &added)?;
                    if let Some(part) = part {
                        instances[part] = Some(index);
                    }
                }
            }
            Payload::CustomSection(section) if section.name() == "component-name" => {}
            Payload::CustomSection(section) => {
                let range = section.range();
                let range = range.start as usize..range.end as usize;
                emitter.copy(0, bytes, range);
            }
            payload => emitter.renumber(payload)?,
        }
    }
    let bytes = emitter.finish();
    let layout = Layout::of_rewritten(&bytes, places, moved);
    Some((bytes, layout))
}

/// The arguments that a part gets in addition; `None` if a provider is not instantiated before it.
fn arguments<'e>(
    emitter: &mut Emitter,
    part: Option<usize>,
    edges: &'e [Edge],
    instances: &[Option<u32>],
) -> Option<Vec<(&'e str, u32)>> {
    let own = edges.iter().filter(|edge| Some(edge.importer) == part);
    own.map(|edge| {
        let provider = instances.get(edge.provider).copied().flatten()?;
        let kind = ComponentExportKind::Instance;
        let export = emitter.item_of(provider, kind, &edge.export);
        Some((edge.import.as_str(), export))
    })
    .collect()
}
