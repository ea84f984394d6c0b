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
        /// The export's name, which may be of another version that is compatible.
        export: ExternName,
    },
    /// The host, as far as the importer's sandbox grants it.
    Host(Authority),
    /// The embedder, by an interface that the importer was given.
    Embedder(HostInterface),
    /// Nothing: it stays an import of the composition.
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

    /// The index of the part that satisfies this import, and `true` if it does so in the place of the host.
    pub(crate) fn part(&self) -> Option<(usize, bool)> {
        match self.provider {
            Provider::Part { index, .. } => {
                let is_virtual = Authority::of_import(&self.import).is_provided_by_host();
                Some((index, is_virtual))
            }
            _ => None,
        }
    }

    /// The interface of the embedder that satisfies this import.
    pub(crate) fn host_interface(&self) -> Option<&HostInterface> {
        match &self.provider {
            Provider::Embedder(interface) => Some(interface),
            _ => None,
        }
    }

    /// `true` if nothing satisfies this import.
    pub(crate) fn is_open(&self) -> bool {
        self.refusal() == Some(Refusal::Unknown)
    }

    /// The reason why a program with this import is refused. It fails closed: a program with an import
    /// without a known provider does not run.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        match self.provider {
            Provider::Nothing | Provider::Host(Authority::Foreign) => Some(Refusal::Unknown),
            Provider::Host(Authority::Network) if self.importer > 0 => Some(Refusal::NotForPlugs),
            Provider::Host(Authority::Shared | Authority::Granted(_) | Authority::Network)
            | Provider::Part { .. }
            | Provider::Embedder(_) => None,
        }
    }
}

/// The reason why an import is not satisfied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Neither a part nor the host nor the embedder provides it.
    Unknown,
    /// The host provides it to the consumer only. Where parts share their imports, a plug's is the
    /// consumer's.
    NotForPlugs,
}

/// An import of the composed component that one part has for itself, in
/// [`Form::Granted`](super::Form).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrivateImport {
    /// The index of the part: a plug, or for an interface of the embedder any part.
    pub(crate) part: usize,
    /// The part's own name for it.
    pub(crate) import: ExternName,
    pub(crate) provider: PrivateProvider,
    /// The name of the import of the composed component.
    pub(crate) name: String,
}

/// The provider of a private import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PrivateProvider {
    /// The host, from the sandbox of the plug.
    Grant(Grant),
    /// The embedder.
    Embedder(HostInterface),
}
