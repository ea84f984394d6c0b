//! Functions of the embedder, for core modules.

use crate::{
    store::state::State,
    untrusted::Name,
    value::{Value, of_core, to_core},
};
use std::{collections::BTreeMap, error::Error, fmt, sync::Arc};
use wasmtime::{Engine, FuncType, Linker, Val, ValType};

/// Functions that the embedder provides to core modules, by their module and field names.
///
/// A core module gets the functions that it imports, in addition to WASI preview1. A module that
/// imports one of them with another type is refused.
///
/// ```
/// use wit_host::{CoreType, HostFunctions, Limits, Runtime, RuntimeOptions, Sandboxes, Value, Wasm};
///
/// let functions = HostFunctions::new().define(
///     "host",
///     "double",
///     [CoreType::I32],
///     [CoreType::I32],
///     |arguments| match arguments {
///         [Value::S32(number)] => Ok(vec![Value::S32(number.wrapping_mul(2))]),
///         other => Err(format!("one `i32` was expected, not {other:?}").into()),
///     },
/// );
/// let module = Wasm::parse(
///     "quadruple.wat",
///     br#"(module
///         (import "host" "double" (func $double (param i32) (result i32)))
///         (func (export "quadruple") (param i32) (result i32)
///             (call $double (call $double (local.get 0)))))"#
///         .to_vec(),
/// )?;
/// let runtime = Runtime::new(&RuntimeOptions::default())?;
/// let program = runtime.load_module_with(&"quadruple".parse()?, &module, &functions)?;
/// let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// let result = tokio.block_on(async {
///     let mut instance = program
///         .instantiate(&Sandboxes::default(), &Limits::default())
///         .await?;
///     let quadruple = program.function("quadruple")?;
///     Ok::<_, Box<dyn std::error::Error>>(instance.call(quadruple, vec![Value::S32(3)]).await?)
/// })?;
/// assert_eq!(result, [Value::S32(12)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct HostFunctions(BTreeMap<(String, String), HostFunction>);

/// A type of a parameter or a result of a host function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CoreType {
    /// `i32`, as [`Value::S32`]
    I32,
    /// `i64`, as [`Value::S64`]
    I64,
    /// `f32`, as [`Value::F32`]
    F32,
    /// `f64`, as [`Value::F64`]
    F64,
}

type Call = dyn Fn(&[Value]) -> Result<Vec<Value>, Box<dyn Error + Send + Sync>> + Send + Sync;

#[derive(Clone)]
struct HostFunction {
    parameters: Vec<CoreType>,
    results: Vec<CoreType>,
    call: Arc<Call>,
}

impl HostFunctions {
    /// Makes an empty set of functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Defines the function `name` of the module `module`, or replaces its earlier definition.
    ///
    /// `call` runs on the thread that runs the instance. Its arguments have the types of `parameters`.
    /// If it returns an error, or results of other types, the module that called it traps.
    pub fn define(
        mut self,
        module: impl Into<String>,
        name: impl Into<String>,
        parameters: impl IntoIterator<Item = CoreType>,
        results: impl IntoIterator<Item = CoreType>,
        call: impl Fn(&[Value]) -> Result<Vec<Value>, Box<dyn Error + Send + Sync>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let function = HostFunction {
            parameters: parameters.into_iter().collect(),
            results: results.into_iter().collect(),
            call: Arc::new(call),
        };
        self.0.insert((module.into(), name.into()), function);
        self
    }

    /// The type of a function; `None` if it is not defined.
    pub(super) fn type_of(&self, engine: &Engine, module: &str, name: &str) -> Option<FuncType> {
        let function = self.0.get(&(module.to_owned(), name.to_owned()))?;
        Some(function.ty(engine))
    }

    /// Defines all functions in the linker of one module.
    pub(super) fn add_to(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        for ((module, name), function) in &self.0 {
            let full_name = format!("{module}.{name}");
            let call = function.call.clone();
            let ty = function.ty(linker.engine());
            let results: Vec<ValType> = ty.results().collect();
            linker.func_new(module, name, ty, move |_, arguments, returned| {
                let arguments: Vec<Value> = arguments.iter().copied().filter_map(of_core).collect();
                let values = call(&arguments).map_err(|error| failed(&full_name, &error))?;
                returns(&values, &results, returned).map_err(|wrong| failed(&full_name, &wrong))
            })?;
        }
        Ok(())
    }
}

impl HostFunction {
    fn ty(&self, engine: &Engine) -> FuncType {
        let types = |types: &[CoreType]| types.iter().map(|ty| ty.of_engine()).collect::<Vec<_>>();
        FuncType::new(engine, types(&self.parameters), types(&self.results))
    }
}

impl CoreType {
    fn of_engine(self) -> ValType {
        match self {
            Self::I32 => ValType::I32,
            Self::I64 => ValType::I64,
            Self::F32 => ValType::F32,
            Self::F64 => ValType::F64,
        }
    }
}

fn failed(function: &str, error: &dyn fmt::Display) -> wasmtime::Error {
    wasmtime::Error::msg(format!("the host's `{}` failed: {error}", Name(function)))
}

/// Copies the values to the engine's results, if they have the types of the results.
fn returns(values: &[Value], types: &[ValType], returned: &mut [Val]) -> Result<(), String> {
    if values.len() != types.len() {
        return Err(format!(
            "it returned {} values instead of {}",
            values.len(),
            types.len()
        ));
    }
    for ((value, ty), returned) in values.iter().zip(types).zip(returned) {
        *returned = to_core(value, ty).map_err(|wrong| wrong.to_string())?;
    }
    Ok(())
}

impl fmt::Debug for HostFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self
            .0
            .keys()
            .map(|(module, name)| format!("{module}.{name}"));
        f.debug_set().entries(names).finish()
    }
}
