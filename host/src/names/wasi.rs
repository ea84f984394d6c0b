//! Versions of WASI, as the names of its interfaces give them.

use super::interface::InterfaceName;

/// A version of WASI that the host knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wasi {
    /// WASI 0.2, of any patch release. A pre-release is compatible with nothing else.
    V0_2,
}

impl Wasi {
    /// The version that the interface belongs to; `None` for other interfaces and unknown versions.
    pub(crate) fn of(name: &InterfaceName) -> Option<Self> {
        let version = name.version()?;
        if name.namespace() != "wasi" || !version.pre.is_empty() {
            return None;
        }
        match (version.major, version.minor) {
            (0, 2) => Some(Self::V0_2),
            _ => None,
        }
    }
}

/// The interfaces of WASI 0.2, under the names by which the engine defines them. If these names
/// differed from the engine's own, `wasi/bounded_io.rs` would replace nothing, and the tests of the
/// limits would fail.
pub(crate) const FILESYSTEM_TYPES: &str = "wasi:filesystem/types@0.2.12";
pub(crate) const STREAMS: &str = "wasi:io/streams@0.2.12";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_known_by_its_numbers() {
        for (text, expected) in [
            ("wasi:cli/run@0.2.0", Some(Wasi::V0_2)),
            ("wasi:cli/run@0.2.60", Some(Wasi::V0_2)),
            ("wasi:cli/run@0.2.6+build", Some(Wasi::V0_2)),
            ("wasi:cli/run@0.2.0-rc-2023-11-10", None),
            ("wasi:cli/run@0.3.0", None),
            ("wasi:cli/run@0.20.0", None),
            ("wasi:cli/run@1.2.0", None),
            ("wasi:cli/run", None),
            ("test:cli/run@0.2.0", None),
        ] {
            assert_eq!(Wasi::of(&text.parse().expect(text)), expected, "{text}");
        }
    }
}
