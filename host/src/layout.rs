//! Where each part of a composition stands in the composed binary, which holds them as they are.

use crate::{compose::Part, name::PartName, wasm};
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
