//! Kinds of types.

use wasmtime::component::Type;

/// `true` if a type consists only of types of values and of types that `those` accepts. Types of values are
/// those that WAVE can express.
pub(crate) fn is_made_of(ty: &Type, those: &impl Fn(&Type) -> bool) -> bool {
    let is = |ty: &Type| is_made_of(ty, those);
    let is_if_any = |ty: Option<Type>| ty.is_none_or(|ty| is(&ty));
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
        Type::List(list) => is(&list.ty()),
        Type::Option(option) => is(&option.ty()),
        Type::Result(result) => is_if_any(result.ok()) && is_if_any(result.err()),
        Type::Tuple(tuple) => tuple.types().all(|ty| is(&ty)),
        Type::Record(record) => record.fields().all(|field| is(&field.ty)),
        Type::Variant(variant) => variant.cases().all(|case| is_if_any(case.ty)),
        // Handles, streams, futures, and types that the engine adds later.
        ty => those(ty),
    }
}

/// `true` if values of this type have no handles, streams or futures.
pub(crate) fn is_value(ty: &Type) -> bool {
    is_made_of(ty, &|_| false)
}
