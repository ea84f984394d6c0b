//! Interfaces that an embedder implements in Rust.

pub(crate) mod import;
pub(crate) mod passed;
pub(crate) mod typed;

use crate::{
    names::{external::ExternName, part::PartName},
    value::Value,
};
use passed::Passed;
use std::{collections::BTreeMap, error::Error, fmt, pin::Pin, sync::Arc};
use typed::{Parameters, TypedFunction};

/// An interface that the embedder implements in Rust, with arguments and results of Rust types or as
/// [`Value`]s.
///
/// [`Part::provide`](crate::Part::provide) provides it to one part of a composition, where it satisfies the
/// import of that name. Another part can have another implementation of the same interface.
///
/// ```
/// use wit_host::{HostCall, HostInterface, Value};
///
/// let clock = HostInterface::new("example:time/clock@1.0.0")
///     .typed_function("add", |call: HostCall<(u64, u64)>| {
///         let (a, b) = call.arguments;
///         Ok(a.wrapping_add(b))
///     })
///     .async_typed_function("wait", |call: HostCall<(u64,)>| async move {
///         let (ms,) = call.arguments;
///         tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
///         Ok(())
///     })
///     .function("now", |_call| Ok(Some(Value::U64(42))));
/// ```
///
/// The file of the part defines the functions that the part imports, and their types. A missing
/// function is an error of [`Runtime::load`](crate::Runtime::load), and so is a typed function of another
/// type; additional functions are allowed. A function with dynamic values gets arguments of the types in
/// the file, and returns an error for arguments that it does not expect.
///
/// If a function returns an error, or a result that is not of the imported type, the program traps. The
/// trap names the interface, the function and the reason. An error that the guest should get is a result
/// of the interface: `Ok(Err(error))`. A panic of a function unwinds through the call of the embedder that
/// runs the guest.
///
/// Functions take and return values without handles. [`compose()`](crate::compose()) refuses an
/// interface with resources, and [`Runtime::load`](crate::Runtime::load) refuses one with streams or
/// futures. The arguments of one call to the host take at most 128 MiB together. A [`Value`] takes up to
/// 40 bytes on the host for each byte in the guest; typed functions pass text and bytes as they are.
#[derive(Clone)]
pub struct HostInterface {
    name: ExternName,
    functions: BTreeMap<String, HostFunction>,
    provider: Option<String>,
}

/// A call of a function of a [`HostInterface`]. The arguments of a typed function are a tuple.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HostCall<Arguments = Vec<Value>> {
    /// The part that called the function.
    pub part: PartName,
    /// The arguments. They have the types that the file of the part defines.
    pub arguments: Arguments,
}

/// An error of a function of a [`HostInterface`]. `&str` and `String` convert to it.
pub type HostError = Box<dyn Error + Send + Sync>;

/// The result of a function: a value if the function has a result, or the reason for a trap.
type Answer = Result<Option<Value>, HostError>;

/// A function of a [`HostInterface`].
#[derive(Clone)]
pub(crate) enum HostFunction {
    /// A function with dynamic values, for an import of any type.
    Dynamic(Arc<DynamicFunction>),
    /// A function with Rust types, for an import of these types.
    Typed(Arc<dyn TypedFunction>),
}

pub(crate) type DynamicFunction =
    dyn Fn(HostCall) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync;

impl HostInterface {
    /// Makes an interface without functions, which is enough for an interface that only defines types.
    ///
    /// It satisfies imports of this name, and those of a
    /// [compatible](crate::InterfaceName::is_compatible_with) version. The name can also be a plain
    /// name, such as that of an interface that a world defines inline.
    pub fn new(name: impl Into<ExternName>) -> Self {
        Self {
            name: name.into(),
            functions: BTreeMap::new(),
            provider: None,
        }
    }

    /// Adds a function, or replaces the function of this name. It runs on the thread that runs the
    /// program, and the program waits for it. [`Limits::timeout`](crate::Limits) does not stop it.
    pub fn function<F>(self, name: impl Into<String>, function: F) -> Self
    where
        F: Fn(HostCall) -> Result<Option<Value>, HostError> + Send + Sync + 'static,
    {
        self.async_function(name, move |call| std::future::ready(function(call)))
    }

    /// Adds an asynchronous function, or replaces the function of this name. The program waits for its
    /// future, and drops the future after [`Limits::timeout`](crate::Limits).
    pub fn async_function<F, R>(mut self, name: impl Into<String>, function: F) -> Self
    where
        F: Fn(HostCall) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Option<Value>, HostError>> + Send + 'static,
    {
        let function: Arc<DynamicFunction> = Arc::new(move |call| Box::pin(function(call)));
        self.functions
            .insert(name.into(), HostFunction::Dynamic(function));
        self
    }

    /// Adds a function with arguments and a result of Rust types, or replaces the function of this name.
    /// [`Passed`] lists the types. The program waits for the function as for one of
    /// [`function`](Self::function).
    pub fn typed_function<P, R, F>(self, name: impl Into<String>, function: F) -> Self
    where
        P: Parameters,
        R: Passed,
        F: Fn(HostCall<P>) -> Result<R, HostError> + Send + Sync + 'static,
    {
        self.async_typed_function(name, move |call| std::future::ready(function(call)))
    }

    /// Adds an asynchronous function with arguments and a result of Rust types, or replaces the function
    /// of this name. The program waits for its future, and drops the future after
    /// [`Limits::timeout`](crate::Limits).
    pub fn async_typed_function<P, R, F, A>(self, name: impl Into<String>, function: F) -> Self
    where
        P: Parameters,
        R: Passed,
        F: Fn(HostCall<P>) -> A + Send + Sync + 'static,
        A: Future<Output = Result<R, HostError>> + Send + 'static,
    {
        self.with_typed(name, typed::typed(function))
    }

    pub(crate) fn with_typed(
        mut self,
        name: impl Into<String>,
        function: Arc<dyn TypedFunction>,
    ) -> Self {
        self.functions
            .insert(name.into(), HostFunction::Typed(function));
        self
    }

    /// The same interface with a description of its provider, such as an address, for reports and
    /// pictures. Reports are shown to users, so it must not contain a password.
    pub fn provider(mut self, description: impl Into<String>) -> Self {
        self.provider = Some(description.into());
        self
    }

    /// The description of the provider; `None` if there is none.
    pub(crate) fn provider_description(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// The name of the interface.
    pub fn name(&self) -> &ExternName {
        &self.name
    }

    /// The function of this name; `None` if the interface does not have it.
    pub(crate) fn implementation(&self, name: &str) -> Option<&HostFunction> {
        self.functions.get(name)
    }

    /// The names of the functions, in alphabetical order.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }
}

impl HostFunction {
    /// `true` if both are clones of one function.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dynamic(function), Self::Dynamic(other)) => Arc::ptr_eq(function, other),
            (Self::Typed(function), Self::Typed(other)) => Arc::ptr_eq(function, other),
            _ => false,
        }
    }
}

impl fmt::Debug for HostInterface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostInterface")
            .field("name", &self.name)
            .field("functions", &self.functions.keys())
            .finish()
    }
}

/// Two interfaces are equal if they have the same name and provider and share their functions, as clones do.
impl PartialEq for HostInterface {
    fn eq(&self, other: &Self) -> bool {
        let is_same = |((name, function), (other, of_other)): (
            (&String, &HostFunction),
            (&String, &HostFunction),
        )| name == other && function.is_same(of_other);
        self.name == other.name
            && self.provider == other.provider
            && self.functions.len() == other.functions.len()
            && self.functions.iter().zip(&other.functions).all(is_same)
    }
}

impl Eq for HostInterface {}
