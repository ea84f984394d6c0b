//! The grant form: private imports. Each plug has imports of its own that carry authority, and each
//! part has imports of its own for the interfaces that the embedder or an isolated plug provides to it.

use super::{
    error::{ComposeError, ImportDefect},
    link::{Link, PrivateImport, PrivateProvider, Provider},
    part::Part,
};
use crate::{
    names::{external::ExternName, part::PartName},
    sandbox::authority::Authority,
    wasm::walk::top_level_sections,
};
use std::collections::{HashMap, HashSet};
use wac_graph::types::{NameMap, NameMapNoIntern};
use wasmparser::{Payload, names::KebabStr};

/// The private imports of all parts. An import of a plug that is neither shared nor grantable is an
/// error.
pub(super) fn private_imports(
    parts: &[&Part],
    links: &[Link],
) -> Result<Vec<PrivateImport>, ComposeError> {
    let mut private = Vec::new();
    let mut names = PrivateNames::default();
    for link in links {
        let part = &parts[link.importer].name;
        let is_of_plug = link.importer > 0;
        // Loading refuses such an import of the consumer.
        if is_of_plug && link.refusal().is_some() {
            return Err(ComposeError::NotGranted {
                plug: part.clone(),
                import: link.import.clone(),
            });
        }
        let (provider, name) = match &link.provider {
            Provider::Embedder(interface) => (
                PrivateProvider::Embedder(interface.clone()),
                names.unused(part, "host", label(&link.import)),
            ),
            Provider::Isolated { unit, export, .. } => (
                PrivateProvider::Isolated {
                    unit: *unit,
                    export: export.clone(),
                },
                names.unused(part, "host", label(&link.import)),
            ),
            Provider::Host(Authority::Granted(grant)) if is_of_plug => (
                PrivateProvider::Grant(*grant),
                names.unused(part, "grant", grant.interface()),
            ),
            Provider::Part { .. } | Provider::Host(_) | Provider::Nothing => continue,
        };
        private.push(PrivateImport {
            part: link.importer,
            import: link.import.clone(),
            provider,
            name,
        });
    }
    Ok(private)
}

/// The names of private imports.
///
/// The names have no version. The composer merges imports whose versions are compatible, but a part may
/// import one interface in two such versions. The second name is numbered.
#[derive(Default)]
struct PrivateNames {
    /// The names in use, in lower case and without hyphens, because validation ignores case and hyphens
    /// when it compares names.
    taken: HashSet<String>,
    /// The number of imports that were given each name.
    counts: HashMap<String, u32>,
}

impl PrivateNames {
    fn unused(&mut self, part: &PartName, package: &str, label: &str) -> String {
        let first = format!("{part}:{package}/{label}");
        let count = self.counts.entry(first.clone()).or_insert(0);
        loop {
            *count += 1;
            let name = match *count {
                1 => first.clone(),
                count => format!("{first}-{count}"),
            };
            let compared = name.replace('-', "").to_ascii_lowercase();
            if self.taken.insert(compared) {
                return name;
            }
        }
    }
}

/// The last label of the name of a private import.
fn label(import: &ExternName) -> &str {
    match import {
        ExternName::Interface(name) => name.interface(),
        other if KebabStr::new(other.as_str()).is_some() => other.as_str(),
        _ => "interface",
    }
}

/// Checks the composed binary itself: it has every private import, and no other import that carries
/// authority except those of the consumer. A part that is alone keeps its binary, in which an interface of
/// the embedder has its own name and not a private one.
pub(super) fn verify(
    bytes: &[u8],
    parts: &[&Part],
    links: &[Link],
    private: &[PrivateImport],
) -> Result<(), ComposeError> {
    let imports = top_level_imports(bytes).map_err(|source| ComposeError::Encode {
        parts: parts.iter().map(|part| part.name.clone()).collect(),
        source: source.into(),
    })?;
    let present: HashSet<&str> = imports.iter().copied().collect();
    if let Some(expected) = private
        .iter()
        .find(|expected| !present.contains(expected.name.as_str()))
    {
        return Err(ComposeError::Unsound {
            defect: ImportDefect::Missing,
            import: expected.name.as_str().into(),
        });
    }
    let keeps_binary = private.is_empty() && matches!(parts, [_]);
    let private: HashSet<&str> = private
        .iter()
        .map(|expected| expected.name.as_str())
        .collect();
    let mut of_consumer = NameMap::default();
    for link in links
        .iter()
        .filter(|link| link.importer == 0)
        .filter(|link| match link.provider {
            Provider::Host(_) | Provider::Nothing => true,
            Provider::Embedder(_) => keeps_binary,
            _ => false,
        })
    {
        // Inserting cannot fail, because shadowing is allowed.
        let _ = of_consumer.insert(link.import.as_str(), &mut NameMapNoIntern, true, ());
    }
    for import in imports {
        let is_private = private.contains(import);
        let is_shared = Authority::of_import(&import.into()) == Authority::Shared;
        let is_of_consumer = of_consumer.get(import, &NameMapNoIntern).is_some();
        if !(is_private || is_shared || is_of_consumer) {
            return Err(ComposeError::Unsound {
                defect: ImportDefect::Unexpected,
                import: import.into(),
            });
        }
    }
    Ok(())
}

