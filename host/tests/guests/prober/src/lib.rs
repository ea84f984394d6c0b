//! Tries every function of every interface of WASI 0.2, and reports the result of each.

mod cli;
mod clocks;
mod escape;
mod filesystem;
mod io;
mod random;
mod sockets;

pub use cli::exit;

/// One line for each function: `interface#function: result`.
#[derive(Default)]
struct Report(Vec<String>);

impl Report {
    fn tell(&mut self, function: &str, outcome: impl Into<String>) {
        self.0.push(format!("{function}: {}", outcome.into()));
    }

    fn tell_each(&mut self, interface: &str, functions: &[&str], outcome: &str) {
        for function in functions {
            self.tell(&format!("{interface}#{function}"), outcome);
        }
    }
}

/// The result if there is no handle to call a function on, or nothing behind it.
const NOTHING: &str = "nothing there";

/// Tries every function except the network and `exit`.
pub fn without_network() -> Vec<String> {
    let mut report = Report::default();
    cli::probe(&mut report);
    filesystem::probe(&mut report);
    escape::probe(&mut report);
    io::probe(&mut report);
    clocks::probe(&mut report);
    random::probe(&mut report);
    report.0
}

/// Tries the network.
pub fn network() -> Vec<String> {
    let mut report = Report::default();
    sockets::probe(&mut report);
    report.0
}

/// `reached`, or the error code of the refusal.
fn reached<T, E: std::fmt::Debug>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => "reached".to_owned(),
        Err(error) => format!("refused, {}", code(&error)),
    }
}

/// Extracts `not-permitted` from `ErrorCode { code: 14, name: "not-permitted", message: … }`.
fn code(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    let name = text
        .split("name: \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    name.unwrap_or(&text).to_owned()
}
