//! The memory of a value on the host, compared with the engine's charge for it.
//!
//! The engine lifts a result into [`Val`]s, each of which is many times as large as its form in the
//! guest's memory. The engine charges for that memory in a unit of its own, the fuel. The charge is too
//! low: it leaves out the allocations of names, and the room for four elements that a list of one
//! element has. The difference depends on the type, so this module finds the worst value of a type.

use wasmtime::component::{Type, Val};

/// The number of bytes that the worst value of this type takes on the host, for each unit of fuel that
/// lifting the value costs.
pub(crate) fn bytes_per_fuel(ty: &Type) -> f64 {
    let mut ratio = 1.0;
    while excess(ty, ratio).is_none() {
        ratio *= 1.1;
    }
    ratio
}

/// The number of bytes that the worst value of this type takes as a value of a Rust type, for each unit of
/// fuel. Text and lists of numbers are charged by their size. Values inside of lists have allocations, and
/// sizes in Rust, that are not charged.
pub(crate) fn bytes_per_fuel_in_rust(ty: &Type) -> f64 {
    let worst = |types: &mut dyn Iterator<Item = Type>| {
        types
            .map(|ty| bytes_per_fuel_in_rust(&ty))
            .fold(1.0, f64::max)
    };
    match ty {
        Type::List(list) if list.ty() != Type::U8 => 3.0,
        Type::Option(option) => bytes_per_fuel_in_rust(&option.ty()),
        Type::Result(result) => worst(&mut result.ok().into_iter().chain(result.err())),
        Type::Tuple(tuple) => worst(&mut tuple.types()),
        _ => 1.0,
    }
}

/// `true` if the size of the values of this type has no bound.
pub(crate) fn can_be_large(ty: &Type) -> bool {
    let if_any = |ty: Option<Type>| ty.is_some_and(|ty| can_be_large(&ty));
    match ty {
        Type::String | Type::List(_) => true,
        Type::Option(option) => can_be_large(&option.ty()),
        Type::Result(result) => if_any(result.ok()) || if_any(result.err()),
        Type::Tuple(tuple) => tuple.types().any(|ty| can_be_large(&ty)),
        Type::Record(record) => record.fields().any(|field| can_be_large(&field.ty)),
        Type::Variant(variant) => variant.cases().any(|case| if_any(case.ty)),
        _ => false,
    }
}

/// The approximate number of bytes that a value takes on the host.
pub(crate) fn size_of_val(val: &Val) -> usize {
    let of_all = |vals: &[Val]| vals.iter().map(size_of_val).sum::<usize>();
    let of_payload = |payload: &Option<Box<Val>>| payload.as_deref().map_or(0, size_of_val);
    size_of::<Val>()
        + match val {
            Val::String(text) | Val::Enum(text) => text.capacity(),
            Val::List(vals) | Val::Tuple(vals) => of_all(vals),
            Val::Record(fields) => fields
                .iter()
                .map(|(name, val)| size_of::<String>() + name.capacity() + size_of_val(val))
                .sum(),
            Val::Variant(name, payload) => name.capacity() + of_payload(payload),
            Val::Option(payload) => of_payload(payload),
            Val::Result(Ok(payload) | Err(payload)) => of_payload(payload),
            Val::Flags(names) => names
                .iter()
                .map(|name| size_of::<String>() + name.capacity())
                .sum(),
            _ => 0,
        }
}

/// The inline size of a value.
const VAL: f64 = size_of::<Val>() as f64;
/// The inline size of a name or a text.
const STRING: f64 = size_of::<String>() as f64;
/// The number of bytes that the smallest allocation takes.
const SMALLEST: f64 = 32.0;

/// The number of bytes that an allocation of this size takes, with its overhead.
fn allocated(bytes: f64) -> f64 {
    (bytes + 16.0).max(SMALLEST)
}

