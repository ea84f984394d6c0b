//! Compositions: binaries, their parts, and the providers of their imports.

use super::{
    bulk_bytes::{self, EdgeFunction},
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
    /// The functions that one of these parts can call and another exports; empty before
    /// [`carry`](bulk_bytes::carry).
    pub(crate) functions: Vec<EdgeFunction>,
    /// The settings of the isolated plug; `None` for the unit of the consumer.
    pub(crate) isolation: Option<Isolation>,
}

/// A function that one part imports and another exports. The importer, or a component inside it, can call it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionBetweenParts {
    /// The part that imports the function.
    pub importer: PartName,
    /// The part that exports it.
    pub provider: PartName,
    /// The import of the interface that it is in.
    pub import: ExternName,
    /// The name of the function. It is not escaped.
    pub function: String,
    /// The reason why the bytes that it passes are always copied one by one; `None` if long lists are copied in
    /// one go.
    pub plain: Option<String>,
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
            functions: Vec::new(),
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

    /// Carries long byte lists between the parts as strings of another encoding, which the engine copies in one
    /// go. In [`Form::Granted`](crate::Form::Granted) that is always so.
    ///
    /// The result means the same as the original, and what it imports and exports does not change. If the
    /// composition is valid, the result is, because the code of the parts is copied unchanged. It runs on
    /// wasmtime; some other runtimes refuse the encoding `latin1+utf16`. Functions for which this is not possible
    /// stay as they are; [`functions_between_parts`](Self::functions_between_parts) says why.
    pub fn with_bulk_bytes(mut self) -> Self {
        let plain = |unit: &&mut Unit| unit.functions.is_empty();
        self.units
            .iter_mut()
            .filter(plain)
            .for_each(bulk_bytes::carry);
        self
    }

    /// The functions that one part can call and another exports in the same store. It is empty in
    /// [`Form::Portable`](crate::Form::Portable) without [`with_bulk_bytes`](Self::with_bulk_bytes).
    pub fn functions_between_parts(&self) -> impl Iterator<Item = FunctionBetweenParts> {
        self.units.iter().flat_map(|unit| {
            let functions = unit.functions.iter();
            functions.map(|function| FunctionBetweenParts {
                importer: unit.parts[function.importer].clone(),
                provider: unit.parts[function.provider].clone(),
                import: function.import.clone(),
                function: function.function.clone(),
                plain: function.obstacle.map(|obstacle| obstacle.to_string()),
            })
        })
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
