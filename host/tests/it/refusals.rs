//! Components that do not fit together: each pair is refused before it runs, and the message names a
//! component, the interface and a remedy.
//!
//! Each pair is made from one that fits by one change to the import or the export. `TORTURE=1`
//! replaces every type by every other, on both sides and with every subcommand; the short form tries
//! a sample.

mod pair;

use crate::{count::Count, torture::sized};
use libtest_mimic::{Failed, Trial};
use pair::{Function, Interface, TYPES};
use std::{fs, path::Path, process::Output};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("refusals::a_pair_that_fits_is_taken", pair_that_fits),
        Trial::test("refusals::wrong_functions_and_types", || {
            refused(wrong_functions())
        }),
        Trial::test("refusals::wrong_names_and_versions", || {
            refused(wrong_names())
        }),
        Trial::test("refusals::missing_and_extra_imports_and_exports", || {
            refused(missing_and_extra())
        }),
    ]
}

const SHAPE: &str = "test:shapes/shape@1.2.0";
const RUN: &str = "wasi:cli/run@0.2.6";

const COMPOSE: &[&str] = &["compose", "-o", "out.wasm"];
const RUN_IT: &[&str] = &["run", "--no-cache"];
const INVOKE: &[&str] = &["invoke", "--no-cache", "go()"];
const ALL: &[&[&str]] = &[COMPOSE, RUN_IT, INVOKE];
/// The subcommands that refuse an unsatisfied import; `compose` keeps it as an import.
const THAT_RUN: &[&[&str]] = &[RUN_IT, INVOKE];

