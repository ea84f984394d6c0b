//! Types of functions and values, printed as WIT.

use std::fmt::Display;
use wasmtime::{
    FuncType,
    component::{Type, types::ComponentFunc},
};

/// Prints a function type of a component, such as `func(key: string) -> list<u8>`.
pub(crate) fn of_function(ty: &ComponentFunc) -> String {
    let params = ty
        .params()
        .map(|(name, ty)| format!("{name}: {}", of_value(&ty)));
    function(params, ty.results().map(|ty| of_value(&ty)))
}

/// Prints a function type of a core module, such as `func(i32, i32) -> i32`.
pub(crate) fn of_core_function(ty: &FuncType) -> String {
    function(ty.params(), ty.results())
}

/// Prints a function type with these parameters and results. Several results are in parentheses.
pub(crate) fn function(
    params: impl Iterator<Item = impl Display>,
    results: impl Iterator<Item = impl Display>,
) -> String {
    let params = joined(params);
    let results: Vec<_> = results.map(|result| result.to_string()).collect();
    match results.as_slice() {
        [] => format!("func({params})"),
        [result] => format!("func({params}) -> {result}"),
        results => format!("func({params}) -> ({})", results.join(", ")),
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

fn joined(items: impl Iterator<Item = impl Display>) -> String {
    let texts: Vec<_> = items.map(|item| item.to_string()).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_results_are_in_parentheses() {
        let function = |results: &[&str]| function(["i32", "i64"].iter(), results.iter());
        assert_eq!(function(&[]), "func(i32, i64)");
        assert_eq!(function(&["f32"]), "func(i32, i64) -> f32");
        assert_eq!(function(&["f32", "f64"]), "func(i32, i64) -> (f32, f64)");
    }
}
