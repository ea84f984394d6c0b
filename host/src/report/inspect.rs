//! What a WebAssembly file is, and what it asks for.

use crate::{
    report::picture::PictureFormat,
    sandbox::authority::Authority,
    untrusted::{Name, Text},
    wasm::file::{Kind, ReadError, Wasm},
    wasm::signature,
    wasm::walk::{sections, top_level_sections},
    wasm::wit::Wit,
};
use serde::Serialize;
use std::fmt::{self, Write};
use wasmparser::{
    ComponentExternalKind, Payload, TypeRef, Validator, WasmFeatures,
    types::{EntityType, Types},
};

/// What is to be known of a file before it is composed or run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Component or core module.
    pub kind: ReportedKind,
    /// The size of the binary, in bytes.
    pub size: usize,
    /// The sizes of the core modules inside a component, in bytes, in the order they stand in.
    pub core_modules: Vec<usize>,
    /// The world of a component as WIT; a core module has none.
    pub wit: Option<String>,
    /// What it imports, in the order it stands in.
    pub imports: Vec<Import>,
    /// What it exports, in the order it stands in.
    pub exports: Vec<Export>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportedKind {
    /// A component.
    Component,
    /// A core module that carries its WIT world: it is made a component where one is needed.
    ModuleWithWorld,
    /// Any other core module.
    Module,
}

/// One import.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Import {
    /// Its name; `module.name` for a core module.
    pub name: String,
    /// Its type, for a core module; a component's is in its WIT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ty: Option<String>,
    /// Who meets it, for a component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met_by: Option<MetBy>,
    /// What it lets the component reach, in words, where that is authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reaches: Option<String>,
}

/// Who meets an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetBy {
    /// The host; it carries no authority of its own.
    Host,
    /// The host, as far as the component's sandbox grants.
    Grant,
    /// A plug.
    Plug,
}

/// One export.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Its type, for a core module; a component's is in its WIT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ty: Option<String>,
    /// Whether the host provides an interface of this name: as a plug, the component could stand
    /// between other components and the host, if it is allowed to
    /// ([`Part::virtualize`](crate::Part::virtualize)).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_of_host: bool,
}

/// Why a file could not be reported on.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the variants' fields are named in their messages"
)]
pub enum InspectError {
    /// The component's type cannot be told as WIT.
    #[error("failed to read the WIT of `{}`", Name(.origin))]
    Wit {
        origin: String,
        source: anyhow::Error,
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
                    source,
                })?;
            Ok(inspect_component(wasm.bytes(), wit).map_err(parse_error)?)
        }
        Kind::Module { embeds_world } => {
            let mut report = inspect_module(wasm.bytes()).map_err(parse_error)?;
            if embeds_world {
                report.kind = ReportedKind::ModuleWithWorld;
            }
            Ok(report)
        }
    }
}

fn inspect_component(bytes: &[u8], wit: String) -> wasmparser::Result<Report> {
    let mut report = Report {
        kind: ReportedKind::Component,
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
    let (met_by, reaches) = match Authority::of_import(&name.into()) {
        Authority::Shared => (MetBy::Host, None),
        Authority::Granted(grant) => (MetBy::Grant, Some(grant.to_string())),
        Authority::Network => (
            MetBy::Grant,
            Some("the network, which is refused".to_owned()),
        ),
        Authority::Foreign => (MetBy::Plug, None),
    };
    Import {
        name: name.to_owned(),
        ty: None,
        met_by: Some(met_by),
        reaches,
    }
}

fn inspect_module(bytes: &[u8]) -> wasmparser::Result<Report> {
    let types = Validator::new_with_features(WasmFeatures::default()).validate_all(bytes)?;
    let mut report = Report {
        kind: ReportedKind::Module,
        size: bytes.len(),
        core_modules: Vec::new(),
        wit: None,
        imports: Vec::new(),
        exports: Vec::new(),
    };
    for payload in top_level_sections(bytes) {
        match payload? {
            Payload::ImportSection(section) => {
                // The counts are true: the module is valid.
                report.imports.reserve_exact(section.count() as usize);
                for import in section.into_imports() {
                    let import = import?;
                    report.imports.push(Import {
                        name: format!("{}.{}", import.module, import.name),
                        ty: Some(imported_type(&types, import.ty)),
                        met_by: None,
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
            ReportedKind::Component => {
                let modules: Vec<_> = self.core_modules.iter().map(ToString::to_string).collect();
                writeln!(f, "component of {} bytes", self.size)?;
                match modules.as_slice() {
                    [] => writeln!(f, "no core modules")?,
                    modules => writeln!(f, "core modules of {} bytes", modules.join(", "))?,
                }
            }
            ReportedKind::ModuleWithWorld => {
                writeln!(
                    f,
                    "core module of {} bytes that carries its WIT world",
                    self.size
                )?;
            }
            ReportedKind::Module => writeln!(f, "core module of {} bytes", self.size)?,
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
    /// A picture of what a component asks for: by plugs, and of the host.
    pub fn mermaid(&self) -> String {
        let mut picture = String::from("graph LR\n  c[\"component\"]\n");
        let needs = self
            .imports
            .iter()
            .filter(|import| import.met_by != Some(MetBy::Host));
        for (number, import) in needs.enumerate() {
            // Writing to a string cannot fail.
            let _ = match &import.reaches {
                Some(reaches) => writeln!(picture, "  c -.-> n{number}([\"{reaches}\"])"),
                None => writeln!(
                    picture,
                    "  c -- \"{}\" --> n{number}[\"plug\"]",
                    PictureFormat::Mermaid.label(&import.name)
                ),
            };
        }
        picture
    }

    fn fmt_needs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nto be met by plugs:")?;
        let by_plugs = || {
            self.imports
                .iter()
                .filter(|import| import.met_by == Some(MetBy::Plug))
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
