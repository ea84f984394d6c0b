//! Precompiled files that somebody else has written, or touched: none is run.

use crate::torture::sized;
use libtest_mimic::{Failed, Trial};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
    process::Command,
    sync::mpsc,
    thread,
    time::Duration,
};
use wit_host::{Form, Part, Precompiled, PrecompiledError, Runtime, RuntimeOptions, Wasm, compose};

/// More than the file's own header: magic, checksum and name.
const HEADER: usize = 64;

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("tampered::changed_bytes", changed_bytes),
        Trial::test("tampered::cut_short", cut_short),
        Trial::test("tampered::made_otherwise", made_otherwise),
        Trial::test("tampered::not_this_users_alone", not_this_users_alone),
        Trial::test("tampered::no_regular_file", no_regular_file),
    ]
}

fn options() -> RuntimeOptions {
    RuntimeOptions {
        interruptible: true,
        ..RuntimeOptions::default()
    }
}

fn precompiled() -> Result<Vec<u8>, Failed> {
    let wasm = Wasm::parse(
        "a",
        b"(component (core module (func (export \"f\"))))".to_vec(),
    )?;
    let part = Part::new("a", wasm.try_into()?)?;
    let composition = compose(&part, &[], Form::Portable)?;
    Ok(Runtime::new(&options())?.precompile(&composition)?)
}

fn changed_bytes() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("a.cwasm");
    let mut file = precompiled()?;
    let code = HEADER..file.len();
    let sample = code.clone().step_by(code.len() / sized(200, 10_000));
    let mut tried = 0;
    for at in (0..HEADER).chain(sample) {
        file[at] ^= 1 << (at % 8);
        fs::write(&path, &file)?;
        file[at] ^= 1 << (at % 8);
        expect_refused(&path)?;
        tried += 1;
    }
    println!("F16: tried {tried}, violated 0");
    fs::write(&path, &file)?;
    Precompiled::open(&path)?;
    Ok(())
}

fn cut_short() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("a.cwasm");
    let file = precompiled()?;
    let lengths = (0..HEADER).chain([file.len() / 2, file.len() - 1]);
    for length in lengths {
        fs::write(&path, &file[..length])?;
        expect_refused(&path)?;
    }
    fs::write(&path, [file.as_slice(), b"\0"].concat())?;
    expect_refused(&path)
}

/// By a runtime that counts fuel, or that nobody can interrupt.
fn made_otherwise() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("a.cwasm");
    fs::write(&path, precompiled()?)?;
    let precompiled = Precompiled::open(&path)?;
    Runtime::new(&options())?.load_precompiled(&precompiled)?;
    let others = [
        RuntimeOptions::default(),
        RuntimeOptions {
            fuel: true,
            ..options()
        },
    ];
    for other in others {
        match Runtime::new(&other)?.load_precompiled(&precompiled) {
            Err(PrecompiledError::Foreign { .. }) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(format!("taken by {other:?}").into()),
        }
    }
    Ok(())
}

fn not_this_users_alone() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("a.cwasm");
    let link = directory.path().join("link.cwasm");
    fs::write(&path, precompiled()?)?;
    symlink(&path, &link)?;
    for mode in [0o620, 0o602, 0o666, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        expect_refused(&path)?;
        expect_refused(&link)?;
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Precompiled::open(&link)?;
    // Only the superuser can give a file away.
    if chown(&path, Some(65_534), None).is_ok() {
        expect_refused(&path)?;
        expect_refused(&link)?;
    }
    Ok(())
}

/// And none that would wait for somebody.
fn no_regular_file() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    expect_refused(directory.path())?;
    expect_refused(&directory.path().join("missing"))?;
    expect_refused(Path::new("/dev/zero"))?;
    let fifo = directory.path().join("fifo");
    if !Command::new("mkfifo").arg(&fifo).status()?.success() {
        return Err("there is no `mkfifo`".into());
    }
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || done.send(expect_refused(&fifo)));
    is_done
        .recv_timeout(Duration::from_secs(5))
        .map_err(|_| "it waits for a writer of the FIFO")?
}

fn expect_refused(path: &Path) -> Result<(), Failed> {
    match Precompiled::open(path) {
        Err(_) => Ok(()),
        Ok(_) => Err(format!("taken: {}", path.display()).into()),
    }
}
