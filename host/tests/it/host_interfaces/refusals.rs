//! Interfaces that do not fit are refused before anything runs.

use super::{NUMBERS, number, secret};
use crate::embedding::{CONSUMER, NUMBER, part};
use libtest_mimic::{Failed, Trial};
use wit_host::{
    ComposeError, Form, HostInterface, HostInterfaceMismatch, LoadError, Part, PrecompiledError,
    Runtime, RuntimeOptions, compose,
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("host_interfaces::what_does_not_fit_is_refused", refused),
        Trial::test("host_interfaces::resources_are_refused", resources),
        Trial::test("host_interfaces::they_are_not_put_into_files", not_in_files),
    ]
}

fn refused() -> Result<(), Failed> {
    let composed = |interface: HostInterface, plugs: &[Part]| -> Result<String, Failed> {
        let consumer = part("consumer", CONSUMER)?.provide(interface);
        match compose(&consumer, plugs, Form::Granted) {
            Err(error) => Ok(error.to_string()),
            Ok(_) => Err("it was composed".into()),
        }
    };
    assert_eq!(
        composed(number(42), &[part("number", NUMBER)?])?,
        "`consumer` imports `test:numbers/number@1.0.0`, which plug `number` and the host interface `test:numbers/number@1.0.0` both satisfy; leave one of them out"
    );
    assert_eq!(
        composed(secret(1), &[])?,
        "the host interface `test:own/secret` satisfies no import of `consumer`; leave it out, or provide it to the part that imports it"
    );
    assert_eq!(
        composed(HostInterface::new("test:numbers/number@2.0.0"), &[])?,
        "the host interface `test:numbers/number@2.0.0` satisfies no import of `consumer`; `test:numbers/number@2.0.0` and `test:numbers/number@1.0.0` are incompatible versions; build both against the same one"
    );
    for name in [
        "wasi:cli/environment@0.2.0",
        "wasi:random/random",
        "wasi:sockets/tcp@0.2.9",
    ] {
        assert_eq!(
            composed(HostInterface::new(name), &[])?,
            format!(
                "`{name}` cannot be provided to `consumer` by the embedder, because the host itself provides it; grant what `consumer` is to reach in its sandbox"
            )
        );
    }
    // The embedder may provide an interface that the host does not provide, if a part imports it.
    for name in ["wasi:cli/environment@0.3.0", "wasi:http/types@0.2.0"] {
        let words = composed(HostInterface::new(name), &[])?;
        assert!(
            words.contains("satisfies no import of `consumer`"),
            "{words}"
        );
    }
    let twice = part("consumer", CONSUMER)?
        .provide(number(1))
        .provide(number(2));
    match compose(&twice, &[], Form::Granted) {
        Err(ComposeError::IdleHostInterface { .. }) => {}
        other => return Err(format!("expected a refusal, found {other:?}").into()),
    }
    let function = r#"(component (import "get" (func)))"#;
    let function = part("consumer", function)?.provide(HostInterface::new("get"));
    match compose(&function, &[], Form::Granted) {
        Err(ComposeError::NotAnInstance { part, import }) => {
            assert_eq!((part.as_str(), import.as_str()), ("consumer", "get"));
        }
        other => return Err(format!("expected a refusal, found {other:?}").into()),
    }

    let without = HostInterface::new(NUMBERS).function("got", |_| Ok(None));
    let composition = compose(
        &part("consumer", CONSUMER)?.provide(without),
        &[],
        Form::Granted,
    )?;
    match Runtime::new(&RuntimeOptions::default())?
        .load(&composition)
        .err()
    {
        Some(LoadError::HostInterface {
            part,
            interface,
            source,
        }) => {
            assert!(matches!(*source, HostInterfaceMismatch::NoFunction { .. }));
            assert_eq!((part.as_str(), interface.as_str()), ("consumer", NUMBERS));
            let words = "it has no function `get`; add one, of type `func() -> u32`";
            assert_eq!(source.to_string(), words);
            Ok(())
        }
        other => Err(format!("expected a refusal, found {other:?}").into()),
    }
}

fn resources() -> Result<(), Failed> {
    let own = r#"(component
        (import "a:b/c" (instance (export "r" (type (sub resource)))
          (export "f" (func)))))"#;
    let of_another = r#"(component
        (import "wasi:io/error@0.2.6" (instance $e (export "error" (type (sub resource)))))
        (alias export $e "error" (type $error))
        (import "a:b/c" (instance (alias outer 1 $error (type $o)) (export "error" (type $r (eq $o)))
          (export "f" (func (result (own $r)))))))"#;
    for (text, resource) in [(own, "r"), (of_another, "error")] {
        let interface = HostInterface::new("a:b/c").function("f", |_| Ok(None));
        let consumer = part("consumer", text)?.provide(interface);
        match compose(&consumer, &[], Form::Granted) {
            Err(ComposeError::ProvidedResource {
                part,
                import,
                resource: named,
            }) => {
                let found = (part.as_str(), import.as_str(), named.as_str());
                assert_eq!(found, ("consumer", "a:b/c", resource));
            }
            other => return Err(format!("expected a refusal, found {other:?}").into()),
        }
    }
    Ok(())
}

fn not_in_files() -> Result<(), Failed> {
    let consumer = part("consumer", CONSUMER)?.provide(number(42));
    let composition = compose(&consumer, &[], Form::Granted)?;
    match Runtime::new(&RuntimeOptions::default())?.precompile(&composition) {
        Err(PrecompiledError::HostInterface { part, import }) => {
            assert_eq!((part.as_str(), import.as_str()), ("consumer", NUMBERS));
            Ok(())
        }
        other => Err(format!("expected a refusal, found {:?}", other.err()).into()),
    }
}
