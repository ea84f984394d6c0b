//! Conversions between [`Value`]s and the values of the engine.

use super::{Resource, Value};
use crate::{untrusted::Name, wasm::signature};
use std::collections::HashMap;
use std::fmt;
use wasmtime::{
    V128, ValType,
    component::{ResourceAny, Type, Val},
};

/// A value that does not have the expected type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", Name(.place), Name(.reason))]
pub(crate) struct WrongValue {
    /// The position of the wrong value inside the whole value, outermost part first, as `field a: `;
    /// empty for the whole value.
    place: String,
    reason: String,
}

impl WrongValue {
    fn new(expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self::because(format!("expected {expected}, found {found}"))
    }

    fn because(reason: String) -> Self {
        Self {
            place: String::new(),
            reason,
        }
    }

    fn of_type(ty: &Type, found: impl fmt::Display) -> Self {
        Self::new(format!("`{}`", signature::of_value(ty)), found)
    }

    fn inside(mut self, place: impl fmt::Display) -> Self {
        self.place = format!("{place}: {}", self.place);
        self
    }
}

/// Converts a value to the engine's value of this type. `handle` finds the engine's handle of this
/// type, or returns the reason why there is none.
pub(crate) fn to_val(
    value: Value,
    ty: &Type,
    handle: &mut impl FnMut(Resource, &Type) -> Result<ResourceAny, String>,
) -> Result<Val, WrongValue> {
    Ok(match (value, ty) {
        (Value::Bool(value), Type::Bool) => Val::Bool(value),
        (Value::S8(value), Type::S8) => Val::S8(value),
        (Value::U8(value), Type::U8) => Val::U8(value),
        (Value::S16(value), Type::S16) => Val::S16(value),
        (Value::U16(value), Type::U16) => Val::U16(value),
        (Value::S32(value), Type::S32) => Val::S32(value),
        (Value::U32(value), Type::U32) => Val::U32(value),
        (Value::S64(value), Type::S64) => Val::S64(value),
        (Value::U64(value), Type::U64) => Val::U64(value),
        (Value::F32(value), Type::Float32) => Val::Float32(value),
        (Value::F64(value), Type::Float64) => Val::Float64(value),
        (Value::Char(value), Type::Char) => Val::Char(value),
        (Value::String(text), Type::String) => Val::String(text),
        (Value::Bytes(bytes), Type::List(list)) if list.ty() == Type::U8 => {
            Val::List(bytes.into_iter().map(Val::U8).collect())
        }
        (Value::List(values), Type::List(list)) => {
            let ty = list.ty();
            let values = values.into_iter().enumerate().map(|(index, value)| {
                to_val(value, &ty, handle)
                    .map_err(|wrong| wrong.inside(format_args!("element {index}")))
            });
            Val::List(values.collect::<Result<_, _>>()?)
        }
        (Value::Record(fields), Type::Record(record)) => {
            let types = record.fields().map(|field| (field.name, field.ty));
            Val::Record(to_fields(fields, types, handle)?)
        }
        (Value::Tuple(values), Type::Tuple(tuple)) if values.len() == tuple.types().len() => {
            let values = values.into_iter().zip(tuple.types()).enumerate();
            let values = values.map(|(index, (value, ty))| {
                to_val(value, &ty, handle)
                    .map_err(|wrong| wrong.inside(format_args!("element {index}")))
            });
            Val::Tuple(values.collect::<Result<_, _>>()?)
        }
        (Value::Variant(name, payload), Type::Variant(variant)) => {
            let Some(case) = variant.cases().find(|case| case.name == name) else {
                return Err(WrongValue::of_type(ty, format!("a case `{name}`")));
            };
            let payload = to_payload(payload, case.ty, handle);
            let payload = payload.map_err(|wrong| wrong.inside(format_args!("case {name}")))?;
            Val::Variant(name, payload)
        }
        (Value::Enum(case), Type::Enum(cases)) if cases.names().any(|name| name == case) => {
            Val::Enum(case)
        }
        (Value::Option(value), Type::Option(option)) => Val::Option(match value {
            None => None,
            Some(value) => Some(Box::new(to_val(*value, &option.ty(), handle)?)),
        }),
        (Value::Result(Ok(value)), Type::Result(result)) => {
            let value = to_payload(value, result.ok(), handle);
            Val::Result(Ok(value.map_err(|wrong| wrong.inside("ok"))?))
        }
        (Value::Result(Err(value)), Type::Result(result)) => {
            let value = to_payload(value, result.err(), handle);
            Val::Result(Err(value.map_err(|wrong| wrong.inside("err"))?))
        }
        (Value::Flags(names), Type::Flags(flags))
            if names
                .iter()
                .all(|name| flags.names().any(|flag| flag == name)) =>
        {
            Val::Flags(names)
        }
        (Value::Resource(resource), Type::Own(_) | Type::Borrow(_)) => {
            let handle = handle(resource, ty);
            Val::Resource(handle.map_err(WrongValue::because)?)
        }
        (value, ty) => return Err(WrongValue::of_type(ty, value.described())),
    })
}

