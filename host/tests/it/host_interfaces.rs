//! Interfaces that the embedder implements: the imports that they satisfy, the parts that reach them,
//! and the errors if they do not fit.

mod calls;
mod names;
mod privacy;
mod refusals;
mod reports;
mod typed;

use crate::embedding::run;
use libtest_mimic::{Failed, Trial};
use wit_host::{
    Form, HostInterface, Outcome, Part, Program, Runtime, RuntimeOptions, Sandboxes, Value, compose,
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    let files = [
        calls::trials(),
        typed::trials(),
        privacy::trials(),
        refusals::trials(),
        names::trials(),
        reports::trials(),
    ];
    files.into_iter().flatten().collect()
}

const NUMBERS: &str = "test:numbers/number@1.0.0";

fn number(number: u32) -> HostInterface {
    HostInterface::new(NUMBERS).function("get", move |_| Ok(Some(Value::U32(number))))
}

fn secret(number: u32) -> HostInterface {
    HostInterface::new("test:own/secret").function("get", move |_| Ok(Some(Value::U32(number))))
}

fn load(consumer: &Part, plugs: &[Part]) -> Result<Program, Failed> {
    let composition = compose(consumer, plugs, Form::Granted)?;
    Ok(Runtime::new(&RuntimeOptions::default())?.load(&composition)?)
}

fn outcome(consumer: Part, plugs: &[Part]) -> Result<Outcome, Failed> {
    run(&load(&consumer, plugs)?, &Sandboxes::default())
}

fn expect_exit(outcome: &Outcome, code: i32) -> Result<(), Failed> {
    match outcome {
        Outcome::Exited(actual) if *actual == code => Ok(()),
        other => Err(format!("expected exit {code}, found {other:?}").into()),
    }
}
