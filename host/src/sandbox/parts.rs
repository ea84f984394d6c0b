//! The sandboxes of all parts of a composition.

use super::{Sandbox, open::FileOperations};
use crate::names::part::PartName;
use std::collections::BTreeMap;

/// The sandboxes of all parts of a composition.
#[derive(Debug, Clone, Default)]
pub struct Sandboxes {
    /// The socket's: the component that is run.
    pub consumer: Sandbox,
    /// The plugs', by name. A plug that is missing here has an empty one.
    pub plugs: BTreeMap<PartName, Sandbox>,
    /// Where operations on files wait for the system, for all parts.
    pub file_operations: FileOperations,
}

impl Sandboxes {
    /// How many directories a part is granted at most.
    pub(crate) fn most_directories(&self) -> usize {
        let plugs = self.plugs.values();
        let counts = plugs.map(|sandbox| sandbox.preopens.len());
        counts.fold(self.consumer.preopens.len(), usize::max)
    }

    /// Whether any part is granted a directory in which it can make, change or remove files.
    pub fn grant_writing(&self) -> bool {
        std::iter::once(&self.consumer)
            .chain(self.plugs.values())
            .any(|sandbox| sandbox.writable_directories().next().is_some())
    }
}