fn to_payload(
    payload: Option<Box<Value>>,
    ty: Option<Type>,
    handle: &mut impl FnMut(Resource, &Type) -> Result<ResourceAny, String>,
) -> Result<Option<Box<Val>>, WrongValue> {
    match (payload, ty) {
        (None, None) => Ok(None),
        (Some(value), Some(ty)) => Ok(Some(Box::new(to_val(*value, &ty, handle)?))),
        (None, Some(ty)) => Err(WrongValue::of_type(&ty, "no payload")),
        (Some(value), None) => Err(WrongValue::new("no payload", value.described())),
    }
}

/// The fields in the order of the type. An optional field that is left out is `none`.
fn to_fields<'a>(
    mut fields: Vec<(String, Value)>,
    types: impl Iterator<Item = (&'a str, Type)>,
    handle: &mut impl FnMut(Resource, &Type) -> Result<ResourceAny, String>,
) -> Result<Vec<(String, Val)>, WrongValue> {
    // Fields are mostly in the order of the type. The fields are reversed, so the next one is then the
    // last, and removing it moves no others.
    let mut vals = Vec::with_capacity(fields.len());
    fields.reverse();
    for (name, ty) in types {
        let found = fields.iter().rposition(|(field, _)| field == name);
        let value = match found {
            Some(index) => fields.remove(index).1,
            None if matches!(ty, Type::Option(_)) => Value::Option(None),
            None => return Err(WrongValue::new(format!("a field `{name}`"), "none")),
        };
        let val = to_val(value, &ty, handle)
            .map_err(|wrong| wrong.inside(format_args!("field {name}")))?;
        vals.push((name.to_owned(), val));
    }
    match fields.last() {
        None => Ok(vals),
        Some((name, _)) => Err(WrongValue::new("no more fields", format!("`{name}`"))),
    }
}

/// Converts the engine's value of this type. `keep` takes each handle of the engine and returns ours.
/// `None` for a type that is not supported.
pub(crate) fn of_val(
    val: Val,
    ty: &Type,
    keep: &mut impl FnMut(ResourceAny) -> Resource,
) -> Option<Value> {
    of_shape(val, &Shape::of(ty), keep)
}

/// The part of a type that the engine's value does not show; for example, the value of an empty list
/// does not show the type of its elements. It is made once for a value, because the time to look up a
/// case in a type grows with the number of cases.
enum Shape {
    /// No list is inside the type.
    Plain,
    Bytes,
    List(Box<Shape>),
    /// The fields of a record, or the elements of a tuple.
    Sequence(Vec<Shape>),
    Variant(HashMap<String, Shape>),
    Option(Box<Shape>),
    Result(Box<Shape>, Box<Shape>),
}

impl Shape {
    fn of(ty: &Type) -> Self {
        let of_payload = |ty: Option<Type>| ty.map_or(Self::Plain, |ty| Self::of(&ty));
        let shape = match ty {
            Type::List(list) => match list.ty() {
                Type::U8 => return Self::Bytes,
                ty => return Self::List(Box::new(Self::of(&ty))),
            },
            Type::Record(record) => {
                Self::Sequence(record.fields().map(|field| Self::of(&field.ty)).collect())
            }
            Type::Tuple(tuple) => Self::Sequence(tuple.types().map(|ty| Self::of(&ty)).collect()),
            Type::Variant(variant) => {
                let cases = variant.cases();
                Self::Variant(
                    cases
                        .map(|case| (case.name.to_owned(), of_payload(case.ty)))
                        .collect(),
                )
            }
            Type::Option(option) => Self::Option(Box::new(Self::of(&option.ty()))),
            Type::Result(result) => Self::Result(
                Box::new(of_payload(result.ok())),
                Box::new(of_payload(result.err())),
            ),
            _ => Self::Plain,
        };
        if shape.is_plain() { Self::Plain } else { shape }
    }

