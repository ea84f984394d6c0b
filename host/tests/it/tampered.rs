//! Compiled code that another user could have written, or that was changed, is not run.

use crate::{
    embedding::{COUNTS, EXPECTS, NUMBER, part},
    torture::{number_from, sized},
};
use fastrand::Rng;
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
use wit_host::{
    CodeCache, Form, LoadError, Part, Precompiled, PrecompiledError, Program, Runtime,
    RuntimeOptions, Wasm, compose,
};

/// The number of bytes at each end of the file that are tried bit by bit. At the start they include magic
/// number, version and checksum.
const HEADER: usize = 64;

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("tampered::changed_bytes", changed_bytes),
        Trial::test(
            "tampered::changed_bytes_of_kept_code",
            changed_bytes_of_kept_code,
        ),
        Trial::test("tampered::cut_short", cut_short),
        Trial::test("tampered::other_options", other_options),
        Trial::test("tampered::shared_authority", shared_authority),
        Trial::test("tampered::not_this_users_alone", not_this_users_alone),
        Trial::test("tampered::not_a_regular_file", not_a_regular_file),
    ]
}

fn options() -> RuntimeOptions {
    RuntimeOptions::new().interruptible(true)
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

/// Bits to flip, each as the position of a byte and a mask: all bits of the first and last bytes in the
/// long form, one bit of each in the short one, and random bits of the whole file.
fn flips(length: usize, rng: &mut Rng) -> Vec<(usize, u8)> {
    let ends = (0..HEADER).chain(length - HEADER..length);
    let mut flips: Vec<(usize, u8)> = ends
        .flat_map(|at| (0..8).map(move |bit| (at, 1 << bit)))
        .step_by(sized(9, 1))
        .collect();
    flips.extend((0..sized(200, 10_000)).map(|_| (rng.usize(..length), 1 << rng.u8(..8))));
    flips
}

/// Flips each bit in a file, and counts the flips that were not noticed.
fn count_passed_over(
    file: &[u8],
    mut is_passed_over: impl FnMut(&[u8]) -> Result<bool, Failed>,
) -> Result<(), Failed> {
    let seed = number_from("TORTURE_SEED").unwrap_or(1);
    let flips = flips(file.len(), &mut Rng::with_seed(seed));
    let mut file = file.to_owned();
    let mut passed_over = Vec::new();
    for &(at, bit) in &flips {
        file[at] ^= bit;
        if is_passed_over(&file)? {
            passed_over.push(format!("byte {at}, bit {bit:#x}"));
        }
        file[at] ^= bit;
    }
    println!("F16: tried {}, violated {}", flips.len(), passed_over.len());
    match passed_over.as_slice() {
        [] => Ok(()),
        _ => Err(format!("TORTURE_SEED={seed}: {}", passed_over.join("; ")).into()),
    }
}

fn changed_bytes() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("a.cwasm");
    let file = precompiled()?;
    count_passed_over(&file, |changed| {
        fs::write(&path, changed)?;
        Ok(Precompiled::open(&path).is_ok())
    })?;
    fs::write(&path, &file)?;
    Precompiled::open(&path)?;
    Ok(())
}

/// The code cache compiles a program again if its file was changed, and replaces the file. Code that
/// was accepted wrongly is not run here, because it could end this process.
fn changed_bytes_of_kept_code() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let options = RuntimeOptions::new().code_cache(CodeCache::open(directory.path())?);
    let runtime = Runtime::new(&options)?;
    let part = part("number", NUMBER)?;
    let composition = compose(&part, &[], Form::Granted)?;
    runtime.load(&composition)?;
    let mut files = fs::read_dir(directory.path())?;
    let path = files.next().ok_or("nothing was kept")??.path();
    let file = fs::read(&path)?;
    count_passed_over(&file, |changed| {
        // The file cannot be written, so it is replaced.
        fs::remove_file(&path)?;
        fs::write(&path, changed)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o500))?;
        runtime.load(&composition)?;
        Ok(fs::read(&path)? != file)
    })
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

/// Compiled code is refused by a runtime with other options than the one that made it.
fn other_options() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("a.cwasm");
    fs::write(&path, precompiled()?)?;
    load(&Runtime::new(&options())?, Precompiled::open(&path)?)?;
    let others = [RuntimeOptions::default(), options().fuel(true)];
    for other in others {
        match load(&Runtime::new(&other)?, Precompiled::open(&path)?) {
            Err(LoadError::OtherHost { .. }) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(format!("taken by {other:?}").into()),
        }
    }
    Ok(())
}

#[expect(unsafe_code, reason = "compiled code from a file is trusted")]
fn load(runtime: &Runtime, precompiled: Precompiled) -> Result<Program, LoadError> {
    // SAFETY: the file is the output of `precompiled`, or it was refused.
    let code = unsafe { precompiled.trust() };
    runtime.load_precompiled(&code)
}

/// In the portable form, in which parts share their imports, a plug would have the consumer's grants.
fn shared_authority() -> Result<(), Failed> {
    let runtime = Runtime::new(&options())?;
    let plugs = [part("counts", COUNTS)?];
    let consumer = part("consumer", EXPECTS)?;
    match runtime.precompile(&compose(&consumer, &plugs, Form::Portable)?) {
        Err(PrecompiledError::Shared { plug, import }) => {
            assert_eq!(plug.as_str(), "counts");
            assert!(import.as_str().starts_with("wasi:"), "{import}");
        }
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("authority was merged".into()),
    }
    runtime.precompile(&compose(&consumer, &plugs, Form::Granted)?)?;
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

/// Opening a FIFO must not wait either.
fn not_a_regular_file() -> Result<(), Failed> {
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
