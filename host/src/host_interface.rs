//! Interfaces that an embedder implements in Rust.

use crate::{
    names::{external::ExternName, part::PartName},
    value::Value,
};
use std::{collections::BTreeMap, error::Error, fmt, pin::Pin, sync::Arc};

/// An interface that the embedder implements in Rust, over dynamic values.
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
/// The file of the part defines the functions that it imports, and their types. A missing function is an
/// error of [`Runtime::load`](crate::Runtime::load); additional functions are allowed. Arguments have the
/// types in the file, so a function returns an error for arguments that it does not expect. If a function
/// returns an error, or a result that is not of the imported type, the program traps; the trap names the
/// interface, the function and the reason.
///
/// Functions pass values. An interface with resources is refused by [`compose()`](crate::compose()),
/// and one with streams or futures by [`Runtime::load`](crate::Runtime::load). A value takes up to 40
/// bytes on the host for each byte in the guest. One bound of 128 MiB holds for the arguments of each
/// call to the host.
#[derive(Clone)]
pub struct HostInterface {
    name: ExternName,
    functions: BTreeMap<String, HostFunction>,
}

/// A call of a function of a [`HostInterface`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HostCall {
    /// The part that calls.
    pub part: PartName,
    /// The arguments, of the types in the file of the part.
    pub arguments: Vec<Value>,
}

/// An error of a function of a [`HostInterface`]. A text converts to it.
pub type HostError = Box<dyn Error + Send + Sync>;

/// A result, if the function has one, or the reason for a trap.
type Answer = Result<Option<Value>, HostError>;

pub(crate) type HostFunction =
    Arc<dyn Fn(HostCall) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

impl HostInterface {
    /// An interface without functions, which suffices for one that only defines types.
    ///
    /// It satisfies imports of this name, and those of a
    /// [compatible](crate::InterfaceName::is_compatible_with) version. The name can also be a plain name, for
    /// an interface that a world defines in place.
    pub fn new(name: impl Into<ExternName>) -> Self {
        Self {
            name: name.into(),
            functions: BTreeMap::new(),
        }
    }

    /// Adds a function, or replaces the one of this name. It runs on the thread that runs the program,
    /// which waits for it. [`Limits::timeout`](crate::Limits) does not stop it.
    pub fn function<F>(self, name: impl Into<String>, function: F) -> Self
    where
        F: Fn(HostCall) -> Result<Option<Value>, HostError> + Send + Sync + 'static,
    {
        self.async_function(name, move |call| std::future::ready(function(call)))
    }

    /// Adds an asynchronous function, or replaces the one of this name. The program waits for it,
    /// and drops it after [`Limits::timeout`](crate::Limits).
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

    /// A function by its name.
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

/// Two are equal if they have the same name and share their functions, as clones do.
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
