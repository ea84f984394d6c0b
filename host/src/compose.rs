//! Components composed into one.
//!
//! A *socket* is the component whose imports are to be met, *plugs* are the components that meet
//! them. Plugs are a stack, nearest to the socket first: an import is met by the first plug after
//! its component that exports the interface, and a plug's own imports by the plugs after it. So a
//! middleware, which imports and exports the same interface, works by standing in between.

mod grants;
mod mismatch;
mod picture;
mod stack;

pub use mismatch::{DifferentItem, Mismatch};
pub use picture::PictureFormat;

use crate::{
    authority::{Authority, Grant},
    componentize::Component,
    guarded::guarded,
    layout::{self, Layout},
    name::{InvalidName, PartName},
    untrusted::Name,
    wasm,
};
use stack::Stack;
use std::borrow::Cow;
use wac_graph::{CompositionGraph, EncodeOptions};

/// A component under the name that it has in a composition.
#[derive(Debug, Clone)]
pub struct Part {
    /// Unique among the parts of a composition.
    pub name: PartName,
    /// The component.
    pub component: Component,
}

impl Part {
    /// A component under a name.
    pub fn new(name: &str, component: Component) -> Result<Self, InvalidName> {
        Ok(Self {
            name: name.parse()?,
            component,
        })
    }
}

/// Which imports a composed component has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Equal imports of the parts are merged into one, so the result runs on any runtime and all
    /// parts have the same authority.
    Portable,
    /// Each plug imports what carries authority under names of its own, `NAME:grant/<interface>`,
    /// which this crate's [`Runtime`](crate::Runtime) meets from that plug's
    /// [`Sandbox`](crate::Sandbox) alone.
    Granted,
}

/// A composed component.
#[derive(Debug, Clone)]
pub struct Composition {
    pub(crate) bytes: Vec<u8>,
    pub(crate) parts: Vec<PartName>,
    pub(crate) links: Vec<Link>,
    pub(crate) private: Vec<PrivateImport>,
    pub(crate) layout: Layout,
}

/// An import and what meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// The index of the part that imports.
    pub(crate) importer: usize,
    /// The import's name.
    pub(crate) import: String,
    /// The index of the part that exports it, and the export's name; `None` where the import
    /// stays one of the whole composition.
    pub(crate) provider: Option<(usize, String)>,
}

/// An import that one plug has for itself, in [`Form::Granted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrivateImport {
    /// The index of the plug.
    pub(crate) part: usize,
    /// The plug's own name for it.
    pub(crate) import: String,
    /// What is to be granted.
    pub(crate) grant: Grant,
    /// The name of the import of the composed component.
    pub(crate) name: String,
}

/// Why components were not composed.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the variants' fields are named in their messages"
)]
pub enum ComposeError {
    /// Two parts have the same name.
    #[error("two components are named `{name}`; give one another name, as in `--plug NAME=FILE`")]
    SameName { name: PartName },
    /// A plug exports the interface in another shape than it is imported in.
    #[error(transparent)]
    Mismatch(Box<Mismatch>),
    /// A plug exports nothing that is imported before it.
    #[error("plug `{plug}` meets no import{}", fits_nothing(.exports, .open, .hint))]
    FitsNothing {
        plug: PartName,
        /// The names of its exports.
        exports: Vec<String>,
        /// Imports before it, apart from WASI's, that nothing meets.
        open: Vec<String>,
        /// The nearest candidate.
        hint: Option<String>,
    },
    /// A plug imports what carries authority and cannot be granted to a plug.
    #[error(
        "plug `{plug}` imports `{}`, which no plug after it exports and the host grants to no plug; plug a component that exports it after `{plug}`",
        Name(.import)
    )]
    NotGranted { plug: PartName, import: String },
    /// The type of a part is beyond what the composer understands.
    #[error("failed to read the type of `{part}`")]
    Type {
        part: PartName,
        source: anyhow::Error,
    },
    /// The parts fit by name, and yet the composer refused them.
    #[error("failed to compose {}", list(.parts))]
    Encode {
        parts: Vec<PartName>,
        source: anyhow::Error,
    },
    /// A part is not valid.
    #[error("`{part}` is damaged or uses features that are not supported here")]
    Invalid {
        part: PartName,
        source: wasmparser::BinaryReaderError,
    },
    /// The composed binary does not have the imports it should have, so it is not handed out.
    #[error(
        "the composed component {wrong} `{}`; this is a defect of the composer, please report it",
        Name(.import)
    )]
    Unsound { wrong: &'static str, import: String },
}

/// Composes `plugs` into the imports of `socket`. The same inputs give the same bytes.
///
/// Imports that no plug meets stay imports of the result. A plug that meets nothing, and a plug
/// that exports an imported interface in another shape, are errors. In [`Form::Portable`] the
/// result is valid; in [`Form::Granted`] that is left to whoever compiles it.
pub fn compose(socket: &Part, plugs: &[Part], form: Form) -> Result<Composition, ComposeError> {
    let composition = match plugs {
        [] => Composition::of_one(socket)?,
        plugs => compose_stack(socket, plugs, form)?,
    };
    if form == Form::Portable {
        composition.validate()?;
    }
    Ok(composition)
}