    /// `true` if the shapes inside are all plain.
    fn is_plain(&self) -> bool {
        let is_plain = |shape: &Self| matches!(shape, Self::Plain);
        match self {
            Self::Plain => true,
            Self::Bytes | Self::List(_) => false,
            Self::Sequence(shapes) => shapes.iter().all(is_plain),
            Self::Variant(cases) => cases.values().all(is_plain),
            Self::Option(shape) => is_plain(shape),
            Self::Result(ok, err) => is_plain(ok) && is_plain(err),
        }
    }
}

fn of_shape(
    val: Val,
    shape: &Shape,
    keep: &mut impl FnMut(ResourceAny) -> Resource,
) -> Option<Value> {
    Some(match val {
        Val::Bool(value) => Value::Bool(value),
        Val::S8(value) => Value::S8(value),
        Val::U8(value) => Value::U8(value),
        Val::S16(value) => Value::S16(value),
        Val::U16(value) => Value::U16(value),
        Val::S32(value) => Value::S32(value),
        Val::U32(value) => Value::U32(value),
        Val::S64(value) => Value::S64(value),
        Val::U64(value) => Value::U64(value),
        Val::Float32(value) => Value::F32(value),
        Val::Float64(value) => Value::F64(value),
        Val::Char(value) => Value::Char(value),
        Val::String(text) => Value::String(text),
        Val::List(vals) => match shape {
            Shape::Bytes => Value::Bytes(vals.into_iter().filter_map(byte).collect()),
            Shape::List(shape) => {
                let values = vals.into_iter().map(|val| of_shape(val, shape, keep));
                Value::List(values.collect::<Option<_>>()?)
            }
            _ => return None,
        },
        Val::Record(fields) => {
            let fields = fields.into_iter().enumerate().map(|(index, (name, val))| {
                Some((name, of_shape(val, element(shape, index), keep)?))
            });
            Value::Record(fields.collect::<Option<_>>()?)
        }
        Val::Tuple(vals) => {
            let values = vals.into_iter().enumerate();
            let values = values.map(|(index, val)| of_shape(val, element(shape, index), keep));
            Value::Tuple(values.collect::<Option<_>>()?)
        }
        Val::Variant(name, payload) => {
            let shape = match shape {
                Shape::Variant(cases) => cases.get(&name)?,
                _ => &Shape::Plain,
            };
            let payload = of_payload(payload, shape, keep)?;
            Value::Variant(name, payload)
        }
        Val::Enum(case) => Value::Enum(case),
        Val::Option(payload) => {
            let shape = match shape {
                Shape::Option(shape) => shape,
                _ => &Shape::Plain,
            };
            Value::Option(of_payload(payload, shape, keep)?)
        }
        Val::Result(result) => {
            let (ok, err) = match shape {
                Shape::Result(ok, err) => (&**ok, &**err),
                _ => (&Shape::Plain, &Shape::Plain),
            };
            Value::Result(match result {
                Ok(payload) => Ok(of_payload(payload, ok, keep)?),
                Err(payload) => Err(of_payload(payload, err, keep)?),
            })
        }
        Val::Flags(names) => Value::Flags(names),
        Val::Resource(handle) => Value::Resource(keep(handle)),
        _ => return None,
    })
}

fn element(shape: &Shape, index: usize) -> &Shape {
    match shape {
        Shape::Sequence(shapes) => shapes.get(index).unwrap_or(&Shape::Plain),
        _ => &Shape::Plain,
    }
}

fn byte(val: Val) -> Option<u8> {
    match val {
        Val::U8(byte) => Some(byte),
        _ => None,
    }
}

/// Returns `None` if the payload is not supported, and `Some(None)` if there is no payload.
fn of_payload(
    payload: Option<Box<Val>>,
    shape: &Shape,
    keep: &mut impl FnMut(ResourceAny) -> Resource,
) -> Option<Option<Box<Value>>> {
    Some(match payload {
        Some(val) => Some(Box::new(of_shape(*val, shape, keep)?)),
        None => None,
    })
}

/// Converts a value to a core module's. An unsigned integer keeps its bits.
pub(crate) fn to_core(value: &Value, ty: &ValType) -> Result<wasmtime::Val, WrongValue> {
    Ok(match (value, ty) {
        (Value::S32(value), ValType::I32) => wasmtime::Val::I32(*value),
        (Value::U32(value), ValType::I32) => wasmtime::Val::I32(value.cast_signed()),
        (Value::S64(value), ValType::I64) => wasmtime::Val::I64(*value),
        (Value::U64(value), ValType::I64) => wasmtime::Val::I64(value.cast_signed()),
        (Value::F32(value), ValType::F32) => wasmtime::Val::F32(value.to_bits()),
        (Value::F64(value), ValType::F64) => wasmtime::Val::F64(value.to_bits()),
        (Value::V128(bits), ValType::V128) => wasmtime::Val::V128(V128::from(*bits)),
        (value, ty) => return Err(WrongValue::new(format!("`{ty}`"), value.described())),
    })
}

