//! All operations of the library that read a file, one after the other.

use std::{path::Path, time::Duration};
use wit_host::{
    Call, Component, ComposeError, Composition, Form, Instance, Language, Limits, Part, Program,
    Runtime, RuntimeOptions, Sandboxes, Wasm, bindgen, componentize, compose, inspect,
};

/// The runtime and the components for these operations.
pub struct Doors {
    runtime: Runtime,
    /// Valid components to compose with.
    partners: Vec<Part>,
}

impl Doors {
    pub fn new(partners: &[Vec<u8>]) -> Self {
        let options = RuntimeOptions::new().interruptible(true);
        let partner = |(index, bytes): (usize, &Vec<u8>)| {
            let wasm = Wasm::parse("partner", bytes.clone()).ok()?;
            Part::new(&format!("partner{index}"), wasm.try_into().ok()?).ok()
        };
        Self {
            runtime: Runtime::new(&options).expect("the engine"),
            partners: partners.iter().enumerate().filter_map(partner).collect(),
        }
    }

    /// Runs every operation of the subcommands on a file. Each operation may refuse the file, but not
    /// with an empty message, and not with an error that blames the library itself.
    pub fn enter(&self, file: &[u8], choice: usize) -> Result<(), String> {
        let Some(wasm) = worded(Wasm::parse("file", file.to_vec()))? else {
            return Ok(());
        };
        worded(inspect(&wasm))?;
        let made = worded(componentize(&wasm))?;
        let name = "file".parse().expect("a name");
        if let Some(program) = worded(self.runtime.load_module(&name, &wasm))? {
            run(&program)?;
        }
        let Some(component) = worded(Component::try_from(wasm))?.or(made) else {
            return Ok(());
        };
        let part = Part::new("file", component).expect("a name");
        let partner = &self.partners[choice % self.partners.len()];
        let stacks: [(&Part, &[Part]); 4] = [
            (&part, &[]),
            (&part, std::slice::from_ref(partner)),
            (partner, std::slice::from_ref(&part)),
            (partner, &[part.clone(), self.partners[0].clone()]),
        ];
        for (consumer, plugs) in stacks {
            for form in [Form::Portable, Form::Granted] {
                let composed = compose(consumer, plugs, form);
                if let Err(error @ ComposeError::Unsound { .. }) = composed {
                    return Err(error.to_string());
                }
                if let Some(composition) = worded(composed)? {
                    self.load(&composition, form)?;
                }
            }
        }
        Ok(())
    }

    fn load(&self, composition: &Composition, form: Form) -> Result<(), String> {
        match form {
            Form::Portable => worded(self.runtime.precompile(composition)).map(drop),
            _ => match worded(self.runtime.load(composition))? {
                Some(program) => run(&program),
                None => Ok(()),
            },
        }
    }
}

fn run(program: &Program) -> Result<(), String> {
    let limits = Limits::new()
        .timeout(Duration::from_millis(50))
        // The engine makes a result before anything can stop it: at the default bound, a list of flags with
        // short names is fifty million allocations.
        .result(256 << 20)
        .memory(64 << 20);
    let instantiate = async || program.instantiate(&Sandboxes::default(), &limits).await;
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    tokio.block_on(async {
        if worded(program.expect_command())?.is_some()
            && let Some(instance) = worded(instantiate().await)?
        {
            instance.run().await;
        }
        let Some(mut instance) = worded(instantiate().await)? else {
            return Ok(());
        };
        for function in instance.program().functions().to_vec() {
            let call: Call = format!("{}()", function.full_name())
                .parse()
                .map_err(|error| format!("a function that cannot be named: {error}"))?;
            if let Err(wit_host::CallError::Ended { .. }) = invoke(&mut instance, &call).await {
                break;
            }
        }
        Ok(())
    })
}

async fn invoke(instance: &mut Instance, call: &Call) -> Result<(), wit_host::CallError> {
    instance.invoke(call).await.map(drop)
}

/// Generates bindings for a WIT file.
pub fn generate(path: &Path) -> Result<(), String> {
    for language in [Language::C, Language::Cpp, Language::Rust] {
        worded(bindgen(path, "w", language))?;
    }
    Ok(())
}

/// The result of an operation. An error must have a message.
fn worded<T, E: std::error::Error>(result: Result<T, E>) -> Result<Option<T>, String> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.to_string().trim().is_empty() => Err("a refusal without words".into()),
        Err(_) => Ok(None),
    }
}
