//! The position of each part in the composed binary, which contains the parts unchanged.

use super::part::Part;
use crate::{
    names::part::PartName,
    wasm::validate::validate,
    wasm::walk::{sections, top_level_sections},
};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, ops::Range};
use wasmparser::{BinaryReaderError, Payload};

/// The positions of the parts in a binary.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The range of bytes of each part, in ascending order.
    places: Vec<(Range<usize>, PartName)>,
    like_adapters: LikeAdapters,
}

/// The ranges of bytes of the core modules with the same imports as the engine's own adapters. Only
/// their position distinguishes them from adapters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LikeAdapters(Vec<Range<usize>>);

impl LikeAdapters {
    /// The name of the module from which adapters import.
    pub(crate) const MODULE: &str = "flags";

    fn of(binary: &[u8]) -> Self {
        let mut ranges = Vec::new();
        let mut module = 0..binary.len();
        for payload in sections(binary).map_while(Result::ok) {
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
    /// The layout of a binary that consists of one part.
    pub(crate) fn single(part: PartName, bytes: &[u8]) -> Self {
        Self {
            places: vec![(0..bytes.len(), part)],
            like_adapters: LikeAdapters::of(bytes),
        }
    }

    /// The layout of a composed binary.
    pub(crate) fn of_composed(bytes: &[u8], parts: &[&Part]) -> Self {
        let mut layout = Vec::new();
        let mut by_length: HashMap<usize, Vec<&Part>> = HashMap::new();
        for part in parts {
            let length = part.component.bytes().len();
            by_length.entry(length).or_default().push(part);
        }
        // The encoder wrote the binary, so it parses up to its end.
        for payload in top_level_sections(bytes).map_while(Result::ok) {
            let Payload::ComponentSection {
                unchecked_range, ..
            } = payload
            else {
                continue;
            };
            let range = unchecked_range.start as usize..unchecked_range.end as usize;
            if let Some(found) = bytes.get(range.clone())
                && let Some(same_length) = by_length.get(&found.len())
                && let Some(part) = same_length
                    .iter()
                    .find(|part| part.component.bytes() == found)
            {
                layout.push((range, part.name.clone()));
            }
        }
        Self {
            places: layout,
            like_adapters: LikeAdapters::of(bytes),
        }
    }

    /// The layout of a binary from its [`places`](Self::places) and
    /// [`like_adapters`](Self::like_adapters), without the binary.
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

    /// The modules of the parts that look like adapters.
    pub(crate) fn like_adapters(&self) -> &LikeAdapters {
        &self.like_adapters
    }

    /// `true` if the byte at this offset belongs to a module of a part that looks like an adapter.
    pub(crate) fn is_like_adapter(&self, offset: usize) -> bool {
        let mut ranges = self.like_adapters.0.iter();
        ranges.any(|range| range.contains(&offset))
    }

    /// The part that contains the byte at this offset, and the offset in its own binary.
    pub(crate) fn part_at(&self, offset: usize) -> Option<(&PartName, usize)> {
        let next = self
            .places
            .partition_point(|(range, _)| range.end <= offset);
        let (range, part) = self.places.get(next)?;
        Some((part, offset.checked_sub(range.start)?))
    }

    /// The parts, each with its own binary.
    pub(crate) fn parts<'a>(
        &'a self,
        bytes: &'a [u8],
    ) -> impl Iterator<Item = (&'a PartName, &'a [u8])> {
        self.places
            .iter()
            .filter_map(|(range, part)| Some((part, bytes.get(range.clone())?)))
    }

    /// The first part that is not valid by itself, and the validator's error.
    pub(crate) fn invalid_part(&self, bytes: &[u8]) -> Option<(PartName, BinaryReaderError)> {
        self.parts(bytes)
            .find_map(|(part, bytes)| Some((part.clone(), validate(bytes).err()?)))
    }
}