/// The largest number of bytes by which a value, without its inline size, can exceed `ratio` bytes for
/// each unit of fuel. `None` if there is no such number: some list inside can grow by more than `ratio`
/// bytes for each unit.
fn excess(ty: &Type, ratio: f64) -> Option<f64> {
    Some(match ty {
        Type::String => {
            // In the worst case, text is decoded from UTF-16 into a growing buffer, whose capacity can
            // be twice its length.
            if ratio < 3.0 {
                return None;
            }
            (SMALLEST - ratio).max(0.0)
        }
        Type::List(list) => {
            let element = excess(&list.ty(), ratio)?;
            if element + VAL > ratio * VAL {
                return None;
            }
            (allocated(4.0 * VAL) - ratio * VAL + element).max(0.0)
        }
        Type::Tuple(tuple) => {
            let mut sum = sequence(VAL, tuple.types().len() as f64, ratio);
            for ty in tuple.types() {
                sum += excess(&ty, ratio)?;
            }
            sum
        }
        Type::Record(record) => {
            let mut sum = sequence(STRING + VAL, record.fields().len() as f64, ratio);
            for field in record.fields() {
                sum += name(field.name, ratio) + excess(&field.ty, ratio)?;
            }
            sum
        }
        Type::Option(option) => boxed(&option.ty(), ratio)?.max(0.0),
        Type::Result(result) => {
            let mut worst = 0.0;
            for ty in [result.ok(), result.err()].into_iter().flatten() {
                worst = boxed(&ty, ratio)?.max(worst);
            }
            worst
        }
        Type::Variant(variant) => {
            let mut worst = f64::MIN;
            for case in variant.cases() {
                let payload = case.ty.map_or(Some(0.0), |ty| boxed(&ty, ratio))?;
                worst = (name(case.name, ratio) + payload).max(worst);
            }
            worst
        }
        Type::Enum(cases) => cases
            .names()
            .map(|case| name(case, ratio))
            .fold(f64::MIN, f64::max),
        Type::Flags(flags) => {
            // A growing list has room for four names at first, and then for twice the number of names.
            let each = flags.names().map(|flag| 2.0 * STRING + name(flag, ratio));
            allocated(4.0 * STRING) + each.filter(|excess| *excess > 0.0).sum::<f64>()
        }
        _ => 0.0,
    })
}

/// The excess of a sequence of fixed length. The engine charges [`VAL`] for each element.
fn sequence(element: f64, length: f64, ratio: f64) -> f64 {
    allocated(element * (2.0 * length).max(4.0)) - ratio * VAL * length
}

fn name(name: &str, ratio: f64) -> f64 {
    let length = name.len() as f64;
    allocated(length) - ratio * length
}

fn boxed(ty: &Type, ratio: f64) -> Option<f64> {
    Some(allocated(VAL) - ratio * VAL + excess(ty, ratio)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::{
        Engine,
        component::{Component, types::ComponentItem},
    };

    /// The memory of a list, as a multiple of the engine's charge. The elements have this type.
    fn ratio_of_list(element: &str) -> f64 {
        let text = format!(
            r#"(component
                (type $named {element})
                (import "t" (type $t (eq $named)))
                (import "f" (func (result (list $t)))))"#
        );
        let engine = Engine::default();
        let binary = wat::parse_str(text).expect("a component as text");
        let component = Component::new(&engine, binary).expect("a component");
        let ty = component.component_type();
        let result = ty.imports(&engine).find_map(|(_, import)| match import.ty {
            ComponentItem::ComponentFunc(function) => function.results().next(),
            _ => None,
        });
        let result = result.expect("a result");
        assert!(can_be_large(&result));
        bytes_per_fuel(&result)
    }

    #[test]
    fn a_list_is_priced_by_the_worst_that_its_elements_can_be() {
        for (element, least, most) in [
            // Each element takes only its inline size.
            ("u8", 1.0, 1.0),
            ("f64", 1.0, 1.0),
            // A text of one byte has an allocation of its own.
            ("string", 3.0, 3.4),
            // A value and the name: 40 and 32 bytes, charged with 40 and 1.
            (r#"(enum "a" "bb")"#, 1.7, 2.0),
            // A value, room for four fields of 64 bytes, and the name; charged with two and 1.
            (r#"(record (field "a" u8))"#, 4.2, 5.0),
            (r#"(tuple u8)"#, 2.5, 3.5),
            (r#"(option u8)"#, 1.1, 1.5),
            // A value, room for four names, and the name; charged with one and 1.
            (r#"(flags "a")"#, 4.4, 8.0),
            (r#"(list u8)"#, 2.5, 3.5),
        ] {
            let ratio = ratio_of_list(element);
            assert!(
                (least..=most).contains(&(ratio - 1e-6)) || ratio == least,
                "{element}: {ratio}"
            );
        }
        let many: Vec<String> = ('a'..='z').map(|flag| format!("\"{flag}\"")).collect();
        assert!(ratio_of_list(&format!("(flags {})", many.join(" "))) > 20.0);
    }
}
