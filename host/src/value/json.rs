//! Values in JSON.

use super::Value;
use serde::{Serialize, Serializer, ser::SerializeMap};

/// Values are serialized without a copy, so a large value takes no further memory.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => to.serialize_bool(*value),
            Self::S8(value) => to.serialize_i8(*value),
            Self::U8(value) => to.serialize_u8(*value),
            Self::S16(value) => to.serialize_i16(*value),
            Self::U16(value) => to.serialize_u16(*value),
            Self::S32(value) => to.serialize_i32(*value),
            Self::U32(value) => to.serialize_u32(*value),
            Self::S64(value) => to.serialize_i64(*value),
            Self::U64(value) => to.serialize_u64(*value),
            Self::F32(value) => number(f64::from(*value), to),
            Self::F64(value) => number(*value, to),
            Self::V128(value) => to.collect_str(&format_args!("{value:#x}")),
            Self::Char(value) => to.serialize_char(*value),
            Self::String(text) | Self::Enum(text) => to.serialize_str(text),
            Self::Bytes(bytes) => to.collect_seq(bytes),
            Self::List(values) | Self::Tuple(values) => to.collect_seq(values),
            Self::Record(fields) => {
                to.collect_map(fields.iter().map(|(name, value)| (name, value)))
            }
            Self::Variant(case, payload) => tagged(case, payload.as_deref(), to),
            Self::Option(None) => to.serialize_none(),
            Self::Option(Some(value)) => value.serialize(to),
            Self::Result(Ok(value)) => tagged("ok", value.as_deref(), to),
            Self::Result(Err(value)) => tagged("err", value.as_deref(), to),
            Self::Flags(names) => to.collect_seq(names),
            Self::Resource(resource) => to.collect_str(resource),
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

fn tagged<S: Serializer>(case: &str, payload: Option<&Value>, to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(1))?;
    map.serialize_entry(case, &payload)?;
    map.end()
}
