//! The two forms of a composition, run side by side.

use crate::embedding::tokio;
use libtest_mimic::Failed;
use tokio::runtime::Runtime as Tokio;
use wit_host::{
    CallError, Component, Composition, Form, HostInterface, Instance, Limits, Outcome, Part,
    Program, Runtime, RuntimeOptions, Sandboxes, Trap, Value, Wasm, compose,
};

/// The plain form of a composition, and the one that carries bytes as strings.
pub struct Forms {
    tokio: Tokio,
    programs: [Program; 2],
    instances: Option<[Instance; 2]>,
    sandboxes: Sandboxes,
    limits: Limits,
}

impl Forms {
    /// Composes the parts in both forms. Also returns the composition that carries bytes as strings.
    pub fn of(consumer: &Part, plugs: &[Part]) -> Result<(Self, Composition), Failed> {
        let [plain, fast] = compositions(consumer, plugs)?;
        let runtime = Runtime::new(&RuntimeOptions::new())?;
        let programs = [runtime.load(&plain)?, runtime.load(&fast)?];
        Ok((Self::loaded(programs)?, fast))
    }

    /// Composes the parts in both forms, with an interface for the import that they leave open.
    pub fn providing(
        consumer: &Part,
        plugs: &[Part],
        host: &HostInterface,
    ) -> Result<(Self, Composition), Failed> {
        let [plain, fast] = compositions(consumer, plugs)?;
        let runtime = Runtime::new(&RuntimeOptions::new())?;
        let load = |composition: &Composition| -> Result<Program, Failed> {
            let whole = Wasm::parse("composed", composition.bytes().to_owned())?;
            let whole = Part::new("whole", Component::try_from(whole)?)?;
            Ok(runtime.load(&compose(&whole.provide(host.clone()), &[], Form::Granted)?)?)
        };
        let programs = [load(&plain)?, load(&fast)?];
        Ok((Self::loaded(programs)?, fast))
    }

    fn loaded(programs: [Program; 2]) -> Result<Self, Failed> {
        Ok(Self {
            tokio: tokio()?,
            programs,
            instances: None,
            sandboxes: Sandboxes::default(),
            limits: Limits::default(),
        })
    }

    /// Makes the next call in new instances.
    pub fn renew(&mut self) {
        self.instances = None;
    }

    /// The values that a function returns in the fast form.
    pub fn fast(&mut self, name: &str, arguments: &[Value]) -> Result<Vec<Value>, Failed> {
        let Some([_, fast]) = &mut self.instances else {
            return Err("nothing has been called".into());
        };
        let returned = outcome(&self.tokio, fast, name, arguments)?;
        Ok(returned.map_err(|trap| trap.to_string())?)
    }

    /// Calls a function in the fast form alone. It must trap; the next call is made in new instances.
    pub fn trap_of_fast(&mut self, name: &str, arguments: &[Value]) -> Result<Box<Trap>, Failed> {
        let [_, fast] = match &mut self.instances {
            Some(instances) => instances,
            none => none.insert(Self::instantiate(
                &self.tokio,
                &self.programs,
                &self.sandboxes,
                &self.limits,
            )?),
        };
        let ended = outcome(&self.tokio, fast, name, arguments);
        self.instances = None;
        match ended? {
            Ok(values) => Err(format!("it returned {values:?}").into()),
            Err(trap) => Ok(trap),
        }
    }

    fn instantiate(
        tokio: &Tokio,
        programs: &[Program; 2],
        sandboxes: &Sandboxes,
        limits: &Limits,
    ) -> Result<[Instance; 2], String> {
        let instantiate = |program: &Program| {
            let instance = tokio.block_on(program.instantiate(sandboxes, limits));
            instance.map_err(|error| error.to_string())
        };
        let [plain, fast] = programs;
        Ok([instantiate(plain)?, instantiate(fast)?])
    }

    /// Calls a function in both forms. They must return the same values or both trap; returns `None` for
    /// traps. After a trap the next call is made in new instances.
    pub fn call(&mut self, name: &str, arguments: &[Value]) -> Result<Option<Vec<Value>>, String> {
        let mut instances = match self.instances.take() {
            Some(instances) => instances,
            None => Self::instantiate(&self.tokio, &self.programs, &self.sandboxes, &self.limits)?,
        };
        let [plain, fast] = &mut instances;
        let plain = outcome(&self.tokio, plain, name, arguments)?;
        let fast = outcome(&self.tokio, fast, name, arguments)?;
        match (plain, fast) {
            (Ok(plain), Ok(fast)) if plain == fast => {
                self.instances = Some(instances);
                Ok(Some(plain))
            }
            (Err(plain), Err(fast)) => {
                // The calls that led to the trap are the same, with the same offsets in the parts' own files.
                // If several parts are at fault, the sender's fault comes first in the fast form.
                let is_refusal = fast.reason.contains("passed") && fast.part.is_some();
                match is_refusal || plain.frames == fast.frames {
                    true => Ok(None),
                    false => Err(format!(
                        "`{name}`: the frames differ:\n{plain}: {:?}\n{fast}: {:?}",
                        plain.frames, fast.frames
                    )),
                }
            }
            (plain, fast) => {
                let shown = |outcome: Result<Vec<Value>, _>| match outcome {
                    Ok(values) => format!("{values:?}").chars().take(500).collect(),
                    Err(trap) => format!("{trap}"),
                };
                Err(format!(
                    "`{name}`: plain: {}\nfast: {}",
                    shown(plain),
                    shown(fast)
                ))
            }
        }
    }
}

/// The plain form and the fast one. The same parts give the same bytes.
fn compositions(consumer: &Part, plugs: &[Part]) -> Result<[Composition; 2], Failed> {
    let plain = compose(consumer, plugs, Form::Portable)?;
    let fast = compose(consumer, plugs, Form::Portable)?.with_bulk_bytes();
    fast.validate()?;
    match fast.bytes() == plain.clone().with_bulk_bytes().bytes() {
        true => Ok([plain, fast]),
        false => Err("the same parts give other bytes".into()),
    }
}

/// The values that a function returns, or the trap in it.
fn outcome(
    tokio: &Tokio,
    instance: &mut Instance,
    name: &str,
    arguments: &[Value],
) -> Result<Result<Vec<Value>, Box<Trap>>, String> {
    let function = instance.program().function(name);
    let function = function.map_err(|error| error.to_string())?.clone();
    match tokio.block_on(instance.call(&function, arguments.to_vec())) {
        Ok(values) => Ok(Ok(values)),
        Err(CallError::Ended { outcome, .. }) => match outcome {
            Outcome::Trapped(trap) => Ok(Err(trap)),
            other => Err(format!("{other:?}")),
        },
        Err(error) => Err(error.to_string()),
    }
}
