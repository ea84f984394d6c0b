//! The layout of values in the canonical ABI, for memories with 32-bit addresses.

use super::value_type::ValueType;
use wasm_encoder::{PrimitiveValType, ValType};

/// The largest number of core parameters. Of more, the first one is the address of a tuple.
const MAX_FLAT_PARAMS: usize = 16;
/// The largest number of core results. More are written to memory.
const MAX_FLAT_RESULTS: usize = 1;

/// The places of the parameters or of the result of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Passing {
    /// Core values of these types.
    Flat(Vec<ValType>),
    /// A value in memory, of this size in bytes.
    Memory { size: u32 },
}

impl Passing {
    pub(super) fn of_params(params: &ValueType) -> Self {
        Self::of(params, MAX_FLAT_PARAMS)
    }

    pub(super) fn of_result(result: Option<&ValueType>) -> Self {
        result.map_or(Self::Flat(Vec::new()), |result| {
            Self::of(result, MAX_FLAT_RESULTS)
        })
    }

    fn of(ty: &ValueType, max: usize) -> Self {
        let flat = flatten(ty);
        match flat.len() {
            count if count <= max => Self::Flat(flat),
            _ => Self::Memory { size: size(ty) },
        }
    }
}

/// The alignment of a value in memory, in bytes.
pub(super) fn align(ty: &ValueType) -> u32 {
    match ty {
        ValueType::Bytes | ValueType::Text | ValueType::List(_) => 4,
        ValueType::Record(fields) => fields.iter().map(align).max().unwrap_or(1),
        ValueType::Flags(_) | ValueType::Primitive(_) => size(ty),
        ValueType::Variant(cases) => payload_align(cases).max(discriminant_size(cases)),
    }
}

/// The size of a value in memory, in bytes.
pub(super) fn size(ty: &ValueType) -> u32 {
    match ty {
        ValueType::Bytes | ValueType::Text | ValueType::List(_) => 8,
        ValueType::Primitive(primitive) => match primitive {
            PrimitiveValType::Bool | PrimitiveValType::S8 | PrimitiveValType::U8 => 1,
            PrimitiveValType::S16 | PrimitiveValType::U16 => 2,
            PrimitiveValType::S64 | PrimitiveValType::U64 | PrimitiveValType::F64 => 8,
            _ => 4,
        },
        ValueType::Record(fields) => {
            let after = |end: u32, field| end.next_multiple_of(align(field)) + size(field);
            fields.iter().fold(0, after).next_multiple_of(align(ty))
        }
        ValueType::Flags(count) => match count {
            ..=8 => 1,
            9..=16 => 2,
            _ => 4,
        },
        ValueType::Variant(cases) => {
            let largest = cases.iter().flatten().map(size).max().unwrap_or(0);
            (payload_offset(cases) + largest).next_multiple_of(align(ty))
        }
    }
}

/// The fields of a record with their offsets.
pub(super) fn fields_with_offsets(fields: &[ValueType]) -> impl Iterator<Item = (u32, &ValueType)> {
    fields.iter().scan(0, |end: &mut u32, field| {
        let offset = end.next_multiple_of(align(field));
        *end = offset + size(field);
        Some((offset, field))
    })
}

/// The cases of a variant, each with its payload.
type Cases = [Option<ValueType>];

/// The size of the number that says which case a variant is.
pub(super) fn discriminant_size(cases: &Cases) -> u32 {
    match cases.len() {
        ..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// The offset of the payload of a variant.
pub(super) fn payload_offset(cases: &Cases) -> u32 {
    discriminant_size(cases).next_multiple_of(payload_align(cases))
}

fn payload_align(cases: &Cases) -> u32 {
    cases.iter().flatten().map(align).max().unwrap_or(1)
}

/// The core values of a value that is passed flat.
pub(super) fn flatten(ty: &ValueType) -> Vec<ValType> {
    match ty {
        ValueType::Bytes | ValueType::Text | ValueType::List(_) => vec![ValType::I32; 2],
        ValueType::Primitive(primitive) => vec![match primitive {
            PrimitiveValType::S64 | PrimitiveValType::U64 => ValType::I64,
            PrimitiveValType::F32 => ValType::F32,
            PrimitiveValType::F64 => ValType::F64,
            _ => ValType::I32,
        }],
        ValueType::Record(fields) => fields.iter().flat_map(flatten).collect(),
        ValueType::Flags(_) => vec![ValType::I32],
        ValueType::Variant(cases) => {
            let mut joined: Vec<ValType> = vec![ValType::I32];
            for payload in cases.iter().flatten() {
                for (index, flat) in flatten(payload).into_iter().enumerate() {
                    match joined.get_mut(index + 1) {
                        Some(other) => *other = join(*other, flat),
                        None => joined.push(flat),
                    }
                }
            }
            joined
        }
    }
}

/// The core type that holds values of either type.
fn join(one: ValType, other: ValType) -> ValType {
    match (one, other) {
        (one, other) if one == other => one,
        (ValType::I32, ValType::F32) | (ValType::F32, ValType::I32) => ValType::I32,
        _ => ValType::I64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ValType::{F64, I32, I64};

    #[test]
    fn a_result_of_bytes_or_an_error_is_laid_out_as_the_canonical_abi_says() {
        let wide = ValueType::Primitive(PrimitiveValType::F64);
        let error = ValueType::Variant(vec![Some(ValueType::Text), None, Some(wide.clone())]);
        assert_eq!((size(&error), align(&error)), (16, 8));
        assert_eq!(flatten(&error), [I32, I64, I32]);
        let option = ValueType::Variant(vec![None, Some(ValueType::Bytes)]);
        let cases = vec![Some(option), Some(error)];
        assert_eq!(payload_offset(&cases), 8);
        let result = ValueType::Variant(cases);
        assert_eq!((size(&result), align(&result)), (24, 8));
        assert_eq!(flatten(&result), [I32, I32, I64, I32]);
        let none: Vec<ValType> = Vec::new();
        assert_eq!(flatten(&ValueType::Record(Vec::new())), none);
        assert_eq!(
            flatten(&ValueType::Record(vec![
                wide,
                ValueType::Variant(vec![None]),
            ])),
            [F64, I32]
        );
    }

    #[test]
    fn fields_are_aligned() {
        let fields = [
            ValueType::Primitive(PrimitiveValType::U8),
            ValueType::Primitive(PrimitiveValType::U16),
            ValueType::Bytes,
            ValueType::Flags(9),
        ];
        let offsets: Vec<u32> = fields_with_offsets(&fields).map(|(at, _)| at).collect();
        assert_eq!(offsets, [0, 2, 4, 12]);
        let record = ValueType::Record(fields.to_vec());
        assert_eq!((size(&record), align(&record)), (16, 4));
    }

    #[test]
    fn the_size_of_deep_types_is_found_soon() {
        let deep = (0..30).fold(ValueType::Bytes, |ty, _| ValueType::Record(vec![ty]));
        assert_eq!(size(&deep), 8);
    }
}
