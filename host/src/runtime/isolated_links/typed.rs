//! Forwarding functions of common types, whose strings and byte lists are copied as a whole.
//!
//! Each combination of parameters and results is compiled for itself, so there are only those in which byte
//! lists pass, and the functions that come with them. As a tree of values a string is one value too.

use super::Forward;
use crate::{
    program::isolated::call::{Caller, NoResult},
    store::{deadline::within, state::State},
    value::{
        byte_list::ByteList,
        case::{Case, MOST_CASES},
    },
};
use std::{borrow::Cow, sync::Arc};
use wasmtime::{
    StoreContextMut,
    component::{
        ComponentNamedList, Lift, LinkerInstance, Lower, Type, WasmList, WasmStr,
        types::ComponentFunc,
    },
};

/// Defines the function, if it has one of these types. Otherwise returns `false`.
pub(super) fn define(
    instance: &mut LinkerInstance<'_, State>,
    name: &str,
    ty: &ComponentFunc,
    forward: &Arc<Forward>,
) -> wasmtime::Result<bool> {
    let link = Link {
        instance,
        name,
        parameters: ty.params().map(|(_, ty)| Kind::of(&ty)).collect(),
        forward,
    };
    match ty.results().next() {
        None => link.returning::<()>(),
        Some(Type::Result(result)) => {
            let ok = result.ok().map(|ty| Kind::of(&ty));
            let error = result.err().map(|ty| Kind::of(&ty));
            match (ok, error) {
                (None, Some(Kind::Case)) => link.returning::<(Result<(), Case>,)>(),
                (Some(Kind::Bytes), Some(Kind::Case)) => {
                    link.returning::<(Result<ByteList, Case>,)>()
                }
                (None, Some(Kind::Text)) => link.returning::<(Result<(), String>,)>(),
                (Some(Kind::Bytes), Some(Kind::Text)) => {
                    link.returning::<(Result<ByteList, String>,)>()
                }
                _ => Ok(false),
            }
        }
        Some(Type::Option(option)) if Kind::of(&option.ty()) == Kind::Bytes => {
            link.returning::<(Option<ByteList>,)>()
        }
        Some(ty) if Kind::of(&ty) == Kind::Bytes => link.returning::<(ByteList,)>(),
        Some(_) => Ok(false),
    }
}

/// The types that typed functions pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Bytes,
    /// An enum whose case takes a byte.
    Case,
    /// `option<u32>`
    Number,
    Other,
}

impl Kind {
    fn of(ty: &Type) -> Self {
        match ty {
            Type::String => Self::Text,
            Type::List(list) if list.ty() == Type::U8 => Self::Bytes,
            Type::Enum(cases) if cases.names().len() <= MOST_CASES => Self::Case,
            Type::Option(option) if option.ty() == Type::U32 => Self::Number,
            _ => Self::Other,
        }
    }
}

/// The results of a typed function.
trait Results: ComponentNamedList + Lift + Lower + Send + Sync + 'static {
    /// The results of a call that failed; `None` if they have no error of this type.
    fn failed(case: Case) -> Option<Self>;
}

impl Results for () {
    fn failed(_: Case) -> Option<Self> {
        None
    }
}

macro_rules! results_without_a_case {
    ($($ty:ty),*) => {$(
        impl Results for ($ty,) {
            fn failed(_: Case) -> Option<Self> {
                None
            }
        }
    )*};
}

results_without_a_case!(
    ByteList,
    Option<ByteList>,
    Result<(), String>,
    Result<ByteList, String>
);

impl<T: Lift + Lower + Send + Sync + 'static> Results for (Result<T, Case>,) {
    fn failed(case: Case) -> Option<Self> {
        Some((Err(case),))
    }
}

/// A function that is being linked.
struct Link<'a, 'l> {
    instance: &'a mut LinkerInstance<'l, State>,
    name: &'a str,
    parameters: Vec<Kind>,
    forward: &'a Arc<Forward>,
}

