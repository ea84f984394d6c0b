//! Names of interfaces.

use crate::untrusted::Name;
use semver::Version;
use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    sync::Arc,
};
use wasmparser::names::KebabStr;

/// The name of an interface in the component model: `namespace:package/interface`, with a version
/// of the package behind an `@` or without one.
///
/// Namespace and package are in lower-case kebab-case, the interface in kebab-case, and the version
/// is a full one of [Semantic Versioning](https://semver.org). Nested namespaces and packages are not
/// stable in the component model, and are refused.
///
/// ```
/// use wit_host::InterfaceName;
///
/// let name: InterfaceName = "toolkit:cache/cache@0.1.0".parse()?;
/// assert_eq!((name.namespace(), name.package(), name.interface()), ("toolkit", "cache", "cache"));
/// assert!(name.is_compatible_with(&"toolkit:cache/cache@0.1.7".parse()?));
/// assert_eq!(name.without_version().to_string(), "toolkit:cache/cache");
/// # Ok::<(), wit_host::InvalidInterfaceName>(())
/// ```
///
/// The order is that of namespaces, packages and interfaces, and then of versions; a name without a
/// version comes first.
#[derive(Clone)]
pub struct InterfaceName(Arc<Parsed>);

struct Parsed {
    text: String,
    /// The positions in the text of the colon, of the slash, and of the end of the interface.
    colon: usize,
    slash: usize,
    end: usize,
    version: Option<Version>,
}

/// A text that is not an [`InterfaceName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not the name of an interface: {fault}; names are of the form `namespace:package/interface` or `namespace:package/interface@1.2.3`",
    Name(.text)
)]
#[non_exhaustive]
pub struct InvalidInterfaceName {
    /// The text.
    pub text: String,
    /// The rule that it breaks.
    pub fault: InterfaceNameFault,
}

/// A rule of interface names that a text breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InterfaceNameFault {
    /// The colon that ends the namespace is missing.
    #[error("there is no namespace before a `:`")]
    NoNamespace,
    /// The slash before the version, which starts the interface, is missing.
    #[error("there is no interface behind a `/`")]
    NoInterface,
    /// The first slash is before the first colon.
    #[error("there is a `/` in the namespace")]
    SlashInNamespace,
    /// The namespace is not in lower-case kebab-case.
    #[error("the namespace is not in lower-case kebab-case")]
    Namespace,
    /// The package is not in lower-case kebab-case.
    #[error("the package is not in lower-case kebab-case")]
    Package,
    /// The interface is not in kebab-case.
    #[error("the interface is not in kebab-case")]
    Interface,
    /// The version is not a full one.
    #[error("the version is not of the form `1.2.3`")]
    Version,
}

impl InterfaceName {
    /// The namespace of the package: `wasi` of `wasi:cli/run@0.2.6`.
    pub fn namespace(&self) -> &str {
        &self.0.text[..self.0.colon]
    }

    /// The package, without its namespace: `cli` of `wasi:cli/run@0.2.6`.
    pub fn package(&self) -> &str {
        &self.0.text[self.0.colon + 1..self.0.slash]
    }

    /// The interface itself: `run` of `wasi:cli/run@0.2.6`.
    pub fn interface(&self) -> &str {
        &self.0.text[self.0.slash + 1..self.0.end]
    }

    /// The version of the package.
    pub fn version(&self) -> Option<&Version> {
        self.0.version.as_ref()
    }

    /// The whole name, as it was parsed.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The name of the same interface without a version.
    pub fn without_version(&self) -> Self {
        Self(Arc::new(Parsed {
            text: self.unversioned().to_owned(),
            version: None,
            ..*self.0
        }))
    }

    /// `true` if both name the same interface, in any versions.
    pub fn is_same_interface(&self, other: &Self) -> bool {
        self.unversioned() == other.unversioned()
    }

    /// `true` if an export of one of the names can satisfy an import of the other one.
    ///
    /// That is the case for equal names, and for two versions of an interface with the same first
    /// number that is not zero: 1.2.0 and 1.3.0, 0.2.0 and 0.2.6. It is never the case for another
    /// pre-release, a version 0.0.x, or a name without a version.
    pub fn is_compatible_with(&self, other: &Self) -> bool {
        let tracks = || Some((self.track()?, other.track()?));
        self == other
            || self.is_same_interface(other) && tracks().is_some_and(|(own, theirs)| own == theirs)
    }

