//! The instances of one isolated plug.

use super::{IsolatedProgram, Pools, attached, restarts::Failures};
use crate::{
    compose::isolation::Isolation,
    ending::{
        plug_failure::{PlugFailure, PlugFailureCause},
        trap::Trap,
    },
    names::part::PartName,
    program::{InstantiateError, Program, command::Outcome, instance::Instance},
    sandbox::parts::Sandboxes,
    store::{allowance::Allowance, limiter::Limiter, limits::Limits},
};
use std::{
    any::Any,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The instances of one isolated plug.
pub(super) struct Pool {
    program: Program,
    pub(super) isolation: Isolation,
    sandboxes: Sandboxes,
    /// The allowance of the whole program, and the limits of one instance of the plug.
    whole: Allowance,
    limits: Limits,
    permits: Semaphore,
    standing: Mutex<Standing>,
}

/// What calls change. Each call locks it twice, which is a measurable share of a short call.
struct Standing {
    idle: Vec<Running>,
    failures: Failures,
}

/// An instance of a plug, and its functions as the callers use them.
pub(super) struct Running {
    /// In a box, as each call moves it out of the pool and back.
    pub(super) instance: Box<Instance>,
    /// The functions by their positions among the exports, with the types of their callers.
    pub(super) functions: Vec<Option<Box<dyn Any + Send + Sync>>>,
    /// The steps that the instance took to start. Its first caller pays for them.
    pub(super) unpaid: u64,
}

/// An instance that one call has for itself. It is lost unless it is given back.
pub(super) struct Lease {
    pub(super) running: Running,
    pub(super) place: Place,
}

/// One of the instances that a pool may have, from when a call gets it until it is dropped.
pub(super) struct Place {
    pools: Arc<Pools>,
    pool: usize,
}

/// The error of starting an instance.
struct NotStarted {
    error: InstantiateError,
    /// The steps that the start-up code took nevertheless.
    steps: u64,
}

/// The reason why a call got no instance.
pub(super) struct NoLease {
    pub(super) cause: PlugFailureCause,
    /// The steps that start-up code took nevertheless.
    pub(super) steps: u64,
}

impl Pool {
    pub(super) fn new(
        plug: &IsolatedProgram,
        sandboxes: &Sandboxes,
        allowance: &Allowance,
    ) -> Self {
        let isolation = plug.isolation.clone();
        Self {
            program: plug.program.clone(),
            sandboxes: sandboxes.clone(),
            whole: allowance.clone(),
            limits: isolation.limits(allowance.limits()),
            permits: Semaphore::new(isolation.instances.clamp(1, Semaphore::MAX_PERMITS)),
            standing: Mutex::new(Standing {
                idle: Vec::new(),
                failures: Failures::new(isolation.restarts),
            }),
            isolation,
        }
    }

    /// The name of the plug.
    pub(super) fn plug(&self) -> &PartName {
        // The first part of the unit.
        &self.program.parts()[0]
    }

    /// Makes the first instance.
    pub(super) async fn start_first(
        &self,
        pools: &Arc<Pools>,
        deadline: Option<Instant>,
    ) -> Result<(), InstantiateError> {
        let running = self.start(pools, deadline, None).await;
        let running = running.map_err(|NotStarted { error, .. }| match error {
            // Only the consumer can end the program.
            InstantiateError::Ended(Outcome::Exited(code)) => {
                let trap = Trap::of_exit(self.plug().clone(), code);
                InstantiateError::Ended(Outcome::Trapped(Box::new(trap)))
            }
            error => error,
        });
        self.standing().idle.push(running?);
        Ok(())
    }

    /// Makes an instance, whose start-up code takes at most the steps that its caller has left.
    async fn start(
        &self,
        pools: &Arc<Pools>,
        deadline: Option<Instant>,
        callers_fuel: Option<u64>,
    ) -> Result<Running, NotStarted> {
        let limiter = Limiter::sharing(self.whole.narrowed(&self.limits));
        let program = &self.program;
        let mut store = program.store(&self.sandboxes, limiter, attached(pools))?;
        let had = store
            .get_fuel()
            .ok()
            .map(|own| own.min(callers_fuel.unwrap_or(own)));
        if let Some(had) = had {
            // The engine counts fuel, so setting it cannot fail.
            let _ = store.set_fuel(had);
        }
        let entered = program.enter(&mut store, deadline).await;
        let left = store.get_fuel().unwrap_or(0);
        let steps = had.map_or(0, |had| had.saturating_sub(left));
        let entry = entered.map_err(|error| NotStarted { error, steps })?;
        Ok(Running {
            functions: Vec::new(),
            unpaid: steps,
            instance: Box::new(Instance::new(program.clone(), store, entry)),
        })
    }

    /// Waits for a call to end. The caller's deadline drops this future.
    async fn wait(&self) -> Result<SemaphorePermit<'_>, PlugFailureCause> {
        let waited = self.isolation.wait;
        let permit = tokio::time::timeout(waited, self.permits.acquire()).await;
        // The semaphore is never closed.
        permit
            .ok()
            .and_then(Result::ok)
            .ok_or(PlugFailureCause::Busy { waited })
    }

    /// Counts a failure.
    pub(super) fn count_failure(&self) {
        self.standing().failures.count(Instant::now());
    }

    /// Tells the observer of a failure.
    pub(super) fn report(&self, failure: &PlugFailure) {
        let is_down = matches!(failure.cause, PlugFailureCause::Down { .. });
        if is_down && !self.standing().failures.is_first_report() {
            return;
        }
        if let Some(observer) = &self.isolation.observer {
            observer(&failure.plug, failure);
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The longest duration of a call.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.isolation.timeout
    }
}

impl From<InstantiateError> for NotStarted {
    fn from(error: InstantiateError) -> Self {
        Self { error, steps: 0 }
    }
}

impl From<PlugFailureCause> for NoLease {
    fn from(cause: PlugFailureCause) -> Self {
        Self { cause, steps: 0 }
    }
}

impl From<NotStarted> for NoLease {
    fn from(NotStarted { error, steps }: NotStarted) -> Self {
        let cause = match error {
            InstantiateError::Ended(Outcome::Trapped(trap)) => PlugFailureCause::Trapped(trap),
            InstantiateError::Ended(Outcome::TimedOut(timed_out)) => {
                PlugFailureCause::TimedOut(timed_out)
            }
            InstantiateError::Ended(Outcome::Exited(code)) => PlugFailureCause::Exited(code),
            error => PlugFailureCause::NotStarted(error.into()),
        };
        Self { cause, steps }
    }
}

impl Lease {
    /// Takes an instance that is not busy, or makes one if there are fewer than there may be.
    pub(super) async fn new(
        pools: Arc<Pools>,
        pool: usize,
        deadline: Option<Instant>,
        callers_fuel: Option<u64>,
    ) -> Result<Self, NoLease> {
        let place = Place::new(pools, pool).await?;
        let idle = {
            let mut standing = place.pool().standing();
            if standing.failures.is_down() {
                let restarts = place.pool().isolation.restarts;
                return Err(PlugFailureCause::Down { restarts }.into());
            }
            standing.idle.pop()
        };
        let running = match idle {
            Some(running) => running,
            None => {
                let start = place.pool().start(&place.pools, deadline, callers_fuel);
                start.await?
            }
        };
        Ok(Self { running, place })
    }

    /// Makes the instance available to other calls.
    pub(super) fn give_back(self) {
        let Self { running, place } = self;
        place.pool().standing().idle.push(running);
    }
}

impl Place {
    async fn new(pools: Arc<Pools>, pool: usize) -> Result<Self, PlugFailureCause> {
        {
            let pool = &pools.0[pool];
            let permit = match pool.permits.try_acquire() {
                Ok(permit) => permit,
                Err(_) => pool.wait().await?,
            };
            permit.forget();
        }
        Ok(Self { pools, pool })
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pools.0[self.pool]
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool().permits.add_permits(1);
    }
}
