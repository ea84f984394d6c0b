//! A list of bytes that the host and a guest pass to each other by one copy.

use bytes::Bytes;
use std::mem::MaybeUninit;
use wasmtime::{
    component::{
        __internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext},
        ComponentType, Lift, Lower, WasmList,
    },
    error::Context as _,
};

/// A `list<u8>` in shared memory of the host. The engine copies it into the guest's memory, or out of it,
/// once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteList(pub(crate) Bytes);

#[expect(
    unsafe_code,
    reason = "the engine's traits are unsafe to implement; this type has the form of `[u8]`, which implements them"
)]
// SAFETY: everything is that of `[u8]`.
unsafe impl ComponentType for ByteList {
    type Lower = <[u8] as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = <[u8] as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> wasmtime::Result<()> {
        <[u8] as ComponentType>::typecheck(ty, types)
    }
}

#[expect(unsafe_code, reason = "see the implementation of `ComponentType`")]
// SAFETY: `[u8]` writes the whole form.
unsafe impl Lower for ByteList {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> wasmtime::Result<()> {
        self.0[..].linear_lower_to_flat(cx, ty, dst)
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> wasmtime::Result<()> {
        self.0[..].linear_lower_to_memory(cx, ty, offset)
    }
}

#[expect(unsafe_code, reason = "see the implementation of `ComponentType`")]
// SAFETY: the form of `WasmList<u8>` is that of `[u8]`. It checks pointer and length, and charges the budget.
unsafe impl Lift for ByteList {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        src: &Self::Lower,
    ) -> wasmtime::Result<Self> {
        let list = WasmList::<u8>::linear_lift_from_flat(cx, ty, src)?;
        Self::copied(cx, src[0].get_u32(), &list)
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> wasmtime::Result<Self> {
        let list = WasmList::<u8>::linear_lift_from_memory(cx, ty, bytes)?;
        let (pointer, _) = bytes.split_first_chunk().context("a list has a pointer")?;
        Self::copied(cx, u32::from_le_bytes(*pointer), &list)
    }
}

impl ByteList {
    /// Copies a list as a whole. The engine copies it in a loop, which takes half as long again.
    fn copied(cx: &LiftContext<'_>, pointer: u32, list: &WasmList<u8>) -> wasmtime::Result<Self> {
        let memory = cx.memory().get(pointer as usize..);
        let bytes = memory.and_then(|memory| memory.get(..list.len()));
        let bytes = bytes.context("the list is in the memory")?;
        Ok(Self(Bytes::copy_from_slice(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::{
        Engine, Store,
        component::{Component, Linker},
    };

    /// Returns the bytes of the import `get`, and of the import `stored` if it returns some.
    const COMPONENT: &str = r#"(component
      (import "get" (func $get (result (list u8))))
      (import "stored" (func $stored (result (option (list u8)))))
      (core module $memory (memory (export "m") 3)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
      (core instance $memory (instantiate $memory))
      (alias core export $memory "m" (core memory $m))
      (core func $realloc-get (canon lower (func $get) (memory $m) (realloc (core func $memory "realloc"))))
      (core func $realloc-stored (canon lower (func $stored) (memory $m) (realloc (core func $memory "realloc"))))
      (core module $main
        (import "t" "get" (func $get (param i32)))
        (import "t" "stored" (func $stored (param i32)))
        (func (export "get") (result i32) (call $get (i32.const 8)) (i32.const 8))
        (func (export "stored") (result i32) (call $stored (i32.const 8)) (i32.const 12)))
      (core instance $i (instantiate $main (with "t" (instance
        (export "get" (func $realloc-get)) (export "stored" (func $realloc-stored))))))
      (func (export "get") (result (list u8)) (canon lift (core func $i "get") (memory $m)))
      (func (export "stored") (result (list u8)) (canon lift (core func $i "stored") (memory $m))))"#;

    #[test]
    fn the_bytes_arrive() {
        let engine = Engine::default();
        let binary = wat::parse_str(COMPONENT).expect("a component as text");
        let component = Component::new(&engine, binary).expect("a component");
        for bytes in [&b""[..], b"a", &[0xff; 100_000]] {
            let mut linker = Linker::<()>::new(&engine);
            let list = ByteList(Bytes::copy_from_slice(bytes));
            let stored = Some(list.clone());
            let mut root = linker.root();
            root.func_wrap("get", move |_, (): ()| Ok((list.clone(),)))
                .expect("a function");
            root.func_wrap("stored", move |_, (): ()| Ok((stored.clone(),)))
                .expect("a function");
            for name in ["get", "stored"] {
                let mut store = Store::new(&engine, ());
                let instance = linker.instantiate(&mut store, &component).expect("it fits");
                let function = instance
                    .get_typed_func::<(), (Vec<u8>,)>(&mut store, name)
                    .expect("a function");
                let (returned,) = function.call(&mut store, ()).expect("a result");
                assert_eq!(returned, bytes);
            }
        }
    }
}
