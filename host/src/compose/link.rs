//! Links: imports of parts, and what satisfies them.

use crate::{
    names::external::ExternName,
    sandbox::authority::{Authority, Grant},
};

/// An import and what satisfies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// The index of the part that imports.
    pub(crate) importer: usize,
    /// The import's name.
    pub(crate) import: ExternName,
    pub(crate) provider: Provider,
}

/// What satisfies an import.
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
    /// Nothing: it stays an import of the composition.
    Nothing,
}

impl Provider {
    /// What satisfies an import that no part does.
    pub(crate) fn of_host(import: &ExternName) -> Self {
        match Authority::of_import(import) {
            Authority::Foreign => Self::Nothing,
            authority => Self::Host(authority),
        }
    }
}

impl Link {
    /// What the host provides for this import, if it is the host that satisfies it.
    pub(crate) fn authority(&self) -> Option<Authority> {
        match self.provider {
            Provider::Host(authority) => Some(authority),
            _ => None,
        }
    }

    /// The part that satisfies this import, and whether it does so in the place of the host.
    pub(crate) fn part(&self) -> Option<(usize, bool)> {
        match self.provider {
            Provider::Part { index, .. } => {
                let is_virtual = Authority::of_import(&self.import).is_provided_by_host();
                Some((index, is_virtual))
            }
            _ => None,
        }
    }

    /// Whether nothing satisfies this import.
    pub(crate) fn is_open(&self) -> bool {
        self.provider == Provider::Nothing
    }
}

/// An import that one plug has for itself, in [`Form::Granted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrivateImport {
    /// The index of the plug.
    pub(crate) part: usize,
    /// The plug's own name for it.
    pub(crate) import: ExternName,
    /// What is to be granted.
    pub(crate) grant: Grant,
    /// The name of the import of the composed component.
    pub(crate) name: String,
}
