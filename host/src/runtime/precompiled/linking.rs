//! The links between the parts of compiled code: the private imports of each part, and the providers of
//! the other imports. They are stored as JSON, which is small compared with the code.

use crate::{
    compose::layout::{Layout, LikeAdapters, Moved},
    compose::{
        composition::Composition,
        link::{Link, PrivateImport, PrivateProvider, Provider},
    },
    names::{external::ExternName, part::PartName},
    sandbox::authority::Authority,
};
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, ops::Range};

/// A composition without its binary.
#[derive(Debug)]
pub(super) struct Linking {
    pub(super) parts: Vec<PartName>,
    pub(super) links: Vec<Link>,
    pub(super) private: Vec<PrivateImport>,
    pub(super) layout: Layout,
}

/// The stored form of [`Linking`]. Parts are named by their indices.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    parts: Vec<String>,
    links: Vec<StoredLink>,
    private: Vec<StoredPrivateImport>,
    /// The range of bytes of each part in the composed binary.
    places: Vec<(Range<usize>, usize)>,
    /// The code of the parts that were rewritten.
    moved: Vec<Moved>,
    like_adapters: LikeAdapters,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredLink {
    importer: usize,
    import: String,
    provider: Option<(usize, String)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPrivateImport {
    part: usize,
    import: String,
    name: String,
}

impl Linking {
    pub(super) fn of(composition: &Composition) -> Self {
        Self {
            parts: composition.parts.clone(),
            links: composition.links.clone(),
            private: composition.root().private.clone(),
            layout: composition.root().layout.clone(),
        }
    }

    /// An import that the embedder satisfies.
    pub(super) fn host_interface(&self) -> Option<(&PartName, &ExternName)> {
        let mut links = self.links.iter();
        let link = links.find(|link| link.host_interface().is_some())?;
        Some((&self.parts[link.importer], &link.import))
    }

    /// An import of a plug that carries authority and is not private to the plug.
    pub(super) fn shared_import(&self) -> Option<(&PartName, &ExternName)> {
        let private = self.private.iter().map(|own| (own.part, &own.import));
        let private: HashSet<_> = private.collect();
        let link = self.links.iter().find(|link| {
            let carries_authority = matches!(
                Authority::of_import(&link.import),
                Authority::Granted(_) | Authority::Network
            );
            link.importer > 0
                && link.part().is_none()
                && carries_authority
                && !private.contains(&(link.importer, &link.import))
        })?;
        Some((&self.parts[link.importer], &link.import))
    }

    pub(super) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let link = |link: &Link| StoredLink {
            importer: link.importer,
            import: link.import.to_string(),
            provider: match &link.provider {
                Provider::Part { index, export } => Some((*index, export.to_string())),
                Provider::Isolated { .. }
                | Provider::Host(_)
                | Provider::Embedder(_)
                | Provider::Nothing => None,
            },
        };
        let private = |import: &PrivateImport| StoredPrivateImport {
            part: import.part,
            import: import.import.to_string(),
            name: import.name.clone(),
        };
        let place = |(range, name): &(Range<usize>, PartName)| {
            let part = self.parts.iter().position(|part| part == name)?;
            Some((range.clone(), part))
        };
        serde_json::to_vec(&Stored {
            parts: self.parts.iter().map(ToString::to_string).collect(),
            links: self.links.iter().map(link).collect(),
            private: self.private.iter().map(private).collect(),
            places: self.layout.places().iter().filter_map(place).collect(),
            moved: self.layout.moved().to_vec(),
            like_adapters: self.layout.like_adapters().clone(),
        })
    }

    /// Reads the stored form; `None` if it is not valid.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let stored: Stored = serde_json::from_slice(bytes).ok()?;
        let parts = stored.parts.iter().map(|name| name.parse().ok());
        let parts: Vec<PartName> = parts.collect::<Option<_>>()?;
        let links = stored.links.into_iter().map(StoredLink::into_link);
        let private = stored.private.into_iter();
        let private = private.map(StoredPrivateImport::into_import);
        let place = |(range, part): (Range<usize>, usize)| Some((range, parts.get(part)?.clone()));
        let places = stored.places.into_iter().map(place);
        let linking = Self {
            links: links.collect(),
            private: private.collect::<Option<_>>()?,
            layout: Layout::of_places(
                places.collect::<Option<_>>()?,
                stored.moved,
                stored.like_adapters,
            ),
            parts,
        };
        linking.is_sound().then_some(linking)
    }

    fn is_sound(&self) -> bool {
        let has_part = |index: usize| index < self.parts.len();
        let mut names = HashSet::new();
        let are_names_unique = self.parts.iter().all(|name| names.insert(name));
        let is_link = |link: &Link| {
            // A part that takes the place of the host comes later in the stack.
            let comes_later = |(index, _)| link.importer < index && has_part(index);
            has_part(link.importer) && link.part().is_none_or(comes_later)
        };
        let is_plugs = |import: &PrivateImport| import.part > 0 && has_part(import.part);
        !self.parts.is_empty()
            && are_names_unique
            && self.links.iter().all(is_link)
            && self.private.iter().all(is_plugs)
            && self.shared_import().is_none()
    }
}

