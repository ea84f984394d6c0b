//! A composition: a binary, its parts, and what satisfies their imports.

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
    /// A component that stays alone.
    pub(super) fn of_one(socket: &Part) -> Result<Self, ComposeError> {
        let bytes = socket.component.bytes();
        let imports = grants::top_level_imports(bytes).map_err(|source| ComposeError::Invalid {
            part: socket.name.clone(),
            source,
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
        Ok(Self::of_linked(socket, links))
    }

    /// A component that stays alone, with what satisfies its imports. Its binary stays as it is, so
    /// what the embedder provides is imported by its own name.
    pub(super) fn of_linked(socket: &Part, links: Vec<Link>) -> Self {
        let private = |link: &Link| {
            Some(PrivateImport {
                part: 0,
                import: link.import.clone(),
                provider: PrivateProvider::Embedder(link.host_interface()?.clone()),
                name: link.import.to_string(),
            })
        };
        let bytes = socket.component.bytes().to_owned();
        Self {
            layout: Layout::of_one(socket.name.clone(), &bytes),
            bytes,
            parts: vec![socket.name.clone()],
            private: links.iter().filter_map(private).collect(),
            links,
        }
    }

    /// The binary of the composed component. In [`Form::Granted`] it has not been validated.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Validates the binary, and says which part is to blame.
    pub fn validate(&self) -> Result<(), ComposeError> {
        let Err(error) = validate(&self.bytes) else {
            return Ok(());
        };
        Err(match self.layout.invalid_part(&self.bytes) {
            Some((part, source)) => ComposeError::Invalid { part, source },
            None => ComposeError::Encode {
                parts: self.parts.clone(),
                source: error.into(),
            },
        })
    }

    /// The names of the parts: the socket's, then the plugs'.
    pub fn parts(&self) -> &[PartName] {
        &self.parts
    }

    /// The imports that neither a plug satisfies nor the host provides, each with the part that has it.
    pub fn open_imports(&self) -> impl Iterator<Item = (&PartName, &ExternName)> {
        self.links
            .iter()
            .filter(|link| link.is_open())
            .map(|link| (&self.parts[link.importer], &link.import))
    }
}
