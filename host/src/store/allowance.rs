//! Limits that several stores share.

use crate::store::limits::{Growing, Limits, Refusal};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Limits that several instances share, and the amounts that these instances use.
///
/// Four sums are kept, each over all instances that were made on one allowance: bytes of linear
/// memory, elements of tables, bytes that the host holds for open streams, and handles to host
/// resources. An instance gives back what it has drawn when it is dropped. The other [`Limits`] are not
/// sums: [`timeout`](Limits::timeout) and [`result`](Limits::result) bound each call,
/// [`fuel`](Limits::fuel) and [`instances`](Limits::instances) each instance.
///
/// Clones are the same allowance. Instances on several threads can share it.
///
/// ```
/// use wit_host::{Allowance, Limits};
///
/// let all = Allowance::new(&Limits::new().memory(256 << 20));
/// // Instances of the part stay within both.
/// let part = all.narrowed(&Limits::new().memory(64 << 20));
/// assert_eq!(part.limits().memory, 64 << 20);
/// ```
#[derive(Debug, Clone)]
pub struct Allowance(Arc<Account>);

#[derive(Debug)]
struct Account {
    limits: Limits,
    used: [AtomicUsize; Growing::ALL.len()],
    /// The allowance that this one is a part of.
    whole: Option<Allowance>,
}

impl Allowance {
    /// Makes an allowance of which nothing is used.
    pub fn new(limits: &Limits) -> Self {
        Self::of(limits, None)
    }

    /// Makes a part of this allowance. An amount that is drawn from the part is drawn from the whole too,
    /// and neither can be exceeded.
    pub fn narrowed(&self, limits: &Limits) -> Self {
        Self::of(limits, Some(self.clone()))
    }

    fn of(limits: &Limits, whole: Option<Self>) -> Self {
        Self(Arc::new(Account {
            limits: limits.clone(),
            used: Default::default(),
            whole,
        }))
    }

    /// The limits that the allowance was made with.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The amount of one sum that is used at this moment: bytes, elements or handles.
    pub fn used(&self, what: Growing) -> usize {
        self.0.used[what.index()].load(Ordering::Relaxed)
    }

    fn limit(&self, what: Growing) -> usize {
        let limits = self.limits();
        match what {
            Growing::Memory => limits.memory,
            Growing::Tables => limits.table_elements,
            Growing::Streams => limits.streams,
            Growing::Handles => limits.handles,
        }
    }

    /// Draws `amount` of one sum from this allowance and from the whole; if either refuses, from neither.
    pub(crate) fn draw(&self, what: Growing, amount: usize) -> Result<(), Refusal> {
        let limit = self.limit(what);
        let sum = &self.0.used[what.index()];
        let drawn = sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(amount).filter(|used| *used <= limit)
        });
        if let Err(used) = drawn {
            return Err(Refusal {
                what,
                wanted: used.saturating_add(amount),
                limit,
            });
        }
        if let Some(whole) = &self.0.whole {
            whole.draw(what, amount).inspect_err(|_| {
                sum.fetch_sub(amount, Ordering::Relaxed);
            })?;
        }
        Ok(())
    }

    /// Gives back an amount that was drawn.
    pub(crate) fn give_back(&self, what: Growing, amount: usize) {
        self.0.used[what.index()].fetch_sub(amount, Ordering::Relaxed);
        if let Some(whole) = &self.0.whole {
            whole.give_back(what, amount);
        }
    }

    /// The amount of one sum that could be drawn at this moment.
    pub(crate) fn left(&self, what: Growing) -> usize {
        let left = self.limit(what).saturating_sub(self.used(what));
        match &self.0.whole {
            Some(whole) => left.min(whole.left(what)),
            None => left,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn of_memory(memory: usize) -> Limits {
        Limits::new().memory(memory)
    }

    #[test]
    fn a_part_counts_in_the_whole_and_is_refused_by_either() {
        let whole = Allowance::new(&of_memory(100));
        let (small, large) = (
            whole.narrowed(&of_memory(30)),
            whole.narrowed(&of_memory(200)),
        );
        let refusal = |wanted, limit| {
            Err(Refusal {
                what: Growing::Memory,
                wanted,
                limit,
            })
        };
        assert_eq!(small.draw(Growing::Memory, 31), refusal(31, 30));
        assert_eq!(small.draw(Growing::Memory, 30), Ok(()));
        assert_eq!(large.draw(Growing::Memory, 71), refusal(101, 100));
        assert_eq!(
            large.used(Growing::Memory),
            0,
            "what is refused is not used"
        );
        assert_eq!(large.left(Growing::Memory), 70);
        assert_eq!(large.draw(Growing::Memory, 70), Ok(()));
        assert_eq!(whole.used(Growing::Memory), 100);
        small.give_back(Growing::Memory, 30);
        large.give_back(Growing::Memory, 70);
        assert_eq!(whole.used(Growing::Memory), 0);
        assert_eq!(
            small.draw(Growing::Memory, usize::MAX),
            refusal(usize::MAX, 30)
        );
    }

    #[test]
    fn threads_do_not_draw_more_than_there_is() {
        let allowance = Allowance::new(&of_memory(1000));
        let drawn: usize = thread::scope(|scope| {
            let drawing = || {
                (0..400)
                    .filter(|_| allowance.draw(Growing::Memory, 1).is_ok())
                    .count()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(drawing)).collect();
            let drawn = threads.into_iter().map(|thread| thread.join());
            drawn.map(|drawn| drawn.expect("it does not panic")).sum()
        });
        assert_eq!(drawn, 1000);
    }
}
