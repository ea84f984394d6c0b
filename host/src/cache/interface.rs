//! The host interface of a cache.

use super::{Cache, CacheError, LONGEST_KEY};
use crate::{
    host_interface::{
        HostInterface,
        import::Import,
        typed::{Signature, TypedFunction},
    },
    names::part::PartName,
    store::state::State,
    value::{byte_list::ByteList, case::Case},
};
use std::{error::Error, sync::Arc};
use wasmtime::component::{LinkerInstance, WasmList, WasmStr};

/// The interface that `wit/cache.wit` defines.
const INTERFACE: &str = "toolkit:cache/cache@0.1.0";

const RUNTIME_ERROR: Case = Case(0);
const NOT_FOUND_ERROR: Case = Case(1);

/// A call of a cache that failed with [`CacheError::Runtime`]. The guest gets `runtime-error`, which has no
/// reason in it.
#[derive(Debug)]
#[non_exhaustive]
pub struct CacheFailure<'a> {
    /// The part that called the cache.
    pub part: &'a PartName,
    /// The function: `set`, `get` or `delete`.
    pub function: &'static str,
    /// The reason.
    pub error: &'a (dyn Error + Send + Sync + 'static),
}

/// A key that is longer than the interface allows.
#[derive(Debug, thiserror::Error)]
#[error("the key has {0} bytes, and a key has at most {LONGEST_KEY}")]
struct LongKey(usize);

impl HostInterface {
    /// The interface `toolkit:cache/cache@0.1.0`, implemented by a cache of the host.
    ///
    /// A key and a value are passed to the cache where they are in the guest's memory, and a value that
    /// was read is copied into it once. A key of more than 4,096 bytes is a `runtime-error` for every
    /// cache. A value that is so large that a call passes more than 128 MiB is a trap.
    ///
    /// The reasons of failed calls are lost; [`cache_reporting`](Self::cache_reporting) reports them.
    pub fn cache(cache: impl Cache) -> Self {
        Self::cache_reporting(cache, |_| {})
    }

    /// The same as [`cache`](Self::cache), and calls `report` for each call that fails with
    /// [`CacheError::Runtime`]. A guest can make calls fail, so a report to a log needs a bound.
    pub fn cache_reporting(
        cache: impl Cache,
        report: impl Fn(CacheFailure<'_>) + Send + Sync + 'static,
    ) -> Self {
        let served = Arc::new(Served { cache, report });
        [Function::Set, Function::Get, Function::Delete]
            .into_iter()
            .fold(Self::new(INTERFACE.to_owned()), |interface, function| {
                let served = served.clone();
                let typed = Arc::new(CacheFunction { function, served });
                interface.with_typed(function.name(), typed)
            })
    }
}

/// A cache, and the function that gets its failures.
struct Served<C, R> {
    cache: C,
    report: R,
}

#[derive(Clone, Copy)]
enum Function {
    Set,
    Get,
    Delete,
}

impl Function {
    fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Get => "get",
            Self::Delete => "delete",
        }
    }
}

struct CacheFunction<C, R> {
    function: Function,
    served: Arc<Served<C, R>>,
}

impl<C: Cache, R: Fn(CacheFailure<'_>) + Send + Sync + 'static> TypedFunction
    for CacheFunction<C, R>
{
    fn signature(&self) -> Signature {
        const ERROR: &str = "enum { runtime-error, not-found-error }";
        let (parameters, ok) = match self.function {
            Function::Set => (&["string", "list<u8>", "option<u32>"][..], "_"),
            Function::Get => (&["string"][..], "list<u8>"),
            Function::Delete => (&["string"][..], "_"),
        };
        Signature {
            parameters: parameters.iter().map(ToString::to_string).collect(),
            result: Some(format!("result<{ok}, {ERROR}>")),
        }
    }

    fn define(
        self: Arc<Self>,
        instance: &mut LinkerInstance<'_, State>,
        import: Import,
    ) -> wasmtime::Result<()> {
        let served = self.served.clone();
        let part = Arc::new(import.part);
        match self.function {
            Function::Set => instance.func_wrap_async(
                "set",
                move |store, (key, value, ttl): (WasmStr, WasmList<u8>, Option<u32>)| {
                    let (served, part) = (served.clone(), part.clone());
                    Box::new(async move {
                        let key = key.to_str(&store)?;
                        let value = value.as_le_slice(&store);
                        let result = match check(&key) {
                            Ok(()) => served.cache.set(&key, value, ttl).await,
                            Err(error) => Err(error),
                        };
                        Ok((served.answer(&part, "set", result),))
                    })
                },
            ),
            Function::Get => instance.func_wrap_async("get", move |store, (key,): (WasmStr,)| {
                let (served, part) = (served.clone(), part.clone());
                Box::new(async move {
                    let key = key.to_str(&store)?;
                    let result = match check(&key) {
                        Ok(()) => served.cache.get(&key).await.map(ByteList),
                        Err(error) => Err(error),
                    };
                    Ok((served.answer(&part, "get", result),))
                })
            }),
            Function::Delete => {
                instance.func_wrap_async("delete", move |store, (key,): (WasmStr,)| {
                    let (served, part) = (served.clone(), part.clone());
                    Box::new(async move {
                        let key = key.to_str(&store)?;
                        let result = match check(&key) {
                            Ok(()) => served.cache.delete(&key).await,
                            Err(error) => Err(error),
                        };
                        Ok((served.answer(&part, "delete", result),))
                    })
                })
            }
        }
    }
}

fn check(key: &str) -> Result<(), CacheError> {
    match key.len() {
        0..=LONGEST_KEY => Ok(()),
        length => Err(CacheError::Runtime(Box::new(LongKey(length)))),
    }
}

impl<C, R: Fn(CacheFailure<'_>)> Served<C, R> {
    /// The result for the guest. The reason of a failure is reported.
    fn answer<T>(
        &self,
        part: &PartName,
        function: &'static str,
        result: Result<T, CacheError>,
    ) -> Result<T, Case> {
        result.map_err(|error| match error {
            CacheError::NotFound => NOT_FOUND_ERROR,
            CacheError::Runtime(error) => {
                (self.report)(CacheFailure {
                    part,
                    function,
                    error: error.as_ref(),
                });
                RUNTIME_ERROR
            }
        })
    }
}
