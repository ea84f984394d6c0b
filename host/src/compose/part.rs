//! The parts of a composition, before they are composed.

use super::isolation::Isolation;
use crate::{
    host_interface::HostInterface,
    names::{
        external::ExternName,
        interface::InterfaceName,
        part::{InvalidPartName, PartName},
    },
    wasm::component::Component,
};
use std::{borrow::Cow, collections::HashMap};
use wasm_encoder::CustomSection;

/// A component and its name in a composition.
#[derive(Debug, Clone)]
pub struct Part {
    /// The name of the part, which is unique in a composition.
    pub name: PartName,
    /// The component.
    pub component: Component,
    /// The interfaces of the host that the part may provide to the parts before it.
    pub(super) virtualizes: Vec<InterfaceName>,
    /// The interfaces that the embedder provides to this part alone.
    pub(super) provided: Vec<HostInterface>,
    /// The settings of a plug that runs in a store of its own.
    pub(super) isolation: Option<Isolation>,
}

impl Part {
    /// Makes a part from a name, which is parsed, and a component.
    pub fn new(name: &str, component: Component) -> Result<Self, InvalidPartName> {
        Ok(Self::named(name.parse()?, component))
    }

    /// Makes a part from a name that has been parsed, and a component.
    pub fn named(name: PartName, component: Component) -> Self {
        Self {
            name,
            component,
            virtualizes: Vec::new(),
            provided: Vec::new(),
            isolation: None,
        }
    }

    /// Allows this plug to satisfy the imports of the parts before it of `interface`, which the host
    /// provides: `wasi:random/random@0.2.6`, or `wasi:random/random` for any version.
    ///
    /// Without this permission, a plug that exports such an interface is refused, because it would
    /// stand unnoticed between those parts and the host. With `wasi:filesystem/types`, for example, it
    /// gets their open directories in every call. [`compose()`](crate::compose()) returns an error if
    /// this plug does not export the interface, if the host does not provide it, or if no part before
    /// this plug imports it.
    pub fn virtualize(mut self, interface: InterfaceName) -> Self {
        self.virtualizes.push(interface);
        self
    }

    /// Satisfies this part's import of the interface with functions in Rust. No other part of the
    /// composition reaches them, even if it imports the same interface.
    ///
    /// This is for [`Form::Granted`](crate::Form). In [`Form::Portable`](crate::Form) the import stays
    /// open, because the composed binary cannot contain Rust code.
    ///
    /// [`compose()`](crate::compose()) returns an error if the part does not import the interface, if a
    /// plug satisfies the import too, or if the host itself provides the interface.
    pub fn provide(mut self, interface: HostInterface) -> Self {
        self.provided.push(interface);
        self
    }

    /// Links this plug in a store of its own, with these settings. The host forwards the calls of its
    /// functions. Its place in the stack and its sandbox stay the same.
    ///
    /// Plugs that only this plug uses share its store. A call can pass values, and nothing with
    /// resources, streams or futures. [`compose()`](crate::compose()) returns an error if the plug
    /// exports resources to the parts before it, if a plug after it is used by parts in other stores
    /// too, or if the form is [`Form::Portable`](crate::Form), because a composed binary has one store.
    pub fn isolate(mut self, isolation: Isolation) -> Self {
        self.isolation = Some(isolation);
        self
    }

    /// The embedder's interface for an import: the one of the same name, or else the one of the latest
    /// compatible version.
    pub(super) fn provided_for(&self, import: &ExternName) -> Option<&HostInterface> {
        let by_name = self.provided.iter().find(|one| one.name() == import);
        by_name.or_else(|| {
            let compatible = |one: &&HostInterface| one.name().is_compatible_with(import);
            let compatible = self.provided.iter().filter(compatible);
            compatible.max_by_key(|one| one.name())
        })
    }

    /// `true` if a permission allows this plug to satisfy `import` with `export`.
    pub(super) fn may_virtualize(&self, import: &ExternName, export: &ExternName) -> bool {
        let is_allowed = |interface: &InterfaceName| {
            is_interface(import, interface) || is_interface(export, interface)
        };
        self.virtualizes.iter().any(is_allowed)
    }
}

/// `true` if `name` is a name of `interface`. An `interface` without a version stands for all its
/// versions.
pub(super) fn is_interface(name: &ExternName, interface: &InterfaceName) -> bool {
    name.interface().is_some_and(|name| interface.matches(name))
}

/// Returns the same parts without byte-identical ones: a part that equals an earlier one gets a custom
/// section at its end, which only this crate reads.
///
/// Parts are compared after such sections are added, because a file can already contain such a section,
/// and so equal the changed form of another part.
pub(super) fn made_distinct<'a>(parts: &[&'a Part]) -> Vec<Cow<'a, Part>> {
    let mut made_distinct: Vec<Cow<'a, Part>> = Vec::with_capacity(parts.len());
    // Only parts of the same length are compared, and few parts have the same length.
    let mut of_length: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, part) in parts.iter().enumerate() {
        let mut part = Cow::Borrowed(*part);
        loop {
            let bytes = part.component.bytes();
            let same_length = of_length.entry(bytes.len()).or_default();
            let is_taken = |earlier: &usize| made_distinct[*earlier].component.bytes() == bytes;
            if !same_length.iter().any(is_taken) {
                same_length.push(index);
                break;
            }
            let section = CustomSection {
                name: "wit-host-part".into(),
                data: part.name.as_str().as_bytes().into(),
            };
            let component = part.component.with_section(&section);
            part.to_mut().component = component;
        }
        made_distinct.push(part);
    }
    made_distinct
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compose::{Form, compose},
        wasm::file::Wasm,
    };

    fn part(name: &str, text: &str) -> Part {
        let wasm = Wasm::parse(name, text.as_bytes().to_vec()).expect("valid text");
        Part::new(name, wasm.try_into().expect("a component")).expect("a name")
    }

    #[test]
    fn a_part_that_is_made_to_equal_another_is_distinguished_from_it() {
        const MIDDLEWARE: &str = r#"(component
            (import "test:own/inner" (instance $inner))
            (export "test:own/inner" (instance $inner)))"#;
        let consumer = part(
            "consumer",
            r#"(component (import "test:own/inner" (instance)))"#,
        );
        let first = part("first", MIDDLEWARE);
        let second = part("second", MIDDLEWARE);
        let second_as_composed = made_distinct(&[&first, &second])[1].component.clone();
        let forged = Part::named("forged".parse().expect("a name"), second_as_composed);
        let innermost = part(
            "innermost",
            r#"(component (instance $own) (export "test:own/inner" (instance $own)))"#,
        );

        for plugs in [
            [
                first.clone(),
                second.clone(),
                forged.clone(),
                innermost.clone(),
            ],
            [forged, first, second, innermost],
        ] {
            let composition = compose(&consumer, &plugs, Form::Granted).expect("it fits");
            let mut found: Vec<&str> = composition
                .root()
                .layout
                .parts(composition.bytes())
                .map(|(part, _)| part.as_str())
                .collect();
            found.sort_unstable();
            assert_eq!(
                found,
                ["consumer", "first", "forged", "innermost", "second"]
            );
        }
    }
}
