//! Explanations of exports that do not fit imports.

use super::part::Part;
use crate::{
    names::{external::ExternName, part::PartName},
    untrusted::{Name, Text},
    wasm::wit::{Side, Wit},
};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::Hash,
};

/// An export and an import of the same name whose types do not fit.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Mismatch {
    /// The part that imports.
    pub importer: PartName,
    /// The name of the import.
    pub import: ExternName,
    /// The plug that exports.
    pub plug: PartName,
    /// The name of the export, which may have another compatible version.
    pub export: ExternName,
    /// The items of the interface that differ. Empty if WIT cannot express one of the two types.
    pub items: Vec<DifferentItem>,
    /// The first difference, in the words of the type checker. They quote both files.
    pub reason: String,
}

/// An item of an interface, a function or a type, that the import and the export define differently.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DifferentItem {
    /// The WIT of the imported item.
    pub expected: String,
    /// The WIT of the exported item; `None` if the plug exports no item of that name.
    pub found: Option<String>,
}

/// An export that nearly satisfies an import, or a nearer plug that already satisfies it. `Display`
/// writes a remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NearMiss {
    /// A nearer plug satisfies the import already.
    Nearer {
        /// The name of the import.
        import: ExternName,
        /// The plug that satisfies it.
        plug: PartName,
    },
    /// The export and the import are of one interface, in versions that are not compatible.
    Version {
        /// The name of the export.
        export: ExternName,
        /// The name of the import.
        import: ExternName,
    },
    /// The export and the import are interfaces of the same name in different packages.
    Package {
        /// The name of the export.
        export: ExternName,
        /// The name of the import.
        import: ExternName,
    },
}

impl Mismatch {
    pub(super) fn explain(
        importer: &Part,
        import: &ExternName,
        plug: &Part,
        export: &ExternName,
        reason: &anyhow::Error,
    ) -> Self {
        let items_of = |part: &Part, side, name| {
            Wit::of_component(part.component.bytes()).map(|wit| wit.items(side, name))
        };
        let items = match (
            items_of(importer, Side::Imports, import.as_str()),
            items_of(plug, Side::Exports, export.as_str()),
        ) {
            (Ok(expected), Ok(found)) => different(expected, &found),
            // WIT cannot express one of the types, so the checker's reason stands alone.
            _ => Vec::new(),
        };
        Self {
            importer: importer.name.clone(),
            import: import.clone(),
            plug: plug.name.clone(),
            export: export.clone(),
            items,
            reason: format!("{reason:#}"),
        }
    }
}

fn different(
    expected: BTreeMap<String, String>,
    found: &BTreeMap<String, String>,
) -> Vec<DifferentItem> {
    expected
        .into_iter()
        .filter(|(name, item)| found.get(name) != Some(item))
        .map(|(name, expected)| DifferentItem {
            expected,
            found: found.get(&name).cloned(),
        })
        .collect()
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            importer,
            plug,
            export,
            items,
            reason,
            ..
        } = self;
        write!(
            f,
            "plug `{plug}` exports `{}`, but not as `{importer}` imports it: {}; build both against the same WIT",
            Name(export),
            Name(reason)
        )?;
        for DifferentItem { expected, found } in items {
            write!(f, "\n  expected by `{importer}`:{}", Indented(expected))?;
            match found {
                Some(found) => write!(f, "\n  found in `{plug}`:{}", Indented(found))?,
                None => write!(f, "\n  found in `{plug}`: nothing of that name")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Mismatch {}

struct Indented<'a>(&'a str);

impl fmt::Display for Indented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .lines()
            .try_for_each(|line| write!(f, "\n    {}", Text(line)))
    }
}

impl NearMiss {
    /// Finds the first export that nearly satisfies an import.
    pub(super) fn find(exports: &[ExternName], imports: &[ExternName]) -> Option<Self> {
        if let Some((export, import)) = first_pair(exports, imports, without_version) {
            return Some(Self::Version {
                export: export.clone(),
                import: import.clone(),
            });
        }
        let by_last_label = |name: &ExternName| last_label(name).to_owned();
        let (export, import) = first_pair(exports, imports, by_last_label)?;
        Some(Self::Package {
            export: export.clone(),
            import: import.clone(),
        })
    }
}

impl fmt::Display for NearMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nearer { import, plug } => write!(
                f,
                "`{}` is satisfied by `{plug}`, which is nearer; leave one of them out",
                Name(import)
            ),
            Self::Version { export, import } => write!(
                f,
                "`{}` and `{}` are incompatible versions; build both against the same one",
                Name(export),
                Name(import)
            ),
            Self::Package { export, import } => write!(
                f,
                "`{}` and `{}` are different packages; build both against the same one",
                Name(export),
                Name(import)
            ),
        }
    }
}

/// The first export whose key equals that of an import, and that import.
fn first_pair<'a, K: Eq + Hash>(
    exports: &'a [ExternName],
    imports: &'a [ExternName],
    key: impl Fn(&ExternName) -> K,
) -> Option<(&'a ExternName, &'a ExternName)> {
    let mut by_key = HashMap::new();
    for import in imports {
        by_key.entry(key(import)).or_insert(import);
    }
    let mut exports = exports.iter();
    exports.find_map(|export| Some((export, *by_key.get(&key(export))?)))
}

fn without_version(name: &ExternName) -> ExternName {
    match name {
        ExternName::Interface(name) => name.without_version().into(),
        other => other.clone(),
    }
}

fn last_label(name: &ExternName) -> &str {
    match name {
        ExternName::Interface(name) => name.interface(),
        other => other.as_str(),
    }
}
