//! Compositions: binaries, their parts, and the providers of their imports.

use super::{
    error::ComposeError,
    grants,
    isolation::Isolation,
    layout::Layout,
    link::{Link, PrivateImport, PrivateProvider, Provider},
    part::Part,
};
use crate::{
    names::{external::ExternName, part::PartName},
    wasm::validate::validate,
};

/// A composed component, and the plugs that are isolated from it.
#[derive(Debug, Clone)]
pub struct Composition {
    /// The consumer, then the plugs in the order of the stack.
    pub(crate) parts: Vec<PartName>,
    /// The links of all parts.
    pub(crate) links: Vec<Link>,
    /// The unit of the consumer, then one unit for each isolated plug in the order of the stack.
    pub(crate) units: Vec<Unit>,
}

/// A binary whose parts share a store.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) bytes: Vec<u8>,
    /// The parts. The first one is the consumer or an isolated plug.
    pub(crate) parts: Vec<PartName>,
    /// The links of these parts. The indices are those of the parts in this unit.
    pub(crate) links: Vec<Link>,
    pub(crate) private: Vec<PrivateImport>,
    pub(crate) layout: Layout,
    /// The settings of the isolated plug; `None` for the unit of the consumer.
    pub(crate) isolation: Option<Isolation>,
}

impl Unit {
    /// Makes a unit of one part from its links. The binary does not change, so it imports the
    /// embedder's interfaces by their own names.
    pub(super) fn single(part: &Part, links: Vec<Link>) -> Self {
        let private = |link: &Link| {
            Some(PrivateImport {
                part: 0,
                import: link.import.clone(),
                provider: PrivateProvider::Embedder(link.host_interface()?.clone()),
                name: link.import.to_string(),
            })
        };
        let bytes = part.component.bytes().to_owned();
        Self {
            layout: Layout::single(part.name.clone(), &bytes),
            bytes,
            parts: vec![part.name.clone()],
            private: links.iter().filter_map(private).collect(),
            links,
            isolation: part.isolation.clone(),
        }
    }

    fn validate(&self) -> Result<(), ComposeError> {
        let Err(error) = validate(&self.bytes) else {
            return Ok(());
        };
        Err(match self.layout.invalid_part(&self.bytes) {
            Some((part, source)) => ComposeError::Invalid {
                part,
                source: source.into(),
            },
            None => ComposeError::Encode {
                parts: self.parts.clone(),
                source: error.into(),
            },
        })
    }
}

impl Composition {
    /// Makes a composition of a consumer without plugs.
    pub(super) fn single(consumer: &Part) -> Result<Self, ComposeError> {
        let bytes = consumer.component.bytes();
        let imports = grants::top_level_imports(bytes).map_err(|source| ComposeError::Invalid {
            part: consumer.name.clone(),
            source: source.into(),
        })?;
        let link = |import: &str| {
            let import = ExternName::from(import);
            Link {
                importer: 0,
                provider: Provider::of_host(&import),
                import,
            }
        };
        let links: Vec<Link> = imports.into_iter().map(link).collect();
        Ok(Self {
            parts: vec![consumer.name.clone()],
            units: vec![Unit::single(consumer, links.clone())],
            links,
        })
    }

    /// The unit of the consumer.
    pub(crate) fn root(&self) -> &Unit {
        // `compose` makes no composition without a unit.
        &self.units[0]
    }

    /// The isolated plugs and their settings.
    pub(crate) fn isolated(&self) -> impl Iterator<Item = (&PartName, &Isolation)> {
        let units = self.units.iter();
        units.filter_map(|unit| Some((&unit.parts[0], unit.isolation.as_ref()?)))
    }

    /// The binary of the composed component, without the isolated plugs. In
    /// [`Form::Granted`](crate::Form::Granted) it has not been validated.
    pub fn bytes(&self) -> &[u8] {
        &self.root().bytes
    }

    /// Validates the binary, and those of the isolated plugs. The error names the part that is not
    /// valid.
    pub fn validate(&self) -> Result<(), ComposeError> {
        self.units.iter().try_for_each(Unit::validate)
    }

    /// The names of the parts: the consumer's, then the plugs' in the order of the stack.
    pub fn parts(&self) -> &[PartName] {
        &self.parts
    }

    /// The imports that nothing satisfies, each with the part that has it.
    pub fn open_imports(&self) -> impl Iterator<Item = (&PartName, &ExternName)> {
        self.links
            .iter()
            .filter(|link| link.is_open())
            .map(|link| (&self.parts[link.importer], &link.import))
    }
}
