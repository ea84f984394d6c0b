//! Components, and core modules that are turned into components when they are read.

use crate::wasm::{
    componentize::{ComponentizeError, componentize},
    file::{Kind, Wasm},
};
use std::path::Path;
use wasm_encoder::{ComponentSection, CustomSection};

/// A component and where it came from.
#[derive(Debug, Clone)]
pub struct Component {
    origin: String,
    bytes: Vec<u8>,
}

impl Component {
    pub(super) fn new(origin: String, bytes: Vec<u8>) -> Self {
        Self { origin, bytes }
    }

    /// Reads the component in the file at `path`. A core module that embeds its WIT world is turned
    /// into a component; any other core module is refused.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ComponentizeError> {
        Wasm::read(path)?.try_into()
    }

    /// The name of the component in messages: the path that it was read from.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The bytes of the component. They have not been validated.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A copy of the component with a custom section appended.
    pub(crate) fn with_section(&self, section: &CustomSection<'_>) -> Self {
        let mut component = self.clone();
        section.append_to_component(&mut component.bytes);
        component
    }
}

impl TryFrom<Wasm> for Component {
    type Error = ComponentizeError;

    fn try_from(wasm: Wasm) -> Result<Self, ComponentizeError> {
        match wasm.kind() {
            Kind::Component => {
                let (origin, bytes) = wasm.into_parts();
                Ok(Self { origin, bytes })
            }
            Kind::ModuleWithWorld => componentize(&wasm),
            Kind::Module => Err(ComponentizeError::CoreModule {
                origin: wasm.origin().to_owned(),
            }),
        }
    }
}
