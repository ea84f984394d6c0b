//! Keys of compiled code, and the names of their files.

use super::code::Code;
use sha2::{Digest, Sha256};
use std::hash::{Hash, Hasher};
use wasmtime::Engine;

/// The prefix of the names of the cache's files.
pub(super) const PREFIX: &str = "wit-host-code-";

/// A hash of a binary, the kind of code that it is compiled to, and the engine with its configuration.
pub(super) struct Key(pub(super) [u8; 32]);

impl Key {
    pub(super) fn of<C: Code>(engine: &Engine, binary: &[u8]) -> Self {
        let mut hasher = Sha256Hasher(Sha256::new());
        C::KIND.hash(&mut hasher);
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Self(hasher.0.chain_update(binary).finalize().into())
    }

    pub(super) fn file_name<C: Code>(&self) -> String {
        use std::fmt::Write;
        let mut name = PREFIX.to_owned();
        for byte in self.0 {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        name + "." + C::KIND
    }
}

/// SHA-256 as a hasher of the standard library.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        u64::from_le_bytes(
            self.0.clone().finalize()[..8]
                .try_into()
                .unwrap_or_default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::{Module, component::Component};

    #[test]
    fn a_key_depends_on_the_kind_of_code() {
        let engine = Engine::default();
        let (module, component) = (
            Key::of::<Module>(&engine, b"binary"),
            Key::of::<Component>(&engine, b"binary"),
        );
        assert_ne!(module.0, component.0);
    }
}
