//! The logic of rooms: a program that exports `toolkit:rooms/logic`.

use super::interface::{EXPORTS, LOGIC};
use crate::{
    plan::Plan,
    program::{InstantiateError, Program, isolated::IsolatedPlugs},
    runtime::{LoadError, Runtime},
    store::allowance::Allowance,
    untrusted::Name,
};

/// The logic of rooms, compiled, linked and checked.
pub struct Logic {
    pub(super) plan: Plan,
    pub(super) program: Program,
    /// The isolated plugs, which all rooms share.
    pub(super) plugs: IsolatedPlugs,
    /// The positions of the functions among the exports, in the order of [`EXPORTS`].
    pub(super) functions: [usize; EXPORTS.len()],
}

/// The reason why a program is not the logic of rooms.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogicError {
    /// The program could not be compiled or linked.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The program lacks functions of the interface, or has them with other types.
    #[error(
        "`{part}` is not the logic of rooms: it lacks {} of `{LOGIC}`; {}",
        list(.missing),
        exported(.exports)
    )]
    Missing {
        /// The name of the program.
        part: String,
        /// The functions that it lacks, with their types.
        missing: Vec<String>,
        /// The names of the functions that it exports.
        exports: Vec<String>,
    },
    /// The isolated plugs could not be started.
    #[error(transparent)]
    Plugs(#[from] InstantiateError),
}

fn list(missing: &[String]) -> String {
    let missing: Vec<String> = missing
        .iter()
        .map(|one| format!("`{}`", Name(one)))
        .collect();
    missing.join(", ")
}

fn exported(exports: &[String]) -> String {
    match exports {
        [] => "it exports no function".to_owned(),
        exports => format!("it exports {}", list(exports)),
    }
}

impl Logic {
    /// Compiles, links and checks a plan. The limits of the plan are those of one room: the time and the fuel
    /// of each event, and the memory of each instance.
    pub async fn load(plan: Plan, runtime: &Runtime) -> Result<Self, LogicError> {
        let program = plan.load(runtime)?;
        let functions = check(&program)?;
        let allowance = Allowance::new(&plan.limits);
        let plugs = program.isolated_plugs(&plan.sandboxes, &allowance, None);
        let plugs = plugs.await?;
        Ok(Self {
            plan,
            program,
            plugs,
            functions,
        })
    }
}

/// Finds the functions of the interface, with their types.
fn check(program: &Program) -> Result<[usize; EXPORTS.len()], LogicError> {
    let exports = program.exports();
    let mut functions = [0; EXPORTS.len()];
    let mut missing = Vec::new();
    for (place, (name, ty)) in functions.iter_mut().zip(EXPORTS) {
        let index = exports.find(&format!("{LOGIC}#{name}")).ok();
        match index.filter(|index| exports.function(*index).signature == ty) {
            Some(index) => *place = index,
            None => missing.push(format!("{name}: {ty}")),
        }
    }
    if missing.is_empty() {
        return Ok(functions);
    }
    Err(LogicError::Missing {
        part: program.parts()[0].to_string(),
        missing,
        exports: program
            .functions()
            .iter()
            .map(|one| one.full_name())
            .collect(),
    })
}
