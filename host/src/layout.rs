//! Where each part of a composition stands in the composed binary, which holds them as they are.

use crate::{compose::Part, name::PartName, wasm};
use std::{borrow::Cow, ops::Range};
use wasm_encoder::CustomSection;
use wasmparser::{BinaryReaderError, Parser, Payload};

/// The same parts, none of which is another's equal: it says its name in a custom section then, which
/// means nothing to anybody else.
pub(crate) fn told_apart<'a>(parts: &[&'a Part]) -> Vec<Cow<'a, Part>> {
    let is_equal = |part: &Part, other: &&Part| part.component.bytes() == other.component.bytes();
    let told_apart = parts.iter().enumerate().map(|(index, part)| {
        if !parts[..index].iter().any(|other| is_equal(part, other)) {
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

/// The range of bytes of each part.
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
        // The encoder made the binary, so what does not parse is only what has ended.
        for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
            match payload {
                Payload::ComponentSection {
                    unchecked_range, ..
                } => {
                    let range = unchecked_range.start as usize..unchecked_range.end as usize;
                    let found = bytes.get(range.clone());
                    let is_here = |part: &&&Part| found == Some(part.component.bytes());
                    if depth == 0
                        && let Some(part) = parts.iter().find(is_here)
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

    /// A composed binary that is not at hand, from what [`places`](Self::places) gave for it.
    pub(crate) fn of_places(places: Vec<(Range<usize>, PartName)>) -> Self {
        Self(places)
    }

    /// The range of bytes of each part.
    pub(crate) fn places(&self) -> &[(Range<usize>, PartName)] {
        &self.0
    }

    /// The part that has the byte at this offset, and where in its own binary that is.
    pub(crate) fn part_at(&self, offset: usize) -> Option<(&PartName, usize)> {
        let place = self.0.iter().find(|(range, _)| range.contains(&offset));
        place.map(|(range, part)| (part, offset - range.start))
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
