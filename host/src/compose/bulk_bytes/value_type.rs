//! Types of values, as far as carrying bytes as strings depends on them.

use super::{abi, obstacle::Obstacle};
use wasm_encoder::PrimitiveValType;
use wasmparser::{
    PrimitiveValType as Parsed,
    component_types::{ComponentDefinedType, ComponentValType},
    types::TypesRef,
};

/// The type of a value, without its names, which the composer has compared already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ValueType {
    /// A `list<u8>` at a place that a guard finds. It is carried as a string.
    Bytes,
    /// A `string` at a place that a guard finds.
    Text,
    /// A primitive type other than `string`.
    Primitive(PrimitiveValType),
    /// A record or a tuple. Both have the same layout.
    Record(Vec<Self>),
    /// A variant, an option, a result or an enum, which have the same layout: the payload of each case.
    Variant(Vec<Option<Self>>),
    /// A number of flags.
    Flags(usize),
    /// A list that is carried unchanged. It contains no text.
    List(Box<Self>),
}

/// The largest number of types, cases and flags in the signature of one function. A type counts each time
/// that it is used, because a guard contains code for each use.
const MAX_TYPES: usize = 400;
/// The largest depth to which types are nested.
const MAX_DEPTH: u32 = 30;

/// Reads types within bounds.
pub(super) struct Reader<'a> {
    types: TypesRef<'a>,
    left: usize,
}

impl<'a> Reader<'a> {
    /// A reader of the types of one function.
    pub(super) fn new(types: TypesRef<'a>) -> Self {
        Self {
            types,
            left: MAX_TYPES,
        }
    }

    /// The type of a parameter or a result.
    pub(super) fn read(&mut self, ty: ComponentValType) -> Result<ValueType, Obstacle> {
        self.nested(ty, 0, false)
    }

    fn spend(&mut self, count: usize) -> Result<(), Obstacle> {
        let left = self.left.checked_sub(count);
        self.left = left.ok_or(Obstacle::LargeType)?;
        Ok(())
    }

    fn nested(
        &mut self,
        ty: ComponentValType,
        depth: u32,
        in_list: bool,
    ) -> Result<ValueType, Obstacle> {
        self.spend(1)?;
        if depth > MAX_DEPTH {
            return Err(Obstacle::LargeType);
        }
        let id = match ty {
            ComponentValType::Primitive(primitive) => return of_primitive(primitive, in_list),
            ComponentValType::Type(id) => id,
        };
        let types = self.types;
        let inner = |ty: &ComponentValType| self.nested(*ty, depth + 1, in_list);
        Ok(match &types[id] {
            ComponentDefinedType::Primitive(primitive) => of_primitive(*primitive, in_list)?,
            ComponentDefinedType::Record(record) => {
                let fields = record.fields.values().map(inner);
                ValueType::Record(fields.collect::<Result<_, _>>()?)
            }
            ComponentDefinedType::Tuple(tuple) => {
                ValueType::Record(tuple.types.iter().map(inner).collect::<Result<_, _>>()?)
            }
            ComponentDefinedType::Variant(variant) => {
                self.spend(variant.cases.len())?;
                let payloads = variant.cases.values().map(|case| case.ty.as_ref());
                let inner = |ty: &ComponentValType| self.nested(*ty, depth + 1, in_list);
                variant_of(payloads, inner)?
            }
            ComponentDefinedType::Option { ty, .. } => variant_of([None, Some(ty)], inner)?,
            ComponentDefinedType::Result { ok, err, .. } => {
                variant_of([ok.as_ref(), err.as_ref()], inner)?
            }
            ComponentDefinedType::Enum(names) => {
                self.spend(names.len())?;
                ValueType::Variant(vec![None; names.len()])
            }
            ComponentDefinedType::Flags(names) => {
                self.spend(names.len())?;
                ValueType::Flags(names.len())
            }
            ComponentDefinedType::List { element, .. } => {
                let element = self.nested(*element, depth + 1, true)?;
                match element {
                    ValueType::Primitive(PrimitiveValType::U8) if !in_list => ValueType::Bytes,
                    element => ValueType::List(Box::new(element)),
                }
            }
            ComponentDefinedType::Own(_) | ComponentDefinedType::Borrow(_) => {
                return Err(Obstacle::Resource);
            }
            _ => return Err(Obstacle::OtherType),
        })
    }
}

fn of_primitive(ty: Parsed, in_list: bool) -> Result<ValueType, Obstacle> {
    match ty {
        Parsed::String if in_list => Err(Obstacle::TextInList),
        Parsed::String => Ok(ValueType::Text),
        Parsed::ErrorContext => Err(Obstacle::OtherType),
        ty => Ok(ValueType::Primitive(ty.into())),
    }
}

fn variant_of<'t>(
    payloads: impl IntoIterator<Item = Option<&'t ComponentValType>>,
    mut read: impl FnMut(&ComponentValType) -> Result<ValueType, Obstacle>,
) -> Result<ValueType, Obstacle> {
    let payloads = payloads.into_iter();
    let payloads = payloads.map(|ty| ty.map(&mut read).transpose());
    Ok(ValueType::Variant(payloads.collect::<Result<_, _>>()?))
}

impl ValueType {
    /// `true` for a text, and for a byte list that is carried as a string.
    pub(super) fn is_string(&self) -> bool {
        matches!(self, Self::Bytes | Self::Text)
    }

    /// `true` for a list that is carried unchanged.
    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }

    /// `true` if this type is or contains such a type.
    pub(super) fn contains(&self, is_such: impl Fn(&Self) -> bool + Copy) -> bool {
        self.count(is_such) > 0
    }

    /// The number of strings in a value of this type, in all cases of variants together.
    pub(super) fn strings(&self) -> usize {
        self.count(Self::is_string)
    }

    /// `true` if byte lists in values of this type are carried as strings.
    pub(super) fn has_bytes(&self) -> bool {
        self.contains(|ty| matches!(ty, Self::Bytes))
    }

    /// `true` if the type contains a list that is carried unchanged and whose buffer must be aligned to two
    /// bytes, as that of a string carried in this way.
    pub(super) fn has_list_like_string(&self) -> bool {
        self.contains(|ty| matches!(ty, Self::List(element) if abi::align(element) == 2))
    }

    /// `true` if the type contains lists inside of lists.
    pub(super) fn has_list_in_list(&self) -> bool {
        self.contains(|ty| matches!(ty, Self::List(element) if element.contains(Self::is_list)))
    }

    fn count(&self, is_counted: impl Fn(&Self) -> bool + Copy) -> usize {
        let inner: usize = match self {
            Self::Bytes | Self::Text | Self::Primitive(_) | Self::Flags(_) => 0,
            Self::Record(fields) => fields.iter().map(|ty| ty.count(is_counted)).sum(),
            Self::Variant(cases) => {
                let payloads = cases.iter().flatten();
                payloads.map(|ty| ty.count(is_counted)).sum()
            }
            Self::List(element) => element.count(is_counted),
        };
        inner + usize::from(is_counted(self))
    }
}
