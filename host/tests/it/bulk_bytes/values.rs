//! Random types and values.

use fastrand::Rng;
use wit_host::Value;

/// A type of the component model.
#[derive(Debug, Clone)]
pub enum Type {
    Bytes,
    Text,
    Bool,
    U8,
    U16,
    U32,
    S64,
    F32,
    F64,
    Char,
    /// Lists that contain no text and whose items are not aligned to two bytes.
    List(Box<Type>),
    /// Lists of `string` or of `u16`, which keep a function from being carried as strings.
    Obstacle(Box<Type>),
    Option(Box<Type>),
    Result(Option<Box<Type>>, Option<Box<Type>>),
    Tuple(Vec<Type>),
    Record(Vec<Type>),
    Variant(Vec<Option<Type>>),
    Enum(usize),
    Flags(usize),
}

impl Type {
    /// A random type, nested at most this deep.
    pub fn random(rng: &mut Rng, depth: u32) -> Self {
        let inner = |rng: &mut Rng| Box::new(Self::random(rng, depth - 1));
        let several = |rng: &mut Rng| {
            let count = rng.usize(1..4);
            (0..count).map(|_| Self::random(rng, depth - 1)).collect()
        };
        let last = if depth == 0 { 12 } else { 20 };
        match rng.u32(..last) {
            0..=2 => Self::Bytes,
            3 | 4 => Self::Text,
            5 => Self::of_number(rng),
            6 => Self::of_number(rng),
            7 => Self::Char,
            8 => Self::Bool,
            9 => Self::Enum(*rng.choice([1, 3, 300].iter()).expect("a size")),
            10 => Self::Flags(rng.usize(1..33)),
            11 => {
                let item = rng.choice([Self::U32, Self::Bytes, Self::S64, Self::Bool]);
                match rng.u32(..12) {
                    0 => Self::Obstacle(Box::new(Self::Text)),
                    1 => Self::Obstacle(Box::new(Self::U16)),
                    _ => Self::List(Box::new(item.expect("an item"))),
                }
            }
            12 => Self::Option(inner(rng)),
            13 | 14 => {
                let mut payload = || rng.bool().then(|| Box::new(Self::random(rng, depth - 1)));
                Self::Result(payload(), payload())
            }
            15 => Self::Tuple(several(rng)),
            16 | 17 => Self::Record(several(rng)),
            _ => {
                let count = rng.usize(1..5);
                let case = |_| rng.bool().then(|| Self::random(rng, depth - 1));
                Self::Variant((0..count).map(case).collect())
            }
        }
    }

    fn of_number(rng: &mut Rng) -> Self {
        let types = [
            Self::U8,
            Self::U16,
            Self::U32,
            Self::S64,
            Self::F32,
            Self::F64,
        ];
        rng.choice(types).expect("a type")
    }

    /// The type in WIT. Types that need a definition are added to `definitions`.
    pub fn wit(&self, definitions: &mut Vec<String>) -> String {
        let define = |definitions: &mut Vec<String>, keyword: &str, items: Vec<String>| {
            let name = format!("t{}", definitions.len());
            definitions.push(format!("{keyword} {name} {{ {} }}", items.join(", ")));
            name
        };
        let optional = |ty: &Option<Box<Self>>, definitions: &mut Vec<String>| {
            ty.as_ref().map_or("_".to_owned(), |ty| ty.wit(definitions))
        };
        match self {
            Self::Bytes => "list<u8>".to_owned(),
            Self::Text => "string".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::U8 => "u8".to_owned(),
            Self::U16 => "u16".to_owned(),
            Self::U32 => "u32".to_owned(),
            Self::S64 => "s64".to_owned(),
            Self::F32 => "f32".to_owned(),
            Self::F64 => "f64".to_owned(),
            Self::Char => "char".to_owned(),
            Self::List(ty) | Self::Obstacle(ty) => format!("list<{}>", ty.wit(definitions)),
            Self::Option(ty) => format!("option<{}>", ty.wit(definitions)),
            Self::Result(None, None) => "result".to_owned(),
            Self::Result(Some(ok), None) => format!("result<{}>", ok.wit(definitions)),
            Self::Result(ok, err) => {
                let ok = optional(ok, definitions);
                format!("result<{ok}, {}>", optional(err, definitions))
            }
            Self::Tuple(types) => {
                let types: Vec<String> = types.iter().map(|ty| ty.wit(definitions)).collect();
                format!("tuple<{}>", types.join(", "))
            }
            Self::Record(types) => {
                let fields = types.iter().zip(0..);
                let fields = fields.map(|(ty, at)| format!("f{at}: {}", ty.wit(definitions)));
                let fields = fields.collect();
                define(definitions, "record", fields)
            }
            Self::Variant(cases) => {
                let case = |(ty, at): (&Option<Self>, usize)| match ty {
                    None => format!("c{at}"),
                    Some(ty) => format!("c{at}({})", ty.wit(definitions)),
                };
                let cases = cases.iter().zip(0..).map(case).collect();
                define(definitions, "variant", cases)
            }
            Self::Enum(count) => {
                let names = (0..*count).map(|at| format!("e{at}")).collect();
                define(definitions, "enum", names)
            }
            Self::Flags(count) => {
                let names = (0..*count).map(|at| format!("g{at}")).collect();
                define(definitions, "flags", names)
            }
        }
    }