pub(super) fn top_level_imports(component: &[u8]) -> wasmparser::Result<Vec<&str>> {
    let mut imports = Vec::new();
    for payload in top_level_sections(component) {
        if let Payload::ComponentImportSection(section) = payload? {
            for import in section {
                imports.push(import?.name.name);
            }
        }
    }
    Ok(imports)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        host_interface::HostInterface, sandbox::authority::Grant, wasm::component::Component,
        wasm::file::Wasm,
    };

    fn part(name: &str) -> Part {
        let empty = Wasm::parse(name, b"(component)".to_vec()).expect("valid text");
        Part::new(name, Component::try_from(empty).expect("a component")).expect("a name")
    }

    fn link(importer: usize, import: &str, provider: Option<usize>) -> Link {
        Link {
            importer,
            import: import.into(),
            provider: match provider {
                Some(index) => Provider::Part {
                    index,
                    export: import.into(),
                },
                None => Provider::of_host(&import.into()),
            },
        }
    }

    /// The links of a consumer and two plugs. The consumer and the first plug each have directories of
    /// their own, and the first plug imports an interface that the second one exports.
    fn links() -> Vec<Link> {
        vec![
            link(0, "wasi:filesystem/preopens@0.2.6", None),
            link(0, "wasi:io/streams@0.2.6", None),
            link(0, "test:numbers/number@1.0.0", Some(1)),
            link(0, "test:other/open@1.0.0", None),
            link(1, "wasi:filesystem/preopens@0.2.6", None),
            link(1, "wasi:io/streams@0.2.6", None),
            link(1, "wasi:cli/stdin@0.2.3", Some(2)),
        ]
    }

    const OWN: [&str; 4] = [
        "wasi:filesystem/preopens@0.2.6",
        "wasi:io/streams@0.2.6",
        "test:other/open@1.0.0",
        "plug:grant/preopens",
    ];

    /// The defect of a composed component with these imports.
    fn verdict(imports: &[&str]) -> Option<(ImportDefect, String)> {
        let imports = imports
            .iter()
            .map(|name| format!("(import \"{name}\" (instance))"));
        let text = format!("(component {})", imports.collect::<String>());
        verdict_on(&text)
    }

    fn verdict_on(text: &str) -> Option<(ImportDefect, String)> {
        let parts = [part("consumer"), part("plug"), part("last")];
        let parts: Vec<&Part> = parts.iter().collect();
        let links = links();
        let private = private_imports(&parts, &links).expect("all can be granted");
        let bytes = wat::parse_str(text).expect("valid text");
        match verify(&bytes, &parts, &links, &private) {
            Ok(()) => None,
            Err(ComposeError::Unsound { defect, import }) => Some((defect, import.to_string())),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_each_plug_has_for_itself_is_what_carries_authority_and_no_plug_exports() {
        let parts = [part("consumer"), part("plug"), part("last")];
        let parts: Vec<&Part> = parts.iter().collect();
        let private = private_imports(&parts, &links()).expect("all can be granted");
        let expected = PrivateImport {
            part: 1,
            import: "wasi:filesystem/preopens@0.2.6".into(),
            provider: PrivateProvider::Grant(Grant::Preopens),
            name: "plug:grant/preopens".to_owned(),
        };
        assert_eq!(private, [expected]);
    }

    #[test]
    fn private_names_are_apart_however_they_are_compared() {
        let mut names = PrivateNames::default();
        let part: PartName = "plug".parse().expect("a name");
        let asked = [
            "store", "store", "store-2", "STORE", "store2", "sto-re", "store",
        ];
        let given = asked.map(|label| names.unused(&part, "host", label));
        let labels = given.each_ref().map(|name| name.strip_prefix("plug:host/"));
        assert_eq!(
            labels.map(Option::unwrap_or_default),
            [
                "store",
                "store-2",
                "store-2-2",
                "STORE-3",
                "store2-3",
                "sto-re-4",
                "store-5"
            ]
        );
    }

    #[test]
    fn what_the_embedder_provides_is_each_parts_own() {
        let interface = HostInterface::new("a:b/store@1.0.0");
        let link = |importer, import: &str| Link {
            importer,
            import: import.into(),
            provider: Provider::Embedder(interface.clone()),
        };
        let links = [
            link(0, "a:b/store@1.0.0"),
            link(1, "a:b/store@1.0.0"),
            link(1, "a:b/store@1.1.0"),
            link(1, "url=<x>"),
        ];
        let parts = [part("consumer"), part("plug")];
        let parts: Vec<&Part> = parts.iter().collect();
        let private = private_imports(&parts, &links).expect("all are provided");
        let names: Vec<&str> = private.iter().map(|own| own.name.as_str()).collect();
        let expected = [
            "consumer:host/store",
            "plug:host/store",
            "plug:host/store-2",
            "plug:host/interface",
        ];
        assert_eq!(names, expected);

        let verdict = |imports: &[&str]| {
            let imports = imports
                .iter()
                .map(|name| format!("(import \"{name}\" (instance))"));
            let text = format!("(component {})", imports.collect::<String>());
            let bytes = wat::parse_str(text).expect("valid text");
            verify(&bytes, &parts, &links, &private)
        };
        assert!(verdict(&expected).is_ok());
        assert!(verdict(&expected[1..]).is_err());
        // An import under the original name could be the import of any part.
        let merged = [&expected[..], &["a:b/store@1.0.0"]].concat();
        assert!(verdict(&merged).is_err());
    }

    #[test]
    fn what_a_plug_cannot_be_granted_is_refused_and_named() {
        let parts = [part("consumer"), part("plug")];
        let parts: Vec<&Part> = parts.iter().collect();
        for import in [
            "wasi:sockets/tcp-create-socket@0.2.6",
            "wasi:http/outgoing-handler@0.2.6",
            "wasi:filesystem/preopens@0.3.0",
            "test:other/thing@1.0.0",
        ] {
            match private_imports(&parts, &[link(1, import, None)]) {
                Err(ComposeError::NotGranted {
                    plug,
                    import: refused,
                }) => {
                    assert_eq!((plug.as_str(), refused.as_str()), ("plug", import));
                }
                other => panic!("{import}: {other:?}"),
            }
            // Loading refuses such an import of the consumer.
            let of_consumer = private_imports(&parts, &[link(0, import, None)]);
            assert_eq!(of_consumer.expect("it is not a plug's"), []);
        }
    }

    #[test]
    fn a_composed_component_that_has_what_it_is_to_have_is_sound() {
        assert_eq!(verdict(&OWN), None);
        // The encoder may use the higher of two compatible versions.
        let newer = OWN.map(|name| match name {
            "wasi:filesystem/preopens@0.2.6" => "wasi:filesystem/preopens@0.2.8",
            name => name,
        });
        assert_eq!(verdict(&newer), None);
        assert_eq!(verdict(&[&OWN[..], &["wasi:io/poll@0.2.6"]].concat()), None);
    }

    #[test]
    fn a_composed_component_that_lacks_an_import_of_a_plug_is_unsound() {
        let private = "plug:grant/preopens";
        let without: Vec<_> = OWN.into_iter().filter(|name| *name != private).collect();
        assert_eq!(
            verdict(&without),
            Some((ImportDefect::Missing, private.to_owned()))
        );
        // An import inside a part is not an import of the composed component.
        let inside = format!("(component (component (import \"{private}\" (instance))))");
        assert_eq!(
            verdict_on(&inside),
            Some((ImportDefect::Missing, private.to_owned()))
        );
    }

    #[test]
    fn a_composed_component_with_authority_that_is_not_the_consumers_is_unsound() {
        for import in [
            // An import of the first plug that the second one satisfies.
            "wasi:cli/stdin@0.2.3",
            "wasi:cli/environment@0.2.6",
            "wasi:sockets/tcp-create-socket@0.2.6",
            "wasi:http/outgoing-handler@0.2.6",
            // An import of the consumer that the first plug satisfies.
            "test:numbers/number@1.0.0",
            "other:grant/preopens",
            "plug:grant/stdin",
            "test:unknown/thing@1.0.0",
        ] {
            let imports = [&OWN[..], &[import]].concat();
            assert_eq!(
                verdict(&imports),
                Some((ImportDefect::Unexpected, import.to_owned()))
            );
        }
    }

    #[test]
    fn imports_after_a_nested_component_or_module_are_top_level_too() {
        let bytes = wat::parse_str(
            r#"(component
                 (component (component (import "inner" (func))) (core module))
                 (core module (import "m" "f" (func)))
                 (import "outer" (func)))"#,
        )
        .expect("valid text");
        assert_eq!(top_level_imports(&bytes).expect("it parses"), ["outer"]);
    }

    #[test]
    fn what_a_plug_has_for_itself_is_not_the_consumers_too() {
        let parts = [part("consumer"), part("plug")];
        let parts: Vec<&Part> = parts.iter().collect();
        let import = "wasi:cli/environment@0.2.6";
        let links = [link(1, import, None)];
        let private = private_imports(&parts, &links).expect("it can be granted");
        let own = format!("(import \"{}\" (instance))", private[0].name);
        let merged = format!("(import \"{import}\" (instance))");
        let verdict = |text: String| {
            let bytes = wat::parse_str(text).expect("valid text");
            verify(&bytes, &parts, &links, &private)
        };
        assert!(verdict(format!("(component {own})")).is_ok());
        match verdict(format!("(component {own} {merged})")) {
            Err(ComposeError::Unsound {
                import: refused, ..
            }) => assert_eq!(refused, import),
            other => panic!("{other:?}"),
        }
    }
}
