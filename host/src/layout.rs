//! Where each part of a composition stands in the composed binary, which holds them as they are.

use crate::{compose::Part, name::PartName, wasm};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::HashMap, ops::Range};
use wasm_encoder::CustomSection;
use wasmparser::{BinaryReaderError, Parser, Payload};

/// The same parts, no two of which are equal byte for byte: a part that equals an earlier one gets a
/// custom section at its end, which has no meaning to anybody else.
///
/// A part can hold such sections already, made to equal what another part becomes, so it is what the
/// parts become that is compared.
pub(crate) fn told_apart<'a>(parts: &[&'a Part]) -> Vec<Cow<'a, Part>> {
    let mut told_apart: Vec<Cow<'a, Part>> = Vec::with_capacity(parts.len());
    // Few parts have the same length, so few are compared.
    let mut of_length: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, part) in parts.iter().enumerate() {
        let mut part = Cow::Borrowed(*part);
        loop {
            let bytes = part.component.bytes();
            let same_length = of_length.entry(bytes.len()).or_default();
            let is_taken = |earlier: &usize| told_apart[*earlier].component.bytes() == bytes;
            if !same_length.iter().any(is_taken) {
                same_length.push(index);
                break;
            }
            let section = CustomSection {
                name: "wit-host-part".into(),
                data: part.name.as_str().as_bytes().into(),
            };
            let component = part.component.with_section(&section);
            part.to_mut().component = component;
        }
        told_apart.push(part);
    }
    told_apart
}

/// Where in a binary its parts stand.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The range of bytes of each part, in ascending order.
    places: Vec<(Range<usize>, PartName)>,
    like_adapters: LikeAdapters,
}

/// The ranges of bytes of core modules that import what the engine's own adapters import, so that only
/// their place tells them from adapters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LikeAdapters(Vec<Range<usize>>);

impl LikeAdapters {
    /// What adapters import is in a module of this name.
    pub(crate) const MODULE: &str = "flags";

    fn of(binary: &[u8]) -> Self {
        let mut ranges = Vec::new();
        let mut module = 0..binary.len();
        for payload in Parser::new(0).parse_all(binary).map_while(Result::ok) {
            match payload {
                Payload::ModuleSection {
                    unchecked_range, ..
                } => module = unchecked_range.start as usize..unchecked_range.end as usize,
                Payload::ImportSection(imports) => {
                    let mut imports = imports.into_imports().flatten();
                    if imports.any(|import| import.module == Self::MODULE) {
                        ranges.push(module.clone());
                    }
                }
                _ => {}
            }
        }
        Self(ranges)
    }
}

impl Layout {
    /// A binary that is one part.
    pub(crate) fn of_one(part: PartName, bytes: &[u8]) -> Self {
        Self {
            places: vec![(0..bytes.len(), part)],
            like_adapters: LikeAdapters::of(bytes),
        }
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
        Self {
            places: layout,
            like_adapters: LikeAdapters::of(bytes),
        }
    }

    /// A binary that is not at hand, from what [`places`](Self::places) and
    /// [`like_adapters`](Self::like_adapters) gave for it.
    pub(crate) fn of_places(
        places: Vec<(Range<usize>, PartName)>,
        like_adapters: LikeAdapters,
    ) -> Self {
        Self {
            places,
            like_adapters,
        }
    }

    /// The range of bytes of each part.
    pub(crate) fn places(&self) -> &[(Range<usize>, PartName)] {
        &self.places
    }

    /// The modules of the parts that could be taken for adapters.
    pub(crate) fn like_adapters(&self) -> &LikeAdapters {
        &self.like_adapters
    }

    /// Whether the byte at this offset belongs to a module of a part that could be taken for an adapter.
    pub(crate) fn is_like_adapter(&self, offset: usize) -> bool {
        let mut ranges = self.like_adapters.0.iter();
        ranges.any(|range| range.contains(&offset))
    }

    /// The part that has the byte at this offset, and where in its own binary that is.
    pub(crate) fn part_at(&self, offset: usize) -> Option<(&PartName, usize)> {
        let next = self
            .places
            .partition_point(|(range, _)| range.end <= offset);
        let (range, part) = self.places.get(next)?;
        Some((part, offset.checked_sub(range.start)?))
    }

    /// The parts, with the binary of each.
    pub(crate) fn parts<'a>(
        &'a self,
        bytes: &'a [u8],
    ) -> impl Iterator<Item = (&'a PartName, &'a [u8])> {
        self.places
            .iter()
            .filter_map(|(range, part)| Some((part, bytes.get(range.clone())?)))
    }

    /// The first part that is not valid in itself, and what is wrong with it.
    pub(crate) fn invalid_part(&self, bytes: &[u8]) -> Option<(PartName, BinaryReaderError)> {
        self.parts(bytes)
            .find_map(|(part, bytes)| Some((part.clone(), wasm::validate(bytes).err()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compose::Form, compose::compose, wasm::Wasm};

    fn part(name: &str, text: &str) -> Part {
        let wasm = Wasm::parse(name, text.as_bytes().to_vec()).expect("valid text");
        Part::new(name, wasm.try_into().expect("a component")).expect("a name")
    }

    #[test]
    fn a_part_that_is_made_to_equal_another_is_told_apart_from_it() {
        const MIDDLEWARE: &str = r#"(component
            (import "test:own/inner" (instance $inner))
            (export "test:own/inner" (instance $inner)))"#;
        let consumer = part(
            "consumer",
            r#"(component (import "test:own/inner" (instance)))"#,
        );
        let first = part("first", MIDDLEWARE);
        let second = part("second", MIDDLEWARE);
        let as_told_apart = told_apart(&[&first, &second])[1].component.clone();
        let forged = Part::named("forged".parse().expect("a name"), as_told_apart);
        let innermost = part(
            "innermost",
            r#"(component (instance $own) (export "test:own/inner" (instance $own)))"#,
        );

        for plugs in [
            [
                first.clone(),
                second.clone(),
                forged.clone(),
                innermost.clone(),
            ],
            [forged, first, second, innermost],
        ] {
            let composition = compose(&consumer, &plugs, Form::Granted).expect("it fits");
            let mut found: Vec<&str> = composition
                .layout
                .parts(composition.bytes())
                .map(|(part, _)| part.as_str())
                .collect();
            found.sort_unstable();
            assert_eq!(
                found,
                ["consumer", "first", "forged", "innermost", "second"]
            );
        }
    }
}