/// Converts a core module's value. `None` for a reference.
pub(crate) fn of_core(val: wasmtime::Val) -> Option<Value> {
    Some(match val {
        wasmtime::Val::I32(value) => Value::S32(value),
        wasmtime::Val::I64(value) => Value::S64(value),
        wasmtime::Val::F32(bits) => Value::F32(f32::from_bits(bits)),
        wasmtime::Val::F64(bits) => Value::F64(f64::from_bits(bits)),
        wasmtime::Val::V128(bits) => Value::V128(bits.as_u128()),
        _ => return None,
    })
}

impl Value {
    /// A description of the kind of the value, for an error.
    fn described(&self) -> String {
        let kind = match self {
            Self::Bool(_) => "a `bool`",
            Self::S8(_) => "an `s8`",
            Self::U8(_) => "a `u8`",
            Self::S16(_) => "an `s16`",
            Self::U16(_) => "a `u16`",
            Self::S32(_) => "an `s32`",
            Self::U32(_) => "a `u32`",
            Self::S64(_) => "an `s64`",
            Self::U64(_) => "a `u64`",
            Self::F32(_) => "an `f32`",
            Self::F64(_) => "an `f64`",
            Self::V128(_) => "a `v128`",
            Self::Char(_) => "a `char`",
            Self::String(_) => "a `string`",
            Self::Bytes(_) => "a `list<u8>`",
            Self::List(_) => "a `list`",
            Self::Record(_) => "a `record`",
            Self::Tuple(values) => return format!("a `tuple` of {}", values.len()),
            Self::Variant(..) => "a `variant`",
            Self::Enum(case) => return format!("an `enum` with the case `{case}`"),
            Self::Option(_) => "an `option`",
            Self::Result(_) => "a `result`",
            Self::Flags(names) => return format!("`flags` {{ {} }}", names.join(", ")),
            Self::Resource(_) => "a handle",
        };
        kind.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::{
        Engine,
        component::{Component, types::ComponentItem},
    };

    /// A type, parsed from the text of a component.
    fn ty(text: &str) -> Type {
        let text = format!(
            r#"(component
                (type $named {text})
                (import "t" (type $t (eq $named)))
                (import "f" (func (param "x" $t))))"#
        );
        let engine = Engine::default();
        let binary = wat::parse_str(text).expect("a component as text");
        let component = Component::new(&engine, binary).expect("a component");
        let ty = component.component_type();
        let param = ty.imports(&engine).find_map(|(_, import)| match import.ty {
            ComponentItem::ComponentFunc(function) => function.params().next().map(|(_, ty)| ty),
            _ => None,
        });
        param.expect("a parameter")
    }

    fn there_and_back(value: Value, ty: &Type) -> Result<Value, String> {
        let val = to_val(value, ty, &mut |_, _| {
            unreachable!("no type here has resources")
        })
        .map_err(|wrong| wrong.to_string())?;
        Ok(
            of_val(val, ty, &mut |_| unreachable!("no type here has resources"))
                .expect("supported"),
        )
    }

    fn field(name: &str, value: impl Into<Value>) -> (String, Value) {
        (name.to_owned(), value.into())
    }

