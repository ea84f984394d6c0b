//! Rust types that typed functions pass.

use crate::value::{byte_list::ByteList, case::Case};
use bytes::Bytes;
use wasmtime::component::{ComponentNamedList, Lift, Lower};

/// A Rust type that a typed function takes or returns.
///
/// | Rust | WIT |
/// |---|---|
/// | `bool`, `char`, `String` | `bool`, `char`, `string` |
/// | `u8` … `u64`, `i8` … `i64`, `f32`, `f64` | `u8` … `u64`, `s8` … `s64`, `f32`, `f64` |
/// | `Bytes`, `Vec<u8>`, `Vec<T>` | `list<u8>`, `list<T>` |
/// | `Option<T>`, `Result<T, E>` | `option<T>`, `result<T, E>`; `()` in a result is `_` |
/// | tuples of up to six elements | `tuple<…>` |
/// | a type that is an [`Enumeration`] | `enum` |
///
/// Text and bytes are copied as a whole, once. Only this crate implements the trait.
pub trait Passed: sealed::Passed {}

impl<T: sealed::Passed> Passed for T {}

/// A Rust type for an `enum` with at most 256 cases.
///
/// ```
/// use wit_host::Enumeration;
///
/// #[derive(Clone, Copy)]
/// enum Color {
///     Red,
///     LightBlue,
/// }
///
/// impl Enumeration for Color {
///     const CASES: &'static [(&'static str, Self)] =
///         &[("red", Self::Red), ("light-blue", Self::LightBlue)];
///
///     fn position(&self) -> usize {
///         *self as usize
///     }
/// }
/// ```
pub trait Enumeration: Clone + Send + Sync + 'static {
    /// The cases in the order of the WIT: the name of each in WIT, and its value.
    const CASES: &'static [(&'static str, Self)];

    /// The position of this value in [`CASES`](Self::CASES). A call that returns another position traps.
    fn position(&self) -> usize;
}

pub(crate) mod sealed {
    use super::{ComponentNamedList, Lift, Lower};

    /// A type, and the type of the engine that passes it.
    pub trait Passed: Sized + Send + Sync + 'static {
        type Engine: Lift + Lower + Send + Sync + 'static;
        /// The results of a function that returns the type.
        type Results: ComponentNamedList + Lower + Send + Sync + 'static;

        /// The type in WIT; `None` for the type without a value.
        fn wit() -> Option<String>;
        fn of_engine(value: Self::Engine) -> Self;
        fn into_engine(self) -> Self::Engine;
        fn into_results(self) -> Self::Results;
    }
}

/// Items of `sealed::Passed` for a type with a value.
macro_rules! results {
    () => {
        type Results = (Self::Engine,);

        fn into_results(self) -> Self::Results {
            (self.into_engine(),)
        }
    };
}

/// Types that the engine passes as they are.
macro_rules! unchanged {
    ($($ty:ty = $wit:literal),*) => {
        $(impl sealed::Passed for $ty {
            type Engine = Self;
            results!();

            fn wit() -> Option<String> {
                Some($wit.to_owned())
            }

            fn of_engine(value: Self) -> Self {
                value
            }

            fn into_engine(self) -> Self {
                self
            }
        })*
    };
}

unchanged!(
    bool = "bool",
    char = "char",
    String = "string",
    u8 = "u8",
    u16 = "u16",
    u32 = "u32",
    u64 = "u64",
    i8 = "s8",
    i16 = "s16",
    i32 = "s32",
    i64 = "s64",
    f32 = "f32",
    f64 = "f64"
);

impl sealed::Passed for () {
    type Engine = ();
    type Results = ();

    fn wit() -> Option<String> {
        None
    }

    fn of_engine((): ()) {}

    fn into_engine(self) {}

    fn into_results(self) {}
}

impl sealed::Passed for Bytes {
    type Engine = ByteList;
    results!();

    fn wit() -> Option<String> {
        Vec::<u8>::wit()
    }

    fn of_engine(value: ByteList) -> Self {
        value.0
    }

    fn into_engine(self) -> ByteList {
        ByteList(self)
    }
}

impl<T: sealed::Passed> sealed::Passed for Vec<T> {
    type Engine = Vec<T::Engine>;
    results!();

    fn wit() -> Option<String> {
        Some(format!("list<{}>", wit::<T>()))
    }

    fn of_engine(values: Self::Engine) -> Self {
        // Where the types are the same, as for bytes, this neither copies nor allocates.
        values.into_iter().map(T::of_engine).collect()
    }

    fn into_engine(self) -> Self::Engine {
        self.into_iter().map(T::into_engine).collect()
    }
}

impl<T: sealed::Passed> sealed::Passed for Option<T> {
    type Engine = Option<T::Engine>;
    results!();

    fn wit() -> Option<String> {
        Some(format!("option<{}>", wit::<T>()))
    }

    fn of_engine(value: Self::Engine) -> Self {
        value.map(T::of_engine)
    }

    fn into_engine(self) -> Self::Engine {
        self.map(T::into_engine)
    }
}

impl<T: sealed::Passed, E: sealed::Passed> sealed::Passed for Result<T, E> {
    type Engine = Result<T::Engine, E::Engine>;
    results!();

    fn wit() -> Option<String> {
        Some(match (T::wit(), E::wit()) {
            (None, None) => "result".to_owned(),
            (Some(ok), None) => format!("result<{ok}>"),
            (ok, Some(err)) => format!("result<{}, {err}>", ok.unwrap_or_else(|| "_".to_owned())),
        })
    }

    fn of_engine(value: Self::Engine) -> Self {
        value.map(T::of_engine).map_err(E::of_engine)
    }

    fn into_engine(self) -> Self::Engine {
        self.map(T::into_engine).map_err(E::into_engine)
    }
}

impl<T: Enumeration> sealed::Passed for T {
    type Engine = Case;
    results!();

    fn wit() -> Option<String> {
        let names: Vec<&str> = T::CASES.iter().map(|(name, _)| *name).collect();
        Some(format!("enum {{ {} }}", names.join(", ")))
    }

    fn of_engine(Case(position): Case) -> Self {
        // The engine has checked the position, and the names are those of the import.
        T::CASES[usize::from(position)].1.clone()
    }

    fn into_engine(self) -> Case {
        // The engine refuses a position without a case, and no enum here has as many cases as this.
        Case(self.position().try_into().unwrap_or(u16::MAX))
    }
}

macro_rules! tuples {
    ($(($($ty:ident $value:ident)+))*) => {
        $(impl<$($ty: sealed::Passed),+> sealed::Passed for ($($ty,)+) {
            type Engine = ($($ty::Engine,)+);
            results!();

            fn wit() -> Option<String> {
                Some(format!("tuple<{}>", [$(wit::<$ty>()),+].join(", ")))
            }

            fn of_engine(($($value,)+): Self::Engine) -> Self {
                ($($ty::of_engine($value),)+)
            }

            fn into_engine(self) -> Self::Engine {
                let ($($value,)+) = self;
                ($($value.into_engine(),)+)
            }
        })*
    };
}

tuples!((A a) (A a B b) (A a B b C c) (A a B b C c D d) (A a B b C c D d E e) (A a B b C c D d E e F f));

/// The type in WIT. Nothing in a file is of the type `_`, so a function with it fits no import.
pub(super) fn wit<T: sealed::Passed>() -> String {
    T::wit().unwrap_or_else(|| "_".to_owned())
}
