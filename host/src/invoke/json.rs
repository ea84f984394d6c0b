//! Values in JSON.

use serde_json::{Map, Value as Json};
use wasmtime::component::Val;

pub(super) fn of_component(value: &Val) -> Json {
    match value {
        Val::Bool(value) => (*value).into(),
        Val::S8(value) => (*value).into(),
        Val::U8(value) => (*value).into(),
        Val::S16(value) => (*value).into(),
        Val::U16(value) => (*value).into(),
        Val::S32(value) => (*value).into(),
        Val::U32(value) => (*value).into(),
        Val::S64(value) => (*value).into(),
        Val::U64(value) => (*value).into(),
        Val::Float32(value) => number(f64::from(*value)),
        Val::Float64(value) => number(*value),
        Val::Char(value) => value.to_string().into(),
        Val::String(value) => value.as_str().into(),
        Val::List(values) | Val::Tuple(values) => values.iter().map(of_component).collect(),
        Val::Record(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), of_component(value)))
            .collect::<Map<_, _>>()
            .into(),
        Val::Variant(case, payload) => tagged(case, payload.as_deref()),
        Val::Enum(case) => case.as_str().into(),
        Val::Option(value) => value.as_deref().map_or(Json::Null, of_component),
        Val::Result(Ok(value)) => tagged("ok", value.as_deref()),
        Val::Result(Err(value)) => tagged("err", value.as_deref()),
        Val::Flags(names) => names.iter().map(|name| Json::from(name.as_str())).collect(),
        other => format!("{other:?}").into(),
    }
}

pub(super) fn of_core(value: &wasmtime::Val) -> Json {
    match value {
        wasmtime::Val::I32(value) => (*value).into(),
        wasmtime::Val::I64(value) => (*value).into(),
        wasmtime::Val::F32(bits) => number(f64::from(f32::from_bits(*bits))),
        wasmtime::Val::F64(bits) => number(f64::from_bits(*bits)),
        other => format!("{other:?}").into(),
    }
}

/// JSON has no infinities and no NaN.
fn number(value: f64) -> Json {
    serde_json::Number::from_f64(value).map_or_else(|| value.to_string().into(), Json::Number)
}

fn tagged(case: &str, payload: Option<&Val>) -> Json {
    let payload = payload.map_or(Json::Null, of_component);
    Map::from_iter([(case.to_owned(), payload)]).into()
}
