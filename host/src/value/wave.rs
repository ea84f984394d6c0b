//! Values in WAVE, the text form of component values.

use super::Value;
use crate::untrusted::Text;
use std::{borrow::Cow, fmt};
use wasm_wave::{
    wasm::{WasmType, WasmTypeKind, WasmValue, WasmValueError},
    writer::Writer,
};
use wasmtime::component::Type;

/// Parses a value of this type. The error is the reason, in words, why the text is not such a value.
pub(crate) fn parse(ty: &Type, text: &str) -> Result<Value, String> {
    if let Type::List(list) = ty
        && list.ty() == Type::U8
        && let Some(bytes) = plain_bytes(text)
    {
        return Ok(Value::Bytes(bytes));
    }
    wasm_wave::from_str(ty, text)
        .map(Wave::into_value)
        .map_err(|error| error.to_string())
}

/// The bytes of a list in its plain form, `[1, 2]`, which most lists have. The parser of WAVE would
/// first build a tree that is several times as large as the value.
fn plain_bytes(text: &str) -> Option<Vec<u8>> {
    let inside = text.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    if inside.is_empty() {
        return Some(Vec::new());
    }
    let byte = |number: &str| {
        let number = number.trim();
        let is_plain = number.bytes().all(|c| c.is_ascii_digit())
            && (number == "0" || !number.starts_with('0'));
        if is_plain { number.parse().ok() } else { None }
    };
    inside.split(',').map(byte).collect()
}

/// Characters that a terminal should not receive are escaped as WAVE escapes them, so the text is still
/// a form of the same value.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text(Wave(Cow::Borrowed(self))).fmt(f)
    }
}

/// A value in the form that the library for WAVE reads and writes. It exists so that [`Value`] itself
/// does not implement a trait of that library. A parsed value is owned. A written value is borrowed,
/// except for the numbers that replace a byte and a `v128` when they are written.
#[derive(Clone)]
struct Wave<'a>(Cow<'a, Value>);

impl fmt::Display for Wave<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Writer::new(f).write_value(self).map_err(|_| fmt::Error)
    }
}

/// The library calls each of these functions only on values of the matching [`kind`](WasmValue::kind),
/// and its trait requires a panic for other values.
macro_rules! primitives {
    ($($variant:ident($ty:ty): $make:ident, $unwrap:ident;)*) => {
        $(
            fn $make(value: $ty) -> Self {
                Self::new(Value::$variant(value))
            }

            fn $unwrap(&self) -> $ty {
                match &*self.0 {
                    Value::$variant(value) => *value,
                    _ => self.is_of_another_kind(),
                }
            }
        )*
    };
}

impl<'a> Wave<'a> {
    fn new(value: Value) -> Self {
        Self(Cow::Owned(value))
    }

    fn of<'b>(value: &'a Value) -> Cow<'b, Self> {
        Cow::Owned(Self(Cow::Borrowed(value)))
    }

    fn into_value(self) -> Value {
        self.0.into_owned()
    }

    /// A value that contains others. It is always borrowed, because only numbers are owned.
    fn borrowed(&self) -> &'a Value {
        match self.0 {
            Cow::Borrowed(value) => value,
            Cow::Owned(_) => self.is_of_another_kind(),
        }
    }

    fn is_of_another_kind(&self) -> ! {
        unreachable!("the writer has asked for the kind: {:?}", self.kind())
    }

    /// The two halves of a `v128`, which WAVE writes as a tuple.
    fn halves(bits: u128) -> [Self; 2] {
        let half = |bits: u128| Self::new(Value::S64((bits as u64).cast_signed()));
        [half(bits), half(bits >> 64)]
    }
}

