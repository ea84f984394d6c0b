//! Rust types of the parameters and results of functions of core modules.

use super::host_functions::CoreType;
use wasmtime::Val;

/// A Rust type for a number of a core module: `i32` or `u32` for `i32`, `i64` or `u64` for `i64`, `f32`, and
/// `f64`. Only this crate implements the trait.
pub trait CoreNumber: sealed::CoreNumber {}

impl<T: sealed::CoreNumber> CoreNumber for T {}

/// The parameters of a function: a tuple of up to eight [`CoreNumber`]s.
pub trait CoreParameters: sealed::CoreParameters {}

impl<T: sealed::CoreParameters> CoreParameters for T {}

/// The results of a function: `()`, a [`CoreNumber`], or a tuple of up to four of them.
pub trait CoreResults: sealed::CoreResults {}

impl<T: sealed::CoreResults> CoreResults for T {}

pub(super) mod sealed {
    use super::{CoreType, Val};

    pub trait CoreNumber: Copy + 'static {
        const TYPE: CoreType;

        /// The number, if the value is of this type.
        fn of_engine(val: &Val) -> Option<Self>;
        fn into_engine(self) -> Val;
    }

    pub trait CoreParameters: Sized + 'static {
        const TYPES: &'static [CoreType];

        /// The parameters, if the values are of these types.
        fn of_engine(vals: &[Val]) -> Option<Self>;
    }

    pub trait CoreResults: 'static {
        const TYPES: &'static [CoreType];

        /// Writes one value for each of the types.
        fn into_engine(self, vals: &mut [Val]);
    }
}

macro_rules! numbers {
    ($($ty:ident $core:ident $name:ident: $of:expr, $into:expr;)*) => {
        $(
            impl sealed::CoreNumber for $ty {
                const TYPE: CoreType = CoreType::$core;

                fn of_engine(val: &Val) -> Option<Self> {
                    val.$name().map($of)
                }

                fn into_engine(self) -> Val {
                    Val::$core($into(self))
                }
            }

            impl sealed::CoreResults for $ty {
                const TYPES: &'static [CoreType] = &[CoreType::$core];

                fn into_engine(self, vals: &mut [Val]) {
                    (self,).into_engine(vals);
                }
            }
        )*
    };
}

numbers! {
    i32 I32 i32: |val| val, |number| number;
    u32 I32 i32: i32::cast_unsigned, u32::cast_signed;
    i64 I64 i64: |val| val, |number| number;
    u64 I64 i64: i64::cast_unsigned, u64::cast_signed;
    f32 F32 f32: |val| val, f32::to_bits;
    f64 F64 f64: |val| val, f64::to_bits;
}

macro_rules! parameters {
    ($($(($ty:ident $value:ident))*;)*) => {
        $(impl<$($ty: sealed::CoreNumber),*> sealed::CoreParameters for ($($ty,)*) {
            const TYPES: &'static [CoreType] = &[$($ty::TYPE),*];

            fn of_engine(vals: &[Val]) -> Option<Self> {
                let [$($value),*] = vals else {
                    return None;
                };
                Some(($($ty::of_engine($value)?,)*))
            }
        })*
    };
}

parameters! {
    ;
    (A a);
    (A a) (B b);
    (A a) (B b) (C c);
    (A a) (B b) (C c) (D d);
    (A a) (B b) (C c) (D d) (E e);
    (A a) (B b) (C c) (D d) (E e) (F f);
    (A a) (B b) (C c) (D d) (E e) (F f) (G g);
    (A a) (B b) (C c) (D d) (E e) (F f) (G g) (H h);
}

macro_rules! results {
    ($($(($ty:ident $value:ident))*;)*) => {
        $(impl<$($ty: sealed::CoreNumber),*> sealed::CoreResults for ($($ty,)*) {
            const TYPES: &'static [CoreType] = &[$($ty::TYPE),*];

            fn into_engine(self, vals: &mut [Val]) {
                let ($($value,)*) = self;
                let results = std::iter::empty()$(.chain([$value.into_engine()]))*;
                for (val, result) in vals.iter_mut().zip(results) {
                    *val = result;
                }
            }
        })*
    };
}

results! {
    ;
    (A a);
    (A a) (B b);
    (A a) (B b) (C c);
    (A a) (B b) (C c) (D d);
}