    /// A random value of the type.
    pub fn value(&self, rng: &mut Rng) -> Value {
        let optional =
            |ty: &Option<Box<Self>>, rng: &mut Rng| ty.as_ref().map(|ty| Box::new(ty.value(rng)));
        match self {
            Self::Bytes => Value::Bytes(bytes(rng)),
            Self::Text => Value::String(text(rng)),
            Self::Bool => Value::Bool(rng.bool()),
            Self::U8 => Value::U8(rng.u8(..)),
            Self::U16 => Value::U16(rng.u16(..)),
            Self::U32 => Value::U32(rng.u32(..)),
            Self::S64 => Value::S64(rng.i64(..)),
            Self::F32 => Value::F32(rng.f32()),
            Self::F64 => Value::F64(rng.f64()),
            Self::Char => Value::Char(rng.char(..)),
            Self::List(ty) | Self::Obstacle(ty) => {
                let count = rng.usize(..4);
                Value::List((0..count).map(|_| ty.value(rng)).collect())
            }
            Self::Option(ty) => Value::Option(rng.bool().then(|| Box::new(ty.value(rng)))),
            Self::Result(ok, err) => Value::Result(match rng.bool() {
                true => Ok(optional(ok, rng)),
                false => Err(optional(err, rng)),
            }),
            Self::Tuple(types) => Value::Tuple(types.iter().map(|ty| ty.value(rng)).collect()),
            Self::Record(types) => {
                let fields = types.iter().zip(0..);
                let fields = fields.map(|(ty, at)| (format!("f{at}"), ty.value(rng)));
                Value::Record(fields.collect())
            }
            Self::Variant(cases) => {
                let at = rng.usize(..cases.len());
                let payload = cases[at].as_ref().map(|ty| Box::new(ty.value(rng)));
                Value::Variant(format!("c{at}"), payload)
            }
            Self::Enum(count) => Value::Enum(format!("e{}", rng.usize(..*count))),
            Self::Flags(count) => {
                let names = (0..*count).filter(|_| rng.bool());
                Value::Flags(names.map(|at| format!("g{at}")).collect())
            }
        }
    }

    /// `true` if a value of this type can contain a list or a text.
    pub fn has_lists(&self) -> bool {
        self.any(&|ty| {
            matches!(
                ty,
                Self::Bytes | Self::Text | Self::List(_) | Self::Obstacle(_)
            )
        })
    }

    /// `true` if values of this type have byte lists outside of other lists.
    pub fn has_bytes(&self) -> bool {
        self.any(&|ty| matches!(ty, Self::Bytes))
    }

    /// `true` if values of this type have texts or byte lists outside of other lists.
    pub fn has_strings(&self) -> bool {
        self.any(&|ty| matches!(ty, Self::Bytes | Self::Text))
    }

    /// `true` if values of this type have lists inside of lists.
    pub fn has_list_in_list(&self) -> bool {
        self.any(&|ty| matches!(ty, Self::List(item) if matches!(**item, Self::Bytes)))
    }

    /// `true` if a function with this type is not carried as strings.
    pub fn has_obstacle(&self) -> bool {
        self.any(&|ty| matches!(ty, Self::Obstacle(_)))
    }

    /// The number of types, cases and flags in the type.
    pub fn size(&self) -> usize {
        let inner = match self {
            Self::List(ty) | Self::Obstacle(ty) | Self::Option(ty) => ty.size(),
            Self::Result(ok, err) => [ok, err].into_iter().flatten().map(|ty| ty.size()).sum(),
            Self::Tuple(types) | Self::Record(types) => types.iter().map(Self::size).sum(),
            Self::Variant(cases) => {
                cases.len() + cases.iter().flatten().map(Self::size).sum::<usize>()
            }
            Self::Enum(count) | Self::Flags(count) => *count,
            _ => 0,
        };
        1 + inner
    }

    fn any(&self, holds: &dyn Fn(&Self) -> bool) -> bool {
        let inner = match self {
            Self::Option(ty) => ty.any(holds),
            Self::Result(ok, err) => [ok, err].into_iter().flatten().any(|ty| ty.any(holds)),
            Self::Tuple(types) | Self::Record(types) => types.iter().any(|ty| ty.any(holds)),
            Self::Variant(cases) => cases.iter().flatten().any(|ty| ty.any(holds)),
            _ => false,
        };
        inner || holds(self)
    }
}

fn bytes(rng: &mut Rng) -> Vec<u8> {
    let length = match rng.u32(..20) {
        0..=3 => 0,
        4..=12 => rng.usize(..20),
        13..=18 => rng.usize(..500),
        _ => rng.usize(..12_000),
    };
    std::iter::repeat_with(|| rng.u8(..)).take(length).collect()
}

fn text(rng: &mut Rng) -> String {
    let most = rng.choice([1, 8, 30, 300]).expect("a length");
    let length = rng.usize(..most);
    let is_ascii = rng.bool();
    let one = || match is_ascii {
        true => char::from(rng.u8(..0x80)),
        false => rng.char(..),
    };
    std::iter::repeat_with(one).take(length).collect()
}
