//! `--graph`: a picture in place of a report.

use clap::ValueEnum;
use wit_host::PictureFormat;

/// A language that pictures are written in.
#[derive(Clone, Copy, ValueEnum)]
pub enum GraphFormat {
    /// Mermaid, which many Markdown viewers draw.
    Mermaid,
    /// Graphviz.
    Dot,
}

impl From<GraphFormat> for PictureFormat {
    fn from(format: GraphFormat) -> Self {
        match format {
            GraphFormat::Mermaid => Self::Mermaid,
            GraphFormat::Dot => Self::Dot,
        }
    }
}
