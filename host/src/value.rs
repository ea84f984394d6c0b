//! Values of the component model's types, and of WebAssembly's.

pub(crate) mod byte_list;
pub(crate) mod case;
mod convert;
mod json;
pub(crate) mod kind;
pub(crate) mod price;
mod wave;

pub(crate) use convert::{WrongValue, of_core, of_val, to_core, to_val};
pub(crate) use wave::parse;

use std::fmt;

/// A value that a function takes or returns.
///
/// Each variant is a type of the component model; a core module's `i32` and `i64` are
/// [`S32`](Self::S32) and [`S64`](Self::S64). Arguments and results have the same type, so a value that
/// [`Instance::invoke`](crate::Instance::invoke) returns can be an argument of the next call.
///
/// `Display` writes the value in WAVE, the text form of component values, and escapes characters that a
/// terminal should not receive. It serializes to JSON: an option is `null` or its value, a variant and
/// a result are objects with one field, and a number that JSON lacks (an infinity, NaN) is a string.
///
/// ```
/// use wit_host::Value;
///
/// let value = Value::Record(vec![
///     ("name".to_owned(), Value::from("cache")),
///     ("sizes".to_owned(), Value::List(vec![Value::U32(64), Value::U32(128)])),
/// ]);
/// assert_eq!(value.to_string(), r#"{name: "cache", sizes: [64, 128]}"#);
/// assert_eq!(
///     serde_json::to_string(&value)?,
///     r#"{"name":"cache","sizes":[64,128]}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `bool`
    Bool(bool),
    /// `s8`
    S8(i8),
    /// `u8`
    U8(u8),
    /// `s16`
    S16(i16),
    /// `u16`
    U16(u16),
    /// `s32`; `i32` of a core module
    S32(i32),
    /// `u32`
    U32(u32),
    /// `s64`; `i64` of a core module
    S64(i64),
    /// `u64`
    U64(u64),
    /// `f32`
    F32(f32),
    /// `f64`
    F64(f64),
    /// `v128` of a core module
    V128(u128),
    /// `char`
    Char(char),
    /// `string`
    String(String),
    /// `list<u8>`. A result of that type is always this variant. An argument can also be a
    /// [`List`](Self::List) of [`U8`](Self::U8).
    Bytes(Vec<u8>),
    /// `list<T>` for any other `T`
    List(Vec<Value>),
    /// `record`: its fields by name. In an argument, the fields can be in any order, and an optional
    /// field that is left out is `none`.
    Record(Vec<(String, Value)>),
    /// `tuple`; several results of a core module
    Tuple(Vec<Value>),
    /// `variant`: the case, and its payload if it has one
    Variant(String, Option<Box<Value>>),
    /// `enum`: the case
    Enum(String),
    /// `option`
    Option(Option<Box<Value>>),
    /// `result`
    Result(Result<Option<Box<Value>>, Option<Box<Value>>>),
    /// `flags`: the names of the flags that are set
    Flags(Vec<String>),
    /// A handle to a resource, `own` or `borrow`
    Resource(Resource),
}

/// A handle to a resource that a call has returned. It belongs to the instance that made the call, and
/// can be an argument of later calls of that instance.
///
/// `Display` writes it as `$1`, `$2`, …, in the order in which the instance has returned the handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Resource {
    /// The number of the handle in its instance, from 1.
    pub(crate) number: usize,
    /// The number of the instance that the handle belongs to.
    pub(crate) instance: u64,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.number)
    }
}

impl Value {
    /// The text of a [`String`](Self::String); `None` for any other variant.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes of a [`Bytes`](Self::Bytes); `None` for any other variant.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// `some(value)`
    pub fn some(value: impl Into<Self>) -> Self {
        Self::Option(Some(Box::new(value.into())))
    }

    /// `none`
    pub fn none() -> Self {
        Self::Option(None)
    }

    /// `ok(value)`. An `ok` without a payload is written as the variant itself.
    pub fn ok(value: impl Into<Self>) -> Self {
        Self::Result(Ok(Some(Box::new(value.into()))))
    }

    /// `err(value)`. An `err` without a payload is written as the variant itself.
    pub fn err(value: impl Into<Self>) -> Self {
        Self::Result(Err(Some(Box::new(value.into()))))
    }
}

macro_rules! from {
    ($($variant:ident($ty:ty)),*) => {
        $(impl From<$ty> for Value {
            fn from(value: $ty) -> Self {
                Self::$variant(value)
            }
        })*
    };
}

from!(
    Bool(bool),
    S8(i8),
    U8(u8),
    S16(i16),
    U16(u16),
    S32(i32),
    U32(u32),
    S64(i64),
    U64(u64),
    F32(f32),
    F64(f64),
    Char(char),
    String(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Resource(Resource)
);

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_owned())
    }
}
