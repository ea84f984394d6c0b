//! The two engines: trials that run on each of them, and what distinguishes the interpreter.

mod memory;

use crate::embedding::{CONSUMER, NUMBER, part};
use libtest_mimic::{Failed, Trial};
use std::fs;
use wit_host::{
    CodeCache, Engine, Form, LoadError, Outcome, PartName, Pool, Runtime, RuntimeOptions,
    Sandboxes, Wasm, compose,
};

/// All engines.
pub const ENGINES: [Engine; 2] = [Engine::Compiler, Engine::Interpreter];

/// The start of the names of the trials of a module that run on this engine.
pub fn path(module: &str, engine: Engine) -> String {
    match engine {
        Engine::Compiler => module.to_owned(),
        other => format!("{module}::{other}"),
    }
}

/// The flag that makes the command use this engine; none for the default engine.
pub fn flag(engine: Engine) -> Option<String> {
    (engine != Engine::default()).then(|| format!("--engine={engine}"))
}

/// The name of a trial, and what it does on an engine.
pub type OnEngine = (&'static str, fn(Engine) -> Result<(), Failed>);

/// A trial on each engine for each of these.
pub fn on_each(module: &str, trials: &[OnEngine]) -> Vec<Trial> {
    let on = |engine: Engine| {
        let path = path(module, engine);
        let trial = move |&(name, run): &OnEngine| {
            Trial::test(format!("{path}::{name}"), move || run(engine))
        };
        trials.iter().map(trial)
    };
    ENGINES.into_iter().flat_map(on).collect()
}

/// The trials.
pub fn trials() -> Vec<Trial> {
    let mut trials = memory::trials();
    trials.extend([
        Trial::test("engines::the_code_cache_keeps_them_apart", code_cache),
        Trial::test("engines::a_file_is_for_one_of_them", precompiled),
        Trial::test("engines::they_do_not_support_threads", threads),
    ]);
    trials.extend(on_each(
        "engines",
        &[("all_options_go_together", all_options)],
    ));
    trials
}

const PROGRAM: &str = "(module (func (export \"_start\")))";

/// Each engine finds its own code again, and never that of the other one.
fn code_cache() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let module = Wasm::parse("one", PROGRAM.as_bytes().to_vec())?;
    let name: PartName = "one".parse()?;
    for (engine, files) in [
        (Engine::Compiler, 1),
        (Engine::Interpreter, 2),
        (Engine::Compiler, 2),
        (Engine::Interpreter, 2),
    ] {
        let cache = CodeCache::open(directory.path())?;
        let options = RuntimeOptions::new().engine(engine).code_cache(cache);
        let program = Runtime::new(&options)?.load_module(&name, &module)?;
        let outcome = crate::embedding::run(&program, &Sandboxes::default())?;
        assert!(matches!(outcome, Outcome::Exited(0)), "{outcome:?}");
        assert_eq!(fs::read_dir(directory.path())?.count(), files, "{engine}");
    }
    // The code of one engine under the name of the other's is compiled anew.
    let entries = fs::read_dir(directory.path())?.collect::<Result<Vec<_>, _>>()?;
    let [first, second] = entries.as_slice() else {
        return Err("expected two files".into());
    };
    let aside = directory.path().join("aside");
    fs::rename(first.path(), &aside)?;
    fs::rename(second.path(), first.path())?;
    fs::rename(aside, second.path())?;
    for engine in ENGINES {
        let cache = CodeCache::open(directory.path())?;
        let options = RuntimeOptions::new().engine(engine).code_cache(cache);
        let program = Runtime::new(&options)?.load_module(&name, &module)?;
        let outcome = crate::embedding::run(&program, &Sandboxes::default())?;
        assert!(matches!(outcome, Outcome::Exited(0)), "{outcome:?}");
    }
    Ok(())
}

/// Code for one engine is refused by a runtime with the other one.
#[expect(unsafe_code, reason = "this test has made the file")]
fn precompiled() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let plugs = [part("number", NUMBER)?];
    let composition = compose(&part("consumer", CONSUMER)?, &plugs, Form::Granted)?;
    for engine in ENGINES {
        let own = Runtime::new(&RuntimeOptions::new().engine(engine))?;
        let path = directory.path().join(engine.to_string());
        fs::write(&path, own.precompile(&composition)?)?;
        let open = || wit_host::Precompiled::open(&path);
        assert_eq!(open()?.engine(), engine);
        for runs_on in ENGINES {
            let runtime = Runtime::new(&RuntimeOptions::new().engine(runs_on))?;
            // SAFETY: `precompile` has made the file above.
            let code = unsafe { open()?.trust() };
            match runtime.load_precompiled(&code) {
                Ok(_) if runs_on == engine => {}
                Err(LoadError::OtherEngine {
                    made_for,
                    engine: found,
                    ..
                }) if runs_on != engine => assert_eq!((made_for, found), (engine, runs_on)),
                other => return Err(format!("{engine} on {runs_on}: {other:?}").into()),
            }
        }
    }
    Ok(())
}

/// A module, a component and a plug with shared memory are refused before anything runs, and the error
/// names the feature.
fn threads() -> Result<(), Failed> {
    const SHARED: &str = r#"(module $m (memory 1 1 shared) (func (export "_start")))"#;
    let module = Wasm::parse("shared", SHARED.as_bytes().to_vec())?;
    let component = part("shared", &format!("(component (core {})", &SHARED[1..]))?;
    for engine in ENGINES {
        let runtime = Runtime::new(&RuntimeOptions::new().engine(engine))?;
        let composition = compose(&component, &[], Form::Granted)?;
        for error in [
            runtime.load_module(&"shared".parse()?, &module).err(),
            runtime.load(&composition).err(),
        ] {
            match error {
                Some(LoadError::Unsupported {
                    part,
                    feature,
                    engine: lacking,
                    ..
                }) => {
                    assert_eq!((part.as_str(), lacking), ("shared", engine));
                    assert!(feature.contains("shared memory"), "{feature}");
                }
                other => return Err(format!("{engine}: {other:?}").into()),
            }
        }
    }
    Ok(())
}

/// One program on a runtime with every option, twice: compiled, and from the code cache.
fn all_options(engine: Engine) -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let options = RuntimeOptions::new()
        .engine(engine)
        .interruptible(true)
        .fuel(true)
        .code_cache(CodeCache::open(directory.path())?)
        .pool(Pool::new(4, 1 << 20));
    let isolated = part("number", NUMBER)?.isolate(wit_host::Isolation::new());
    for plug in [part("number", NUMBER)?, isolated] {
        let composition = compose(&part("consumer", CONSUMER)?, &[plug], Form::Granted)?;
        for _ in 0..2 {
            let program = Runtime::new(&options)?.load(&composition)?;
            match crate::embedding::run(&program, &Sandboxes::default())? {
                Outcome::Exited(0) => {}
                other => return Err(format!("{other:?}").into()),
            }
        }
    }
    Ok(())
}
