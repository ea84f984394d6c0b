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

/// The languages that reports of what a part can reach are drawn in.
#[derive(Clone, Copy, ValueEnum)]
pub enum ReportGraphFormat {
    /// Mermaid, which many Markdown viewers draw.
    Mermaid,
}

impl From<GraphFormat> for PictureFormat {
    fn from(format: GraphFormat) -> Self {
        match format {
            GraphFormat::Mermaid => Self::Mermaid,
            GraphFormat::Dot => Self::Dot,
        }
    }
}
