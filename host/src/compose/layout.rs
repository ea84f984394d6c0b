//! The position of each part in the composed binary, which contains the code of the parts unchanged.

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
    /// The code of the parts that were rewritten, in ascending order.
    moved: Vec<Moved>,
    like_adapters: LikeAdapters,
}

/// Bytes of a part that was rewritten, which are the same in its own binary. All other bytes of the part
/// were added or changed by the composer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moved {
    /// The range in the composed binary.
    pub(crate) range: Range<usize>,
    /// The start in the part's own binary.
    pub(crate) from: usize,
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
            moved: Vec::new(),
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
            moved: Vec::new(),
            like_adapters: LikeAdapters::of(bytes),
        }
    }

    /// The layout of a composed binary in which parts were rewritten.
    pub(crate) fn of_rewritten(
        bytes: &[u8],
        places: Vec<(Range<usize>, PartName)>,
        moved: Vec<Moved>,
    ) -> Self {
        Self {
            places,
            moved,
            like_adapters: LikeAdapters::of(bytes),
        }
    }

    /// The layout of a binary from its [`places`](Self::places), [`moved`](Self::moved) and
    /// [`like_adapters`](Self::like_adapters), without the binary.
    pub(crate) fn of_places(
        places: Vec<(Range<usize>, PartName)>,
        moved: Vec<Moved>,
        like_adapters: LikeAdapters,
    ) -> Self {
        Self {
            places,
            moved,
            like_adapters,
        }
    }

    /// The range of bytes of each part.
    pub(crate) fn places(&self) -> &[(Range<usize>, PartName)] {
        &self.places
    }

    /// The code of the parts that were rewritten.
    pub(crate) fn moved(&self) -> &[Moved] {
        &self.moved
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

    /// The part that starts at this offset.
    pub(crate) fn part_from(&self, start: usize) -> Option<&PartName> {
        let (range, part) = self.place_at(start)?;
        (range.start == start).then_some(part)
    }

    /// The part that contains the byte at this offset, and the offset in its own binary; without an offset
    /// if the composer has added the byte to the part.
    pub(crate) fn part_at(&self, offset: usize) -> Option<(&PartName, Option<usize>)> {
        let (place, part) = self.place_at(offset)?;
        let next = self
            .moved
            .partition_point(|moved| moved.range.end <= offset);
        let at_next = self.moved.get(next);
        if let Some(moved) = at_next.filter(|moved| moved.range.contains(&offset)) {
            return Some((part, moved.from.checked_add(offset - moved.range.start)));
        }
        let first = self
            .moved
            .partition_point(|moved| moved.range.end <= place.start);
        let first = self.moved.get(first);
        let is_rewritten = first.is_some_and(|moved| place.contains(&moved.range.start));
        Some((part, (!is_rewritten).then(|| offset - place.start)))
    }

    fn place_at(&self, offset: usize) -> Option<(&Range<usize>, &PartName)> {
        let next = self
            .places
            .partition_point(|(range, _)| range.end <= offset);
        let (range, part) = self.places.get(next)?;
        range.contains(&offset).then_some((range, part))
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

    /// The offset in a part's own binary of an offset in the binary that the composition has of the part.
    pub(crate) fn own_offset(&self, part: &PartName, offset: u64) -> u64 {
        let place = self.places.iter().find(|(_, name)| name == part);
        let at = place.and_then(|(place, _)| place.start.checked_add(offset as usize));
        let own = at.and_then(|at| self.part_at(at)?.1);
        own.map_or(offset, |own| own as u64)
    }

    /// The first part that is not valid by itself, and the validator's error.
    pub(crate) fn invalid_part(&self, bytes: &[u8]) -> Option<(PartName, BinaryReaderError)> {
        self.parts(bytes)
            .find_map(|(part, bytes)| Some((part.clone(), validate(bytes).err()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_of_a_rewritten_part_are_those_of_its_own_file() {
        let name = |text: &str| text.parse::<PartName>().expect("a name");
        let moved = |range, from| Moved { range, from };
        let layout = Layout::of_places(
            vec![(10..20, name("plain")), (30..60, name("rewritten"))],
            vec![moved(35..40, 8), moved(50..55, 13)],
            LikeAdapters::default(),
        );
        let at = |offset| layout.part_at(offset).map(|(part, at)| (part.as_str(), at));
        assert_eq!(at(12), Some(("plain", Some(2))));
        assert_eq!(at(36), Some(("rewritten", Some(9))));
        assert_eq!(at(50), Some(("rewritten", Some(13))));
        for added in [30, 34, 40, 49, 55, 59] {
            assert_eq!(at(added), Some(("rewritten", None)), "{added}");
        }
        for outside in [0, 9, 20, 29, 60] {
            assert_eq!(at(outside), None, "{outside}");
        }
        let starts = [10, 30, 31].map(|start| layout.part_from(start).map(PartName::as_str));
        assert_eq!(starts, [Some("plain"), Some("rewritten"), None]);
        assert_eq!(layout.own_offset(&name("rewritten"), 6), 9);
        assert_eq!(layout.own_offset(&name("plain"), 6), 6);
    }
}
