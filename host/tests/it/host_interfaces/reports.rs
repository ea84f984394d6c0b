//! Explanations, pictures and the portable form.

use super::{
    NUMBERS, expect_exit, number, outcome,
    privacy::{KEEPER, SECRET, teller},
    secret,
};
use crate::embedding::{CONSUMER, NUMBER, part};
use libtest_mimic::{Failed, Trial};
use wit_host::{
    Explanation, Form, LoadError, Part, PictureFormat, Runtime, RuntimeOptions, Sandboxes, compose,
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("host_interfaces::a_portable_import_stays_open", portable),
        Trial::test("host_interfaces::they_are_explained", explained),
    ]
}

fn portable() -> Result<(), Failed> {
    let consumer = part("consumer", CONSUMER)?;
    let composition = compose(&consumer.clone().provide(number(42)), &[], Form::Portable)?;
    let open: Vec<&str> = composition
        .open_imports()
        .map(|(_, name)| name.as_str())
        .collect();
    assert_eq!(open, [NUMBERS]);
    match Runtime::new(&RuntimeOptions::default())?
        .load(&composition)
        .err()
    {
        Some(LoadError::Unsatisfied { import, .. }) if import == NUMBERS => {}
        other => return Err(format!("expected a refusal, found {other:?}").into()),
    }
    // The result can be composed again.
    let composed = wit_host::Wasm::parse("composed.wasm", composition.bytes().to_vec())?;
    let composed = Part::new("composed", composed.try_into()?)?;
    expect_exit(&outcome(composed, &[part("number", NUMBER)?])?, 0)
}

fn explained() -> Result<(), Failed> {
    let keeper = part("keeper", KEEPER)?.provide(secret(1));
    let teller = part("teller", &teller(SECRET))?.provide(secret(5));
    let composition = compose(&keeper, &[teller], Form::Granted)?;
    let explanation = Explanation::of(&composition, &Sandboxes::default());
    let text = explanation.to_string();
    for part in ["keeper", "teller"] {
        let line = format!(
            "`{part}` calls the host interface `test:own/secret`, provided by the embedder\n"
        );
        assert!(text.contains(&line), "{text}");
    }
    let picture = explanation.picture(PictureFormat::Mermaid);
    for line in [
        "  embedder[\"embedder\"]\n",
        "  p0 -- \"test:own/secret\" --> embedder\n",
        "  p1 -- \"test:own/secret\" --> embedder\n",
    ] {
        assert!(picture.contains(line), "{picture}");
    }
    let picture = composition.picture(PictureFormat::Dot);
    assert!(
        picture.contains("p0 -> embedder [label=\"test:own/secret\"]"),
        "{picture}"
    );
    Ok(())
}
