//! Functions of host interfaces with arguments and results of Rust types.

use super::{
    HostCall, HostError,
    import::Import,
    passed::{Passed, sealed, wit},
};
use crate::{store::state::State, wasm::signature};
use std::{marker::PhantomData, sync::Arc};
use wasmtime::component::{ComponentNamedList, Lift, LinkerInstance};

/// A function that the engine calls without dynamic values.
pub(crate) trait TypedFunction: Send + Sync {
    /// The type of the function in WIT, without names of parameters.
    fn signature(&self) -> Signature;

    /// Defines the function for one import.
    fn define(
        self: Arc<Self>,
        instance: &mut LinkerInstance<'_, State>,
        import: Import,
    ) -> wasmtime::Result<()>;
}

/// The type of a function: the WIT of its parameters and of its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) parameters: Vec<String>,
    pub(crate) result: Option<String>,
}

impl Signature {
    /// The type as WIT, such as `func(string) -> list<u8>`.
    pub(crate) fn wit(&self) -> String {
        signature::function(self.parameters.iter(), self.result.iter())
    }
}

/// The parameters of a typed function: a tuple of up to six types that are [`Passed`].
pub trait Parameters: sealed_parameters::Parameters {}

impl<P: sealed_parameters::Parameters> Parameters for P {}

mod sealed_parameters {
    use super::{ComponentNamedList, Lift};

    pub trait Parameters: Sized + Send + 'static {
        type Engine: ComponentNamedList + Lift + Send + 'static;

        /// The types of the parameters in WIT.
        fn wit() -> Vec<String>;
        fn of_engine(values: Self::Engine) -> Self;
    }
}

impl sealed_parameters::Parameters for () {
    type Engine = ();

    fn wit() -> Vec<String> {
        Vec::new()
    }

    fn of_engine((): ()) {}
}

macro_rules! parameters {
    ($(($($ty:ident $value:ident)+))*) => {
        $(impl<$($ty: sealed::Passed),+> sealed_parameters::Parameters for ($($ty,)+) {
            type Engine = ($($ty::Engine,)+);

            fn wit() -> Vec<String> {
                vec![$(wit::<$ty>()),+]
            }

            fn of_engine(($($value,)+): Self::Engine) -> Self {
                ($($ty::of_engine($value),)+)
            }
        })*
    };
}

parameters!((A a) (A a B b) (A a B b C c) (A a B b C c D d) (A a B b C c D d E e) (A a B b C c D d E e F f));

/// Makes a typed function of an embedder's function.
pub(super) fn typed<F, P, R, A>(function: F) -> Arc<dyn TypedFunction>
where
    F: Fn(HostCall<P>) -> A + Send + Sync + 'static,
    A: Future<Output = Result<R, HostError>> + Send + 'static,
    P: Parameters,
    R: Passed,
{
    Arc::new(Typed {
        function,
        types: PhantomData::<fn(P) -> R>,
    })
}

struct Typed<F, P, R> {
    function: F,
    types: PhantomData<fn(P) -> R>,
}

impl<F, P, R, A> TypedFunction for Typed<F, P, R>
where
    F: Fn(HostCall<P>) -> A + Send + Sync + 'static,
    A: Future<Output = Result<R, HostError>> + Send + 'static,
    P: Parameters,
    R: Passed,
{
    fn signature(&self) -> Signature {
        Signature {
            parameters: P::wit(),
            result: R::wit(),
        }
    }

    fn define(
        self: Arc<Self>,
        instance: &mut LinkerInstance<'_, State>,
        import: Import,
    ) -> wasmtime::Result<()> {
        let name = import.function.clone();
        let import = Arc::new(import);
        instance.func_wrap_async(&name, move |_store, arguments: P::Engine| {
            let answer = (self.function)(HostCall {
                part: import.part.clone(),
                arguments: P::of_engine(arguments),
            });
            let import = import.clone();
            Box::new(async move {
                match answer.await {
                    Ok(result) => Ok(result.into_results()),
                    Err(error) => Err(import.trap_of(error.as_ref())),
                }
            })
        })
    }
}
