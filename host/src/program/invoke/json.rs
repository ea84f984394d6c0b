//! Values in JSON.

use serde::{Serialize, Serializer, ser::SerializeMap};
use wasmtime::component::Val;

/// A value as JSON.
pub(super) struct Json<'a, V>(pub(super) &'a V);

impl Serialize for Json<'_, Val> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Val::Bool(value) => to.serialize_bool(*value),
            Val::S8(value) => to.serialize_i8(*value),
            Val::U8(value) => to.serialize_u8(*value),
            Val::S16(value) => to.serialize_i16(*value),
            Val::U16(value) => to.serialize_u16(*value),
            Val::S32(value) => to.serialize_i32(*value),
            Val::U32(value) => to.serialize_u32(*value),
            Val::S64(value) => to.serialize_i64(*value),
            Val::U64(value) => to.serialize_u64(*value),
            Val::Float32(value) => number(f64::from(*value), to),
            Val::Float64(value) => number(*value, to),
            Val::Char(value) => to.serialize_char(*value),
            Val::String(text) | Val::Enum(text) => to.serialize_str(text),
            Val::List(values) | Val::Tuple(values) => to.collect_seq(values.iter().map(Json)),
            Val::Record(fields) => {
                to.collect_map(fields.iter().map(|(name, value)| (name, Json(value))))
            }
            Val::Variant(case, payload) => tagged(case, payload.as_deref(), to),
            Val::Option(None) => to.serialize_none(),
            Val::Option(Some(value)) => Json(&**value).serialize(to),
            Val::Result(Ok(value)) => tagged("ok", value.as_deref(), to),
            Val::Result(Err(value)) => tagged("err", value.as_deref(), to),
            Val::Flags(names) => to.collect_seq(names),
            other => to.serialize_str(&format!("{other:?}")),
        }
    }
}

impl Serialize for Json<'_, wasmtime::Val> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            wasmtime::Val::I32(value) => to.serialize_i32(*value),
            wasmtime::Val::I64(value) => to.serialize_i64(*value),
            wasmtime::Val::F32(bits) => number(f64::from(f32::from_bits(*bits)), to),
            wasmtime::Val::F64(bits) => number(f64::from_bits(*bits), to),
            other => to.serialize_str(&format!("{other:?}")),
        }
    }
}

/// JSON has no infinities and no NaN.
fn number<S: Serializer>(value: f64, to: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        to.serialize_f64(value)
    } else {
        to.serialize_str(&value.to_string())
    }
}

fn tagged<S: Serializer>(case: &str, payload: Option<&Val>, to: S) -> Result<S::Ok, S::Error> {
    let mut object = to.serialize_map(Some(1))?;
    object.serialize_entry(case, &payload.map(Json))?;
    object.end()
}
