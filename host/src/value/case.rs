//! A case of any enum, for typed functions of the engine.

use std::mem::MaybeUninit;
use wasmtime::{
    ValRaw,
    component::{
        __internal::{
            CanonicalAbiInfo, ComponentTypes, InstanceType, InterfaceType, LiftContext,
            LowerContext,
        },
        ComponentType, Lift, Lower,
    },
};

/// A case of an enum with at most 256 cases, by its position among the cases.
///
/// The engine's own enums are Rust types whose cases are fixed at compile time. This type stands for every
/// enum, so that typed functions can pass enums that are known only from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Case(pub(crate) u16);

/// The largest number of cases whose position takes one byte in the canonical ABI.
pub(crate) const MOST_CASES: usize = 256;

impl Case {
    /// The position as the canonical ABI stores it. Fails if the enum has no such case.
    fn checked(position: u32, count: usize) -> wasmtime::Result<u8> {
        match u8::try_from(position) {
            Ok(position) if usize::from(position) < count => Ok(position),
            _ => Err(wasmtime::Error::msg(format!(
                "an enum of {count} cases has no case {position}"
            ))),
        }
    }
}

/// The number of cases of an enum.
fn count(ty: &InterfaceType, types: &ComponentTypes) -> wasmtime::Result<usize> {
    match ty {
        InterfaceType::Enum(index) => Ok(types[*index].names.len()),
        _ => Err(wasmtime::Error::msg("expected an `enum`")),
    }
}

#[expect(
    unsafe_code,
    reason = "the engine's traits are unsafe to implement; in the canonical ABI an enum of at most 256 \
              cases has the size, the alignment and the flat form of a `u8`, which implements them"
)]
// SAFETY: `Lower` and `ABI` are those of `u8`, and `typecheck` accepts only types that have them.
unsafe impl ComponentType for Case {
    type Lower = <u8 as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = <u8 as ComponentType>::ABI;
    const MAY_REQUIRE_REALLOC: bool = false;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> wasmtime::Result<()> {
        match count(ty, types.types)? {
            1..=MOST_CASES => Ok(()),
            count => Err(wasmtime::Error::msg(format!(
                "expected an `enum` of at most {MOST_CASES} cases, found {count}"
            ))),
        }
    }
}

