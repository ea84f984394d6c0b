//! F3: the process stops before, in or after every operation on the directory; or the power fails
//! there, and what was not synchronised is lost.
//!
//! Stopped: the key has its old value or the new one. Without power: with `none` one of them or a
//! miss; with `file` the old value or the new one, if the old one was on the disk; with `full`
//! what was acknowledged. In every case another `set` works, and once an hour has passed the
//! temporary file is swept. The short form leaves out the power with bounded stores.

use crate::count::{Count, Scale, rule};
use crate::disk::{Disk, LOSSES, Loss};
use crate::faulty::{Fault, Faulty};
use crate::scenario::{KEY, SCENARIOS, Scenario};
use crate::world::{DURABILITIES, SECOND, Time, got, open};
use cache_impl::{Durability, Store};
use std::fmt::{self, Display, Formatter};

pub fn run(scale: &Scale, count: &mut Count) {
    for scenario in SCENARIOS {
        for durability in DURABILITIES {
            for fault in [Fault::StopsBefore, Fault::StopsAfter] {
                for position in 0.. {
                    let case = Case {
                        scenario,
                        durability,
                        fault,
                        position,
                    };
                    if !case.run(scale.times(0, 1) == 1, count) {
                        break;
                    }
                }
            }
        }
    }
}

struct Case<'a> {
    scenario: &'a Scenario,
    durability: Durability,
    fault: Fault,
    position: usize,
}

impl Case<'_> {
    /// Tries one position, and tells whether there is such a one.
    fn run(&self, is_long: bool, count: &mut Count) -> bool {
        let time = Time::new();
        let disk = Disk::new(&time);
        let (directory, script) = Faulty::new(disk.clone());
        let store = self
            .scenario
            .limit(open(directory, time.clone(), self.durability));
        self.scenario.prepare(&store);
        disk.sync_all();

        script.begin(Some((self.position, self.fault)));
        let acknowledged = self.scenario.act(&store).is_ok();
        let taken = script.taken();

        let trace = |what: String| format!("{what} after {} of {taken:?} in {self}", self.position);
        count.case(self.stopped(&disk).map_err(trace));
        let power_fails = is_long || !self.scenario.is_bounded;
        for moment in (0..disk.moments()).filter(|_| power_fails) {
            for loss in LOSSES {
                let outcome = self.without_power(&disk, moment, loss, acknowledged);
                let trace = |what| trace(format!("{what} with {loss:?} lost at {moment}"));
                count.case(outcome.map_err(trace));
            }
        }
        self.position < taken.len()
    }

    fn stopped(&self, disk: &Disk) -> Result<(), String> {
        let time = Time::new();
        let disk = disk.fork(&time);
        let store = open(disk.clone(), time.clone(), self.durability);
        let stored = got(store.get(KEY))?;
        let holds = stored == self.scenario.value_before() || stored == self.scenario.value_after();
        rule(holds, || "neither the old value nor the new one".into())?;

        // Another process clears away what this one left.
        time.forwards(2 * 3600 * SECOND);
        for _ in 0..65 {
            set_again(&store)?;
        }
        rule(disk.temps() == 0, || {
            "a temporary file is never swept".into()
        })
    }

    fn without_power(
        &self,
        disk: &Disk,
        moment: usize,
        loss: Loss,
        acknowledged: bool,
    ) -> Result<(), String> {
        let time = Time::new();
        let disk = disk.fork(&time);
        disk.lose_power(moment, loss);
        let store = open(disk, time, self.durability);
        let stored = got(store.get(KEY))?;
        let (is_old, is_new) = (
            stored == self.scenario.value_before(),
            stored == self.scenario.value_after(),
        );
        let holds = match self.durability {
            Durability::None => is_old || is_new || stored.is_none(),
            Durability::File => is_old || is_new,
            Durability::Full => is_new || is_old && !acknowledged,
        };
        rule(holds, || {
            format!("{:?} bytes are stored", stored.map(|value| value.len()))
        })?;
        set_again(&store)
    }
}

impl Display for Case<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(
            f,
            "{}, {:?}, {:?}",
            self.scenario.name, self.durability, self.fault
        )
    }
}

fn set_again(store: &Store<Disk, Time>) -> Result<(), String> {
    let outcome = store.set(KEY, b"later", Some(60));
    outcome.map_err(|error| format!("failed to set again: {error:?}"))?;
    let stored = got(store.get(KEY))?;
    rule(stored.as_deref() == Some(b"later"), || {
        "no later value".into()
    })
}