/// Components that do not fit together, and the names that the message must contain.
struct Misfit {
    what: String,
    consumer: String,
    /// Names and texts of the plugs, nearest to the consumer first.
    plugs: Vec<(&'static str, String)>,
    commands: &'static [&'static [&'static str]],
    /// Names that the message must contain in backticks.
    named: Vec<String>,
}

fn misfit(
    what: impl Into<String>,
    import: &Interface,
    export: &Interface,
    named: &[&str],
) -> Misfit {
    Misfit {
        what: what.into(),
        consumer: import.consumer(RUN),
        plugs: vec![("provider", export.provider(None))],
        commands: ALL,
        named: named.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn pair_that_fits() -> Result<(), Failed> {
    let shape = Interface::of_every_type(SHAPE);
    let mut more = shape.clone();
    more.functions.push(Function {
        name: "more".to_owned(),
        params: Vec::new(),
        result: None,
    });
    let named = |name| Interface {
        name,
        ..shape.clone()
    };
    let newer = named("test:shapes/shape@1.3.0".to_owned());
    for export in [&shape, &more, &newer] {
        let fits = misfit("", &shape, export, &[]);
        for command in ALL {
            let output = fits.run(command)?;
            if !output.status.success() || !output.stderr.is_empty() {
                return Err(format!("{command:?}: {}", words(&output)).into());
            }
        }
    }
    Ok(())
}

/// Pairs that differ in one function, changed on the import side or on the export side.
fn wrong_functions() -> Vec<Misfit> {
    let shape = Interface::of_every_type(SHAPE);
    let mut misfits = Vec::new();
    let mut push = |what: String, changed: Interface| {
        let named = ["consumer", "provider", SHAPE];
        let exported = misfit(format!("{what}, exported"), &shape, &changed, &named);
        let imported = misfit(format!("{what}, imported"), &changed, &shape, &named);
        match sized(0, 1) {
            0 if misfits.len() % 2 == 0 => misfits.push(exported),
            0 => misfits.push(imported),
            _ => misfits.extend([exported, imported]),
        }
    };
    for (index, (ty, _)) in TYPES.iter().enumerate() {
        let mut change = |what: &str, change: &dyn Fn(&mut Function)| {
            let mut changed = shape.clone();
            change(&mut changed.functions[index]);
            push(format!("{what} of {ty}"), changed);
        };
        let others = (1..TYPES.len()).map(|step| (index + step) % TYPES.len());
        for other in others.take(sized(2, TYPES.len())) {
            let (name, _) = TYPES[other];
            change(&format!("a parameter {name} instead"), &|function| {
                function.params[0].1 = other;
            });
            change(&format!("a result {name} instead"), &|function| {
                function.result = Some(other);
            });
        }
        change("no parameter", &|function| function.params.clear());
        change("a parameter of another name", &|function| {
            function.params[0].0 = "other".to_owned();
        });
        change("one parameter more", &|function| {
            function.params.push(("more".to_owned(), index));
        });
        change("no result", &|function| function.result = None);
        change("another name", &|function| {
            function.name = "other".to_owned();
        });
    }
    for (index, (ty, _)) in TYPES.iter().enumerate() {
        let mut without = shape.clone();
        without.functions.remove(index);
        let what = format!("no function of {ty}, exported");
        let named = ["consumer", "provider", SHAPE];
        misfits.push(misfit(what, &shape, &without, &named));
    }
    misfits
}

/// Pairs with equal functions, in an interface of another name or an incompatible version.
fn wrong_names() -> Vec<Misfit> {
    let pairs = [
        ("test:shapes/shape@1.2.0", "test:shapes/shape@2.0.0"),
        ("test:shapes/shape@1.2.0", "test:shapes/shape@0.1.0"),
        ("test:shapes/shape@1.2.0", "test:shapes/shape@1.2.0-rc.1"),
        ("test:shapes/shape@1.2.0", "test:shapes/shape"),
        ("test:shapes/shape@0.1.0", "test:shapes/shape@0.2.0"),
        ("test:shapes/shape@0.0.1", "test:shapes/shape@0.0.2"),
        ("test:shapes/shape@1.2.0", "test:figures/shape@1.2.0"),
        ("test:shapes/shape@1.2.0", "other:shapes/shape@1.2.0"),
        ("test:shapes/shape@1.2.0", "test:shapes/shapes@1.2.0"),
        ("test:shapes/shape@1.2.0", "test:others/other@3.0.0"),
    ];
    let mut misfits = Vec::new();
    for (one, other) in pairs {
        for (import, export) in [(one, other), (other, one)] {
            let what = format!("`{export}` for `{import}`");
            let named = ["provider", import, export];
            let (import, export) = (Interface::small(import), Interface::small(export));
            misfits.push(misfit(what, &import, &export, &named));
        }
    }
    misfits
}

fn missing_and_extra() -> Vec<Misfit> {
    let shape = Interface::small(SHAPE);
    let other = Interface::small("test:others/other@1.0.0");
    let fits = || misfit("", &shape, &shape, &[]);
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let mut misfits = vec![
        Misfit {
            what: "no provider".to_owned(),
            plugs: Vec::new(),
            commands: THAT_RUN,
            named: named(&["consumer", SHAPE]),
            ..fits()
        },
        Misfit {
            what: "a provider that exports nothing".to_owned(),
            plugs: vec![("provider", "(component)".to_owned())],
            named: named(&["provider", SHAPE]),
            ..fits()
        },
        Misfit {
            what: "a second provider".to_owned(),
            plugs: vec![
                ("provider", shape.provider(None)),
                ("second", shape.provider(None)),
            ],
            named: named(&["second", SHAPE]),
            ..fits()
        },
        Misfit {
            what: "a plug that exports what nobody imports".to_owned(),
            plugs: vec![
                ("provider", shape.provider(None)),
                ("second", other.provider(None)),
            ],
            named: named(&["second", &other.name]),
            ..fits()
        },
        Misfit {
            what: "a plug for a consumer that imports nothing".to_owned(),
            consumer: shape.consumer(RUN).replace(&shape.import_text(), ""),
            named: named(&["provider", SHAPE]),
            ..fits()
        },
        Misfit {
            what: "a plug before the one that imports from it".to_owned(),
            plugs: vec![
                ("second", other.provider(None)),
                ("provider", shape.provider(Some(&other))),
            ],
            named: named(&["second", &other.name]),
            ..fits()
        },
        Misfit {
            what: "one import more, of the provider".to_owned(),
            plugs: vec![("provider", shape.provider(Some(&other)))],
            commands: THAT_RUN,
            named: named(&["provider", &other.name]),
            ..fits()
        },
        Misfit {
            what: "one import more, of the consumer".to_owned(),
            consumer: shape.consumer(RUN).replacen(
                "(component",
                &format!("(component {}", other.import_text()),
                1,
            ),
            commands: THAT_RUN,
            named: named(&["consumer", &other.name]),
            ..fits()
        },
    ];
    // Interfaces that the host does not provide, or provides with other types.
    for name in [
        "wasi:cli/environment@0.3.0",
        "wasi:cli/environment@0.1.0",
        "wasi:cli/environment",
        "wasi:http/outgoing-handler@0.2.6",
        "wasi:unknown/thing@0.2.6",
    ] {
        let unknown = Interface::small(name);
        misfits.push(Misfit {
            what: format!("the consumer imports `{name}`"),
            consumer: unknown.consumer(RUN),
            plugs: Vec::new(),
            commands: THAT_RUN,
            named: named(&["consumer", name]),
        });
        misfits.push(Misfit {
            what: format!("the provider imports `{name}`"),
            plugs: vec![("provider", shape.provider(Some(&unknown)))],
            commands: THAT_RUN,
            named: named(&["provider", name]),
            ..fits()
        });
    }
    let mut clock = Interface::small("wasi:clocks/monotonic-clock@0.2.6");
    clock.functions[0].name = "now".to_owned();
    misfits.push(Misfit {
        what: "the consumer imports the clock in another shape".to_owned(),
        consumer: clock.consumer(RUN),
        plugs: Vec::new(),
        commands: THAT_RUN,
        named: named(&["consumer", &clock.name]),
    });
    for run in ["wasi:cli/run@0.3.0", "test:cli/run@0.2.6"] {
        misfits.push(Misfit {
            what: format!("the consumer exports `{run}`"),
            consumer: shape.consumer(run),
            commands: &[RUN_IT],
            named: named(&["consumer"]),
            ..fits()
        });
    }
    misfits
}

/// Tries each misfit with every command; in the short form, with one command in turn.
fn refused(misfits: Vec<Misfit>) -> Result<(), Failed> {
    let mut count = Count::of("F14");
    for (number, misfit) in misfits.iter().enumerate() {
        let commands = misfit.commands.len();
        for command in (0..commands).cycle().skip(number).take(sized(1, commands)) {
            let command = misfit.commands[command];
            let output = misfit.run(command)?;
            let told = misfit.is_refused(&output);
            count.case(told.map_err(|wrong| {
                let words = words(&output);
                format!("{}: {}: {wrong}\n{words}", command[0], misfit.what)
            }));
        }
    }
    count.finish("")
}

impl Misfit {
    fn run(&self, command: &[&str]) -> Result<Output, Failed> {
        let work = tempfile::tempdir()?;
        fs::write(work.path().join("consumer.wat"), &self.consumer)?;
        for (name, text) in &self.plugs {
            fs::write(work.path().join(name).with_extension("wat"), text)?;
        }
        let plugs = self
            .plugs
            .iter()
            .map(|(name, _)| format!("--plug={name}.wat"));
        let output = crate::wit_host_command()
            .arg(command[0])
            .arg("consumer.wat")
            .args(plugs)
            .args(&command[1..])
            .current_dir(work.path())
            .output()?;
        expect_no_output(work.path(), &output)?;
        Ok(output)
    }

    /// Checks the refusal. If the parts fitted, the program would exit with 0.
    fn is_refused(&self, output: &Output) -> Result<(), String> {
        if output.status.code() != Some(125) {
            return Err(format!("ends with {}", output.status));
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        for name in &self.named {
            if !stderr.contains(&format!("`{name}`")) {
                return Err(format!("`{name}` is not named"));
            }
        }
        let error = stderr.lines().find(|line| line.starts_with("error: "));
        let remedy = error.and_then(|error| error.rsplit_once("; "));
        let verb = remedy.and_then(|(_, remedy)| remedy.split(' ').next());
        match verb {
            Some("build" | "rebuild" | "plug" | "leave" | "call") => Ok(()),
            Some(other) => Err(format!("`{other} …` is no remedy")),
            None => Err("there is no remedy".to_owned()),
        }
    }
}

/// Expects nothing on standard output and no output file.
fn expect_no_output(work: &Path, output: &Output) -> Result<(), Failed> {
    let is_written = work.join("out.wasm").exists();
    let is_written_in_vain = is_written && !output.status.success();
    if is_written_in_vain || output.status.code() == Some(125) && !output.stdout.is_empty() {
        return Err(format!("refused, and yet something comes out: {}", words(output)).into());
    }
    Ok(())
}

fn words(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    format!("{}\n{stderr}", output.status)
}
