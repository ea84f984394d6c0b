//! Walking a binary section by section. Function bodies, which are most of a binary, are skipped.

use wasmparser::{Chunk, Parser, Payload};

/// The sections of a binary, including those of the modules and components inside it.
pub(crate) fn sections(binary: &[u8]) -> Sections<'_> {
    Sections {
        rest: binary,
        parser: Some(Parser::new(0)),
        outer: Vec::new(),
        enters: true,
    }
}

/// The top-level sections of a binary. A module or component inside it is one section.
pub(crate) fn top_level_sections(binary: &[u8]) -> Sections<'_> {
    Sections {
        enters: false,
        ..sections(binary)
    }
}

/// Iterates over sections in their order. After an error the iterator ends.
///
/// Function bodies are never yielded, so damage inside a code section is not noticed.
pub(crate) struct Sections<'a> {
    rest: &'a [u8],
    /// `None` after the end and after an error.
    parser: Option<Parser>,
    /// The parsers of the components around the binary that is being read.
    outer: Vec<Parser>,
    enters: bool,
}

impl<'a> Sections<'a> {
    fn skip(&mut self, length: usize) {
        self.rest = self.rest.get(length..).unwrap_or_default();
    }
}

impl<'a> Iterator for Sections<'a> {
    type Item = wasmparser::Result<Payload<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut parser = self.parser.take()?;
        let payload = match parser.parse(self.rest, true) {
            Ok(Chunk::Parsed { consumed, payload }) => {
                self.skip(consumed);
                payload
            }
            // The parser has all bytes, so it never asks for more.
            Ok(Chunk::NeedMoreData(_)) => return None,
            Err(error) => return Some(Err(error)),
        };
        self.parser = match &payload {
            Payload::CodeSectionStart { size, .. } if *size as usize <= self.rest.len() => {
                parser.skip_section();
                self.skip(*size as usize);
                Some(parser)
            }
            Payload::ModuleSection {
                parser: inner,
                unchecked_range,
            }
            | Payload::ComponentSection {
                parser: inner,
                unchecked_range,
            } => {
                let length = (unchecked_range.end - unchecked_range.start) as usize;
                // A truncated module or component is entered, so that its parser reports the error.
                if self.enters || length > self.rest.len() {
                    self.outer.push(parser);
                    Some(inner.clone())
                } else {
                    self.skip(length);
                    Some(parser)
                }
            }
            Payload::End(_) => self.outer.pop(),
            _ => Some(parser),
        };
        Some(Ok(payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NESTED: &str = r#"(component
        (core module $m (func (export "f") (result i32) i32.const 1) (data "x"))
        (component
            (import "a" (func))
            (core module (import "m" "f" (func)) (func) (func))
            (component))
        (core instance (instantiate $m))
        (import "b" (func))
        (@custom "end" "x"))"#;

    fn seen(sections: Sections) -> Vec<String> {
        let kind_of_whole =
            |payload: wasmparser::Result<Payload>| kind(&payload.expect("it is whole"));
        sections.map(kind_of_whole).collect()
    }

    /// The name of the payload in the parser.
    fn kind(payload: &Payload) -> String {
        let shown = format!("{payload:?}");
        let end = shown.find(['(', ' ']).unwrap_or(shown.len());
        shown[..end].to_owned()
    }

    #[test]
    fn every_section_except_code_is_yielded_in_order() {
        let binary = wat::parse_str(NESTED).expect("valid text");
        let mut depth = 0;
        let (mut expected, mut at_top) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(&binary) {
            let payload = payload.expect("it is whole");
            if matches!(payload, Payload::CodeSectionEntry(_)) {
                continue;
            }
            expected.push(kind(&payload));
            if depth == 0 {
                at_top.push(kind(&payload));
            }
            match payload {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) if depth > 0 => depth -= 1,
                _ => {}
            }
        }
        assert_eq!(seen(sections(&binary)), expected);
        assert_eq!(seen(top_level_sections(&binary)), at_top);
    }

    #[test]
    fn a_truncated_binary_is_an_error_and_ends_the_walk() {
        let binary = wat::parse_str(NESTED).expect("valid text");
        let starts: Vec<_> = top_level_sections(&binary)
            .map(|payload| payload.expect("it is whole").as_section())
            .collect();
        let ends: Vec<_> = starts
            .into_iter()
            .flatten()
            .map(|(_, range)| range.end)
            .collect();
        for length in 0..binary.len() {
            for walk in [sections, top_level_sections] {
                let mut walk = walk(&binary[..length]);
                let failed = walk.any(|payload| payload.is_err());
                let is_whole = length == 8 || ends.contains(&(length as u64));
                assert_eq!(failed, !is_whole, "{length}");
                assert!(walk.next().is_none());
            }
        }
    }
}
