//! F3: the process stops before, in or after every operation on the directory; or the power fails
//! there, and everything that was not synchronised is lost.
//!
//! After a stop, the key has its old value or the new one, and the new one if that was
//! acknowledged. After a power loss: with `none`, one of them or a miss; with `file`, the old value
//! or the new one, if the old one was on the disk; with `full`, the acknowledged value, also if
//! another process created the directories and synchronised nothing. In every case another `set`
//! works, and after a minute the temporary file is swept. The short form omits power losses with
//! bounded stores.

use crate::count::{Count, Scale, rule};
use crate::disk::{Disk, LOSSES, Loss};
use crate::faulty::{Fault, Faulty};
use crate::scenario::{KEY, SCENARIOS, Scenario};
use crate::world::{DURABILITIES, SECOND, Time, got, open};
use dir_cache::{Durability, Store};
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
    for durability in DURABILITIES {
        for loss in LOSSES {
            count.case(beside_another(durability, loss));
        }
    }
}

/// Another process creates the shelf and synchronises nothing; then this one sets, and the power
/// fails.
fn beside_another(durability: Durability, loss: Loss) -> Result<(), String> {
    let time = Time::new();
    let disk = Disk::new(&time);
    disk.begin_unsynced();
    let other = open(disk.clone(), time.clone(), Durability::None);
    set_again(&other)?;
    let store = open(disk.clone(), time.clone(), durability);
    for value in [b"first", b"later"] {
        let outcome = store.set(KEY, value, None);
        outcome.map_err(|error| format!("failed to set: {error:?}"))?;
    }
    for moment in 0..disk.moments() {
        let disk = disk.fork(&time);
        disk.lose_power(moment, loss);
        let stored = got(open(disk, time.clone(), durability).get(KEY))?;
        let is_kept = stored.as_deref() == Some(b"later");
        rule(is_kept || durability != Durability::Full, || {
            format!("{stored:?} is stored after {loss:?} was lost at {moment}")
        })?;
    }
    Ok(())
}

struct Case<'a> {
    scenario: &'a Scenario,
    durability: Durability,
    fault: Fault,
    position: usize,
}

impl Case<'_> {
    /// Tries one position; returns `true` if it exists.
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
        count.case(self.stopped(&disk, acknowledged).map_err(trace));
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

    fn stopped(&self, disk: &Disk, acknowledged: bool) -> Result<(), String> {
        let time = Time::new();
        let disk = disk.fork(&time);
        let store = open(disk.clone(), time.clone(), self.durability);
        let stored = got(store.get(KEY))?;
        let is_old = stored == self.scenario.value_before();
        let holds = stored == self.scenario.value_after() || is_old && !acknowledged;
        rule(holds, || "neither the old value nor the new one".into())?;

        // Another process removes the files that this one left.
        time.forwards(61 * SECOND);
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