#[expect(unsafe_code, reason = "see the implementation of `ComponentType`")]
// SAFETY: `u8` writes the whole form, which is that of the enum.
unsafe impl Lower for Case {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> wasmtime::Result<()> {
        let position = Self::checked(self.0.into(), count(&ty, cx.types)?)?;
        position.linear_lower_to_flat(cx, InterfaceType::U8, dst)
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> wasmtime::Result<()> {
        let position = Self::checked(self.0.into(), count(&ty, cx.types)?)?;
        position.linear_lower_to_memory(cx, InterfaceType::U8, offset)
    }
}

#[expect(unsafe_code, reason = "see the implementation of `ComponentType`")]
// SAFETY: the form of the enum is read as `u8` reads it, and a position without a case is refused.
unsafe impl Lift for Case {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        src: &ValRaw,
    ) -> wasmtime::Result<Self> {
        // A `u8` would ignore the upper bits of the flat value, which the canonical ABI does not.
        let position = Self::checked(src.get_u32(), count(&ty, cx.types)?)?;
        Ok(Self(position.into()))
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> wasmtime::Result<Self> {
        let position = u8::linear_lift_from_memory(cx, InterfaceType::U8, bytes)?;
        let position = Self::checked(position.into(), count(&ty, cx.types)?)?;
        Ok(Self(position.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use wasmtime::{
        Engine, Store,
        component::{Component, Linker},
    };

    /// Imports a function that takes an enum in each form and returns one, and exports functions that
    /// pass a number as the discriminant.
    fn component(cases: usize) -> String {
        let cases: Vec<String> = (0..cases).map(|case| format!("\"c{case}\"")).collect();
        format!(
            r#"(component
              (import "t" (instance $t
                (type $e (enum {}))
                (export "e" (type $e2 (eq $e)))
                (export "flat" (func (param "e" $e2) (result $e2)))
                (export "stored" (func (param "es" (list $e2)) (result (result u32 (error $e2)))))))
              (core module $memory (memory (export "m") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
              (core instance $memory (instantiate $memory))
              (alias core export $memory "m" (core memory $m))
              (core func $flat (canon lower (func $t "flat")))
              (core func $stored (canon lower (func $t "stored") (memory $m)
                (realloc (core func $memory "realloc"))))
              (core module $main
                (import "t" "m" (memory 1))
                (import "t" "flat" (func $flat (param i32) (result i32)))
                (import "t" "stored" (func $stored (param i32 i32 i32)))
                (func (export "flat") (param i32) (result i32) (call $flat (local.get 0)))
                (func (export "stored") (param i32) (result i32)
                  (i32.store8 (i32.const 8) (local.get 0))
                  (call $stored (i32.const 8) (i32.const 1) (i32.const 32))
                  (i32.add (i32.mul (i32.load8_u (i32.const 32)) (i32.const 1000)) (i32.load8_u (i32.const 36)))))
              (core instance $i (instantiate $main (with "t" (instance
                (export "m" (memory $m)) (export "flat" (func $flat)) (export "stored" (func $stored))))))
              (func (export "flat") (param "n" u32) (result u32) (canon lift (core func $i "flat")))
              (func (export "stored") (param "n" u32) (result u32) (canon lift (core func $i "stored"))))"#,
            cases.join(" ")
        )
    }

    /// The results of passing `discriminant` in both forms to a host that answers with the case `answer`.
    fn passed(
        cases: usize,
        discriminant: u32,
        answer: u16,
    ) -> wasmtime::Result<(Vec<Case>, [wasmtime::Result<u32>; 2])> {
        let engine = Engine::default();
        let binary = wat::parse_str(component(cases)).expect("a component as text");
        let component = Component::new(&engine, binary)?;
        let mut linker = Linker::new(&engine);
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (of_flat, of_stored) = (taken.clone(), taken.clone());
        let mut instance = linker.instance("t")?;
        instance.func_wrap("flat", move |_, (case,): (Case,)| {
            of_flat.lock().expect("no panic").push(case);
            Ok((Case(answer),))
        })?;
        instance.func_wrap("stored", move |_, (cases,): (Vec<Case>,)| {
            of_stored.lock().expect("no panic").extend(cases);
            Ok((Err::<u32, _>(Case(answer)),))
        })?;
        let call = |name: &str| {
            let mut store = Store::new(&engine, ());
            let instance = linker.instantiate(&mut store, &component)?;
            let function = instance.get_typed_func::<(u32,), (u32,)>(&mut store, name)?;
            Ok(function.call(&mut store, (discriminant,))?.0)
        };
        // A type that does not fit is an error of instantiating.
        linker.instantiate_pre(&component)?;
        let results = [call("flat"), call("stored")];
        let taken = taken.lock().expect("no panic").clone();
        Ok((taken, results))
    }

    #[test]
    fn a_case_passes_in_both_forms() {
        for (cases, position, answer) in [(1, 0, 0), (2, 1, 0), (256, 255, 254)] {
            let (taken, results) = passed(cases, position.into(), answer).expect("it is linked");
            assert_eq!(taken, [Case(position), Case(position)]);
            let [flat, stored] = results.map(|result| result.expect("a result"));
            assert_eq!(flat, u32::from(answer));
            assert_eq!(stored, 1000 + u32::from(answer));
        }
    }

    #[test]
    fn a_position_without_a_case_is_refused() {
        // A guest passes it. The stored form has only the lowest byte.
        let (taken, [flat, stored]) = passed(2, 256, 0).expect("it is linked");
        assert!(flat.is_err());
        assert_eq!((taken, stored.ok()), (vec![Case(0)], Some(1000)));
        for discriminant in [2, 255, u32::MAX] {
            let (taken, results) = passed(2, discriminant, 0).expect("it is linked");
            assert_eq!(taken, []);
            assert!(results.iter().all(Result::is_err), "{results:?}");
        }
        // The host returns it.
        let (_, results) = passed(2, 0, 2).expect("it is linked");
        for result in results {
            let error = format!("{:?}", result.expect_err("the case 2 of 2"));
            assert!(
                error.contains("an enum of 2 cases has no case 2"),
                "{error}"
            );
        }
    }

    #[test]
    fn an_enum_of_more_cases_does_not_fit() {
        let error = passed(257, 0, 0).expect_err("it has 257 cases");
        assert!(
            format!("{error:?}").contains("at most 256 cases, found 257"),
            "{error:?}"
        );
    }
}