fn compose_stack(socket: &Part, plugs: &[Part], form: Form) -> Result<Composition, ComposeError> {
    let parts: Vec<&Part> = std::iter::once(socket).chain(plugs).collect();
    refuse_equal_names(&parts)?;
    let parts = layout::told_apart(&parts);
    let parts: Vec<&Part> = parts.iter().map(Cow::as_ref).collect();

    let mut graph = CompositionGraph::new();
    let stack = Stack::register(&mut graph, &parts)?;
    let links = stack.links(&graph, &parts)?;
    refuse_idle_plugs(&graph, &stack, &parts, &links)?;

    let private = match form {
        Form::Portable => Vec::new(),
        Form::Granted => grants::private_imports(&parts, &links)?,
    };
    let connect = || connect(&mut graph, &stack, &links, &private);
    let bytes = guarded(connect).map_err(|source| {
        let parts = parts.iter().map(|part| part.name.clone()).collect();
        ComposeError::Encode { parts, source }
    })?;
    if form == Form::Granted {
        grants::verify(&bytes, &parts, &links, &private)?;
    }
    Ok(Composition {
        layout: Layout::of_composed(&bytes, &parts),
        bytes,
        parts: parts.iter().map(|part| part.name.clone()).collect(),
        links,
        private,
    })
}

impl Composition {
    /// A component that stays alone.
    fn of_one(socket: &Part) -> Result<Self, ComposeError> {
        let bytes = socket.component.bytes().to_owned();
        let imports =
            grants::top_level_imports(&bytes).map_err(|source| ComposeError::Invalid {
                part: socket.name.clone(),
                source,
            })?;
        let open = |import: &str| Link {
            importer: 0,
            import: import.to_owned(),
            provider: None,
        };
        Ok(Self {
            links: imports.into_iter().map(open).collect(),
            layout: Layout::of_one(socket.name.clone(), bytes.len()),
            bytes,
            parts: vec![socket.name.clone()],
            private: Vec::new(),
        })
    }

    /// The binary of the composed component. In [`Form::Granted`] it has not been validated.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Validates the binary, and says which part is to blame.
    pub fn validate(&self) -> Result<(), ComposeError> {
        let Err(error) = wasm::validate(&self.bytes) else {
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

    /// A picture of which part meets which import of which other part.
    pub fn picture(&self, format: PictureFormat) -> String {
        picture::draw(self, format)
    }

    /// The imports that neither a plug meets nor the host provides, each with the part that has it.
    pub fn open_imports(&self) -> impl Iterator<Item = (&PartName, &str)> {
        self.links
            .iter()
            .filter(|link| link.provider.is_none())
            .filter(|link| !Authority::of_import(&link.import).is_provided_by_host())
            .map(|link| (&self.parts[link.importer], link.import.as_str()))
    }
}

fn refuse_equal_names(parts: &[&Part]) -> Result<(), ComposeError> {
    for (i, part) in parts.iter().enumerate() {
        if parts[..i].iter().any(|earlier| earlier.name == part.name) {
            return Err(ComposeError::SameName {
                name: part.name.clone(),
            });
        }
    }
    Ok(())
}

fn refuse_idle_plugs(
    graph: &CompositionGraph,
    stack: &Stack,
    parts: &[&Part],
    links: &[Link],
) -> Result<(), ComposeError> {
    for (index, part) in parts.iter().enumerate().skip(1) {
        let is_provider =
            |link: &Link| matches!(link.provider, Some((provider, _)) if provider == index);
        if links.iter().any(is_provider) {
            continue;
        }
        let exports: Vec<String> = stack.exports(graph, index).map(str::to_owned).collect();
        let open: Vec<String> = links
            .iter()
            .filter(|link| link.importer < index && link.provider.is_none())
            .filter(|link| !Authority::of_import(&link.import).is_provided_by_host())
            .map(|link| link.import.clone())
            .collect();
        let taken = links.iter().find_map(|link| match &link.provider {
            Some((provider, _)) if link.importer < index && exports.contains(&link.import) => {
                Some((&link.import, &parts[*provider].name))
            }
            _ => None,
        });
        let hint = match taken {
            Some((import, by)) => {
                let import = Name(import);
                Some(format!("`{import}` is met by `{by}`, which is nearer"))
            }
            None => mismatch::nearest(&exports, &open),
        };
        return Err(ComposeError::FitsNothing {
            plug: part.name.clone(),
            exports,
            open,
            hint,
        });
    }
    Ok(())
}

/// Builds the graph and encodes it.
fn connect(
    graph: &mut CompositionGraph,
    stack: &Stack,
    links: &[Link],
    private: &[PrivateImport],
) -> anyhow::Result<Vec<u8>> {
    let instances = stack.instantiate(graph);
    for link in links {
        if let Some((provider, export)) = &link.provider {
            let export = graph.alias_instance_export(instances[*provider], export)?;
            graph.set_instantiation_argument(instances[link.importer], &link.import, export)?;
        }
    }
    for import in private {
        let node = stack.import_privately(graph, import)?;
        graph.set_instantiation_argument(instances[import.part], &import.import, node)?;
    }
    let exports: Vec<String> = stack.exports(graph, 0).map(str::to_owned).collect();
    for name in exports {
        let export = graph.alias_instance_export(instances[0], &name)?;
        graph.export(export, &name)?;
    }
    let options = EncodeOptions {
        // That would be the second time, or the third.
        validate: false,
        ..EncodeOptions::default()
    };
    Ok(graph.encode(options)?)
}

fn list(names: &[PartName]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn fits_nothing(exports: &[String], open: &[String], hint: &Option<String>) -> String {
    let names = |names: &[String]| match names {
        [] => "nothing".to_owned(),
        names => names
            .iter()
            .map(|name| format!("`{}`", Name(name)))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let mut text = format!(
        ": it exports {}, and what is still to be met is {}",
        names(exports),
        names(open)
    );
    if let Some(hint) = hint {
        text.push_str("; ");
        text.push_str(hint);
    }
    text
}
