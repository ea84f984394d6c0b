//! Compositions: a binary, its parts, and the providers of their imports.

use super::{
    error::ComposeError,
    grants,
    layout::Layout,
    link::{Link, PrivateImport, PrivateProvider, Provider},
    part::Part,
};
use crate::{
    names::{external::ExternName, part::PartName},
    wasm::validate::validate,
};

/// A composed component.
#[derive(Debug, Clone)]
pub struct Composition {
    pub(crate) bytes: Vec<u8>,
    pub(crate) parts: Vec<PartName>,
    pub(crate) links: Vec<Link>,
    pub(crate) private: Vec<PrivateImport>,
    pub(crate) layout: Layout,
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
        let links = imports.into_iter().map(link).collect();
        Ok(Self::single_with_links(consumer, links))
    }

    /// Makes a composition of a consumer without plugs from its links. Its binary does not change, so
    /// it imports the embedder's interfaces by their own names.
    pub(super) fn single_with_links(consumer: &Part, links: Vec<Link>) -> Self {
        let private = |link: &Link| {
            Some(PrivateImport {
                part: 0,
                import: link.import.clone(),
                provider: PrivateProvider::Embedder(link.host_interface()?.clone()),
                name: link.import.to_string(),
            })
        };
        let bytes = consumer.component.bytes().to_owned();
        Self {
            layout: Layout::single(consumer.name.clone(), &bytes),
            bytes,
            parts: vec![consumer.name.clone()],
            private: links.iter().filter_map(private).collect(),
            links,
        }
    }

    /// The binary of the composed component. In [`Form::Granted`](crate::Form::Granted) it has not been
    /// validated.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Validates the binary. The error names the part that is not valid.
    pub fn validate(&self) -> Result<(), ComposeError> {
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
