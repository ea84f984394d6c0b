//! Signatures of functions that can be carried as strings.

use super::{
    abi::{self, Passing},
    obstacle::Obstacle,
    value_type::{Reader, ValueType},
};
use wasm_encoder::ValType;
use wasmparser::{component_types::ComponentFuncTypeId, types::TypesRef};

/// The largest number of strings and byte lists in the parameters or in the result. The guard of the
/// receiver has a bit for each.
const MAX_STRINGS: usize = 60;

/// The signature of a function that passes byte lists at places that a guard finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signature {
    /// The parameters, as a record.
    pub(super) params: ValueType,
    pub(super) result: Option<ValueType>,
    pub(super) param_passing: Passing,
    pub(super) result_passing: Passing,
}

impl Signature {
    pub(super) fn of(types: TypesRef<'_>, id: ComponentFuncTypeId) -> Result<Self, Obstacle> {
        let ty = &types[id];
        if ty.async_ {
            return Err(Obstacle::OtherConvention);
        }
        let mut reader = Reader::new(types);
        let params = ty.params.iter().map(|(_, ty)| reader.read(*ty));
        let params = ValueType::Record(params.collect::<Result<_, _>>()?);
        let result = ty.result.map(|ty| reader.read(ty)).transpose()?;
        let both = || [Some(&params), result.as_ref()].into_iter().flatten();
        if !both().any(ValueType::has_bytes) {
            return Err(Obstacle::NoBytes);
        }
        if both().any(|ty| ty.strings() > 0 && ty.has_list_in_list()) {
            return Err(Obstacle::ListInList);
        }
        if both().any(|ty| ty.strings() > MAX_STRINGS) {
            return Err(Obstacle::ManyStrings);
        }
        let param_passing = Passing::of_params(&params);
        let is_tuple_like_string =
            matches!(param_passing, Passing::Memory { .. }) && abi::align(&params) == 2;
        if is_tuple_like_string || both().any(ValueType::has_list_like_string) {
            return Err(Obstacle::LikeString);
        }
        Ok(Self {
            param_passing,
            result_passing: Passing::of_result(result.as_ref()),
            params,
            result,
        })
    }

    /// The types of the parameters.
    pub(super) fn param_types(&self) -> &[ValueType] {
        match &self.params {
            ValueType::Record(types) => types,
            _ => &[],
        }
    }

    pub(super) fn has_strings_in_params(&self) -> bool {
        self.params.strings() > 0
    }

    pub(super) fn has_strings_in_result(&self) -> bool {
        self.result.as_ref().is_some_and(|ty| ty.strings() > 0)
    }

    /// The number of strings in the parameters and the result.
    pub(super) fn strings(&self) -> usize {
        let of_result = self.result.as_ref().map_or(0, ValueType::strings);
        self.params.strings() + of_result
    }

    /// The type of the core function on one side.
    pub(super) fn core(&self, side: Side) -> (Vec<ValType>, Vec<ValType>) {
        let mut params = match &self.param_passing {
            Passing::Flat(flat) => flat.clone(),
            Passing::Memory { .. } => vec![ValType::I32],
        };
        let results = match (&self.result_passing, side) {
            (Passing::Flat(flat), _) => flat.clone(),
            (Passing::Memory { .. }, Side::Provider) => vec![ValType::I32],
            (Passing::Memory { .. }, Side::Importer) => {
                params.push(ValType::I32);
                Vec::new()
            }
        };
        (params, results)
    }
}

/// A side of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The part that imports the function, by `canon lower`.
    Importer,
    /// The part that exports it, by `canon lift`.
    Provider,
}
