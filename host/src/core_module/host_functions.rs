//! Functions of the embedder, for core modules.

use super::{
    caller::Caller,
    typed::{CoreParameters, CoreResults},
};
use crate::{
    host_interface::{HostError, import::in_words},
    store::state::State,
    untrusted::Name,
    value::{Value, WrongValue, of_core, to_core},
};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Instant};
use wasmtime::{Engine, FuncType, Linker, Trap, Val, ValType};

/// Functions that the embedder provides to a core module, by their module and field names.
///
/// A core module gets the functions that it imports, in addition to WASI preview1. A module that
/// imports one of them with another type is refused, and so is one that imports a function that is not
/// here.
///
/// ```
/// use wit_host::{HostFunctions, Limits, Runtime, RuntimeOptions, Sandboxes, Value, Wasm};
///
/// let functions = HostFunctions::new().typed("host", "double", |_caller, (number,): (i32,)| {
///     Ok(number.wrapping_mul(2))
/// });
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

/// A function with the values of the engine. It writes one value for each of its results.
type Call = dyn Fn(&mut Caller<'_>, &[Val], &mut [Val]) -> Result<(), HostError> + Send + Sync;

#[derive(Clone)]
struct HostFunction {
    parameters: Vec<CoreType>,
    results: Vec<CoreType>,
    call: Arc<Call>,
}

/// Values of the wrong number or types.
#[derive(Debug, thiserror::Error)]
enum WrongResults {
    #[error("it returned {returned} values instead of {expected}")]
    Count { returned: usize, expected: usize },
    #[error(transparent)]
    Value(#[from] WrongValue),
    #[error("the engine passed arguments of other types")]
    Arguments,
}

impl HostFunctions {
    /// Makes an empty set of functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Defines the function `name` of the module `module` by a closure with Rust types, or replaces its
    /// earlier definition. The types of the closure are the type of the function.
    ///
    /// `call` runs on the thread that runs the instance, and gets the module that called it. If it
    /// returns an error, that module traps with the message of the error.
    ///
    /// ```
    /// use wit_host::HostFunctions;
    ///
    /// let functions = HostFunctions::new().typed(
    ///     "host",
    ///     "print",
    ///     |caller, (pointer, length): (u32, u32)| {
    ///         println!("{}", caller.memory()?.text(pointer, length)?);
    ///         Ok(())
    ///     },
    /// );
    /// ```
    pub fn typed<P: CoreParameters, R: CoreResults>(
        self,
        module: impl Into<String>,
        name: impl Into<String>,
        call: impl Fn(&mut Caller<'_>, P) -> Result<R, HostError> + Send + Sync + 'static,
    ) -> Self {
        let call = move |caller: &mut Caller<'_>, arguments: &[Val], results: &mut [Val]| {
            let arguments = P::of_engine(arguments).ok_or(WrongResults::Arguments)?;
            call(caller, arguments)?.into_engine(results);
            Ok(())
        };
        self.insert(module, name, P::TYPES.to_vec(), R::TYPES.to_vec(), call)
    }

    /// Defines the function `name` of the module `module` by a closure with dynamic values, or replaces
    /// its earlier definition.
    ///
    /// `call` runs on the thread that runs the instance. Its arguments have the types of `parameters`.
    /// If it returns an error, or results of other types, the module that called it traps.
    pub fn define(
        self,
        module: impl Into<String>,
        name: impl Into<String>,
        parameters: impl IntoIterator<Item = CoreType>,
        results: impl IntoIterator<Item = CoreType>,
        call: impl Fn(&[Value]) -> Result<Vec<Value>, HostError> + Send + Sync + 'static,
    ) -> Self {
        let results: Vec<CoreType> = results.into_iter().collect();
        let types: Vec<ValType> = results.iter().map(|ty| ty.of_engine()).collect();
        let call = move |_: &mut Caller<'_>, arguments: &[Val], returned: &mut [Val]| {
            let arguments: Vec<Value> = arguments.iter().copied().filter_map(of_core).collect();
            Ok(returns(&call(&arguments)?, &types, returned)?)
        };
        let parameters = parameters.into_iter().collect();
        self.insert(module, name, parameters, results, call)
    }

    fn insert(
        mut self,
        module: impl Into<String>,
        name: impl Into<String>,
        parameters: Vec<CoreType>,
        results: Vec<CoreType>,
        call: impl Fn(&mut Caller<'_>, &[Val], &mut [Val]) -> Result<(), HostError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let function = HostFunction {
            parameters,
            results,
            call: Arc::new(call),
        };
        self.0.insert((module.into(), name.into()), function);
        self
    }

    /// The full names of the functions, `module.name`, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let names = self.0.keys();
        names.map(|(module, name)| format!("{module}.{name}"))
    }

    /// The type of a function; `None` if it is not defined.
    pub(crate) fn type_of(&self, engine: &Engine, module: &str, name: &str) -> Option<FuncType> {
        let function = self.0.get(&(module.to_owned(), name.to_owned()))?;
        Some(function.ty(engine))
    }

    /// Defines all functions in the linker of one module.
    pub(crate) fn add_to(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        for ((module, name), function) in &self.0 {
            let full_name = format!("{module}.{name}");
            let call = function.call.clone();
            let ty = function.ty(linker.engine());
            linker.func_new(module, name, ty, move |caller, arguments, returned| {
                // Code without loops checks the clock only where it enters a function.
                let deadline = caller.data().deadline;
                if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    return Err(Trap::Interrupt.into());
                }
                call(&mut Caller(caller), arguments, returned).map_err(|error| {
                    wasmtime::Error::new(Failed {
                        function: full_name.clone(),
                        reason: in_words(&*error),
                    })
                })
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

/// A call that failed. It has no source, so a trap shows this message itself.
#[derive(Debug, thiserror::Error)]
#[error("the host's `{}` failed: {}", Name(.function), Name(.reason))]
struct Failed {
    function: String,
    reason: String,
}

/// Copies the values to the engine's results, if they have the types of the results.
fn returns(values: &[Value], types: &[ValType], returned: &mut [Val]) -> Result<(), WrongResults> {
    if values.len() != types.len() {
        return Err(WrongResults::Count {
            returned: values.len(),
            expected: types.len(),
        });
    }
    for ((value, ty), returned) in values.iter().zip(types).zip(returned) {
        *returned = to_core(value, ty)?;
    }
    Ok(())
}

impl fmt::Debug for HostFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
