//! Where each part of a composition stands in the composed binary, which holds them as they are.

use crate::{compose::Part, name::PartName, wasm};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    ops::Range,
};
use wasm_encoder::CustomSection;
use wasmparser::{BinaryReaderError, Parser, Payload};

/// The same parts, none of which is another's equal: it says its name in a custom section then, which
/// means nothing to anybody else.
pub(crate) fn told_apart<'a>(parts: &[&'a Part]) -> Vec<Cow<'a, Part>> {
    // Few parts have the same length, so few are compared or hashed.
    let mut lengths = HashMap::new();
    for part in parts {
        *lengths.entry(part.component.bytes().len()).or_insert(0) += 1;
    }
    let mut earlier = HashSet::new();
    let told_apart = parts.iter().map(|part| {
        let bytes = part.component.bytes();
        if lengths[&bytes.len()] == 1 || earlier.insert(bytes) {
            return Cow::Borrowed(*part);
        }
        let name = CustomSection {
            name: "wit-host-part".into(),
            data: part.name.as_str().as_bytes().into(),
        };
        let mut part = Part::clone(part);
        part.component = part.component.with_section(&name);
        Cow::Owned(part)
    });
    told_apart.collect()
}

/// The range of bytes of each part, in ascending order.
#[derive(Debug, Clone)]
pub(crate) struct Layout(Vec<(Range<usize>, PartName)>);

impl Layout {
    /// A binary of so many bytes that is one part.
    pub(crate) fn of_one(part: PartName, length: usize) -> Self {
        Self(vec![(0..length, part)])
    }

    /// A composed binary.
    pub(crate) fn of_composed(bytes: &[u8], parts: &[&Part]) -> Self {
        let mut layout = Vec::new();
        let mut depth = 0;
        let mut by_length: HashMap<usize, Vec<&Part>> = HashMap::new();
        for part in parts {
            let length = part.component.bytes().len();
            by_length.entry(length).or_default().push(part);
        }
        // The encoder made the binary, so what does not parse is only what has ended.
        for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
            match payload {
                Payload::ComponentSection {
                    unchecked_range, ..
                } => {
                    let range = unchecked_range.start as usize..unchecked_range.end as usize;
                    if depth == 0
                        && let Some(found) = bytes.get(range.clone())
                        && let Some(same_length) = by_length.get(&found.len())
                        && let Some(part) = same_length
                            .iter()
                            .find(|part| part.component.bytes() == found)
                    {
                        layout.push((range.clone(), part.name.clone()));
                    }
                    depth += 1;
                }
                Payload::ModuleSection { .. } => depth += 1,
                Payload::End(_) if depth > 0 => depth -= 1,
                _ => {}
            }
        }
        Self(layout)
    }

    /// The part that has the byte at this offset, and where in its own binary that is.
    pub(crate) fn part_at(&self, offset: usize) -> Option<(&PartName, usize)> {
        let next = self.0.partition_point(|(range, _)| range.end <= offset);
        let (range, part) = self.0.get(next)?;
        Some((part, offset.checked_sub(range.start)?))
    }

    /// The parts, with the binary of each.
    pub(crate) fn parts<'a>(
        &'a self,
        bytes: &'a [u8],
    ) -> impl Iterator<Item = (&'a PartName, &'a [u8])> {
        self.0
            .iter()
            .filter_map(|(range, part)| Some((part, bytes.get(range.clone())?)))
    }

    /// The first part that is not valid in itself, and what is wrong with it.
    pub(crate) fn invalid_part(&self, bytes: &[u8]) -> Option<(PartName, BinaryReaderError)> {
        self.parts(bytes)
            .find_map(|(part, bytes)| Some((part.clone(), wasm::validate(bytes).err()?)))
    }
}
