//! Results: shown in WAVE, and in JSON.

use super::json::Json;
use crate::untrusted::Text;
use serde::{Serialize, Serializer, ser::SerializeTuple};
use std::fmt;
use wasm_wave::{wasm::WasmValue, writer::Writer};
use wasmtime::component::{ResourceAny, Type, Val};

/// A result, for reading and for programs.
///
/// Shown with `{}` it is WAVE; a resource is `$1`, `$2`, …, in the order that they were made. It
/// serializes to JSON: options are null or the value, variants an object of one field, numbers that
/// are not finite and resources are strings. Both are written as they go: a large value is not
/// copied to be shown.
#[derive(Debug, Clone)]
pub struct Value(Shown);

#[derive(Debug, Clone)]
enum Shown {
    Component(Val),
    /// The number that it has among all that the instance has given.
    Resource(usize),
    Core(Vec<wasmtime::Val>),
}

impl Value {
    /// A result of a component; it is of a type that [`is_showable`]. A resource is kept.
    pub(super) fn of_component(value: Val, resources: &mut Vec<ResourceAny>) -> Self {
        Self(match value {
            Val::Resource(resource) => {
                resources.push(resource);
                Shown::Resource(resources.len())
            }
            value => Shown::Component(value),
        })
    }

    /// The results of a core module, if there are any.
    pub(super) fn of_core(values: Vec<wasmtime::Val>) -> Option<Self> {
        (!values.is_empty()).then_some(Self(Shown::Core(values)))
    }
}

/// Whether values of this type can be told in WAVE: not where there is a resource inside.
pub(super) fn is_showable(ty: &Type) -> bool {
    match ty {
        Type::Own(_) | Type::Borrow(_) => true,
        ty => is_plain(ty),
    }
}

fn is_plain(ty: &Type) -> bool {
    let is_plain_if_any = |ty: Option<Type>| ty.is_none_or(|ty| is_plain(&ty));
    match ty {
        Type::Bool
        | Type::S8
        | Type::U8
        | Type::S16
        | Type::U16
        | Type::S32
        | Type::U32
        | Type::S64
        | Type::U64
        | Type::Float32
        | Type::Float64
        | Type::Char
        | Type::String
        | Type::Enum(_)
        | Type::Flags(_) => true,
        Type::List(list) => is_plain(&list.ty()),
        Type::Option(option) => is_plain(&option.ty()),
        Type::Result(result) => is_plain_if_any(result.ok()) && is_plain_if_any(result.err()),
        Type::Tuple(tuple) => tuple.types().all(|ty| is_plain(&ty)),
        Type::Record(record) => record.fields().all(|field| is_plain(&field.ty)),
        Type::Variant(variant) => variant.cases().all(|case| is_plain_if_any(case.ty)),
        _ => false,
    }
}

/// What a terminal should not get is escaped, as WAVE does it: it is the same value.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text(Wave(&self.0)).fmt(f)
    }
}

struct Wave<'a>(&'a Shown);

impl fmt::Display for Wave<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Shown::Component(value) => wave(value, f),
            Shown::Resource(number) => write!(f, "${number}"),
            Shown::Core(values) => match values.as_slice() {
                [value] => wave(value, f),
                values => {
                    for (index, value) in values.iter().enumerate() {
                        f.write_str(if index == 0 { "(" } else { ", " })?;
                        wave(value, f)?;
                    }
                    f.write_str(")")
                }
            },
        }
    }
}

fn wave(value: &impl WasmValue, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    Writer::new(f).write_value(value).map_err(|_| fmt::Error)
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Shown::Component(value) => Json(value).serialize(serializer),
            Shown::Resource(number) => serializer.collect_str(&format_args!("${number}")),
            Shown::Core(values) => match values.as_slice() {
                [value] => Json(value).serialize(serializer),
                values => {
                    let mut tuple = serializer.serialize_tuple(values.len())?;
                    for value in values {
                        tuple.serialize_element(&Json(value))?;
                    }
                    tuple.end()
                }
            },
        }
    }
}
