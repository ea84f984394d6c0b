//! The cache component, `cache_impl.wasm`: its use of WASI, the place of its entries, and its messages
//! on standard error. The engine inside it is tested natively.

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
