//! A consumer and a provider as text: the first imports an interface that the second exports.

/// The value types that functions are made of, as component text, each with its core types.
pub const TYPES: [(&str, &[&str]); 20] = [
    ("bool", &["i32"]),
    ("s8", &["i32"]),
    ("u8", &["i32"]),
    ("s16", &["i32"]),
    ("u16", &["i32"]),
    ("s32", &["i32"]),
    ("u32", &["i32"]),
    ("s64", &["i64"]),
    ("u64", &["i64"]),
    ("f32", &["f32"]),
    ("f64", &["f64"]),
    ("char", &["i32"]),
    ("string", &["i32", "i32"]),
    ("(list u8)", &["i32", "i32"]),
    ("(list u16)", &["i32", "i32"]),
    ("(option u32)", &["i32", "i32"]),
    ("(option u64)", &["i32", "i64"]),
    ("(tuple u32 u64)", &["i32", "i64"]),
    ("(result u32 (error u64))", &["i32", "i64"]),
    ("(result)", &["i32"]),
];

/// An index into [`TYPES`].
pub type Type = usize;

/// A function of the interface.
#[derive(Clone)]
pub struct Function {
    pub name: String,
    pub params: Vec<(String, Type)>,
    pub result: Option<Type>,
}

/// An interface under the name that it is imported or exported by.
#[derive(Clone)]
pub struct Interface {
    pub name: String,
    pub functions: Vec<Function>,
}

impl Interface {
    /// A function for each type, which takes a value of the type and returns it.
    pub fn of_every_type(name: &str) -> Self {
        let function = |ty| Function {
            name: format!("f{ty}"),
            params: vec![("p".to_owned(), ty)],
            result: Some(ty),
        };
        Self {
            name: name.to_owned(),
            functions: (0..TYPES.len()).map(function).collect(),
        }
    }

    /// One function without parameters.
    pub fn small(name: &str) -> Self {
        let function = Function {
            name: "get".to_owned(),
            params: Vec::new(),
            result: Some(6),
        };
        Self {
            name: name.to_owned(),
            functions: vec![function],
        }
    }

    /// A component that imports the interface and does not call it. It exports `wasi:cli/run` under the
    /// name `run`, and the same function as `go` for `invoke`.
    pub fn consumer(&self, run: &str) -> String {
        format!(
            r#"(component
              {}
              (core module $m (func (export "run") (result i32) (i32.const 0)))
              (core instance $i (instantiate $m))
              (func $run (result (result)) (canon lift (core func $i "run")))
              (instance $command (export "run" (func $run)))
              (export "{run}" (instance $command))
              (instance $app (export "go" (func $run)))
              (export "test:app/app@1.0.0" (instance $app)))"#,
            self.import_text()
        )
    }

    /// A component that exports the interface, with functions that trap, and imports `also`.
    pub fn provider(&self, also: Option<&Self>) -> String {
        let core: String = self.functions.iter().map(Function::core).collect();
        let lifted: String = self.functions.iter().map(Function::lifted).collect();
        let exports = self
            .functions
            .iter()
            .map(|Function { name, .. }| format!(r#"(export "{name}" (func ${name}))"#));
        format!(
            r#"(component
              {}
              (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                {core})
              (core instance $i (instantiate $m))
              {lifted}
              (instance $exported {})
              (export "{}" (instance $exported)))"#,
            also.map(Self::import_text).unwrap_or_default(),
            exports.collect::<String>(),
            self.name
        )
    }

    /// The import of the interface.
    pub fn import_text(&self) -> String {
        let functions = self.functions.iter().map(|function| {
            let Function { name, .. } = function;
            format!(r#"(export "{name}" (func {}))"#, function.signature())
        });
        let functions: String = functions.collect();
        format!(r#"(import "{}" (instance {functions}))"#, self.name)
    }
}

impl Function {
    fn signature(&self) -> String {
        let params = self
            .params
            .iter()
            .map(|(name, ty)| format!(r#"(param "{name}" {})"#, TYPES[*ty].0));
        let result = self
            .result
            .map(|ty| format!("(result {})", TYPES[ty].0))
            .unwrap_or_default();
        params.collect::<String>() + &result
    }

    fn core(&self) -> String {
        let params = self.params.iter().flat_map(|(_, ty)| TYPES[*ty].1);
        let params = params.map(|core| format!("(param {core})"));
        let result = match self.result.map(|ty| TYPES[ty].1) {
            None => String::new(),
            Some([one]) => format!("(result {one})"),
            // Several results are returned through a pointer.
            Some(_) => "(result i32)".to_owned(),
        };
        format!(
            r#"(func (export "{}") {}{result} unreachable)"#,
            self.name,
            params.collect::<String>()
        )
    }

    fn lifted(&self) -> String {
        let Self { name, .. } = self;
        format!(
            r#"(func ${name} {} (canon lift (core func $i "{name}")
                 (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))"#,
            self.signature()
        )
    }
}
