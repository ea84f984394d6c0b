//! The WIT of a component, decoded from its binary.

use crate::wasm::guarded::guarded;
use std::collections::BTreeMap;
use wit_component::WitPrinter;
use wit_parser::{
    InterfaceId, Resolve, WorldId, WorldItem, WorldKey,
    decoding::{DecodedWasm, decode},
};

/// The world of a component.
pub(crate) struct Wit {
    resolve: Resolve,
    world: WorldId,
}

/// A side of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Imports,
    Exports,
}

impl Wit {
    /// Reads the world of a component. Fails for a WIT package in binary form, which has no world,
    /// and for a component with types that WIT cannot express.
    pub(crate) fn of_component(bytes: &[u8]) -> anyhow::Result<Self> {
        match guarded(|| decode(bytes))? {
            DecodedWasm::Component(resolve, world) => Ok(Self { resolve, world }),
            DecodedWasm::WitPackage(..) => {
                anyhow::bail!("it is a WIT package in binary form, which has no world")
            }
        }
    }

    /// The world as WIT, without the definitions of WASI's interfaces, which are the same everywhere.
    pub(crate) fn print(&self) -> anyhow::Result<String> {
        guarded(|| self.print_unguarded())
    }

    fn print_unguarded(&self) -> anyhow::Result<String> {
        let root = self.resolve.worlds[self.world].package;
        let mut printer = WitPrinter::default();
        printer.emit_docs(false);
        let mut nested = Vec::new();
        for (id, package) in self.resolve.packages.iter() {
            if Some(id) != root && package.name.namespace != "wasi" {
                nested.push(id);
            }
        }
        let mut text = String::new();
        if let Some(root) = root {
            printer.print(&self.resolve, root, &[])?;
            text.push_str(String::from(std::mem::take(&mut printer.output)).trim_end());
        }
        for package in nested {
            printer.print_package(&self.resolve, package, false)?;
            text.push_str("\n\n");
            text.push_str(String::from(std::mem::take(&mut printer.output)).trim_end());
        }
        Ok(text)
    }

    /// The items of the interface that the world imports or exports as `name`: the name of each item
    /// and its WIT. Empty if there is no such interface.
    pub(crate) fn items(&self, side: Side, name: &str) -> BTreeMap<String, String> {
        self.interface(side, name)
            .map(|id| self.items_of(id))
            .unwrap_or_default()
    }

    fn interface(&self, side: Side, name: &str) -> Option<InterfaceId> {
        let world = &self.resolve.worlds[self.world];
        let items = match side {
            Side::Imports => &world.imports,
            Side::Exports => &world.exports,
        };
        items.iter().find_map(|(key, item)| match (key, item) {
            (WorldKey::Interface(id), _) if self.resolve.id_of(*id).as_deref() == Some(name) => {
                Some(*id)
            }
            (WorldKey::Name(key), WorldItem::Interface { id, .. }) if key == name => Some(*id),
            _ => None,
        })
    }

    fn items_of(&self, id: InterfaceId) -> BTreeMap<String, String> {
        let mut printer = WitPrinter::default();
        printer.emit_docs(false);
        // The printer fails only on types that WIT cannot express; such an interface has no items.
        if guarded(|| printer.print_interface(&self.resolve, id)).is_err() {
            return BTreeMap::new();
        }
        split_items(&String::from(printer.output))
    }
}

/// Splits the text of an interface at the lines that start an item: those that are not indented and
/// do not close one.
fn split_items(interface: &str) -> BTreeMap<String, String> {
    let mut items: Vec<String> = Vec::new();
    for line in interface.lines().filter(|line| !line.trim().is_empty()) {
        match items.last_mut() {
            Some(item) if line.starts_with([' ', '}', '@']) => {
                item.push('\n');
                item.push_str(line);
            }
            _ => items.push(line.to_owned()),
        }
    }
    items
        .into_iter()
        .map(|item| (item_name(&item), item))
        .collect()
}

/// `get` of `get: func(…)`, `error` of `enum error {`, `payload` of `type payload = list<u8>;`; a
/// `use` is its own name.
fn item_name(item: &str) -> String {
    if item.starts_with("use ") {
        return item.to_owned();
    }
    let head = item.split([':', '{', '=', ';']).next().unwrap_or(item);
    head.split_whitespace().last().unwrap_or(head).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_by_name() {
        let items = split_items(
            "enum error {\n  a,\n  b,\n}\n\ntype payload = list<u8>;\n\nset: func(key: string);\n",
        );
        assert_eq!(
            items.keys().collect::<Vec<_>>(),
            ["error", "payload", "set"]
        );
        assert_eq!(items["error"], "enum error {\n  a,\n  b,\n}");
        assert_eq!(items["set"], "set: func(key: string);");
    }
}