/// Defines a function with these parameters. Each is borrowed from the caller's memory and copied into
/// the plug's.
macro_rules! forward {
    ($link:expr, $results:ty, $($name:ident: $lifted:ty => $lent:ty, $lend:expr);*) => {{
        let forward = $link.forward.clone();
        $link.instance.func_wrap_async(
            $link.name,
            move |mut store, ($($name,)*): ($($lifted,)*)| {
                let forward = forward.clone();
                Box::new(async move {
                    let caller = Caller::of(&store);
                    let ended = {
                        $(let $name = $lend(&$name, &store)?;)*
                        match forward.function.begin(caller).await {
                            Err(not_begun) => Err(not_begun),
                            Ok(mut call) => {
                                let function =
                                    call.typed::<($($lent,)*), $results>(forward.function.index);
                                let ended = match function {
                                    Ok(function) => {
                                        let deadline = call.deadline;
                                        let running =
                                            function.call_async(call.store(), ($($name.lent(),)*));
                                        within(deadline, running).await
                                    }
                                    Err(error) => Ok(Err(error)),
                                };
                                Ok((call, ended))
                            }
                        }
                    };
                    match forward.function.end(ended, &mut store) {
                        Ok(results) => Ok(results),
                        Err(no_result) => forward.answer(no_result),
                    }
                })
            },
        )?;
        Ok(true)
    }};
}

impl Link<'_, '_> {
    fn returning<R: Results>(self) -> wasmtime::Result<bool> {
        match self.parameters[..] {
            [] => forward!(self, R,),
            [Kind::Text] => forward!(self, R, a: WasmStr => &'static str, text),
            [Kind::Bytes] => forward!(self, R, a: WasmList<u8> => &'static [u8], bytes),
            [Kind::Text, Kind::Bytes] => forward!(self, R,
                a: WasmStr => &'static str, text;
                b: WasmList<u8> => &'static [u8], bytes),
            [Kind::Text, Kind::Bytes, Kind::Number] => forward!(self, R,
                a: WasmStr => &'static str, text;
                b: WasmList<u8> => &'static [u8], bytes;
                c: Option<u32> => Option<u32>, number),
            _ => Ok(false),
        }
    }
}

/// An argument that has been borrowed from the caller.
trait Lent {
    type As<'a>
    where
        Self: 'a;

    fn lent(&self) -> Self::As<'_>;
}

impl Lent for Cow<'_, str> {
    type As<'a>
        = &'a str
    where
        Self: 'a;

    fn lent(&self) -> &str {
        self
    }
}

impl Lent for &[u8] {
    type As<'a>
        = &'a [u8]
    where
        Self: 'a;

    fn lent(&self) -> &[u8] {
        self
    }
}

impl Lent for Option<u32> {
    type As<'a> = Self;

    fn lent(&self) -> Self {
        *self
    }
}

fn number(number: &Option<u32>, _: &StoreContextMut<'_, State>) -> wasmtime::Result<Option<u32>> {
    Ok(*number)
}

fn text<'a>(
    text: &WasmStr,
    store: &'a StoreContextMut<'_, State>,
) -> wasmtime::Result<Cow<'a, str>> {
    text.to_str(store)
}

fn bytes<'a>(
    bytes: &WasmList<u8>,
    store: &'a StoreContextMut<'_, State>,
) -> wasmtime::Result<&'a [u8]> {
    Ok(bytes.as_le_slice(store))
}

impl Forward {
    /// The results of a call that gave none.
    fn answer<R: Results>(&self, no_result: NoResult) -> wasmtime::Result<R> {
        let case = self.on_trap.as_ref().and_then(|on_trap| on_trap.case);
        match (no_result, case.and_then(R::failed)) {
            (NoResult::Plug(_), Some(results)) => Ok(results),
            (no_result, _) => Err(Self::trap(no_result)),
        }
    }
}
