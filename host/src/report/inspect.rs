//! Reports on WebAssembly files.

use crate::{
    report::picture::{Graph, PictureFormat},
    sandbox::authority::Authority,
    untrusted::{Name, Text},
    wasm::file::{Kind, ReadError, Wasm},
    wasm::signature,
    wasm::walk::{sections, top_level_sections},
    wasm::wit::Wit,
};
use serde::Serialize;
use std::{error::Error, fmt};
use wasmparser::{
    ComponentExternalKind, Payload, TypeRef, Validator, WasmFeatures,
    types::{EntityType, Types},
};

/// A report on a file before it is composed or run. It serializes to JSON with keys in kebab-case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Report {
    /// The kind of the file: component or core module.
    pub kind: Kind,
    /// The size of the binary, in bytes.
    pub size: usize,
    /// The sizes of the core modules inside a component, in bytes, in the order of the binary.
    pub core_modules: Vec<usize>,
    /// The world of a component as WIT; a core module has none.
    pub wit: Option<String>,
    /// The imports, in the order of the binary.
    pub imports: Vec<Import>,
    /// The exports, in the order of the binary.
    pub exports: Vec<Export>,
}

/// An import of a component or core module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Import {
    /// The name of the import; `module.name` for a core module.
    pub name: String,
    /// The type of a core module's import. A component's is in [`Report::wit`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ty: Option<String>,
    /// The expected provider of a component's import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub satisfied_by: Option<SatisfiedBy>,
    /// A description of the things that the component can reach through the import, if it carries
    /// authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reaches: Option<String>,
}

/// The provider that satisfies an import of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SatisfiedBy {
    /// The host, without authority.
    Host,
    /// The host, from the grants of the component's sandbox.
    Grant,
    /// A plug, or the embedder.
    Plug,
}

/// An export of a component or core module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Export {
    /// The name of the export.
    pub name: String,
    /// The type of a core module's export. A component's is in [`Report::wit`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ty: Option<String>,
    /// `true` if the host provides an interface of this name. With a permission
    /// ([`Part::virtualize`](crate::Part::virtualize)), the component could be a plug that stands
    /// between other components and the host.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_of_host: bool,
}

/// An error of [`inspect()`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// WIT cannot express the type of the component.
    #[error("failed to read the WIT of `{}`", Name(.origin))]
    Wit {
        /// The path of the file, or the name that was given to the input.
        origin: String,
        /// The error of the WIT library.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The binary is not valid.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Reports on a file.
pub fn inspect(wasm: &Wasm) -> Result<Report, InspectError> {
    let origin = || wasm.origin().to_owned();
    let parse_error = |error| ReadError::invalid(origin(), &error);
    match wasm.kind() {
        Kind::Component => {
            wasm.validate()?;
            let wit = Wit::of_component(wasm.bytes())
                .and_then(|wit| wit.print())
                .map_err(|source| InspectError::Wit {
                    origin: origin(),
                    source: source.into(),
                })?;
            Ok(inspect_component(wasm.bytes(), wit).map_err(parse_error)?)
        }
        kind => {
            let mut report = inspect_module(wasm.bytes()).map_err(parse_error)?;
            report.kind = kind;
            Ok(report)
        }
    }
}

fn inspect_component(bytes: &[u8], wit: String) -> wasmparser::Result<Report> {
    let mut report = Report {
        kind: Kind::Component,
        size: bytes.len(),
        core_modules: Vec::new(),
        wit: Some(wit),
        imports: Vec::new(),
        exports: Vec::new(),
    };
    for payload in sections(bytes) {
        if let Payload::ModuleSection {
            unchecked_range, ..
        } = payload?
        {
            let size = unchecked_range.end - unchecked_range.start;
            report.core_modules.push(size as usize);
        }
    }
    for payload in top_level_sections(bytes) {
        match payload? {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    report.imports.push(component_import(import?.name.name));
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind != ComponentExternalKind::Type {
                        let name = export.name.name;
                        report.exports.push(Export {
                            name: name.to_owned(),
                            ty: None,
                            is_of_host: Authority::of_import(&name.into()).is_provided_by_host(),
                        });
                    }
                }
            }
            _ => {}
        }
    }
    Ok(report)
}

fn component_import(name: &str) -> Import {
    let (satisfied_by, reaches) = match Authority::of_import(&name.into()) {
        Authority::Shared => (SatisfiedBy::Host, None),
        Authority::Granted(grant) => (SatisfiedBy::Grant, Some(grant.to_string())),
        Authority::Network => (
            SatisfiedBy::Grant,
            Some("the network, which is refused".to_owned()),
        ),
        Authority::Foreign => (SatisfiedBy::Plug, None),
    };
    Import {
        name: name.to_owned(),
        ty: None,
        satisfied_by: Some(satisfied_by),
        reaches,
    }
}

