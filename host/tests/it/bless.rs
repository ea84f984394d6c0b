//! Comparison with files of expected results; `BLESS=1` rewrites them with the actual results.

use libtest_mimic::{Failed, Trial};
use std::{
    ffi::{OsStr, OsString},
    fs,
    path::Path,
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("bless::only_1_rewrites_what_is_expected", only_1),
        Trial::test("bless::a_difference_is_an_error", a_difference),
    ]
}

/// Compares a text with the text of a file, or rewrites the file with it.
pub fn expect(path: &Path, found: &str) -> Result<(), Failed> {
    expect_or_bless(path, found, std::env::var_os("BLESS"))
}

fn expect_or_bless(path: &Path, found: &str, bless: Option<OsString>) -> Result<(), Failed> {
    if is_blessing(bless.as_deref())? {
        return Ok(fs::write(path, found)?);
    }
    let expected = fs::read_to_string(path)?;
    if expected == found {
        return Ok(());
    }
    Err(format!(
        "{} differs; BLESS=1 accepts the new one\n--- expected\n{expected}\n--- actual\n{found}",
        path.display()
    )
    .into())
}

fn is_blessing(bless: Option<&OsStr>) -> Result<bool, String> {
    match bless {
        None => Ok(false),
        Some(value) if value == "1" => Ok(true),
        Some(value) => Err(format!(
            "`BLESS={}` is not understood; `BLESS=1` rewrites what is expected, and without the variable it is compared",
            value.display()
        )),
    }
}

fn only_1() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("expected");
    fs::write(&path, "as before")?;
    for value in ["", "0", "true", "yes", "11"] {
        let blessed = expect_or_bless(&path, "as before", Some(value.into()));
        let words = blessed
            .err()
            .and_then(|error| error.message().map(str::to_owned));
        if !words.is_some_and(|words| words.contains(&format!("`BLESS={value}`"))) {
            return Err(format!("`BLESS={value}` is taken").into());
        }
        assert_eq!(fs::read_to_string(&path)?, "as before");
    }
    expect_or_bless(&path, "rewritten", Some("1".into()))?;
    assert_eq!(fs::read_to_string(&path)?, "rewritten");
    Ok(())
}

fn a_difference() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("expected");
    fs::write(&path, "as before")?;
    expect_or_bless(&path, "as before", None)?;
    assert!(expect_or_bless(&path, "otherwise", None).is_err());
    assert_eq!(fs::read_to_string(&path)?, "as before");
    Ok(())
}
