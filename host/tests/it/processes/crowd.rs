//! F8: processes with many instances each set, read and delete the same few keys. No value is a mixture
//! of others, and none is served after it has expired, also if entries are evicted to keep a bound.

use super::{Shared, max_bytes, random, seed, sized};
use crate::guests::Guest;
use libtest_mimic::Failed;
use std::{
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};
use wit_host::{
    CodeCache, Component, Form, Limits, Outcome, Part, PartName, Preopen, Program, Runtime,
    RuntimeOptions, Sandbox, Sandboxes, compose,
};

/// The name of the trial that a child process runs.
pub const PROCESS: &str = "processes::one_of_the_crowd";
/// The environment variable of a child process: number, seed, operations per instance, bound or 0, and
/// directory.
const VARIABLE: &str = "WIT_HOST_TEST_CROWD";

const PROCESSES: u64 = 8;
const INSTANCES: u64 = 8;
const HOT_KEYS: u64 = 100;
/// The wait until all entries with a time to live have expired.
const ALL_HAS_EXPIRED: Duration = Duration::from_millis(2_100);

pub fn run() -> Result<(), Failed> {
    let seed = seed();
    let operations = sized(250, 5_000);
    let (mut tried, mut found, mut violations) = (0, 0, Vec::new());
    program()?;
    for round in 0..sized(2, 32) {
        let shared = Shared::new()?;
        let crowd: Vec<Child> = (0..PROCESSES)
            .map(|number| {
                let process = Process {
                    number,
                    seed: random(seed, round),
                    operations,
                    max_bytes: max_bytes(round),
                    directory: shared.path().to_owned(),
                };
                process.start()
            })
            .collect::<Result<_, _>>()?;
        for process in crowd {
            violations.extend(violation(&process.wait_with_output()?));
        }
        tried += PROCESSES * INSTANCES * operations;

        thread::sleep(ALL_HAS_EXPIRED);
        match shared.check(&hot_keys().collect::<Vec<_>>()) {
            Ok(stamps) => found += stamps.len(),
            Err(failed) => violations.extend(failed.message().map(str::to_owned)),
        }
        match shared.temporary_files()? {
            0 => {}
            left => violations.push(format!("{left} temporary files were left")),
        }
    }
    println!(
        "F8: tried {tried}, violated {}; TORTURE_SEED={seed}, {found} values found at the end",
        violations.len()
    );
    match violations.as_slice() {
        [] => Ok(()),
        violations => Err(format!("TORTURE_SEED={seed}\n{}", violations.join("\n")).into()),
    }
}

/// The failure of a child process. A process that ran no trial counts as failed too.
fn violation(output: &Output) -> Option<String> {
    let failed = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && failed.contains("test result: ok. 1 passed") {
        return None;
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Some(format!("{}\n{told}{failed}", output.status))
}

fn hot_keys() -> impl Iterator<Item = String> {
    (0..HOT_KEYS).map(|number| format!("hot-{number}"))
}

/// A child process: this test binary, with one program in many instances.
pub struct Process {
    number: u64,
    seed: u64,
    operations: u64,
    max_bytes: Option<u64>,
    directory: PathBuf,
}

impl Process {
    pub fn from_environment() -> Option<Self> {
        let variable = std::env::var(VARIABLE).ok()?;
        let mut fields = variable.splitn(5, ' ');
        let mut number = || fields.next()?.parse().ok();
        Some(Self {
            number: number()?,
            seed: number()?,
            operations: number()?,
            max_bytes: Some(number()?).filter(|bytes| *bytes > 0),
            directory: fields.next()?.into(),
        })
    }

    fn start(&self) -> Result<Child, Failed> {
        let Self {
            number,
            seed,
            operations,
            max_bytes,
            directory,
        } = self;
        let max_bytes = max_bytes.unwrap_or_default();
        let built = Guest::Hammer.path()?;
        let guests = built.parent().ok_or("a file is in a directory")?;
        let process = Command::new(std::env::current_exe()?)
            .args(["--exact", PROCESS])
            .env(
                VARIABLE,
                format!(
                    "{number} {seed} {operations} {max_bytes} {}",
                    directory.display()
                ),
            )
            .env("WIT_HOST_TEST_GUESTS", guests)
            // The other trials must not look for their toolchains, which takes longer than this one.
            .env("CI", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(process)
    }

    pub fn run(&self) -> Result<(), Failed> {
        let program = &program()?;
        thread::scope(|scope| {
            let instances: Vec<_> = (0..INSTANCES)
                .map(|instance| self.number * INSTANCES + instance)
                .map(|writer| (writer, scope.spawn(move || self.hammer(program, writer))))
                .collect();
            for (writer, instance) in instances {
                match instance.join() {
                    Ok(Ok(Outcome::Exited(0))) => {}
                    outcome => return Err(format!("writer {writer}: {outcome:?}").into()),
                }
            }
            Ok(())
        })
    }

    fn hammer(&self, program: &Program, writer: u64) -> Result<Outcome, String> {
        let seed = random(self.seed, writer);
        let consumer = ["hammer", "hammer"]
            .map(str::to_owned)
            .into_iter()
            .chain([writer, seed, self.operations].map(|number| number.to_string()))
            .chain(hot_keys())
            .fold(Sandbox::new().inherit_stderr(), Sandbox::arg);
        let granted = Sandbox::new().preopen(Preopen::read_write(&self.directory, "/cache"));
        let cache = match self.max_bytes {
            None => granted,
            Some(bytes) => granted.env("CACHE_MAX_BYTES", bytes.to_string()),
        };
        let sandboxes = Sandboxes::new(consumer).plug(cache_name()?, cache);
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        tokio.block_on(async {
            let instance = program.instantiate(&sandboxes, &Limits::default()).await;
            Ok(instance.map_err(|error| error.to_string())?.run().await)
        })
    }
}

/// The hammer composed with the cache, compiled once for all processes.
fn program() -> Result<Program, Failed> {
    let runtime =
        Runtime::new(&RuntimeOptions::new().code_cache(CodeCache::open(crate::code_cache()).ok()))?;
    let hammer = Part::new("hammer", Component::open(Guest::Hammer.path()?)?)?;
    let cache = Part::named(cache_name()?, Component::open(Guest::CacheImpl.path()?)?);
    Ok(runtime.load(&compose(&hammer, &[cache], Form::Granted)?)?)
}

fn cache_name() -> Result<PartName, String> {
    "cache".parse().map_err(|error| format!("{error}"))
}