    /// `true` if `name` equals this name, or this name has no version and `name` is of the same
    /// interface: as a pattern, a name without a version stands for all versions.
    pub fn matches(&self, name: &Self) -> bool {
        self.is_same_interface(name)
            && (self.version().is_none() || self.version() == name.version())
    }

    /// `true` if the name is that of the interface with this namespace, package and interface, in any
    /// version.
    pub(crate) fn is(&self, namespace: &str, package: &str, interface: &str) -> bool {
        (self.namespace(), self.package(), self.interface()) == (namespace, package, interface)
    }

    fn unversioned(&self) -> &str {
        &self.0.text[..self.0.end]
    }

    /// Versions of one track are compatible; a version without a track only with itself.
    fn track(&self) -> Option<(u64, u64)> {
        let version = self.version()?;
        match (version.major, version.minor) {
            _ if !version.pre.is_empty() => None,
            (0, 0) => None,
            (0, minor) => Some((0, minor)),
            (major, _) => Some((major, 0)),
        }
    }
}

impl FromStr for InterfaceName {
    type Err = InvalidInterfaceName;

    fn from_str(text: &str) -> Result<Self, InvalidInterfaceName> {
        parse(text).map_err(|fault| InvalidInterfaceName {
            text: text.to_owned(),
            fault,
        })
    }
}

fn parse(text: &str) -> Result<InterfaceName, InterfaceNameFault> {
    let colon = text.find(':').ok_or(InterfaceNameFault::NoNamespace)?;
    let end = text.find('@').unwrap_or(text.len());
    let slash = text.find('/').filter(|slash| *slash < end);
    let slash = slash.ok_or(InterfaceNameFault::NoInterface)?;
    if slash < colon {
        return Err(InterfaceNameFault::SlashInNamespace);
    }
    let is_kebab = |label: &str| KebabStr::new(label).is_some();
    let is_lower_kebab =
        |label: &str| is_kebab(label) && !label.bytes().any(|letter| letter.is_ascii_uppercase());
    if !is_lower_kebab(&text[..colon]) {
        return Err(InterfaceNameFault::Namespace);
    }
    if !is_lower_kebab(&text[colon + 1..slash]) {
        return Err(InterfaceNameFault::Package);
    }
    if !is_kebab(&text[slash + 1..end]) {
        return Err(InterfaceNameFault::Interface);
    }
    let version = match text.get(end + 1..) {
        None => None,
        Some(version) => Some(Version::parse(version).map_err(|_| InterfaceNameFault::Version)?),
    };
    Ok(InterfaceName(Arc::new(Parsed {
        text: text.to_owned(),
        colon,
        slash,
        end,
        version,
    })))
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InterfaceName")
            .field(&self.as_str())
            .finish()
    }
}

impl PartialEq for InterfaceName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for InterfaceName {}

impl Hash for InterfaceName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Ord for InterfaceName {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |name: &Self| {
            let (namespace, package) = (name.namespace().to_owned(), name.package().to_owned());
            (namespace, package, name.interface().to_owned())
        };
        let by_interface = match self.is_same_interface(other) {
            true => Ordering::Equal,
            false => key(self).cmp(&key(other)),
        };
        by_interface.then_with(|| self.version().cmp(&other.version()))
    }
}

