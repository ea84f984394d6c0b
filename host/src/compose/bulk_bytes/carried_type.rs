//! The types with which values are carried: byte lists are strings, records are tuples, and options, results
//! and enums are variants. Their names are generated, because the names of a part may be long.

use super::{signature::Signature, value_type::ValueType};
use std::iter;
use wasm_encoder::{
    ComponentTypeEncoder, ComponentTypeRef, ComponentTypeSection, ComponentValType, InstanceType,
    PrimitiveValType, TypeBounds,
};

/// A place where types are defined: an instance type, or a component.
///
/// The types of an interface have names if they are variants or flags.
pub(super) trait Definitions {
    fn define(&mut self, encode: impl FnOnce(ComponentTypeEncoder<'_>)) -> u32;
    /// Gives the type a name in the interface. Returns the index of the named type.
    fn name(&mut self, ty: u32) -> u32;
}

/// The type of an interface that a part imports.
pub(super) struct Imported {
    pub(super) ty: InstanceType,
    names: Names,
}

impl Imported {
    pub(super) fn new() -> Self {
        Self {
            ty: InstanceType::new(),
            names: Names::default(),
        }
    }

    pub(super) fn function(&mut self, name: &str, signature: &Signature) {
        self.names = Names::of(name);
        let function = define_function(self, signature);
        self.ty.export(name, ComponentTypeRef::Func(function));
    }
}

impl Definitions for Imported {
    fn define(&mut self, encode: impl FnOnce(ComponentTypeEncoder<'_>)) -> u32 {
        encode(self.ty.ty());
        self.ty.type_count() - 1
    }

    fn name(&mut self, ty: u32) -> u32 {
        let name = self.names.next();
        self.ty
            .export(&name, ComponentTypeRef::Type(TypeBounds::Eq(ty)));
        self.ty.type_count() - 1
    }
}

/// The types of an interface that a part exports.
pub(super) struct Exported {
    pub(super) types: ComponentTypeSection,
    /// The number of types that the component has already.
    before: u32,
    /// The names of types, with their indices.
    pub(super) named: Vec<(String, u32)>,
    names: Names,
}

impl Exported {
    pub(super) fn new(before: u32) -> Self {
        Self {
            types: ComponentTypeSection::new(),
            before,
            named: Vec::new(),
            names: Names::default(),
        }
    }

    /// Defines the type of a function. Returns its index.
    pub(super) fn function(&mut self, name: &str, signature: &Signature) -> u32 {
        self.names = Names::of(name);
        define_function(self, signature)
    }
}

impl Definitions for Exported {
    fn define(&mut self, encode: impl FnOnce(ComponentTypeEncoder<'_>)) -> u32 {
        encode(self.types.ty());
        self.before + self.types.len() - 1
    }

    fn name(&mut self, ty: u32) -> u32 {
        self.named.push((self.names.next(), ty));
        ty
    }
}

/// The names of the types of one function. They are the same in both parts.
#[derive(Default)]
struct Names {
    function: String,
    count: u32,
}

impl Names {
    fn of(function: &str) -> Self {
        Self {
            function: function.to_owned(),
            count: 0,
        }
    }

    fn next(&mut self) -> String {
        self.count += 1;
        format!("{}-type{}", self.function, self.count)
    }
}

fn define_function(types: &mut impl Definitions, signature: &Signature) -> u32 {
    let params = signature.param_types().iter().map(|ty| value(types, ty));
    let params: Vec<(String, ComponentValType)> = numbered("p", params).collect();
    let result = signature.result.as_ref().map(|ty| value(types, ty));
    types.define(|ty| {
        let params = params.iter().map(|(name, ty)| (name.as_str(), *ty));
        ty.function().params(params).result(result);
    })
}

/// The items with generated names, which are the same in both parts.
fn numbered<T>(prefix: &str, items: impl Iterator<Item = T>) -> impl Iterator<Item = (String, T)> {
    let named = move |(number, item)| (format!("{prefix}{number}"), item);
    items.enumerate().map(named)
}

fn value(types: &mut impl Definitions, ty: &ValueType) -> ComponentValType {
    let index = match ty {
        ValueType::Bytes | ValueType::Text => {
            return ComponentValType::Primitive(PrimitiveValType::String);
        }
        ValueType::Primitive(primitive) => return ComponentValType::Primitive(*primitive),
        // A tuple has at least one item.
        ValueType::Record(fields) => {
            let fields: Vec<ComponentValType> =
                fields.iter().map(|field| value(types, field)).collect();
            types.define(|ty| ty.defined_type().tuple(fields))
        }
        ValueType::Variant(cases) => {
            let payloads = cases.iter();
            let payloads = payloads.map(|ty| ty.as_ref().map(|ty| value(types, ty)));
            let cases: Vec<(String, Option<ComponentValType>)> = numbered("c", payloads).collect();
            let cases = cases
                .iter()
                .map(|(name, payload)| (name.as_str(), *payload));
            let ty = types.define(|ty| ty.defined_type().variant(cases));
            types.name(ty)
        }
        ValueType::Flags(count) => {
            let names: Vec<(String, ())> = numbered("f", iter::repeat_n((), *count)).collect();
            let names = names.iter().map(|(name, ())| name.as_str());
            let ty = types.define(|ty| ty.defined_type().flags(names));
            types.name(ty)
        }
        ValueType::List(element) => {
            let element = value(types, element);
            types.define(|ty| ty.defined_type().list(element))
        }
    };
    ComponentValType::Type(index)
}
