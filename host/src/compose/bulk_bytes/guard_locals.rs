//! The locals of a guarded function, and the places of its parameters and of its result.

use super::{
    abi::Passing,
    places::Place,
    signature::{Side, Signature},
    value_type::ValueType,
};
use wasm_encoder::{Function, InstructionSink, ValType};

/// A range in the memory of a part: a local with its address, and its size in bytes.
pub(super) type Area = (u32, u32);

/// The locals of a guarded function: its parameters, those named here, and its results.
pub(super) struct Locals<'a> {
    signature: &'a Signature,
    side: Side,
    params: Vec<ValType>,
    results: Vec<ValType>,
    /// An `i32`: not 0 if a string that is sent is at an odd address.
    pub(super) is_odd: u32,
    /// An `i32`: the lengths of byte lists, combined by `or`.
    pub(super) lengths: u32,
    /// An `i64`: a bit for each string that was received, 1 if it is at an odd address.
    pub(super) mask: u32,
    result: u32,
}

impl<'a> Locals<'a> {
    pub(super) fn of(signature: &'a Signature, side: Side) -> Self {
        let (params, results) = signature.core(side);
        let count = params.len() as u32;
        Self {
            signature,
            side,
            params,
            results,
            is_odd: count,
            lengths: count + 1,
            mask: count + 2,
            result: count + 3,
        }
    }

    /// A function with these locals and no code.
    pub(super) fn function(&self) -> Function {
        let own = [ValType::I32, ValType::I32, ValType::I64];
        Function::new_with_locals_types(own.into_iter().chain(self.results.iter().copied()))
    }

    /// The parameters and their place, if they contain strings.
    pub(super) fn params(&self) -> Option<(&'a ValueType, Place<'_>)> {
        let place = match &self.signature.param_passing {
            Passing::Flat(_) => Place::Locals {
                first: 0,
                types: &self.params,
            },
            Passing::Memory { .. } => Place::Memory { base: 0, offset: 0 },
        };
        let has_strings = self.signature.has_strings_in_params();
        has_strings.then_some((&self.signature.params, place))
    }

    /// The result and its place, if it contains strings. It is in memory then.
    pub(super) fn result(&self) -> Option<(&'a ValueType, Place<'_>)> {
        let ty = self.signature.result.as_ref();
        let ty = ty.filter(|_| self.signature.has_strings_in_result())?;
        let (base, _) = self.result_area()?;
        Some((ty, Place::Memory { base, offset: 0 }))
    }

    /// The result, if it is in memory. Its address is the last parameter of the importer's function, and the
    /// result of the provider's.
    pub(super) fn result_area(&self) -> Option<Area> {
        match (&self.signature.result_passing, self.side) {
            (Passing::Flat(_), _) => None,
            (Passing::Memory { size }, Side::Importer) => {
                Some((self.params.len() as u32 - 1, *size))
            }
            (Passing::Memory { size }, Side::Provider) => Some((self.result, *size)),
        }
    }

    /// Calls a function with the parameters, and keeps its results.
    pub(super) fn call(&self, code: &mut InstructionSink<'_>, function: u32) {
        for index in 0..self.params.len() as u32 {
            code.local_get(index);
        }
        code.call(function);
        for index in (0..self.results.len() as u32).rev() {
            code.local_set(self.result + index);
        }
    }

    /// Returns the results that were kept.
    pub(super) fn end(&self, code: &mut InstructionSink<'_>) {
        for index in 0..self.results.len() as u32 {
            code.local_get(self.result + index);
        }
        code.end();
    }
}
