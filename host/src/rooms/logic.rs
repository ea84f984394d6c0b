//! The logic of rooms: a component that exports `toolkit:rooms/logic`, or a core module with the exports of the convention.

use super::{
    core_module,
    interface::{EXPORTS, LOGIC},
};
use crate::{
    names::part::PartName,
    plan::Plan,
    program::{
        InstantiateError, Program,
        call::error::all,
        exports::Function,
        hand_over::{self, MissingExport},
        isolated::IsolatedPlugs,
        prepared::Prepared,
    },
    runtime::{LoadError, Runtime},
    store::allowance::Allowance,
    untrusted::Name,
};

/// The logic of rooms, compiled, linked and checked: a component, which [`HostInterface::room`] is provided to, or
/// a core module with [`HostFunctions::room`].
///
/// A core module exports `memory`, the allocator of a [hand-over](crate::Instance::hand_over), and
///
/// - `connect: func(client: i64)`, which is called for each client that connects, and when an instance starts, for
///   those that are connected;
/// - `message: func(client: i64, pointer: i32, length: i32)`, with the bytes of a message, which the module borrows;
/// - `disconnect: func(client: i64)`;
/// - for a state, both `start: func(pointer: i32, length: i32)`, which is called first, with the state that was saved
///   last or without bytes, and `save: func() -> i64`, which returns the pointer in the upper 32 bits and the length
///   in the lower ones. Without them, an instance starts empty, and a state that has bytes is refused.
///
/// All numbers are unsigned. The number of a client has 64 bits, because numbers are never used again, and a stored
/// room skips up to a million of them each time that a server opens it.
///
/// [`HostInterface::room`]: crate::HostInterface::room
/// [`HostFunctions::room`]: crate::HostFunctions::room
pub struct Logic {
    pub(super) plan: Plan,
    pub(super) program: Program,
    /// The isolated plugs, which all rooms share.
    pub(super) plugs: IsolatedPlugs,
    pub(super) kind: Kind,
}

/// A kind of program, with what was found of its exports.
pub(super) enum Kind {
    /// The positions of the functions among the exports, in the order of [`EXPORTS`].
    Component([usize; EXPORTS.len()]),
    /// A core module, which exports the functions of the state or not.
    Module { keeps_state: bool },
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
    /// The program is a core module and lacks exports of the convention, or has them with other types.
    #[error("`{part}` is not the logic of rooms: it lacks {}; exported {}", hand_over::list(.missing), all(.exports))]
    MissingInModule {
        /// The name of the program.
        part: PartName,
        /// The exports that it lacks.
        missing: Vec<MissingExport>,
        /// The functions that it exports.
        exports: Vec<Function>,
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
        let kind = Kind::of(&program)?;
        let allowance = Allowance::new(&plan.limits);
        let plugs = program.isolated_plugs(&plan.sandboxes, &allowance, None);
        let plugs = plugs.await?;
        Ok(Self {
            plan,
            program,
            plugs,
            kind,
        })
    }

    /// `true` if an instance can save a state, from which another one can go on.
    pub(super) fn keeps_state(&self) -> bool {
        match self.kind {
            Kind::Component(_) => true,
            Kind::Module { keeps_state } => keeps_state,
        }
    }
}

impl Kind {
    fn of(program: &Program) -> Result<Self, LogicError> {
        match program.prepared() {
            Prepared::Component(_) => check(program).map(Self::Component),
            Prepared::Module(module) => match core_module::check(module.module()) {
                Ok(keeps_state) => Ok(Self::Module { keeps_state }),
                Err(missing) => Err(LogicError::MissingInModule {
                    part: program.parts()[0].clone(),
                    missing,
                    exports: program.functions().to_vec(),
                }),
            },
        }
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