impl WasmValue for Wave<'_> {
    type Type = Type;

    fn kind(&self) -> WasmTypeKind {
        match &*self.0 {
            Value::Bool(_) => WasmTypeKind::Bool,
            Value::S8(_) => WasmTypeKind::S8,
            Value::U8(_) => WasmTypeKind::U8,
            Value::S16(_) => WasmTypeKind::S16,
            Value::U16(_) => WasmTypeKind::U16,
            Value::S32(_) => WasmTypeKind::S32,
            Value::U32(_) => WasmTypeKind::U32,
            Value::S64(_) => WasmTypeKind::S64,
            Value::U64(_) => WasmTypeKind::U64,
            Value::F32(_) => WasmTypeKind::F32,
            Value::F64(_) => WasmTypeKind::F64,
            Value::Char(_) => WasmTypeKind::Char,
            Value::String(_) => WasmTypeKind::String,
            Value::Bytes(_) | Value::List(_) => WasmTypeKind::List,
            Value::Record(_) => WasmTypeKind::Record,
            Value::Tuple(_) | Value::V128(_) => WasmTypeKind::Tuple,
            Value::Variant(..) => WasmTypeKind::Variant,
            // WAVE has no resources. A resource is shown as `$1`, which is written like the name of a
            // case.
            Value::Enum(_) | Value::Resource(_) => WasmTypeKind::Enum,
            Value::Option(_) => WasmTypeKind::Option,
            Value::Result(_) => WasmTypeKind::Result,
            Value::Flags(_) => WasmTypeKind::Flags,
        }
    }

    primitives! {
        Bool(bool): make_bool, unwrap_bool;
        S8(i8): make_s8, unwrap_s8;
        U8(u8): make_u8, unwrap_u8;
        S16(i16): make_s16, unwrap_s16;
        U16(u16): make_u16, unwrap_u16;
        S32(i32): make_s32, unwrap_s32;
        U32(u32): make_u32, unwrap_u32;
        S64(i64): make_s64, unwrap_s64;
        U64(u64): make_u64, unwrap_u64;
        F32(f32): make_f32, unwrap_f32;
        F64(f64): make_f64, unwrap_f64;
        Char(char): make_char, unwrap_char;
    }

    fn make_string(text: Cow<str>) -> Self {
        Self::new(Value::String(text.into_owned()))
    }

    fn make_list(
        ty: &Type,
        values: impl IntoIterator<Item = Self>,
    ) -> Result<Self, WasmValueError> {
        let is_bytes = ty.list_element_type() == Some(Type::U8);
        let values = values.into_iter();
        Ok(Self::new(if is_bytes {
            Value::Bytes(values.map(|byte| byte.unwrap_u8()).collect())
        } else {
            Value::List(values.map(Self::into_value).collect())
        }))
    }

    fn make_record<'a>(
        _: &Type,
        fields: impl IntoIterator<Item = (&'a str, Self)>,
    ) -> Result<Self, WasmValueError> {
        let fields = fields.into_iter();
        let fields = fields.map(|(name, value)| (name.to_owned(), value.into_value()));
        Ok(Self::new(Value::Record(fields.collect())))
    }

    fn make_tuple(
        _: &Type,
        values: impl IntoIterator<Item = Self>,
    ) -> Result<Self, WasmValueError> {
        let values = values.into_iter().map(Self::into_value);
        Ok(Self::new(Value::Tuple(values.collect())))
    }

    fn make_variant(_: &Type, case: &str, value: Option<Self>) -> Result<Self, WasmValueError> {
        let payload = value.map(|value| Box::new(value.into_value()));
        Ok(Self::new(Value::Variant(case.to_owned(), payload)))
    }

    fn make_enum(ty: &Type, case: &str) -> Result<Self, WasmValueError> {
        if ty.enum_cases().any(|known| known == case) {
            Ok(Self::new(Value::Enum(case.to_owned())))
        } else {
            Err(WasmValueError::UnknownCase(case.to_owned()))
        }
    }

    fn make_option(_: &Type, value: Option<Self>) -> Result<Self, WasmValueError> {
        let value = value.map(|value| Box::new(value.into_value()));
        Ok(Self::new(Value::Option(value)))
    }

    fn make_result(
        _: &Type,
        value: Result<Option<Self>, Option<Self>>,
    ) -> Result<Self, WasmValueError> {
        let boxed = |value: Option<Self>| value.map(|value| Box::new(value.into_value()));
        Ok(Self::new(Value::Result(value.map(boxed).map_err(boxed))))
    }

    fn make_flags<'a>(
        ty: &Type,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, WasmValueError> {
        let known: Vec<_> = ty.flags_names().collect();
        let name = |name: &str| {
            if known.iter().any(|known| known == name) {
                Ok(name.to_owned())
            } else {
                Err(WasmValueError::UnknownCase(name.to_owned()))
            }
        };
        let names: Result<_, _> = names.into_iter().map(name).collect();
        Ok(Self::new(Value::Flags(names?)))
    }

    fn unwrap_string(&self) -> Cow<'_, str> {
        match self.borrowed() {
            Value::String(text) => text.into(),
            _ => self.is_of_another_kind(),
        }
    }

    fn unwrap_list(&self) -> Box<dyn Iterator<Item = Cow<'_, Self>> + '_> {
        match self.borrowed() {
            Value::Bytes(bytes) => Box::new(
                bytes
                    .iter()
                    .map(|byte| Cow::Owned(Self::new(Value::U8(*byte)))),
            ),
            Value::List(values) => Box::new(values.iter().map(Self::of)),
            _ => self.is_of_another_kind(),
        }
    }

    fn unwrap_record(&self) -> Box<dyn Iterator<Item = (Cow<'_, str>, Cow<'_, Self>)> + '_> {
        match self.borrowed() {
            Value::Record(fields) => {
                let fields = fields.iter();
                Box::new(fields.map(|(name, value)| (Cow::from(name), Self::of(value))))
            }
            _ => self.is_of_another_kind(),
        }
    }

    fn unwrap_tuple(&self) -> Box<dyn Iterator<Item = Cow<'_, Self>> + '_> {
        match self.borrowed() {
            Value::Tuple(values) => Box::new(values.iter().map(Self::of)),
            Value::V128(bits) => Box::new(Self::halves(*bits).into_iter().map(Cow::Owned)),
            _ => self.is_of_another_kind(),
        }
    }

    fn unwrap_variant(&self) -> (Cow<'_, str>, Option<Cow<'_, Self>>) {
        match self.borrowed() {
            Value::Variant(case, payload) => (case.into(), payload.as_deref().map(Self::of)),
            _ => self.is_of_another_kind(),
        }
    }

    fn unwrap_enum(&self) -> Cow<'_, str> {
        match self.borrowed() {
            Value::Enum(case) => case.into(),
            Value::Resource(resource) => resource.to_string().into(),
            _ => self.is_of_another_kind(),
        }
    }

    fn unwrap_option(&self) -> Option<Cow<'_, Self>> {
        match self.borrowed() {
            Value::Option(value) => value.as_deref().map(Self::of),
            _ => self.is_of_another_kind(),
        }
    }

    fn unwrap_result(&self) -> Result<Option<Cow<'_, Self>>, Option<Cow<'_, Self>>> {
        match self.borrowed() {
            Value::Result(Ok(value)) => Ok(value.as_deref().map(Self::of)),
            Value::Result(Err(value)) => Err(value.as_deref().map(Self::of)),
            _ => self.is_of_another_kind(),
        }
    }

    fn unwrap_flags(&self) -> Box<dyn Iterator<Item = Cow<'_, str>> + '_> {
        match self.borrowed() {
            Value::Flags(names) => Box::new(names.iter().map(Cow::from)),
            _ => self.is_of_another_kind(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_written_plainly_are_what_the_parser_of_wave_makes_of_them() {
        let cases: [(&str, Option<&[u8]>); 12] = [
            ("[]", Some(&[])),
            (" [ ] ", Some(&[])),
            ("[0]", Some(&[0])),
            ("[ 1,2 ,\n255 ]", Some(&[1, 2, 255])),
            ("[256]", None),
            ("[-1]", None),
            ("[+1]", None),
            ("[01]", None),
            ("[1,]", None),
            ("[,]", None),
            ("1, 2", None),
            ("[0x1]", None),
        ];
        for (text, expected) in cases {
            assert_eq!(plain_bytes(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn every_kind_of_value_is_shown() {
        let case = |name: &str| name.to_owned();
        for (value, shown) in [
            (Value::Bool(true), "true"),
            (Value::S8(-1), "-1"),
            (Value::U64(u64::MAX), "18446744073709551615"),
            (Value::F32(f32::NAN), "nan"),
            (Value::F64(f64::NEG_INFINITY), "-inf"),
            (Value::Char('\u{202e}'), r"'\u{202e}'"),
            (Value::from("a\"\n\x1b"), r#""a\"\n\u{1b}""#),
            (Value::Bytes(vec![1, 2]), "[1, 2]"),
            (Value::V128(1 << 64 | 2), "(2, 1)"),
            (Value::Tuple(vec![1u8.into(), true.into()]), "(1, true)"),
            (
                Value::Variant(case("a"), Some(Box::new(1u8.into()))),
                "a(1)",
            ),
            (Value::Enum(case("some")), "%some"),
            (Value::some(1u8), "some(1)"),
            (Value::none(), "none"),
            (Value::ok("a"), "ok(\"a\")"),
            (Value::Result(Err(None)), "err"),
            (Value::Flags(vec![case("r"), case("w")]), "{r, w}"),
            (
                Value::Resource(super::super::Resource {
                    number: 3,
                    instance: 0,
                }),
                "$3",
            ),
        ] {
            assert_eq!(value.to_string(), shown);
        }
    }
}
