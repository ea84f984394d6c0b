//! Interfaces that an embedder implements in Rust.

use crate::{
    names::{external::ExternName, part::PartName},
    value::Value,
};
use std::{collections::BTreeMap, error::Error, fmt, pin::Pin, sync::Arc};

/// An interface that the embedder implements in Rust, with arguments and results as [`Value`]s.
///
/// [`Part::provide`](crate::Part::provide) provides it to one part of a composition, where it satisfies the
/// import of that name. Another part can have another implementation of the same interface.
///
/// ```
/// use wit_host::{HostInterface, Value};
///
/// let clock = HostInterface::new("example:time/clock@1.0.0")
///     .function("now", |_call| Ok(Some(Value::U64(42))))
///     .async_function("wait", |call| async move {
///         let [Value::U64(ms)] = call.arguments[..] else {
///             return Err("`wait` takes the milliseconds".into());
///         };
///         tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
///         Ok(None)
///     });
/// ```
///
/// The file of the part defines the functions that the part imports, and their types. A missing
/// function is an error of [`Runtime::load`](crate::Runtime::load); additional functions are allowed.
/// Arguments have the types in the file; a function returns an error for arguments that it does not
/// expect. If a function returns an error, or a result that is not of the imported type, the program
/// traps. The trap names the interface, the function and the reason.
///
/// Functions take and return values without handles. [`compose()`](crate::compose()) refuses an
/// interface with resources, and [`Runtime::load`](crate::Runtime::load) refuses one with streams or
/// futures. A value takes up to 40 bytes on the host for each byte in the guest. The arguments of one
/// call to the host take at most 128 MiB together.
#[derive(Clone)]
pub struct HostInterface {
    name: ExternName,
    functions: BTreeMap<String, HostFunction>,
}

/// A call of a function of a [`HostInterface`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HostCall {
    /// The part that called the function.
    pub part: PartName,
    /// The arguments. They have the types that the file of the part defines.
    pub arguments: Vec<Value>,
}

/// An error of a function of a [`HostInterface`]. `&str` and `String` convert to it.
pub type HostError = Box<dyn Error + Send + Sync>;

/// The result of a function: a value if the function has a result, or the reason for a trap.
type Answer = Result<Option<Value>, HostError>;

pub(crate) type HostFunction =
    Arc<dyn Fn(HostCall) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

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
        let function: HostFunction = Arc::new(move |call| Box::pin(function(call)));
        self.functions.insert(name.into(), function);
        self
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

impl fmt::Debug for HostInterface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostInterface")
            .field("name", &self.name)
            .field("functions", &self.functions.keys())
            .finish()
    }
}

/// Two interfaces are equal if they have the same name and share their functions, as clones do.
impl PartialEq for HostInterface {
    fn eq(&self, other: &Self) -> bool {
        let is_same = |((name, function), (other, of_other)): (
            (&String, &HostFunction),
            (&String, &HostFunction),
        )| name == other && Arc::ptr_eq(function, of_other);
        self.name == other.name
            && self.functions.len() == other.functions.len()
            && self.functions.iter().zip(&other.functions).all(is_same)
    }
}

impl Eq for HostInterface {}