impl StoredLink {
    fn into_link(self) -> Link {
        let import = ExternName::from(self.import);
        Link {
            importer: self.importer,
            provider: match self.provider {
                Some((index, export)) => Provider::Part {
                    index,
                    export: export.into(),
                },
                None => Provider::of_host(&import),
            },
            import,
        }
    }
}

impl StoredPrivateImport {
    /// Derives the grant from the name of the import.
    fn into_import(self) -> Option<PrivateImport> {
        let import = ExternName::from(self.import);
        let Authority::Granted(grant) = Authority::of_import(&import) else {
            return None;
        };
        Some(PrivateImport {
            part: self.part,
            import,
            provider: PrivateProvider::Grant(grant),
            name: self.name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREOPENS: &str = "wasi:filesystem/preopens@0.2.6";

    fn linking() -> Linking {
        let name = |text: &str| text.parse::<PartName>().expect("a name");
        let link = |importer, import: &str, provider| {
            let import = import.to_owned();
            let link = StoredLink {
                importer,
                import,
                provider,
            };
            link.into_link()
        };
        let private =
            format!(r#"{{"part":1,"import":"{PREOPENS}","name":"cache:grant/preopens"}}"#);
        let private: StoredPrivateImport = serde_json::from_str(&private).expect("valid JSON");
        Linking {
            parts: vec![name("consumer"), name("cache")],
            links: vec![
                link(0, "a:b/c@1.0.0", Some((1, "a:b/c@1.0.1".to_owned()))),
                link(0, PREOPENS, None),
                link(1, PREOPENS, None),
            ],
            private: vec![private.into_import().expect("a grant")],
            layout: Layout::of_places(
                vec![(10..20, name("cache"))],
                vec![Moved {
                    range: 12..18,
                    from: 2,
                }],
                LikeAdapters::default(),
            ),
        }
    }

    /// The linking with one text replaced in its file.
    fn with(from: &str, to: &str) -> Option<Linking> {
        let stored = linking().to_bytes().expect("it is JSON");
        let stored = String::from_utf8(stored).expect("it is text");
        assert!(stored.contains(from), "{from} is not in {stored}");
        Linking::from_bytes(stored.replacen(from, to, 1).as_bytes())
    }

    #[test]
    fn what_was_written_is_read() {
        let expected = linking();
        let read = with("", "").expect("it makes sense");
        assert_eq!(read.parts, expected.parts);
        assert_eq!(read.links, expected.links);
        assert_eq!(read.private, expected.private);
        assert_eq!(read.layout.places(), expected.layout.places());
        assert_eq!(read.layout.moved(), expected.layout.moved());
    }

    #[test]
    fn what_does_not_make_sense_is_refused() {
        for (from, to) in [
            (r#"["consumer","cache"]"#, r#"[]"#),
            (r#"["consumer","cache"]"#, r#"["cache","cache"]"#),
            (r#"["consumer","cache"]"#, r#"["consumer","../cache"]"#),
            (r#""importer":0"#, r#""importer":2"#),
            (r#""provider":[1"#, r#""provider":[2"#),
            (r#""part":1"#, r#""part":0"#),
            (r#""part":1"#, r#""part":2"#),
            (r#"},1]"#, r#"},2]"#),
            (r#"{"parts""#, r#"{"more":1,"parts""#),
            (
                r#""private":["#,
                r#""private":[{"part":1,"import":"a:b/c@1.0.0","name":"n"},"#,
            ),
            (
                r#""private":["#,
                r#""private":[{"part":0,"import":"wasi:cli/exit@0.2.0","name":"n"},"#,
            ),
            (
                r#""private":["#,
                r#""private":[{"part":2,"import":"wasi:cli/exit@0.2.0","name":"n"},"#,
            ),
            ("}", ""),
        ] {
            assert!(with(from, to).is_none(), "{from} became {to}");
        }
    }

    #[test]
    fn a_plug_without_an_import_of_its_own_is_refused() {
        let mut merged = linking();
        merged.private.clear();
        let (plug, import) = merged.shared_import().expect("it is shared");
        assert_eq!((plug.as_str(), import.as_str()), ("cache", PREOPENS));
        let stored = merged.to_bytes().expect("it is JSON");
        assert!(Linking::from_bytes(&stored).is_none());
    }

    /// A stranger's file may have as many as fit into it. Comparing each with each would take an hour.
    #[test]
    fn many_parts_and_imports_are_checked_in_one_pass() {
        const MANY: usize = 300_000;
        let mut linking = linking();
        let parts = (2..MANY).map(|number| format!("p{number}").parse());
        linking
            .parts
            .extend(parts.map(|name| name.expect("a name")));
        let import = linking.private[0].import.clone();
        for part in 2..MANY {
            let stored = StoredPrivateImport {
                part,
                import: import.to_string(),
                name: format!("p{part}:grant/preopens"),
            };
            linking.private.push(stored.into_import().expect("a grant"));
            let link = StoredLink {
                importer: part,
                import: import.to_string(),
                provider: None,
            };
            linking.links.push(link.into_link());
        }
        assert!(linking.is_sound());
    }
}
