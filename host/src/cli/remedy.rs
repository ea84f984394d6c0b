//! Remedies that name a flag or a subcommand. The errors of the library carry facts only.

use std::error::Error;
use wit_host::{
    CodeCacheError, CodeCacheReached, ComponentizeError, ComposeError, ExternName, Growing,
    IdleVirtualization, InstantiateError, LoadError, NotACommand, PrecompiledError, Refusal,
    rooms::LogicError, untrusted::Name,
};

/// The remedy for one error of a chain, without its causes.
pub fn of(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref() {
        return of_compose(error);
    }
    if let Some(InstantiateError::NoRoom { refusal, .. }) = error.downcast_ref() {
        return refusal.and_then(of_refusal).map(str::to_owned);
    }
    // These two show the error of loading as their own.
    let load = match (error.downcast_ref(), error.downcast_ref()) {
        (Some(PrecompiledError::Load(error)), _) | (_, Some(LogicError::Load(error))) => {
            Some(error)
        }
        _ => error.downcast_ref(),
    };
    if let Some(LoadError::Unsatisfied { part, import }) = load
        && ExternName::from("toolkit:cache/cache@0.1.0".to_owned()).is_compatible_with(import)
    {
        return Some(format!(
            "plug a component that exports it, as in `--plug FILE`, or give it a cache of the host, as in `--cache {part}=memory:`"
        ));
    }
    if let Some(LoadError::Unsupported {
        other: Some(other), ..
    }) = load
    {
        return Some(format!("use `--engine {other}`"));
    }
    let remedy = if let Some(LoadError::Unsatisfied { .. }) = load {
        "plug a component that exports it, as in `--plug FILE`"
    } else if let Some(LoadError::UnsatisfiedInModule { .. }) = load {
        "here a core module can import only WASI preview1, with `invoke --in` or `--out` the functions of an exchange, and with `serve` those of a room; build a component, whose imports plugs can satisfy"
    } else if let Some(ComponentizeError::CoreModule { .. }) = error.downcast_ref() {
        "make it a component with `wit-host componentize MODULE -o OUT`"
    } else if let Some(ComponentizeError::NoWorld { .. }) = error.downcast_ref() {
        "build it on the bindings of a world, which `wit-host bindgen` generates"
    } else if let Some(LoadError::OtherEngine { .. }) = load {
        "or leave out `--engine`"
    } else if error.is::<NotACommand>() {
        "call its functions with `wit-host invoke`, or plug it into a program"
    } else if error.is::<CodeCacheError>() {
        "or keep no compiled code, with `--no-cache`"
    } else if error.is::<CodeCacheReached>() || matches!(load, Some(LoadError::CodeCacheReached(_)))
    {
        "`:ro` at the end of `--dir` grants it to read only, and `WIT_HOST_CACHE=DIRECTORY` in every run keeps compiled code elsewhere"
    } else {
        return None;
    };
    Some(remedy.to_owned())
}

/// The remedy for a limit that was reached, which a trap can carry too.
pub fn of_refusal(refusal: Refusal) -> Option<&'static str> {
    match refusal.what {
        Growing::Memory => Some("allow more with `--max-memory`"),
        _ => None,
    }
}

fn of_compose(error: &ComposeError) -> Option<String> {
    match error {
        ComposeError::SameName { .. } => {
            Some("give one of them another name, as in `--plug NAME=FILE`".to_owned())
        }
        ComposeError::Interposed { plug, import, .. } => Some(format!(
            "allow it with `--virtualize {plug}={}`, or use a build of `{plug}` that does not export it",
            Name(import)
        )),
        ComposeError::IdleVirtualization {
            plug,
            interface,
            why: IdleVirtualization::NotOfTheHost,
        } => Some(format!(
            "leave out `--virtualize {plug}={}`",
            Name(interface)
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use wit_host::PartName;

    #[test]
    fn a_cause_has_its_remedy() {
        let unsatisfied = || LoadError::Unsatisfied {
            part: PartName::consumer(),
            import: "a:b/c".to_owned().into(),
        };
        let chains = [
            anyhow::Error::from(unsatisfied()),
            Err::<(), _>(unsatisfied())
                .context("failed to start")
                .expect_err("an error"),
            // The sources of these are those of the inner error.
            PrecompiledError::from(unsatisfied()).into(),
            LogicError::from(unsatisfied()).into(),
        ];
        for chain in chains {
            let remedies: Vec<String> = chain.chain().filter_map(of).collect();
            assert_eq!(remedies.len(), 1, "{chain:?}");
            assert!(remedies[0].contains("`--plug FILE`"), "{remedies:?}");
        }
    }
}
