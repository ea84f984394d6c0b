//! The guard of one memory of a part: a fixed core module.

use std::sync::LazyLock;

/// The reasons for which a guard traps: the names of its functions, and words.
pub(crate) const REFUSALS: [(&str, &str); 5] = [
    (
        "refuse-length",
        "it passed a list or a text of 2 GiB or more to another part",
    ),
    (
        "refuse-range",
        "it passed a list or a text outside of its memory to another part",
    ),
    (
        "refuse-text",
        "it passed text that is not UTF-8 to another part",
    ),
    (
        "refuse-move",
        "it returned a list at an odd address, and its memory has no room for a copy",
    ),
    (
        "refuse-allocation",
        "its `realloc` returned an address outside of its memory",
    ),
];

/// The binary of the module for a part that allocates memory by a `realloc`, or for one that does not;
/// `None` if it cannot be made, which the tests exclude.
pub(super) fn module(has_realloc: bool) -> Option<&'static [u8]> {
    static WITH_REALLOC: LazyLock<Option<Vec<u8>>> =
        LazyLock::new(|| assemble(r#"(import "part" "realloc" (func $realloc {TYPE}))"#));
    static WITHOUT: LazyLock<Option<Vec<u8>>> =
        LazyLock::new(|| assemble("(func $realloc {TYPE} unreachable)"));
    match has_realloc {
        true => WITH_REALLOC.as_deref(),
        false => WITHOUT.as_deref(),
    }
}

fn assemble(realloc: &str) -> Option<Vec<u8>> {
    let text = include_str!("memory_guard.wat").replace("{REALLOC}", realloc);
    let text = text.replace("{TYPE}", "(param i32 i32 i32 i32) (result i32)");
    wat::parse_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::{Engine, Instance, Memory, MemoryType, Module, Store};

    #[test]
    fn the_modules_are_valid_and_have_the_functions_that_name_refusals() {
        for has_realloc in [true, false] {
            let module = module(has_realloc).expect("valid text");
            crate::wasm::validate::validate(module).expect("a valid module");
            for (name, _) in REFUSALS {
                let mut windows = module.windows(name.len());
                assert!(windows.any(|window| window == name.as_bytes()), "{name}");
            }
        }
    }

    /// The strings may overlap, so their sum can be larger than any memory.
    #[test]
    fn a_region_larger_than_the_memory_can_be_is_refused_without_growing_it() {
        let engine = Engine::default();
        let guard = Module::new(&engine, module(false).expect("valid text")).expect("valid");
        for (strings, has_room) in [(16, true), (17, false), (65_536, false), (65_537, false)] {
            let mut store = Store::new(&engine, ());
            let memory = Memory::new(&mut store, MemoryType::new(1, Some(17))).expect("memory");
            let guard = Instance::new(&mut store, &guard, &[memory.into()]).expect("imports");
            let plan = guard.get_typed_func::<(i32, i32, i32), ()>(&mut store, "plan");
            let plan = plan.expect("an export");
            for _ in 0..strings {
                plan.call(&mut store, (0, 1 << 16, 1)).expect("in bounds");
            }
            let reserve = guard.get_typed_func::<(), i32>(&mut store, "reserve");
            let reserved = reserve.expect("an export").call(&mut store, ());
            assert_eq!(reserved.expect("no trap"), i32::from(has_room));
            assert_eq!(memory.size(&store), if has_room { 17 } else { 1 });
        }
    }
}
