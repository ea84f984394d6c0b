//! The links of a client: a call that finds all of them busy makes a further one, up to a bound.

use super::{
    fence::Fence,
    lane::{Lane, Use},
};
use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};
use tokio::runtime::Handle;

/// The largest number of runtimes for which links are kept.
const RUNTIMES: usize = 64;

pub(super) struct Pool {
    per_runtime: NonZeroUsize,
    lanes: Mutex<Vec<Arc<Lane>>>,
    fence: Arc<Fence>,
}

impl Pool {
    pub(super) fn new(per_runtime: NonZeroUsize) -> Self {
        Self {
            per_runtime,
            lanes: Mutex::default(),
            fence: Arc::default(),
        }
    }

    /// The lane of the current runtime that has the fewest calls.
    pub(super) fn lane(&self) -> Use {
        let runtime = Handle::current().id();
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let own = lanes.iter().filter(|lane| lane.runtime == runtime);
        let free = own
            .clone()
            .min_by_key(|lane| lane.calls.load(Ordering::Relaxed));
        let is_free = |lane: &&Arc<Lane>| lane.calls.load(Ordering::Relaxed) == 0;
        let lane = match free {
            Some(lane) if is_free(&lane) || own.count() >= self.per_runtime.get() => lane.clone(),
            _ => {
                let lane = Arc::new(Lane::new(runtime, self.fence.clone()));
                lanes.push(lane.clone());
                lane
            }
        };
        lane.calls.fetch_add(1, Ordering::Relaxed);
        forget_runtimes(&mut lanes, self.per_runtime.get() * RUNTIMES);
        Use(lane)
    }
}

/// Removes the oldest lanes without a call, which are probably those of runtimes that have ended.
fn forget_runtimes(lanes: &mut Vec<Arc<Lane>>, most: usize) {
    let mut surplus = lanes.len().saturating_sub(most);
    if surplus > 0 {
        lanes.retain(|lane| {
            let is_kept = surplus == 0 || lane.calls.load(Ordering::Relaxed) > 0;
            surplus -= usize::from(!is_kept);
            is_kept
        });
    }
}
