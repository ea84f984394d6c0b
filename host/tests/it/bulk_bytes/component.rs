//! Components made from a core module and a WIT world, as toolchains make them.

use libtest_mimic::Failed;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_host::{Component, Wasm};
use wit_parser::{Resolve, WorldId};

/// A function `$sum` over bytes of the memory: their number and their order change it. It goes on from an earlier sum.
pub const SUM: &str = r#"
  (func $sum (param $at i32) (param $length i32) (param $sum i64) (result i64)
    (local $end i32)
    (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.extend_i32_u (local.get $length))))
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $at) (local.get $end)))
        (local.set $sum
          (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $sum))
"#;

/// A function `$digest` over the whole memory: words weighted by their address, so that zeros behind the rest change nothing.
pub const DIGEST: &str = r#"
  (func $digest (result i64)
    (local $at i32) (local $sum i64)
    (loop $next
      (local.set $sum
        (i64.add
          (local.get $sum)
          (i64.mul
            (i64.load (local.get $at))
            (i64.extend_i32_u (i32.add (i32.shl (local.get $at) (i32.const 1)) (i32.const 1))))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next
        (i32.lt_u (local.get $at) (i32.shl (memory.size) (i32.const 16)))))
    (local.get $sum))
"#;

/// The WIT package of a component.
pub struct World {
    pub resolve: Resolve,
    pub id: WorldId,
}

impl World {
    pub fn parse(wit: &str) -> Result<Self, Failed> {
        Self::select(wit, None)
    }

    /// The world of this name.
    pub fn parse_named(wit: &str, name: &str) -> Result<Self, Failed> {
        Self::select(wit, Some(name))
    }

    fn select(wit: &str, name: Option<&str>) -> Result<Self, Failed> {
        let mut resolve = Resolve::default();
        let read = |error| Failed::from(format!("{error:#}\n{wit}"));
        let package = resolve.push_source("test.wit", wit).map_err(read)?;
        let id = resolve.select_world(&[package], name).map_err(read)?;
        Ok(Self { resolve, id })
    }

    /// Makes a component of a core module in text form.
    pub fn component(&self, module: &str) -> Result<Component, Failed> {
        let failed = |error: &dyn std::fmt::Display| Failed::from(format!("{error:#}\n{module}"));
        let mut bytes = Wasm::parse("module", module.as_bytes().to_vec())
            .map_err(|error| failed(&error))?
            .bytes()
            .to_owned();
        embed_component_metadata(
            &mut bytes,
            &self.resolve,
            self.id,
            StringEncoding::UTF8,
            false,
        )
        .map_err(|error| failed(&error))?;
        let mut encoder = ComponentEncoder::default();
        encoder.module(&bytes).map_err(|error| failed(&error))?;
        let component = encoder.encode().map_err(|error| failed(&error))?;
        Ok(Component::try_from(Wasm::parse("component", component)?)?)
    }
}
