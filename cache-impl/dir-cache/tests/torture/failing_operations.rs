//! F2: every operation on the directory fails, at every position, with every error.
//!
//! The call fails with a typed error, or has done its work, or is a miss. When a `set` or a
//! `delete` fails, the old value is intact; only under `Durability::Full`, when the very last step
//! fails, the new state is there already. The same call then works, and no temporary file is left.
//!
//! Two faults are not tried: a directory that denies that an existing file exists, and one that
//! reports failure of an operation that it has done. No program can detect either.

use crate::count::{Count, Scale, rule};
use crate::disk::{Disk, failed};
use crate::faulty::{Fault, Faulty, Operation};
use crate::scenario::{Action, KEY, SCENARIOS, Scenario};
use crate::world::{DURABILITIES, Place, Time, got, open, scratch};
use dir_cache::{DirectoryError, Durability, Error};
use std::fmt::{self, Display, Formatter};
use std::io::ErrorKind;

const ERRORS: &[fn() -> DirectoryError] = &[
    || DirectoryError::NotFound,
    || DirectoryError::AlreadyExists,
    || DirectoryError::IsDirectory,
    || DirectoryError::Unreadable,
    || failed(ErrorKind::StorageFull),
    || failed(ErrorKind::QuotaExceeded),
    || failed(ErrorKind::ReadOnlyFilesystem),
    || failed(ErrorKind::PermissionDenied),
    || failed(ErrorKind::StaleNetworkFileHandle),
    || failed(ErrorKind::NotADirectory),
    || failed(ErrorKind::Interrupted),
    || failed(ErrorKind::TimedOut),
    || failed(ErrorKind::OutOfMemory),
    || failed(ErrorKind::InvalidInput),
    || failed(ErrorKind::Other),
];

pub fn run(scale: &Scale, count: &mut Count) {
    // The engine distinguishes only the first five.
    let errors = &ERRORS[..scale.times(5, ERRORS.len() as u64) as usize];
    exhaust(count, errors, || Disk::new(&Time::new()));
    if scale.times(0, 1) == 1 {
        exhaust(count, errors, scratch);
    }
}

fn exhaust<P: Place>(count: &mut Count, errors: &[fn() -> DirectoryError], place: impl Fn() -> P) {
    let failures = errors.iter().map(|error| Fault::Fails(*error));
    let faults: Vec<_> = failures.chain([Fault::FailsForEver]).collect();
    for scenario in SCENARIOS {
        for durability in DURABILITIES {
            for fault in &faults {
                for position in 0.. {
                    let case = Case {
                        scenario,
                        durability,
                        fault: *fault,
                        position,
                    };
                    match case.run(place()) {
                        Outcome::Tried(outcome) => count.case(outcome),
                        Outcome::NoLie => {}
                        Outcome::NoSuchPosition => break,
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

enum Outcome {
    Tried(Result<(), String>),
    /// The directory would deny that an existing file exists, which is not tried.
    NoLie,
    NoSuchPosition,
}

impl Case<'_> {
    fn run(&self, place: impl Place) -> Outcome {
        let time = Time::new();
        let (directory, script) = Faulty::new(place.directory());
        let store = self.scenario.limit(open(directory, time, self.durability));
        self.scenario.prepare(&store);

        script.begin(Some((self.position, self.fault)));
        let outcome = self.scenario.act(&store);
        let taken = script.taken();
        script.begin(None);
        let Some(&failed) = taken.get(self.position) else {
            return Outcome::NoSuchPosition;
        };
        if self.is_lie(failed) {
            return Outcome::NoLie;
        }
        let is_sync_of_names = failed == Operation::SyncDirectory;
        let trace = || format!("{} of {taken:?} in {self}: {outcome:?}", self.position);

        let check = || {
            let (old, new) = (self.scenario.value_before(), self.scenario.value_after());
            let stored = got(store.get(KEY))?;
            let holds = match &outcome {
                // The file that was to make room could not be removed.
                Ok(()) if self.scenario.is_bounded && failed == Operation::RemoveFile => {
                    stored == new || stored.is_none()
                }
                Ok(()) => stored == new,
                Err(Error::NotFound) => stored == old,
                Err(_) => stored == old || is_sync_of_names && stored == new,
            };
            rule(holds, || "neither the old value nor the new one".into())?;

            let for_ever = matches!(self.fault, Fault::FailsForEver);
            rule(for_ever || place.temps() == 0, || {
                "a temporary file is left".into()
            })?;

            let again = self.scenario.act(&store);
            let gone =
                stored.is_none() && matches!(self.scenario.action, Action::Get | Action::Delete);
            let works = again.is_ok() || gone && matches!(again, Err(Error::NotFound));
            rule(works, || format!("trying again: {again:?}"))?;
            // For a minute, the file that could not be removed counts as one that is being written.
            let has_no_room = for_ever && self.scenario.is_bounded && place.temps() > 0;
            let stored = got(store.get(KEY))?;
            rule(stored == new || has_no_room && stored.is_none(), || {
                "trying again did not do it".into()
            })
        };
        Outcome::Tried(check().map_err(|what| format!("{what} after {}", trace())))
    }

    /// `true` if the directory would deny that an existing file exists.
    fn is_lie(&self, failed: Operation) -> bool {
        let Fault::Fails(error) = self.fault else {
            return false;
        };
        let denied = matches!(
            error(),
            DirectoryError::NotFound | DirectoryError::IsDirectory
        );
        failed == Operation::RemoveFile && denied
    }
}

impl Display for Case<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let fault = match self.fault {
            Fault::Fails(error) => format!("{:?}", error()),
            fault => format!("{fault:?}"),
        };
        write!(f, "{}, {:?}, {fault}", self.scenario.name, self.durability)
    }
}
