//! What does not fit, explained.

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

/// An export that has the name of an import and another type.
#[derive(Debug)]
pub struct Mismatch {
    /// The component that imports, and the import's name.
    pub importer: (PartName, ExternName),
    /// The plug that exports, and the export's name.
    pub plug: (PartName, ExternName),
    /// The items of the interface that differ.
    pub items: Vec<DifferentItem>,
    /// The first difference, in the words of the type checker.
    pub reason: anyhow::Error,
}

/// An item of an interface, a function or a type, that is not on both sides the same.
#[derive(Debug)]
pub struct DifferentItem {
    /// Its WIT as imported.
    pub expected: String,
    /// Its WIT as exported; `None` where it is not.
    pub found: Option<String>,
}

impl Mismatch {
    pub(super) fn explain(
        importer: &Part,
        import: &ExternName,
        plug: &Part,
        export: &ExternName,
        reason: anyhow::Error,
    ) -> Self {
        let items_of = |part: &Part, side, name| {
            Wit::of_component(part.component.bytes()).map(|wit| wit.items(side, name))
        };
        let items = match (
            items_of(importer, Side::Imports, import.as_str()),
            items_of(plug, Side::Exports, export.as_str()),
        ) {
            (Ok(expected), Ok(found)) => different(expected, &found),
            // WIT cannot say one of the types, so the checker's reason stands alone.
            _ => Vec::new(),
        };
        Self {
            importer: (importer.name.clone(), import.clone()),
            plug: (plug.name.clone(), export.clone()),
            items,
            reason,
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
            items,
            reason,
        } = self;
        write!(
            f,
            "plug `{}` exports `{}`, but not as `{}` imports it: {}; build both against the same WIT",
            plug.0,
            Name(&plug.1),
            importer.0,
            Name(format_args!("{reason:#}"))
        )?;
        for item in items {
            write!(
                f,
                "\n  expected by `{}`:{}",
                importer.0,
                Indented(&item.expected)
            )?;
            match &item.found {
                Some(found) => write!(f, "\n  found in `{}`:{}", plug.0, Indented(found))?,
                None => write!(f, "\n  found in `{}`: nothing of that name", plug.0)?,
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

/// The export that comes nearest to an import that is open, in words.
pub(super) fn nearest(exports: &[ExternName], open: &[ExternName]) -> Option<String> {
    if let Some((export, import)) = same(exports, open, without_version) {
        let (export, import) = (Name(export), Name(import));
        return Some(format!(
            "`{export}` and `{import}` are incompatible versions; build both against the same one"
        ));
    }
    let (export, import) = same(exports, open, |name| last_label(name).to_owned())?;
    let (export, import) = (Name(export), Name(import));
    Some(format!(
        "`{export}` and `{import}` are different packages; build both against the same one"
    ))
}

/// The first export that has something in common with an import, and that import.
fn same<'a, K: Eq + Hash>(
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
