//! Malformed files: for any contents, every operation of the library ends soon with a result or a typed
//! error.
//!
//! `TORTURE=1` tries more than a hundred thousand files. A violation names the `TORTURE_SEED` and
//! `TORTURE_CASE` that repeat it.

mod bombs;
mod doors;
pub mod mutate;

use crate::guests::Guest;
use doors::Doors;
use fastrand::Rng;
use libtest_mimic::{Failed, Trial};
use std::{
    cell::RefCell,
    fs, io,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{Arc, Once, mpsc},
    thread,
    time::Duration,
};
use wit_host::{Language, Wasm, bindgen};

/// The time limit for one file, for all operations together.
const PATIENCE: Duration = Duration::from_secs(10);
/// The stack size of the main thread of a process.
const STACK: usize = 8 << 20;

/// The trials.
pub fn trials() -> Vec<Trial> {
    let mut trials = bombs::trials();
    trials.extend([
        Trial::test("torture::odd_files", odd_files),
        Trial::test("torture::mutated_binaries", || {
            files(sized(400, 70_000), binary)
        }),
        Trial::test("torture::mutated_text", || files(sized(400, 50_000), text)),
        Trial::test("torture::random_files", || {
            files(sized(400, 20_000), random)
        }),
        Trial::test("torture::odd_interfaces", odd_interfaces),
        Trial::test("torture::mutated_interfaces", mutated_interfaces),
    ]);
    trials
}

/// The number of cases: few, or many with `TORTURE=1`.
pub fn sized(short: usize, long: usize) -> usize {
    if is_long() { long } else { short }
}

/// `true` if `TORTURE=1` selects the long form.
pub fn is_long() -> bool {
    std::env::var_os("TORTURE").is_some_and(|value| value == "1")
}

/// Valid files of all kinds, which are then mutated.
struct Seeds {
    texts: Vec<String>,
    binaries: Vec<Vec<u8>>,
}

impl Seeds {
    /// Files of the golden cases, odd files, guests, and a module that embeds its world.
    fn gather() -> Result<Self, Failed> {
        let mut texts = Vec::new();
        find_texts(&below_tests("cases"), &mut texts)?;
        texts.sort();
        texts.extend(odd("odd.wat", ";;")?);
        let mut binaries = Vec::new();
        for text in &texts {
            let parsed = heard(|| Wasm::parse("seed", text.clone().into_bytes()))?;
            binaries.extend(parsed.ok().map(|wasm| wasm.bytes().to_owned()));
        }
        for guest in [Guest::CacheImpl, Guest::RustConsumer] {
            binaries.push(fs::read(guest.path()?)?);
        }
        let wit = below_tests("../../wit");
        let files = bindgen(&wit, "provider", Language::C)?;
        let worlds = files.into_iter().map(|file| file.contents);
        binaries.extend(worlds.filter(|contents| contents.starts_with(b"\0asm")));
        Ok(Self { texts, binaries })
    }
}

fn below_tests(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(path)
}

fn find_texts(directory: &Path, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            find_texts(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "wat") {
            found.push(fs::read_to_string(path)?);
        }
    }
    Ok(())
}

fn odd(file: &str, comment: &str) -> io::Result<Vec<String>> {
    let lines = fs::read_to_string(below_tests("torture").join(file))?;
    Ok(lines
        .lines()
        .filter(|line| !line.starts_with(comment))
        .map(str::to_owned)
        .collect())
}

/// Makes a random file from the seeds.
type Mutation = fn(&mut Rng, &Seeds) -> Vec<u8>;

fn binary(rng: &mut Rng, seeds: &Seeds) -> Vec<u8> {
    let (file, other) = two_of(rng, &seeds.binaries);
    mutate::bytes(rng, file, other)
}

fn text(rng: &mut Rng, seeds: &Seeds) -> Vec<u8> {
    let (text, other) = two_of(rng, &seeds.texts);
    mutate::text(rng, text, other).into_bytes()
}