    #[test]
    fn values_of_their_type_stay_what_they_are() {
        let case = |name: &str| name.to_owned();
        for (text, value) in [
            ("bool", Value::Bool(true)),
            ("s64", Value::S64(i64::MIN)),
            ("f32", Value::F32(0.5)),
            ("string", Value::from("é\0")),
            ("(list u8)", Value::Bytes(vec![])),
            ("(list u8)", Value::Bytes(vec![0, 255])),
            ("(list u16)", Value::List(vec![])),
            ("(list u16)", Value::List(vec![7u16.into()])),
            (
                r#"(record (field "a" u8) (field "b" (option u8)))"#,
                Value::Record(vec![field("a", 1u8), field("b", Value::some(2u8))]),
            ),
            (
                "(tuple u8 bool)",
                Value::Tuple(vec![1u8.into(), true.into()]),
            ),
            (
                r#"(variant (case "a") (case "b" u8))"#,
                Value::Variant(case("a"), None),
            ),
            (
                r#"(variant (case "a") (case "b" u8))"#,
                Value::Variant(case("b"), Some(Box::new(1u8.into()))),
            ),
            (r#"(enum "a" "b")"#, Value::Enum(case("b"))),
            ("(option u8)", Value::none()),
            ("(option (option u8))", Value::some(Value::none())),
            ("(result u8 (error string))", Value::ok(1u8)),
            ("(result u8 (error string))", Value::err("no")),
            (
                r#"(variant (case "a" (list u8)) (case "b" (tuple u8 (list u16))))"#,
                Value::Variant(case("a"), Some(Box::new(Value::Bytes(vec![])))),
            ),
            (
                "(list (tuple (list u8) (list u16)))",
                Value::List(vec![Value::Tuple(vec![
                    Value::Bytes(vec![]),
                    Value::List(vec![]),
                ])]),
            ),
            ("(option (list u8))", Value::some(Value::Bytes(vec![]))),
            (
                "(result (list u8) (error (list s8)))",
                Value::err(Value::List(vec![])),
            ),
            ("(result)", Value::Result(Ok(None))),
            (r#"(flags "r" "w")"#, Value::Flags(vec![case("w")])),
        ] {
            assert_eq!(
                there_and_back(value.clone(), &ty(text)),
                Ok(value),
                "{text}"
            );
        }
    }

    #[test]
    fn bytes_can_be_given_one_by_one_and_fields_in_any_order() {
        let bytes = Value::List(vec![1u8.into(), 2u8.into()]);
        assert_eq!(
            there_and_back(bytes, &ty("(list u8)")),
            Ok(Value::Bytes(vec![1, 2]))
        );
        let record = ty(r#"(record (field "a" u8) (field "b" (option u8)) (field "c" bool))"#);
        let given = Value::Record(vec![field("c", true), field("a", 1u8)]);
        let full = vec![field("a", 1u8), field("b", Value::none()), field("c", true)];
        assert_eq!(there_and_back(given, &record), Ok(Value::Record(full)));
    }

    #[test]
    fn a_value_of_another_type_is_an_error_that_names_the_place() {
        let case = |name: &str| name.to_owned();
        for (text, value, error) in [
            ("u8", Value::U16(1), "expected `u8`, found a `u16`"),
            (
                "(list u16)",
                Value::Bytes(vec![]),
                "expected `list<u16>`, found a `list<u8>`",
            ),
            (
                "(list u16)",
                Value::List(vec![1u16.into(), 2u8.into()]),
                "element 1: expected `u16`, found a `u8`",
            ),
            (
                "(tuple u8 u8)",
                Value::Tuple(vec![1u8.into()]),
                "expected `tuple<u8, u8>`, found a `tuple` of 1",
            ),
            (
                r#"(record (field "a" (list u8)))"#,
                Value::Record(vec![field("a", Value::List(vec!["x".into()]))]),
                "field a: element 0: expected `u8`, found a `string`",
            ),
            (
                r#"(record (field "a" u8))"#,
                Value::Record(vec![]),
                "expected a field `a`, found none",
            ),
            (
                r#"(record (field "a" u8))"#,
                Value::Record(vec![field("a", 1u8), field("a", 1u8)]),
                "expected no more fields, found `a`",
            ),
            (
                r#"(variant (case "a") (case "b" u8))"#,
                Value::Variant(case("b"), None),
                "case b: expected `u8`, found no payload",
            ),
            (
                r#"(enum "a")"#,
                Value::Enum(case("z\x1b")),
                r"expected `enum { a }`, found an `enum` with the case `z\u{1b}`",
            ),
            (
                r#"(flags "a")"#,
                Value::Flags(vec![case("a"), case("z")]),
                "expected `flags { a }`, found `flags` { a, z }",
            ),
            (
                "(result)",
                Value::ok(1u8),
                "ok: expected no payload, found a `u8`",
            ),
        ] {
            assert_eq!(
                there_and_back(value, &ty(text)),
                Err(error.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn values_of_core_modules_keep_their_bits() {
        for (value, ty, back) in [
            (Value::S32(-1), ValType::I32, Value::S32(-1)),
            (Value::U32(u32::MAX), ValType::I32, Value::S32(-1)),
            (Value::U64(u64::MAX), ValType::I64, Value::S64(-1)),
            (Value::F32(0.5), ValType::F32, Value::F32(0.5)),
            (Value::V128(1 << 100), ValType::V128, Value::V128(1 << 100)),
        ] {
            let core = to_core(&value, &ty).expect("of its type");
            assert_eq!(of_core(core), Some(back));
        }
        let wrong = to_core(&Value::U8(1), &ValType::I32).expect_err("of another type");
        assert_eq!(wrong.to_string(), "expected `i32`, found a `u8`");
    }
}