impl PartialOrd for InterfaceName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use wac_graph::types::are_semver_compatible;

    fn name(text: &str) -> InterfaceName {
        text.parse().expect(text)
    }

    #[test]
    fn a_name_has_its_parts_and_stays_the_text_that_it_was() {
        for (text, namespace, package, interface, version) in [
            ("wasi:cli/run@0.2.6", "wasi", "cli", "run", Some("0.2.6")),
            ("a:b/c", "a", "b", "c", None),
            (
                "a1:b-c/d-E@1.0.0-rc.1+x.01",
                "a1",
                "b-c",
                "d-E",
                Some("1.0.0-rc.1+x.01"),
            ),
            (
                "wasi:keyvalue/store@0.2.0-draft2",
                "wasi",
                "keyvalue",
                "store",
                Some("0.2.0-draft2"),
            ),
        ] {
            let name = name(text);
            assert_eq!(name.to_string(), text);
            assert_eq!(
                (name.namespace(), name.package(), name.interface()),
                (namespace, package, interface)
            );
            let found = name.version().map(ToString::to_string);
            assert_eq!(found.as_deref(), version);
            let bare = name.without_version();
            assert_eq!(
                bare.to_string(),
                format!("{namespace}:{package}/{interface}")
            );
            assert_eq!(bare, super::tests::name(bare.as_str()));
        }
    }

    #[test]
    fn what_is_not_of_that_form_is_refused() {
        for text in [
            "",
            "run",
            "a",
            "a:b",
            "a:b@1.0.0",
            "a/b",
            "a/b:c",
            ":b/c",
            "a:/c",
            "a:b/",
            "A:b/c",
            "a:B/c",
            "a:b/cD",
            "a:b/c-",
            "a:b/c@",
            "a:b/c@1",
            "a:b/c@1.0",
            "a:b/c@01.0.0",
            "a:b/c@1.0.0@2.0.0",
            "a:b/c/d",
            "a:b:c/d",
            "a:b@1.0.0/c",
            " a:b/c",
            "a:b/c@1.0.0 ",
            "a:b/日本",
            "a-1:b/c@v1.0.0",
            "url=<https://a/b>",
            "locked-dep=<a:b/c@1.0.0>",
            "a:b/c@99999999999999999999.0.0",
        ] {
            let refused = text.parse::<InterfaceName>().expect_err(text);
            assert_eq!(refused.text, text);
            assert!(refused.to_string().contains(&refused.fault.to_string()));
        }
    }

    #[test]
    fn compatible_is_what_the_composer_takes_for_compatible() {
        let versions = [
            "",
            "@0.0.1",
            "@0.0.2",
            "@0.1.0",
            "@0.1.1",
            "@0.2.0",
            "@0.2.0-rc.1",
            "@0.2.6",
            "@0.2.6+a",
            "@0.2.6+b",
            "@0.20.0",
            "@1.0.0",
            "@1.2.0",
            "@1.2.0-rc.1",
            "@1.3.0-rc.1",
            "@2.0.0",
            "@10.0.0",
        ];
        let interfaces = ["a:b/c", "a:b/d", "a:c/c", "b:b/c", "a-b:c/d"];
        let mut names = Vec::new();
        for interface in interfaces {
            names.extend(versions.map(|version| format!("{interface}{version}")));
        }
        let mut compatible = 0;
        for one in &names {
            for other in &names {
                let is_compatible = name(one).is_compatible_with(&name(other));
                assert_eq!(
                    is_compatible,
                    are_semver_compatible(one, other),
                    "{one} {other}"
                );
                compatible += usize::from(is_compatible);
            }
        }
        assert!(compatible > names.len());
    }

    #[test]
    fn a_name_without_a_version_covers_all_versions() {
        for (pattern, text, covers) in [
            ("a:b/c", "a:b/c", true),
            ("a:b/c", "a:b/c@1.0.0", true),
            ("a:b/c@1.0.0", "a:b/c@1.0.0", true),
            ("a:b/c@1.0.0", "a:b/c@1.0.1", false),
            ("a:b/c@1.0.0", "a:b/c", false),
            ("a:b/c", "a:b/cd@1.0.0", false),
            ("a:b/c", "a:d/c@1.0.0", false),
        ] {
            assert_eq!(
                name(pattern).matches(&name(text)),
                covers,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn names_are_in_the_order_of_their_parts_and_versions() {
        let sorted = [
            "a:b/c",
            "a:b/c@0.2.6",
            "a:b/c@0.2.10",
            "a:b/d@0.1.0",
            "a:b-a/c",
            "a:c/a",
            "a-b:a/a",
        ];
        let names: BTreeSet<InterfaceName> = sorted.iter().rev().map(|text| name(text)).collect();
        let names: Vec<&str> = names.iter().map(InterfaceName::as_str).collect();
        assert_eq!(names, sorted);
    }
}
