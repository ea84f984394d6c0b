//! F13: a plug that exports an interface of the host does not replace the host, unless the plug may
//! virtualize that interface; then the explanation says so.

use crate::{count::Count, embedding::part, guests::Guest};
use libtest_mimic::{Failed, Trial};
use std::collections::BTreeSet;
use wit_host::{
    ComposeError, Explanation, Form, Part, PictureFormat, Sandboxes, Wasm, compose, inspect,
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("interposing::every_interface_of_the_host", every_interface),
        Trial::test("interposing::the_list_is_complete", complete_list),
    ]
}

/// All interfaces that the host provides.
const INTERFACES: [&str; 27] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// The versions of the import and of the export.
const VERSIONS: [(&str, &str); 3] = [("0.2.0", "0.2.0"), ("0.2.0", "0.2.6"), ("0.2.6", "0.2.0")];

fn importer(import: &str, exports: &str) -> String {
    format!(
        r#"(component
          (import "{import}" (instance))
          (import "test:own/inner" (instance))
          (instance $own)
          {exports})"#
    )
}

fn plug(export: &str) -> String {
    format!(
        r#"(component
          (instance $own)
          (export "test:own/inner" (instance $own))
          (export "test:own/outer" (instance $own))
          (export "{export}" (instance $own)))"#
    )
}

/// A part that imports the interface, the consumer or a plug, and a later plug that exports it.
struct Stack {
    parts: Vec<Part>,
    importer: &'static str,
}

fn stacks(import: &str, export: &str) -> Result<[Stack; 2], Failed> {
    const MIDDLE: &str = r#"(export "test:own/outer" (instance $own))"#;
    const OUTER: &str = r#"(component (import "test:own/outer" (instance)))"#;
    let beside = [
        part("consumer", &importer(import, ""))?,
        part("thief", &plug(export))?,
    ];
    let behind = [
        part("consumer", OUTER)?,
        part("middle", &importer(import, MIDDLE))?,
        part("thief", &plug(export))?,
    ];
    Ok([
        Stack {
            parts: beside.into(),
            importer: "consumer",
        },
        Stack {
            parts: behind.into(),
            importer: "middle",
        },
    ])
}

fn every_interface() -> Result<(), Failed> {
    let mut count = Count::of("F13, interposing");
    for interface in INTERFACES {
        for (imported, exported) in VERSIONS {
            let import = format!("{interface}@{imported}");
            let export = format!("{interface}@{exported}");
            for Stack {
                mut parts,
                importer,
            } in stacks(&import, &export)?
            {
                for form in [Form::Portable, Form::Granted] {
                    let rule = is_refused(&parts, form, importer, &import, &export);
                    count.case(
                        rule.map_err(|what| format!("{importer}, {import}, {form:?}: {what}")),
                    );
                }
                let thief = parts.pop().ok_or("a stack has a plug")?;
                for permission in [interface, &import, &export] {
                    parts.push(thief.clone().virtualize(permission.parse()?));
                    let rule = is_explained(&parts, importer, &import);
                    count.case(
                        rule.map_err(|what| format!("{importer}, {import}, {permission}: {what}")),
                    );
                    parts.pop();
                }
            }
        }
    }
    count.finish("")
}

fn is_refused(parts: &[Part], form: Form, who: &str, what: &str, by: &str) -> Result<(), String> {
    match compose(&parts[0], &parts[1..], form) {
        Err(ComposeError::Interposed {
            plug,
            export,
            importer,
            import,
        }) if plug.as_str() == "thief"
            && export == by
            && importer.as_str() == who
            && import == what =>
        {
            Ok(())
        }
        Err(other) => Err(format!("refused for another reason: {other}")),
        Ok(_) => Err("composed".to_owned()),
    }
}

/// With permission the stack is composed, and the explanation names what the plug can see and change.
fn is_explained(parts: &[Part], importer: &str, import: &str) -> Result<(), String> {
    let composition =
        compose(&parts[0], &parts[1..], Form::Granted).map_err(|error| error.to_string())?;
    let explanation = Explanation::of(&composition, &Sandboxes::default());
    let thief = explanation.parts.last().ok_or("no part")?;
    let expected = format!("all that `{importer}` does by `{import}`");
    if !thief.things.contains(&expected) {
        return Err(format!("explained as {:?}", thief.things));
    }
    let marked = format!("{import}, virtualized");
    if explanation
        .picture(PictureFormat::Mermaid)
        .contains(&marked)
    {
        Ok(())
    } else {
        Err(format!(
            "drawn as {}",
            explanation.picture(PictureFormat::Mermaid)
        ))
    }
}

/// The prober uses every function of WASI 0.2, so its imports are all interfaces that the host provides.
fn complete_list() -> Result<(), Failed> {
    let report = inspect(&Wasm::read(Guest::ProberConsumer.path()?)?)?;
    let imported: BTreeSet<&str> = report
        .imports
        .iter()
        .filter_map(|import| import.name.split('@').next())
        .filter(|name| name.starts_with("wasi:"))
        .collect();
    let listed = BTreeSet::from(INTERFACES);
    if imported == listed {
        Ok(())
    } else {
        let differ: Vec<_> = imported.symmetric_difference(&listed).collect();
        Err(format!("the prober and the list differ in {differ:?}").into())
    }
}