/// Random bytes, mostly after a valid header, because other files are refused early.
fn random(rng: &mut Rng, _: &Seeds) -> Vec<u8> {
    let starts: [&[u8]; 4] = [b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0", b"(module ", b""];
    let mut file = rng.choice(starts).expect("a start").to_vec();
    for _ in 0..rng.u8(..200) {
        file.push(rng.u8(..));
    }
    file
}

/// Two seeds: one to change, and one to copy pieces from.
fn two_of<'a, T>(rng: &mut Rng, seeds: &'a [T]) -> (&'a T, &'a T) {
    let mut one = || &seeds[rng.usize(..seeds.len())];
    (one(), one())
}

fn files(count: usize, mutation: Mutation) -> Result<(), Failed> {
    let seeds = Arc::new(Seeds::gather()?);
    let doors = Arc::new(Doors::new(&partners()?));
    torture(count, move |_, rng| {
        let file = mutation(rng, &seeds);
        doors.enter(&file, rng.usize(..100))
    })
}

fn odd_files() -> Result<(), Failed> {
    let files = odd("odd.wat", ";;")?;
    let doors = Arc::new(Doors::new(&partners()?));
    torture(files.len(), move |number, rng| {
        doors.enter(files[number].as_bytes(), rng.usize(..100))
    })
}

/// The components that every file is composed with: a consumer, a provider, and a middleware.
fn partners() -> io::Result<Vec<Vec<u8>>> {
    ["consumer", "increment", "forty"]
        .map(|name| fs::read(below_tests(&format!("cases/compose/middleware/{name}.wat"))))
        .into_iter()
        .collect()
}

fn odd_interfaces() -> Result<(), Failed> {
    let lines = odd("odd.wit", "//")?;
    torture(lines.len(), move |number, _| generate_for(&lines[number]))
}

fn mutated_interfaces() -> Result<(), Failed> {
    let lines = odd("odd.wit", "//")?;
    torture(sized(100, 10_000), move |_, rng| {
        let (line, other) = two_of(rng, &lines);
        generate_for(&mutate::text(rng, line, other))
    })
}

fn generate_for(items: &str) -> Result<(), String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = directory.path().join("w.wit");
    let wit =
        format!("package a:b;\ninterface i {{ {items} }}\nworld w {{ import i; export i; }}\n");
    fs::write(&path, wit).map_err(|error| error.to_string())?;
    doors::generate(&path)
}

/// Tries cases, each in a thread that is named after it: if the stack overflows, the message of the
/// system names the case.
fn torture(
    count: usize,
    case: impl Fn(usize, &mut Rng) -> Result<(), String> + Send + Sync + 'static,
) -> Result<(), Failed> {
    let (seed, case) = (number_from("TORTURE_SEED").unwrap_or(1), Arc::new(case));
    let cases = match number_from("TORTURE_CASE") {
        Some(number) => number as usize..count.min(number as usize + 1),
        None => 0..count,
    };
    let mut violations = Vec::new();
    for number in cases {
        let name = format!("TORTURE_SEED={seed} TORTURE_CASE={number}");
        let case = case.clone();
        let (done, is_done) = mpsc::channel();
        thread::Builder::new()
            .name(name.clone())
            .stack_size(STACK)
            .spawn(move || {
                let mut rng = Rng::with_seed(seed ^ ((number as u64) << 20));
                // If the case took too long, the receiver is gone.
                let _ = done.send(heard(|| case(number, &mut rng)).flatten());
            })?;
        let result = is_done
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| Err(format!("takes longer than {PATIENCE:?}")));
        violations.extend(result.err().map(|violation| format!("{name}: {violation}")));
    }
    println!("F15: tried {count}, violated {}", violations.len());
    match violations.as_slice() {
        [] => Ok(()),
        violations => Err(violations.join("\n").into()),
    }
}

/// The number in an environment variable, such as `7` or `0x7`.
pub fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

thread_local! {
    /// The message and place of the last panic of this thread, if panics are recorded.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a closure without printing panics. A panic that the library caught has become an error; any
/// other panic becomes an error here.
fn heard<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| match PANIC.take() {
            Some(_) => PANIC.set(Some(panic.to_string())),
            None => print(panic),
        }));
    });
    PANIC.set(Some(String::new()));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    let words = PANIC.take();
    result.map_err(|_| words.unwrap_or_default())
}
