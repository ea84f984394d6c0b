//! Links: imports of parts, and their providers.

use crate::{
    host_interface::HostInterface,
    names::external::ExternName,
    sandbox::authority::{Authority, Grant},
};

/// An import and its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// The index of the part that imports.
    pub(crate) importer: usize,
    /// The import's name.
    pub(crate) import: ExternName,
    pub(crate) provider: Provider,
}

/// The provider of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Provider {
    /// The export of a part that comes later in the stack.
    Part {
        /// The index of that part.
        index: usize,
        /// The export's name, which may have another compatible version.
        export: ExternName,
    },
    /// The export of a part that comes later in the stack and runs in another store. The host forwards
    /// the calls.
    Isolated {
        /// The index of the unit that has the part.
        unit: usize,
        /// The index of that part in the whole stack.
        index: usize,
        /// The export's name, which may have another compatible version.
        export: ExternName,
    },
    /// The host, within the grants of the importer's sandbox.
    Host(Authority),
    /// The embedder, with an interface that it provides to the importer.
    Embedder(HostInterface),
    /// Nothing: the import stays an import of the composition.
    Nothing,
}

impl Provider {
    /// The provider of an import that no part satisfies.
    pub(crate) fn of_host(import: &ExternName) -> Self {
        match Authority::of_import(import) {
            Authority::Foreign => Self::Nothing,
            authority => Self::Host(authority),
        }
    }
}

impl Link {
    /// The authority of this import, if the host satisfies it.
    pub(crate) fn authority(&self) -> Option<Authority> {
        match self.provider {
            Provider::Host(authority) => Some(authority),
            _ => None,
        }
    }

    /// The index of the part that satisfies this import, and `true` if it does so in place of the host.
    pub(crate) fn part(&self) -> Option<(usize, bool)> {
        match self.provider {
            Provider::Part { index, .. } | Provider::Isolated { index, .. } => {
                let is_virtual = Authority::of_import(&self.import).is_provided_by_host();
                Some((index, is_virtual))
            }
            _ => None,
        }
    }

    /// The embedder's interface that satisfies this import.
    pub(crate) fn host_interface(&self) -> Option<&HostInterface> {
        match &self.provider {
            Provider::Embedder(interface) => Some(interface),
            _ => None,
        }
    }

    /// `true` if a part in another store satisfies this import.
    pub(crate) fn is_isolated(&self) -> bool {
        matches!(self.provider, Provider::Isolated { .. })
    }

    /// `true` if nothing satisfies this import.
    pub(crate) fn is_open(&self) -> bool {
        self.refusal() == Some(Refusal::Unknown)
    }

    /// The reason why a program with this import is refused; `None` if it is not. Every import without
    /// a known provider is refused.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        match self.provider {
            Provider::Nothing | Provider::Host(Authority::Foreign) => Some(Refusal::Unknown),
            Provider::Host(Authority::Network) if self.importer > 0 => Some(Refusal::NotForPlugs),
            Provider::Host(Authority::Shared | Authority::Granted(_) | Authority::Network)
            | Provider::Part { .. }
            | Provider::Isolated { .. }
            | Provider::Embedder(_) => None,
        }
    }
}

/// The reason why an import is not satisfied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Neither a part nor the host nor the embedder provides the interface.
    Unknown,
    /// The host provides the interface to the consumer only. If the parts share their imports, a plug's
    /// import of it is the consumer's.
    NotForPlugs,
}

/// An import of the composed component that belongs to one part alone, in
/// [`Form::Granted`](super::Form).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrivateImport {
    /// The index of the part. An import that the host grants belongs to a plug, and one that the
    /// embedder or an isolated plug satisfies to any part.
    pub(crate) part: usize,
    /// The name of the import in the part.
    pub(crate) import: ExternName,
    pub(crate) provider: PrivateProvider,
    /// The name of the import in the composed component.
    pub(crate) name: String,
}

/// The provider of a private import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PrivateProvider {
    /// The host, within the grants of the plug's sandbox.
    Grant(Grant),
    /// The embedder, with this interface.
    Embedder(HostInterface),
    /// The first part of another unit.
    Isolated {
        /// The index of the unit.
        unit: usize,
        /// The name of the export.
        export: ExternName,
    },
}
