//! An interface that is provided to one part is reached by that part alone.

use super::{expect_exit, outcome, secret};
use crate::embedding::part;
use libtest_mimic::{Failed, Trial};
use wit_host::{ComposeError, Form, LoadError, Runtime, RuntimeOptions, compose};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "host_interfaces::parts_have_their_own",
            parts_have_their_own,
        ),
        Trial::test(
            "host_interfaces::a_part_is_not_given_anothers",
            not_anothers,
        ),
        Trial::test("host_interfaces::a_forged_type_gets_nothing", forged_type),
    ]
}

/// Succeeds if the plug's number is 5 and its own secret is 1.
pub const KEEPER: &str = r#"(component
  (import "test:numbers/number@1.0.0" (instance $number (export "get" (func (result u32)))))
  (import "test:own/secret" (instance $secret (export "get" (func (result u32)))))
  (core func $number (canon lower (func $number "get")))
  (core func $secret (canon lower (func $secret "get")))
  (core module $m
    (import "host" "number" (func $number (result i32)))
    (import "host" "secret" (func $secret (result i32)))
    (func (export "run") (result i32)
      (i32.or
        (i32.ne (call $number) (i32.const 5))
        (i32.ne (call $secret) (i32.const 1)))))
  (core instance $i (instantiate $m (with "host" (instance
    (export "number" (func $number)) (export "secret" (func $secret))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $command)))"#;

/// A plug whose number comes from an import.
pub fn teller(import: &str) -> String {
    format!(
        r#"(component
          (type $secret (instance (export "get" (func (result u32)))))
          {import}
          (core func $get (canon lower (func $import "get")))
          (core module $m
            (import "host" "get" (func $get (result i32)))
            (func (export "get") (result i32) (call $get)))
          (core instance $i (instantiate $m (with "host" (instance (export "get" (func $get))))))
          (func $get (result u32) (canon lift (core func $i "get")))
          (instance $number (export "get" (func $get)))
          (export "test:numbers/number@1.0.0" (instance $number)))"#
    )
}

pub const SECRET: &str = r#"(import "test:own/secret" (instance $import (type $secret)))"#;

fn parts_have_their_own() -> Result<(), Failed> {
    for (of_keeper, of_teller, code) in [(1, 5, 0), (5, 1, 1), (1, 1, 1), (5, 5, 1)] {
        let keeper = part("keeper", KEEPER)?.provide(secret(of_keeper));
        let teller = part("teller", &teller(SECRET))?.provide(secret(of_teller));
        expect_exit(&outcome(keeper, &[teller])?, code)?;
    }
    Ok(())
}

fn not_anothers() -> Result<(), Failed> {
    let composed = compose(
        &part("keeper", KEEPER)?.provide(secret(1)),
        &[part("teller", &teller(SECRET))?],
        Form::Granted,
    );
    match composed {
        Err(ComposeError::NotGranted { plug, import }) => {
            assert_eq!(
                (plug.as_str(), import.as_str()),
                ("teller", "test:own/secret")
            );
        }
        other => return Err(format!("expected a refusal, found {other:?}").into()),
    }
    let composition = compose(
        &part("keeper", KEEPER)?,
        &[part("teller", &teller(SECRET))?.provide(secret(5))],
        Form::Granted,
    )?;
    match Runtime::new(&RuntimeOptions::default())?.load(&composition) {
        Err(LoadError::Unsatisfied { part, import }) => {
            assert_eq!(
                (part.as_str(), import.as_str()),
                ("keeper", "test:own/secret")
            );
            Ok(())
        }
        Err(other) => Err(other.into()),
        Ok(_) => Err("what the plug was given satisfies the consumer".into()),
    }
}

/// Plugs with a harmless import that has the type, or the name, of the consumer's private import.
fn forged_type() -> Result<(), Failed> {
    const HELPER: &str = r#"(component
      (component $c)
      (instance $i (export "c" (component $c)))
      (export "test:helper/h@1.0.0" (instance $i)))"#;
    let named = |name: &str| {
        format!(
            r#"(import "test:helper/h@1.0.0" (instance
                 (alias outer 1 $secret (type $p))
                 (export "c" (component (alias outer 1 $p (type $q)) (import "{name}" (instance (type $q)))))))
               (import "wasi:io/poll@0.2.6" (instance $import (type $secret)))"#
        )
    };
    let forged = [
        r#"(import "wasi:io/poll@0.2.6" (instance $import (type $secret)))"#.to_owned(),
        named("test:own/secret"),
        named("keeper:host/secret"),
        named("teller:host/secret"),
    ];
    for import in forged {
        let plugs = [part("teller", &teller(&import))?, part("helper", HELPER)?];
        let plugs = match import.contains("helper") {
            true => &plugs[..],
            false => &plugs[..1],
        };
        let keeper = part("keeper", KEEPER)?.provide(secret(5));
        let composition = match compose(&keeper, plugs, Form::Granted) {
            Ok(composition) => composition,
            Err(ComposeError::Miswired { .. } | ComposeError::Unsound { .. }) => continue,
            Err(other) => return Err(other.into()),
        };
        match Runtime::new(&RuntimeOptions::default())?.load(&composition) {
            Err(LoadError::Link { parts, import, .. }) => {
                assert_eq!(parts[0].as_str(), "teller");
                assert_eq!(
                    import.ok_or("no import is named")?.as_str(),
                    "wasi:io/poll@0.2.6"
                );
            }
            Err(other) => return Err(other.into()),
            Ok(_) => return Err(format!("a plug gets what is the consumer's: {import}").into()),
        }
    }
    // A plug that imports the name of the private import openly is refused.
    let open = r#"(import "keeper:host/secret" (instance $import (type $secret)))"#;
    let keeper = part("keeper", KEEPER)?.provide(secret(5));
    match compose(&keeper, &[part("teller", &teller(open))?], Form::Granted) {
        Err(ComposeError::NotGranted { .. }) => Ok(()),
        other => Err(format!("expected a refusal, found {other:?}").into()),
    }
}
