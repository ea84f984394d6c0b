//! The phases of the work and their times: for `-v`, and for a message on a terminal when one takes long.

use super::{activity::Activity, console::say, deadline::Budget};
use std::{
    io::{self, IsTerminal},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};
use wit_host::{Composition, Engine, untrusted::Name};

/// A phase that takes longer is announced on a terminal.
const LONG: Duration = Duration::from_millis(500);

/// Times the phases of a command. With `-v` it prints each to standard error when it ends.
pub struct Phases {
    shown: bool,
    budget: Budget,
}

impl Phases {
    pub fn new(shown: bool, budget: Budget) -> Self {
        Self { shown, budget }
    }

    /// The time that the command has.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// Runs one phase.
    pub fn time<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        self.time_with(name, "", work)
    }

    /// Runs one phase. Its line ends with `detail`.
    fn time_with<T>(&mut self, name: &'static str, detail: &str, work: impl FnOnce() -> T) -> T {
        Activity::begin(name);
        let start = Instant::now();
        let result = work();
        if self.shown {
            say(format_args!(
                "{name:>12} {:9.3} ms{detail}",
                start.elapsed().as_secs_f64() * 1e3
            ));
        }
        result
    }

    /// With `-v`, says how the functions between the parts pass their bytes.
    pub fn show_functions(&self, composition: &Composition) {
        if !self.shown {
            return;
        }
        for function in composition.functions_between_parts() {
            let edge = format!("{} → {}", function.importer, function.provider);
            let name = format!("{}#{}", function.import, function.function);
            let how = match &function.plain {
                None => "bytes in bulk".to_owned(),
                Some(why) => format!("plain: {why}"),
            };
            say(format_args!("{edge}: `{}`: {how}", Name(name)));
        }
    }

    /// Runs the phase that compiles a program for an engine, or loads its code. It may take long. On a
    /// terminal it is then announced while it lasts, and its time is printed at the end.
    pub fn compile<T>(&mut self, engine: Engine, what: &str, work: impl FnOnce() -> T) -> T {
        let name = "compile";
        if self.shown || !io::stderr().is_terminal() {
            return self.time_with(name, &format!(" (engine: {engine})"), work);
        }
        Activity::begin(name);
        let start = Instant::now();
        let (done, is_done) = mpsc::channel::<()>();
        let message = format!("{name} `{what}` …");
        // If no thread can be started, nothing is announced.
        let announcer = thread::Builder::new().spawn(move || {
            let is_long = is_done.recv_timeout(LONG) == Err(RecvTimeoutError::Timeout);
            if is_long {
                say(&message);
            }
            is_long
        });
        let result = work();
        drop(done);
        if announcer.is_ok_and(|announcer| announcer.join().unwrap_or(false)) {
            say(format_args!(
                "{name} `{what}`: done in {:.1} s",
                start.elapsed().as_secs_f64()
            ));
        }
        result
    }
}
