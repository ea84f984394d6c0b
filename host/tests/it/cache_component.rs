//! The component of the cache, `cache_impl.wasm`, and what only it does: how it uses WASI, where it
//! keeps its entries, and what it says on standard error. The engine in it is tested natively.

mod failing_calls;
mod host_calls;
mod strange_files;
mod variables;
mod watched;

use libtest_mimic::Trial;

/// The trials.
pub fn trials() -> Vec<Trial> {
    let mut trials = host_calls::trials();
    trials.extend(failing_calls::trials());
    trials.extend(strange_files::trials());
    trials.extend(variables::trials());
    trials
}
