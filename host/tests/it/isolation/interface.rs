//! Interfaces of functions on values, with a plug that exports one and a consumer that passes its calls on.

use std::fmt::Write;

/// An interface.
pub struct Interface {
    /// The types, as the items of an instance type and as the definitions in a component.
    pub types: Vec<(String, String)>,
    pub functions: Vec<Function>,
}

#[derive(Default)]
pub struct Function {
    pub name: String,
    /// The parameters and results.
    pub ty: String,
    /// The number of values in the core form of the parameters.
    pub flat: usize,
    /// `true` if there is a result, which is passed in memory.
    pub returns: bool,
    /// The code of the plug: the body of a function that has `(param i32)*` and returns the address of
    /// the result.
    pub code: String,
    /// The arguments that the consumer passes, in the place of its own.
    pub sent: Option<String>,
}

const MEMORY: &str = r#"
  (core module $memory
    (memory (export "memory") 2)
    (global $top (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (if (i32.gt_u (i32.add (global.get $top) (local.get 3)) (i32.const 65536))
        (then (global.set $top (i32.const 4096))))
      (local.set $at (global.get $top))
      (global.set $top (i32.and (i32.add (i32.add (local.get $at) (local.get 3)) (i32.const 15)) (i32.const -8)))
      (if (i32.gt_u (i32.add (local.get $at) (local.get 3)) (i32.mul (memory.size) (i32.const 65536)))
        (then (drop (memory.grow (i32.add (i32.div_u (local.get 3) (i32.const 65536)) (i32.const 1))))))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))"#;

const OPTIONS: &str = "(memory $mem) (realloc $realloc)";

impl Interface {
    fn core_type(function: &Function) -> String {
        let params = "(param i32)".repeat(function.flat);
        let result = if function.returns { "(result i32)" } else { "" };
        format!("{params} {result}")
    }

    fn definitions(&self) -> String {
        self.types
            .iter()
            .fold(String::new(), |mut text, (name, ty)| {
                let _ = writeln!(text, "(type ${name} {ty})");
                text
            })
    }

    /// A component in a component, that gives the types of the functions their names.
    fn named(&self, prefix: &str) -> String {
        let mut text = String::from("(component $named\n");
        let mut with = String::new();
        let of = |prefix: &str, ty: &str| ty.replace("$t", &format!("${prefix}t"));
        for (name, ty) in &self.types {
            let _ = writeln!(
                text,
                "(type $i{name}' {}) (import \"{name}\" (type $i{name} (eq $i{name}')))",
                of("i", ty)
            );
            let _ = write!(with, "(with \"{name}\" (type ${name}))");
        }
        for Function { name, ty, .. } in &self.functions {
            let _ = writeln!(text, "(import \"{name}\" (func ${name} {}))", of("i", ty));
            let _ = write!(with, "(with \"{name}\" (func ${prefix}{name}))");
        }
        for (name, ty) in &self.types {
            let ty = of("o", ty);
            let _ = writeln!(
                text,
                "(type $o{name}' {ty}) (export $o{name} \"{name}\" (type $o{name}'))"
            );
        }
        for Function { name, ty, .. } in &self.functions {
            let _ = writeln!(
                text,
                "(export \"{name}\" (func ${name}) (func {}))",
                of("o", ty)
            );
        }
        text.push_str(")\n");
        format!("{text} (instance $exported (instantiate $named {with}))")
    }

    /// The plug.
    pub fn provider(&self) -> String {
        let mut text = format!("(component {MEMORY} {}", self.definitions());
        let mut core = String::new();
        let mut lifted = String::new();
        for function in &self.functions {
            let Function { name, ty, code, .. } = function;
            let _ = writeln!(
                core,
                "(func (export \"{name}\") {} {code})",
                Self::core_type(function)
            );
            let _ = writeln!(
                lifted,
                "(func $own-{name} {ty} (canon lift (core func $i \"{name}\") {OPTIONS}))"
            );
        }
        let _ = write!(
            text,
            "(core module $m (import \"memory\" \"memory\" (memory 1)) {core})
             (core instance $i (instantiate $m (with \"memory\" (instance $memory))))
             {lifted} {} (export \"test:values/values@1.0.0\" (instance $exported)))",
            self.named("own-")
        );
        text
    }

    /// The consumer.
    pub fn consumer(&self) -> String {
        let mut items = String::new();
        let mut aliases = String::new();
        for (name, ty) in &self.types {
            let _ = writeln!(
                items,
                "(type ${name}' {ty}) (export \"{name}\" (type ${name} (eq ${name}')))"
            );
            let _ = writeln!(aliases, "(alias export $values \"{name}\" (type ${name}))");
        }
        let (mut lowered, mut imports, mut with, mut core, mut lifted) = (
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        );
        for function in &self.functions {
            let Function {
                name,
                ty,
                flat,
                returns,
                sent,
                ..
            } = function;
            let _ = writeln!(items, "(export \"{name}\" (func {ty}))");
            let _ = writeln!(
                lowered,
                "(core func $low-{name} (canon lower (func $values \"{name}\") {OPTIONS}))"
            );
            let more = usize::from(*returns);
            let _ = writeln!(
                imports,
                "(import \"values\" \"{name}\" (func ${name} {}))",
                "(param i32)".repeat(flat + more)
            );
            let _ = write!(with, "(export \"{name}\" (func $low-{name}))");
            let own = || (0..*flat).map(|at| format!("(local.get {at})")).collect();
            let arguments = sent.clone().unwrap_or_else(own);
            let body = match returns {
                true => format!("(call ${name} {arguments} (i32.const 512)) (i32.const 512)"),
                false => format!("(call ${name} {arguments})"),
            };
            let _ = writeln!(
                core,
                "(func (export \"{name}\") {} {body})",
                Self::core_type(function)
            );
            let _ = writeln!(
                lifted,
                "(func $own-{name} {ty} (canon lift (core func $i \"{name}\") {OPTIONS}))"
            );
        }
        format!(
            "(component (import \"test:values/values@1.0.0\" (instance $values {items})) {aliases} {MEMORY} {lowered}
             (core module $m (import \"memory\" \"memory\" (memory 1)) {imports} {core})
             (core instance $i (instantiate $m (with \"memory\" (instance $memory)) (with \"values\" (instance {with}))))
             {lifted} {} (export \"test:values/passed@1.0.0\" (instance $exported)))",
            self.named("own-")
        )
    }
}
