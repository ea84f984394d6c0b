//! Calling one function with values.

mod callee;
pub(crate) mod error;
mod passed;

pub use error::CallError;

use crate::{
    ending::Ended,
    program::{
        exports::{Exports, Function},
        instance::Instance,
        prepared::Entry,
    },
    store::deadline::{Deadline, within},
    value::{Resource, Value, of_core, of_val, price, to_core, to_val},
    wasm::signature,
};
use callee::Callee;
use passed::PassedHandles;
use wasmtime::{
    FuncType,
    component::{self, ResourceAny, Type, Val, types::ComponentFunc},
};

impl Instance {
    /// Calls one function with these values and returns its results: at most one of a component, any
    /// number of a core module.
    ///
    /// The function owns a handle that is passed as an `own` from then on, even if the call fails. The
    /// instance keeps a handle that is passed as a `borrow`. It also keeps the handles in the results,
    /// at most [`Limits::handles`](crate::Limits) of them, until they are passed as an `own` or
    /// [released](Self::release).
    ///
    /// ```no_run
    /// # async fn f(mut instance: wit_host::Instance) -> Result<(), wit_host::CallError> {
    /// let add = instance.program().function("add")?.clone();
    /// let sum = instance.call(&add, vec![1u32.into(), 2u32.into()]).await?;
    /// assert_eq!(sum, [3u32.into()]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn call(
        &mut self,
        function: &Function,
        arguments: Vec<Value>,
    ) -> Result<Vec<Value>, CallError> {
        let index = self.program.exports().find_same(function)?;
        let callee = self.callee(index)?;
        callee.expect_count(function, arguments.len())?;
        callee.expect_results(function, callee::is_supported)?;
        self.call_callee(index, callee, arguments).await
    }

    /// Finds the function at this index of the program's exports in the instance.
    pub(crate) fn callee(&mut self, index: usize) -> Result<Callee, CallError> {
        self.expect_whole()?;
        let exports = self.program.exports();
        let callee = match &self.entry {
            Entry::Component(instance) => exports
                .place(index)
                .index
                .and_then(|place| instance.get_func(&mut self.store, place))
                .map(|func| Callee::Component(func, func.ty(&self.store))),
            Entry::Module(instance) => instance
                .get_func(&mut self.store, &exports.function(index).name)
                .map(|func| Callee::Core(func, func.ty(&self.store))),
        };
        // The name is one of the program's exports, so the instance has the function.
        callee.ok_or_else(|| CallError::NoSuchFunction {
            name: exports.function(index).full_name(),
            candidates: Vec::new(),
        })
    }

    pub(crate) async fn call_callee(
        &mut self,
        index: usize,
        callee: Callee,
        arguments: Vec<Value>,
    ) -> Result<Vec<Value>, CallError> {
        match callee {
            Callee::Component(func, ty) => {
                let value = self.call_component(index, func, ty, arguments).await?;
                Ok(value.into_iter().collect())
            }
            Callee::Core(func, ty) => self.call_core(index, func, ty, arguments).await,
        }
    }

    async fn call_component(
        &mut self,
        index: usize,
        func: component::Func,
        ty: ComponentFunc,
        arguments: Vec<Value>,
    ) -> Result<Option<Value>, CallError> {
        let program = self.program.clone();
        let exports = program.exports();
        let function = exports.function(index);
        let mut handles = PassedHandles::new(&self.handles);
        let mut vals = Vec::with_capacity(arguments.len());
        for (position, (value, (_, ty))) in arguments.into_iter().zip(ty.params()).enumerate() {
            let small = small(&value);
            let val = to_val(value, &ty, &mut |resource, ty| handles.pass(resource, ty));
            vals.push(val.map_err(|wrong| CallError::WrongArgument {
                function: function.full_name(),
                position: position + 1,
                text: small.map_or("…".to_owned(), error::shown),
                expected: signature::of_value(&ty),
                reason: wrong.to_string(),
            })?);
        }
        let given_away = handles.given_away();
        let result_type = ty.results().next();
        let limit = self.store.data().limiter.limits().result;
        let fuel = fuel_for_result(exports, index, result_type.as_ref(), limit);
        let too_large = || CallError::TooLarge {
            function: function.full_name(),
            limit,
        };

        let deadline = self.begin();
        for resource in given_away {
            self.handles.remove(resource);
            self.store.data_mut().limiter.release_handles(1);
        }
        let mut results = vec![Val::Bool(false); usize::from(result_type.is_some())];
        // The engine has one budget for the result and for the arguments of the imports that the
        // function calls.
        if let Some(fuel) = fuel {
            self.store.set_hostcall_fuel(fuel.max(LEAST_FUEL));
        }
        let call = func.call_async(&mut self.store, &vals, &mut results);
        let returned = within(deadline, call).await;
        let returned = self.end(returned, deadline);
        match returned {
            Ok(()) => {}
            // A call of an import with too large arguments would have a frame. Without a frame, the
            // result is too large.
            Err(Ended::Trapped(trap)) if trap.passes_too_much() && trap.frames.is_empty() => {
                return Err(too_large());
            }
            Err(ended) => return Err(CallError::ended(function.full_name(), ended)),
        }
        match results.pop().zip(result_type) {
            None => Ok(None),
            Some((val, _)) if fuel.is_some() && price::size_of_val(&val) > limit => {
                Err(too_large())
            }
            Some((val, ty)) => self.keep_result(function, val, &ty, deadline).await,
        }
    }

    /// Converts a result to a value. Its handles are kept; if they are too many, all of them are
    /// dropped.
    async fn keep_result(
        &mut self,
        function: &Function,
        val: Val,
        ty: &Type,
        deadline: Option<Deadline>,
    ) -> Result<Option<Value>, CallError> {
        let mut kept = Vec::new();
        let value = of_val(val, ty, &mut |handle| {
            let resource = self.handles.keep(handle);
            kept.push(resource);
            resource
        });
        if kept.is_empty() {
            return Ok(value);
        }
        let keeping = self.store.data_mut().limiter.keep_handles(kept.len());
        let Err(refusal) = keeping else {
            return Ok(value);
        };
        // None of the handles was counted, so none may stay: releasing one would reduce the count
        // wrongly.
        let handles: Vec<_> = kept
            .into_iter()
            .filter_map(|resource| Some((resource, self.handles.remove(resource)?)))
            .collect();
        for (resource, handle) in handles {
            self.drop_handle(resource, handle, deadline).await?;
        }
        Err(CallError::TooManyHandles {
            function: function.full_name(),
            refusal,
        })
    }

    async fn call_core(
        &mut self,
        index: usize,
        func: wasmtime::Func,
        ty: FuncType,
        arguments: Vec<Value>,
    ) -> Result<Vec<Value>, CallError> {
        let program = self.program.clone();
        let function = program.exports().function(index);
        let vals = arguments.iter().zip(ty.params()).enumerate();
        let vals = vals.map(|(position, (value, ty))| {
            to_core(value, &ty).map_err(|wrong| CallError::WrongArgument {
                function: function.full_name(),
                position: position + 1,
                text: error::shown(value),
                expected: ty.to_string(),
                reason: wrong.to_string(),
            })
        });
        let vals: Vec<wasmtime::Val> = vals.collect::<Result<_, _>>()?;
        let mut results = vec![wasmtime::Val::I32(0); ty.results().len()];
        let deadline = self.begin();
        let call = func.call_async(&mut self.store, &vals, &mut results);
        let returned = within(deadline, call).await;
        self.end(returned, deadline)
            .map_err(|ended| CallError::ended(function.full_name(), ended))?;
        Ok(results.into_iter().filter_map(of_core).collect())
    }

    /// The handle that is shown as `name`, such as `$1`. Fails with
    /// [`NoSuchHandle`](CallError::NoSuchHandle) if the instance does not have it.
    pub fn handle(&self, name: &str) -> Result<Resource, CallError> {
        let number = name
            .strip_prefix('$')
            .and_then(|number| number.parse().ok());
        let handle = number.map(|number| self.handles.numbered(number));
        handle
            .filter(|handle| self.handles.get(*handle).is_some())
            .ok_or_else(|| CallError::NoSuchHandle {
                handle: name.to_owned(),
            })
    }

    /// Drops the resource of a handle that a call has returned, which runs its destructor. The handle
    /// cannot be used any more.
    pub async fn release(&mut self, resource: Resource) -> Result<(), CallError> {
        self.expect_whole()?;
        let Some(handle) = self.handles.remove(resource) else {
            return Err(CallError::NoSuchHandle {
                handle: resource.to_string(),
            });
        };
        self.store.data_mut().limiter.release_handles(1);
        let deadline = self.begin();
        self.drop_handle(resource, handle, deadline).await
    }

    async fn drop_handle(
        &mut self,
        resource: Resource,
        handle: ResourceAny,
        deadline: Option<Deadline>,
    ) -> Result<(), CallError> {
        self.begin_until(deadline);
        let dropped = within(deadline, handle.resource_drop_async(&mut self.store)).await;
        self.end(dropped, deadline)
            .map_err(|ended| CallError::ended(format!("drop({resource})"), ended))
    }
}

/// A copy of a value without contents, to show the value if it has the wrong type: by then the value
/// itself has been passed on.
fn small(value: &Value) -> Option<Value> {
    match value {
        Value::String(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Record(_)
        | Value::Tuple(_)
        | Value::Variant(..)
        | Value::Enum(_)
        | Value::Option(_)
        | Value::Result(_)
        | Value::Flags(_) => None,
        value => Some(value.clone()),
    }
}

/// The least fuel of a call: the imports that the function calls have at least this budget for their
/// arguments, even if the bound of the result is smaller.
const LEAST_FUEL: usize = 1 << 20;

/// The engine's fuel for a result of at most `limit` bytes. `None` if every result of the type is
/// small.
fn fuel_for_result(
    exports: &Exports,
    index: usize,
    ty: Option<&Type>,
    limit: usize,
) -> Option<usize> {
    let bytes_per_fuel = exports.place(index).bytes_per_fuel(ty?)?;
    Some((limit as f64 / bytes_per_fuel) as usize)
}
