//! Pictures: graphs written as Mermaid or for Graphviz.

use crate::{
    compose::{composition::Composition, link::Provider},
    untrusted::Name,
};
use std::{
    collections::HashMap,
    fmt::{self, Display, Write},
};

/// A language for pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PictureFormat {
    /// Mermaid, which many Markdown viewers draw.
    Mermaid,
    /// The DOT language of Graphviz.
    Dot,
}

/// A writer of pictures. It escapes every label.
pub(super) struct Graph {
    format: PictureFormat,
    text: String,
}

impl Graph {
    pub(super) fn new(format: PictureFormat) -> Self {
        let text = match format {
            PictureFormat::Mermaid => "graph LR\n",
            PictureFormat::Dot => "digraph composition {\n  rankdir=LR;\n  node [shape=box];\n",
        };
        Self {
            format,
            text: text.to_owned(),
        }
    }

    /// Adds a node for a component, the host or the embedder.
    pub(super) fn node(&mut self, id: impl Display, label: &str) {
        let label = self.format.label(label);
        match self.format {
            PictureFormat::Mermaid => self.line(format_args!("{id}[\"{label}\"]")),
            PictureFormat::Dot => self.line(format_args!("{id} [label=\"{label}\"];")),
        }
    }

    /// Adds an arrow from the node that imports to the node that exports.
    pub(super) fn arrow(&mut self, from: impl Display, label: &str, to: impl Display) {
        let label = self.format.label(label);
        match self.format {
            PictureFormat::Mermaid => self.line(format_args!("{from} -- \"{label}\" --> {to}")),
            PictureFormat::Dot => self.line(format_args!("{from} -> {to} [label=\"{label}\"];")),
        }
    }

    /// Adds a round node for a thing that a component can reach, and a dotted arrow to it.
    pub(super) fn reach(&mut self, from: impl Display, id: impl Display, label: &str) {
        let label = self.format.label(label);
        match self.format {
            PictureFormat::Mermaid => self.line(format_args!("{from} -.-> {id}([\"{label}\"])")),
            PictureFormat::Dot => {
                self.line(format_args!("{id} [label=\"{label}\", style=rounded];"));
                self.line(format_args!("{from} -> {id} [style=dotted];"));
            }
        }
    }

    /// Returns the whole picture.
    pub(super) fn finish(mut self) -> String {
        if self.format == PictureFormat::Dot {
            self.text.push_str("}\n");
        }
        self.text
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "  {line}");
    }
}

impl PictureFormat {
    /// The escaped form of a text for a quoted label: the text can neither end the label nor format it.
    fn label(self, text: &str) -> String {
        let mut label = String::new();
        for c in Name(text).to_string().chars() {
            match (self, c) {
                (Self::Mermaid, '"') => label.push_str("#quot;"),
                (Self::Mermaid, '<') => label.push_str("#lt;"),
                (Self::Mermaid, '>') => label.push_str("#gt;"),
                (Self::Mermaid, '&') => label.push_str("#amp;"),
                (Self::Mermaid, '#') => label.push_str("#35;"),
                // A backtick would start a label in Markdown.
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
    /// Draws the parts. Each import is an arrow to the part or the host interface that satisfies it, or,
    /// if nothing satisfies it, to a node of its own. Imports that the host satisfies are left out,
    /// because nearly every part has some.
    pub fn picture(&self, format: PictureFormat) -> String {
        let mut graph = Graph::new(format);
        for (index, name) in self.parts.iter().enumerate() {
            graph.node(format_args!("p{index}"), name.as_str());
        }
        let mut open: HashMap<&str, usize> = HashMap::new();
        let mut host = HostNodes::default();
        for link in &self.links {
            let import = link.import.as_str();
            let target = match &link.provider {
                Provider::Part { index, .. } | Provider::Isolated { index, .. } => {
                    format!("p{index}")
                }
                Provider::Host(_) => continue,
                Provider::Embedder(interface) => {
                    host.add(&mut graph, interface.provider_description())
                }
                Provider::Nothing => {
                    let next = open.len();
                    let index = *open.entry(import).or_insert(next);
                    if index == next {
                        graph.node(format_args!("o{index}"), "open");
                    }
                    format!("o{index}")
                }
            };
            graph.arrow(format_args!("p{}", link.importer), import, target);
        }
        graph.finish()
    }
}

/// The nodes of providers of host interfaces.
#[derive(Default)]
pub(super) struct HostNodes {
    described: usize,
    has_embedder: bool,
}

impl HostNodes {
    /// Adds the node of a provider if the picture does not have it, and returns its id. A description does
    /// not tell whether two providers are the same, so each described one is a node of its own.
    pub(super) fn add(&mut self, graph: &mut Graph, description: Option<&str>) -> String {
        if let Some(description) = description {
            let id = format!("h{}", self.described);
            self.described += 1;
            graph.node(&id, description);
            return id;
        }
        if !self.has_embedder {
            self.has_embedder = true;
            graph.node(EMBEDDER, EMBEDDER);
        }
        EMBEDDER.to_owned()
    }
}

/// The node of an embedder that does not describe its providers.
const EMBEDDER: &str = "embedder";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_stays_between_its_quotation_marks() {
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
