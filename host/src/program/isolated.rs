//! Isolated plugs: programs of their own, whose functions the host calls for other programs.

pub(crate) mod call;
mod pool;
pub(crate) mod restarts;

use crate::{
    compose::isolation::Isolation,
    names::part::PartName,
    program::{InstantiateError, Program},
    sandbox::parts::Sandboxes,
    store::{allowance::Allowance, state::State},
};
use pool::Pool;
use std::{
    any::Any,
    fmt,
    sync::{Arc, Weak},
    time::Instant,
};

/// The code of an isolated plug, and of the plugs that share its store.
pub(crate) struct IsolatedProgram {
    pub(crate) program: Program,
    pub(crate) isolation: Isolation,
}

/// The isolated plugs of a program, running. Several instances of the program can call the same plugs,
/// also from several threads.
///
/// [`Program::isolated_plugs`] starts them. They end when the last clone and the last instance that uses
/// them are dropped.
#[derive(Clone)]
pub struct IsolatedPlugs {
    pools: Arc<Pools>,
    /// The program that started them.
    program: Program,
}

/// One pool for each unit after the first.
pub(crate) struct Pools(Vec<Pool>);

/// The pools, as a store holds them. The pools hold stores too, so a strong reference would keep both for
/// ever.
pub(crate) type Attached = Weak<dyn Any + Send + Sync>;

impl Program {
    /// Starts one instance of each isolated plug. The sandboxes are opened again for each further
    /// instance, and all instances stay within the allowance.
    ///
    /// The start-up code of the plugs must return by the deadline, if there is one.
    pub async fn isolated_plugs(
        &self,
        sandboxes: &Sandboxes,
        allowance: &Allowance,
        deadline: Option<Instant>,
    ) -> Result<IsolatedPlugs, InstantiateError> {
        let pool = |plug: &IsolatedProgram| Pool::new(plug, sandboxes, allowance);
        let pools = Arc::new(Pools(self.isolated().iter().map(pool).collect()));
        // A plug can call the plugs after it while it starts.
        for pool in pools.0.iter().rev() {
            pool.start_first(&pools, deadline).await?;
        }
        Ok(IsolatedPlugs {
            pools,
            program: self.clone(),
        })
    }
}

impl IsolatedPlugs {
    /// The plugs, in the order of the stack.
    pub fn names(&self) -> impl Iterator<Item = &PartName> {
        self.pools.0.iter().map(Pool::plug)
    }

    pub(crate) fn attached(&self) -> Attached {
        attached(&self.pools)
    }

    /// `true` if the program can call them: their positions and types are those of one program.
    pub(crate) fn are_of(&self, program: &Program) -> bool {
        self.program.is_same(program)
    }
}

/// The pools of a program without isolated plugs.
pub(crate) fn nothing_attached() -> Attached {
    Weak::<()>::new()
}

fn attached(pools: &Arc<Pools>) -> Attached {
    let pools: Weak<Pools> = Arc::downgrade(pools);
    pools
}

impl Pools {
    /// The pools that a store's program calls. `None` if they have ended, which their callers do not
    /// outlive.
    fn of(state: &State) -> Option<Arc<Self>> {
        state.isolated_plugs.upgrade()?.downcast().ok()
    }
}

impl fmt::Debug for IsolatedPlugs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
