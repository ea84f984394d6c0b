//! Pictures of a composition.

use super::{Composition, Link, Provider};
use std::{collections::HashMap, fmt::Write};

/// A language that pictures are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureFormat {
    /// Mermaid, which many Markdown viewers draw.
    Mermaid,
    /// Graphviz.
    Dot,
}

/// Arrows go from the part that imports to the part that exports, and for what is still open to a
/// node of its own. WASI is left out: every part imports some of it.
pub(super) fn draw(composition: &Composition, format: PictureFormat) -> String {
    let mut picture = String::from(match format {
        PictureFormat::Mermaid => "graph LR\n",
        PictureFormat::Dot => "digraph composition {\n  rankdir=LR;\n  node [shape=box];\n",
    });
    for (index, name) in composition.parts.iter().enumerate() {
        node(&mut picture, format, &format!("p{index}"), name.as_str());
    }
    let mut open: HashMap<&str, usize> = HashMap::new();
    for Link {
        importer,
        import,
        provider,
    } in &composition.links
    {
        let target = match provider {
            Provider::Part { index, .. } => format!("p{index}"),
            Provider::Host(_) => continue,
            Provider::Nothing => {
                let next = open.len();
                let index = *open.entry(import).or_insert(next);
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
            import,
            &target,
        );
    }
    if format == PictureFormat::Dot {
        picture.push_str("}\n");
    }
    picture
}

fn node(picture: &mut String, format: PictureFormat, id: &str, label: &str) {
    // Writing to a string cannot fail.
    let _ = match format {
        PictureFormat::Mermaid => writeln!(picture, "  {id}[\"{label}\"]"),
        PictureFormat::Dot => writeln!(picture, "  {id} [label=\"{label}\"];"),
    };
}

fn arrow(picture: &mut String, format: PictureFormat, from: &str, label: &str, to: &str) {
    let _ = match format {
        PictureFormat::Mermaid => writeln!(picture, "  {from} -- \"{label}\" --> {to}"),
        PictureFormat::Dot => writeln!(picture, "  {from} -> {to} [label=\"{label}\"];"),
    };
}
