//! Types of functions and values, printed as WIT.

use wasmtime::{
    FuncType,
    component::{Type, types::ComponentFunc},
};

/// `func(key: string) -> list<u8>`
pub(crate) fn of_function(ty: &ComponentFunc) -> String {
    let params = ty
        .params()
        .map(|(name, ty)| format!("{name}: {}", of_value(&ty)));
    let params = params.collect::<Vec<_>>().join(", ");
    match ty.results().next() {
        None => format!("func({params})"),
        Some(result) => format!("func({params}) -> {}", of_value(&result)),
    }
}

/// Types are printed by their structure: a compiled binary does not keep the names that WIT gives them.
pub(crate) fn of_value(ty: &Type) -> String {
    match ty {
        Type::Bool => "bool".to_owned(),
        Type::S8 => "s8".to_owned(),
        Type::U8 => "u8".to_owned(),
        Type::S16 => "s16".to_owned(),
        Type::U16 => "u16".to_owned(),
        Type::S32 => "s32".to_owned(),
        Type::U32 => "u32".to_owned(),
        Type::S64 => "s64".to_owned(),
        Type::U64 => "u64".to_owned(),
        Type::Float32 => "f32".to_owned(),
        Type::Float64 => "f64".to_owned(),
        Type::Char => "char".to_owned(),
        Type::String => "string".to_owned(),
        Type::List(list) => format!("list<{}>", of_value(&list.ty())),
        Type::Option(option) => format!("option<{}>", of_value(&option.ty())),
        Type::Tuple(tuple) => format!("tuple<{}>", joined(tuple.types().map(|ty| of_value(&ty)))),
        Type::Result(result) => match (result.ok(), result.err()) {
            (None, None) => "result".to_owned(),
            (Some(ok), None) => format!("result<{}>", of_value(&ok)),
            (None, Some(err)) => format!("result<_, {}>", of_value(&err)),
            (Some(ok), Some(err)) => format!("result<{}, {}>", of_value(&ok), of_value(&err)),
        },
        Type::Record(record) => {
            let fields = record
                .fields()
                .map(|field| format!("{}: {}", field.name, of_value(&field.ty)));
            format!("record {{ {} }}", joined(fields))
        }
        Type::Variant(variant) => {
            let cases = variant.cases().map(|case| match &case.ty {
                None => case.name.to_owned(),
                Some(ty) => format!("{}({})", case.name, of_value(ty)),
            });
            format!("variant {{ {} }}", joined(cases))
        }
        Type::Enum(cases) => format!("enum {{ {} }}", joined(cases.names().map(str::to_owned))),
        Type::Flags(flags) => format!("flags {{ {} }}", joined(flags.names().map(str::to_owned))),
        Type::Own(_) => "resource".to_owned(),
        Type::Borrow(_) => "borrow<resource>".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// `func(i32, i32) -> i32`
pub(crate) fn of_core_function(ty: &FuncType) -> String {
    let params = joined(ty.params().map(|ty| ty.to_string()));
    let results = joined(ty.results().map(|ty| ty.to_string()));
    match ty.results().len() {
        0 => format!("func({params})"),
        1 => format!("func({params}) -> {results}"),
        _ => format!("func({params}) -> ({results})"),
    }
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}
