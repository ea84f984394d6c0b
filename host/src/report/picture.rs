//! Pictures of a composition.

use crate::{
    compose::{
        composition::Composition,
        link::{Link, Provider},
    },
    untrusted::Name,
};
use std::{collections::HashMap, fmt::Write};

/// A language that pictures are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureFormat {
    /// Mermaid, which many Markdown viewers draw.
    Mermaid,
    /// Graphviz.
    Dot,
}

impl PictureFormat {
    /// A text as it stands between the quotes of a label, which it can neither end nor format.
    pub(crate) fn label(self, text: &str) -> String {
        let mut label = String::new();
        for c in Name(text).to_string().chars() {
            match (self, c) {
                (Self::Mermaid, '"') => label.push_str("#quot;"),
                (Self::Mermaid, '<') => label.push_str("#lt;"),
                (Self::Mermaid, '>') => label.push_str("#gt;"),
                (Self::Mermaid, '&') => label.push_str("#amp;"),
                (Self::Mermaid, '#') => label.push_str("#35;"),
                // It would start a label in Markdown.
                (Self::Mermaid, '`') => label.push_str("#96;"),
                (Self::Dot, '"') => label.push_str("\\\""),
                (Self::Dot, '\\') => label.push_str("\\\\"),
                (Self::Dot, '&') => label.push_str("&amp;"),
                _ => label.push(c),
            }
        }
        label
    }
}

impl Composition {
    /// A picture of which part meets which import of which other part.
    pub fn picture(&self, format: PictureFormat) -> String {
        draw(self, format)
    }
}

/// Arrows go from the part that imports to the part that exports, and for what is still open to a
/// node of its own. WASI is left out: every part imports some of it.
fn draw(composition: &Composition, format: PictureFormat) -> String {
    let mut picture = String::from(match format {
        PictureFormat::Mermaid => "graph LR\n",
        PictureFormat::Dot => "digraph composition {\n  rankdir=LR;\n  node [shape=box];\n",
    });
    for (index, name) in composition.parts.iter().enumerate() {
        node(&mut picture, format, &format!("p{index}"), name.as_str());
    }
    let mut open: HashMap<&str, usize> = HashMap::new();
    let mut has_embedder = false;
    for Link {
        importer,
        import,
        provider,
    } in &composition.links
    {
        let target = match provider {
            Provider::Part { index, .. } => format!("p{index}"),
            Provider::Host(_) => continue,
            Provider::Embedder(_) => {
                if !has_embedder {
                    node(&mut picture, format, EMBEDDER, "embedder");
                    has_embedder = true;
                }
                EMBEDDER.to_owned()
            }
            Provider::Nothing => {
                let next = open.len();
                let index = *open.entry(import.as_str()).or_insert(next);
                if index == next {
                    node(&mut picture, format, &format!("o{index}"), "open");
                }
                format!("o{index}")
            }
        };
        arrow(
            &mut picture,
            format,
            &format!("p{importer}"),
            import.as_str(),
            &target,
        );
    }
    if format == PictureFormat::Dot {
        picture.push_str("}\n");
    }
    picture
}

/// The node of the embedder.
const EMBEDDER: &str = "embedder";

fn node(picture: &mut String, format: PictureFormat, id: &str, label: &str) {
    let label = format.label(label);
    // Writing to a string cannot fail.
    let _ = match format {
        PictureFormat::Mermaid => writeln!(picture, "  {id}[\"{label}\"]"),
        PictureFormat::Dot => writeln!(picture, "  {id} [label=\"{label}\"];"),
    };
}

fn arrow(picture: &mut String, format: PictureFormat, from: &str, label: &str, to: &str) {
    let label = format.label(label);
    let _ = match format {
        PictureFormat::Mermaid => writeln!(picture, "  {from} -- \"{label}\" --> {to}"),
        PictureFormat::Dot => writeln!(picture, "  {from} -> {to} [label=\"{label}\"];"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_stays_between_its_quotes() {
        let text = "url=<x\">]\n  p0[`#\\N&lt;\x1b";
        assert_eq!(
            PictureFormat::Mermaid.label(text),
            r"url=#lt;x#quot;#gt;]\u{a}  p0[#96;#35;\N#amp;lt;\u{1b}"
        );
        assert_eq!(
            PictureFormat::Dot.label(text),
            r#"url=<x\">]\\u{a}  p0[`#\\N&amp;lt;\\u{1b}"#
        );
    }
}