fn inspect_module(bytes: &[u8]) -> wasmparser::Result<Report> {
    let types = Validator::new_with_features(WasmFeatures::default()).validate_all(bytes)?;
    let mut report = Report {
        kind: Kind::Module,
        size: bytes.len(),
        core_modules: Vec::new(),
        wit: None,
        imports: Vec::new(),
        exports: Vec::new(),
    };
    for payload in top_level_sections(bytes) {
        match payload? {
            Payload::ImportSection(section) => {
                // A valid module has as many items as it declares.
                report.imports.reserve_exact(section.count() as usize);
                for import in section.into_imports() {
                    let import = import?;
                    report.imports.push(Import {
                        name: format!("{}.{}", import.module, import.name),
                        ty: Some(imported_type(&types, import.ty)),
                        satisfied_by: None,
                        reaches: None,
                    });
                }
            }
            Payload::ExportSection(section) => {
                report.exports.reserve_exact(section.count() as usize);
                for export in section {
                    let export = export?;
                    let ty = types.as_ref().entity_type_from_export(&export);
                    report.exports.push(Export {
                        name: export.name.to_owned(),
                        ty: ty.map(|ty| exported_type(&types, ty)),
                        is_of_host: false,
                    });
                }
            }
            _ => {}
        }
    }
    Ok(report)
}

fn imported_type(types: &Types, ty: TypeRef) -> String {
    match types.as_ref().entity_type_from_import(&wasmparser::Import {
        module: "",
        name: "",
        ty,
    }) {
        Some(ty) => exported_type(types, ty),
        None => "unknown".to_owned(),
    }
}

fn exported_type(types: &Types, ty: EntityType) -> String {
    match ty {
        EntityType::Func(id) | EntityType::FuncExact(id) => {
            let ty = types[id].unwrap_func();
            signature::function(ty.params().iter(), ty.results().iter())
        }
        EntityType::Table(table) => format!("table of {}", table.element_type),
        EntityType::Memory(memory) => match memory.maximum {
            Some(maximum) => format!("memory of {} to {maximum} pages", memory.initial),
            None => format!("memory of {} pages or more", memory.initial),
        },
        EntityType::Global(global) => format!("global {}", global.content_type),
        EntityType::Tag(_) => "tag".to_owned(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Component => {
                let modules: Vec<_> = self.core_modules.iter().map(ToString::to_string).collect();
                writeln!(f, "component of {} bytes", self.size)?;
                match modules.as_slice() {
                    [] => writeln!(f, "no core modules")?,
                    modules => writeln!(f, "core modules of {} bytes", modules.join(", "))?,
                }
            }
            Kind::ModuleWithWorld => {
                writeln!(
                    f,
                    "core module of {} bytes that embeds its WIT world",
                    self.size
                )?;
            }
            Kind::Module => writeln!(f, "core module of {} bytes", self.size)?,
        }
        if let Some(wit) = &self.wit {
            writeln!(f, "\n{}", Text(wit))?;
            self.fmt_needs(f)
        } else {
            self.fmt_core_items(f)
        }
    }
}

impl Report {
    /// Draws the imports of a component: interfaces that plugs satisfy, and authority.
    pub fn picture(&self, format: PictureFormat) -> String {
        let mut graph = Graph::new(format);
        graph.node("c", "component");
        let needs = self
            .imports
            .iter()
            .filter(|import| import.satisfied_by != Some(SatisfiedBy::Host));
        for (number, import) in needs.enumerate() {
            let id = format_args!("n{number}");
            if let Some(reaches) = &import.reaches {
                graph.reach("c", id, reaches);
            } else {
                graph.node(id, "plug");
                graph.arrow("c", &import.name, id);
            }
        }
        graph.finish()
    }

    fn fmt_needs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nto be satisfied by plugs:")?;
        let by_plugs = || {
            self.imports
                .iter()
                .filter(|import| import.satisfied_by == Some(SatisfiedBy::Plug))
        };
        if by_plugs().next().is_none() {
            writeln!(f, "  nothing")?;
        }
        for import in by_plugs() {
            writeln!(f, "  {}", Name(&import.name))?;
        }
        writeln!(f, "\nauthority it asks for:")?;
        let granted = || {
            self.imports
                .iter()
                .filter(|import| import.reaches.is_some())
        };
        if granted().next().is_none() {
            writeln!(f, "  none")?;
        }
        for import in granted() {
            let reaches = import.reaches.as_deref().unwrap_or_default();
            writeln!(f, "  {:40} {reaches}", Name(&import.name))?;
        }
        self.fmt_exports_of_host(f)
    }

    fn fmt_exports_of_host(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut exports = self.exports.iter().filter(|export| export.is_of_host);
        let Some(first) = exports.next() else {
            return Ok(());
        };
        writeln!(
            f,
            "\nwarning: it exports what the host provides; as a plug it would see and could change all that\ncomponents before it do through these interfaces:"
        )?;
        std::iter::once(first)
            .chain(exports)
            .try_for_each(|export| writeln!(f, "  {}", Name(&export.name)))
    }

    fn fmt_core_items(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Import { name, ty, .. } in &self.imports {
            let (name, ty) = (Name(name), ty.as_deref().unwrap_or_default());
            writeln!(f, "import {name}: {ty}")?;
        }
        for Export { name, ty, .. } in &self.exports {
            let (name, ty) = (Name(name), ty.as_deref().unwrap_or_default());
            writeln!(f, "export {name}: {ty}")?;
        }
        Ok(())
    }
}
