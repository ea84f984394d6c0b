//! Caches of the host behind the interface: the same files as the component's, hostile calls, failures,
//! and the flag `--cache`.

use crate::{
    embedding::{part, tokio},
    guests::Guest,
};
use bytes::Bytes;
use libtest_mimic::{Failed, Trial};
use std::{
    future,
    path::Path,
    process::Output,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use wit_host::{
    Cache, CacheError, CallError, DirCache, DirCacheOptions, FileOperations, Form, HostInterface,
    Instance, Limits, MemoryCache, MemoryCacheOptions, Outcome, Part, Program, Runtime,
    RuntimeOptions, Sandboxes, Value, compose,
};

/// The trials.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "host_caches::the_component_and_the_host_share_files",
            shared_files,
        ),
        Trial::test("host_caches::a_long_key_is_an_error", long_key),
        Trial::test("host_caches::a_large_value_passes", large_value),
        Trial::test("host_caches::failures_are_reported", failures),
        Trial::test(
            "host_caches::a_cache_that_never_answers_is_stopped",
            never_answers,
        ),
        Trial::test("host_caches::instances_on_threads_share_one", threads),
        Trial::test(
            "host_caches::a_dir_cache_on_other_threads",
            on_other_threads,
        ),
    ]
}

/// Passes each call on to the cache that it imports.
const FORWARDER: &str = include_str!("../cases/run/cache/forwarder.wat");

fn forwarder(interface: HostInterface) -> Result<Program, Failed> {
    let part: Part = part("forwarder", FORWARDER)?.provide(interface);
    let composition = compose(&part, &[], Form::Granted)?;
    Ok(Runtime::new(&RuntimeOptions::default())?.load(&composition)?)
}

async fn instance(program: &Program) -> Result<Instance, Failed> {
    let limits = Limits::new().timeout(Duration::from_secs(30));
    Ok(program.instantiate(&Sandboxes::default(), &limits).await?)
}

async fn call(instance: &mut Instance, name: &str, arguments: Vec<Value>) -> Result<Value, Failed> {
    let function = instance.program().function(name)?.clone();
    let results = instance.call(&function, arguments).await?;
    let result = results.into_iter().next();
    result.ok_or_else(|| format!("`{name}` has no result").into())
}

fn set(key: &str, value: &[u8], ttl: Option<u32>) -> Vec<Value> {
    let ttl = ttl.map_or_else(Value::none, Value::some);
    vec![key.into(), value.into(), ttl]
}

fn done() -> Value {
    Value::Result(Ok(None))
}

fn failed(case: &str) -> Value {
    Value::err(Value::Enum(case.to_owned()))
}

/// Entries of the component are read by the host, and the reverse, with their ttl.
fn shared_files() -> Result<(), Failed> {
    let store = tempfile::tempdir()?;
    let component = |calls: &[&str]| invoke(store.path(), calls, true);
    let host = |calls: &[&str]| invoke(store.path(), calls, false);
    for (writes, reads) in [
        (
            &component as &dyn Fn(&[&str]) -> _,
            &host as &dyn Fn(&[&str]) -> Result<String, Failed>,
        ),
        (&host, &component),
    ] {
        let written: Result<String, Failed> = writes(&[
            r#"set("stays", [1, 2], none)"#,
            r#"set("ä/..", [], some(100))"#,
            r#"set("short", [3], some(1))"#,
            r#"set("gone", [4], some(0))"#,
        ]);
        assert_eq!(written?, "ok\nok\nok\nok\n");
        std::thread::sleep(Duration::from_millis(1010));
        let read = reads(&[
            r#"get("stays")"#,
            r#"get("ä/..")"#,
            r#"get("short")"#,
            r#"get("gone")"#,
            r#"delete("stays")"#,
        ])?;
        let missing = "err(not-found-error)";
        assert_eq!(
            read,
            format!("ok([1, 2])\nok([])\n{missing}\n{missing}\nok\n")
        );
        assert_eq!(writes(&[r#"get("stays")"#])?, format!("{missing}\n"));
    }
    Ok(())
}

/// Calls the component, or the forwarder on the cache of the host.
fn invoke(store: &Path, calls: &[&str], component: bool) -> Result<String, Failed> {
    let forwarder = tempfile::Builder::new().suffix(".wat").tempfile()?;
    std::fs::write(forwarder.path(), FORWARDER)?;
    let mut command = crate::wit_host_command();
    command.arg("invoke");
    match component {
        true => command
            .arg(Guest::CacheImpl.path()?)
            .arg(format!("--dir={}::/cache", store.display())),
        false => command
            .arg(forwarder.path())
            .arg(format!("--cache=dir:{}", store.display())),
    };
    let Output {
        stdout,
        stderr,
        status,
    } = command.args(calls).output()?;
    if !status.success() || !stderr.is_empty() {
        return Err(format!("{status}: {}", String::from_utf8_lossy(&stderr)).into());
    }
    Ok(String::from_utf8(stdout)?)
}

/// The cache is not asked for a key of more than 4,096 bytes.
fn long_key() -> Result<(), Failed> {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let of_cache = reports.clone();
    let cache = MemoryCache::new(MemoryCacheOptions::default());
    let program = forwarder(HostInterface::cache_reporting(cache, move |failure| {
        let report = format!("{} {}: {}", failure.part, failure.function, failure.error);
        of_cache.lock().expect("no panic").push(report);
    }))?;
    // Half of the second key's characters have two bytes.
    let longest = ["k".repeat(4096), "kä".repeat(1365) + "k"];
    let too_long = ["k".repeat(4097), "kä".repeat(1365) + "kk"];
    tokio()?.block_on(async {
        let mut instance = instance(&program).await?;
        for key in &longest {
            let calls = [
                ("set", set(key, b"1", None), done()),
                (
                    "get",
                    vec![key.as_str().into()],
                    Value::ok(Value::Bytes(vec![b'1'])),
                ),
                ("delete", vec![key.as_str().into()], done()),
            ];
            for (name, arguments, expected) in calls {
                assert_eq!(call(&mut instance, name, arguments).await?, expected);
            }
        }
        for key in &too_long {
            for (name, arguments) in [
                ("set", set(key, b"1", None)),
                ("get", vec![key.as_str().into()]),
                ("delete", vec![key.as_str().into()]),
            ] {
                let result = call(&mut instance, name, arguments).await?;
                assert_eq!(result, failed("runtime-error"), "{name}");
            }
        }
        Ok::<_, Failed>(())
    })?;
    let reports = reports.lock().expect("no panic");
    assert_eq!(reports.len(), 6);
    assert_eq!(
        reports[1],
        "forwarder get: the key has 4097 bytes, and a key has at most 4096"
    );
    Ok(())
}

fn large_value() -> Result<(), Failed> {
    let cache = Arc::new(MemoryCache::new(MemoryCacheOptions::default()));
    let program = forwarder(HostInterface::cache(cache.clone()))?;
    let value: Vec<u8> = (0..64 << 20)
        .map(|index: u32| (index % 251) as u8)
        .collect();
    tokio()?.block_on(async {
        cache.set("from the host", &value, None).await?;
        // A result is dynamic values, 40 bytes for each byte of the value.
        let small = &value[..1 << 20];
        let mut instance = instance(&program).await?;
        let result = call(&mut instance, "set", set("small", small, None)).await?;
        assert_eq!(result, done());
        let read = call(&mut instance, "get", vec!["small".into()]).await?;
        assert!(read == Value::ok(Value::Bytes(small.to_vec())));
        let result = call(&mut instance, "set", set("large", &value, None)).await?;
        assert_eq!(result, done());
        assert!(cache.get("large").await? == value);
        Ok(())
    })
}

/// A cache that fails, with a reason that has a cause.
struct Failing;

#[derive(Debug, thiserror::Error)]
#[error("the disk is full")]
struct Full;

impl Cache for Failing {
    async fn set(&self, _: &str, _: &[u8], _: Option<u32>) -> Result<(), CacheError> {
        Err(CacheError::Runtime(Full.into()))
    }

    async fn get(&self, _: &str) -> Result<Bytes, CacheError> {
        Err(CacheError::NotFound)
    }

    async fn delete(&self, _: &str) -> Result<(), CacheError> {
        Err(CacheError::Runtime("the \x1b[2J disk is gone".into()))
    }
}

fn failures() -> Result<(), Failed> {
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    let interface = HostInterface::cache_reporting(Failing, move |failure| {
        counted.fetch_add(1, Ordering::Relaxed);
        let is_expected = match failure.function {
            "set" => failure.error.is::<Full>(),
            function => function == "delete",
        };
        assert!(is_expected, "{failure:?}");
    });
    let program = forwarder(interface)?;
    tokio()?.block_on(async {
        let mut instance = instance(&program).await?;
        for (name, arguments, expected) in [
            ("set", set("a", b"", None), "runtime-error"),
            ("get", vec!["a".into()], "not-found-error"),
            ("delete", vec!["a".into()], "runtime-error"),
        ] {
            let result = call(&mut instance, name, arguments).await?;
            assert_eq!(result, failed(expected), "{name}");
        }
        Ok::<_, Failed>(())
    })?;
    assert_eq!(count.load(Ordering::Relaxed), 2);
    Ok(())
}

struct Silent;

impl Cache for Silent {
    async fn set(&self, _: &str, _: &[u8], _: Option<u32>) -> Result<(), CacheError> {
        future::pending().await
    }

    async fn get(&self, _: &str) -> Result<Bytes, CacheError> {
        future::pending().await
    }

    async fn delete(&self, _: &str) -> Result<(), CacheError> {
        future::pending().await
    }
}

fn never_answers() -> Result<(), Failed> {
    let program = forwarder(HostInterface::cache(Silent))?;
    for (name, arguments) in [
        ("set", set("a", b"", None)),
        ("get", vec!["a".into()]),
        ("delete", vec!["a".into()]),
    ] {
        let started = Instant::now();
        let result = tokio()?.block_on(async {
            let limits = Limits::new().timeout(Duration::from_millis(50));
            let mut instance = program.instantiate(&Sandboxes::default(), &limits).await?;
            let function = program.function(name)?;
            Ok::<_, Failed>(instance.call(function, arguments).await)
        })?;
        match result {
            Err(CallError::Ended { outcome, .. }) => match outcome {
                Outcome::TimedOut(timed_out) => assert_eq!(timed_out.part, None),
                other => return Err(format!("expected a time-out, found {other:?}").into()),
            },
            other => return Err(format!("expected a time-out, found {other:?}").into()),
        }
        assert!(started.elapsed() < Duration::from_secs(10));
    }
    Ok(())
}

/// Eight instances on eight threads use one cache: each reads what another one has set.
fn threads() -> Result<(), Failed> {
    let cache = Arc::new(MemoryCache::new(MemoryCacheOptions::default()));
    let program = forwarder(HostInterface::cache(cache.clone()))?;
    let work = |number: u32| -> Result<(), Failed> {
        tokio()?.block_on(async {
            let mut instance = instance(&program).await?;
            for round in 0..200 {
                let key = format!("{}", (number + round) % 8);
                let value = [number as u8; 32];
                let result = call(&mut instance, "set", set(&key, &value, Some(100))).await?;
                assert_eq!(result, done());
                let read = call(&mut instance, "get", vec![key.as_str().into()]).await?;
                let Value::Result(Ok(Some(read))) = read else {
                    return Err(format!("`get` gave {read:?}").into());
                };
                let read = read.as_bytes().unwrap_or_default().to_vec();
                assert!(read.len() == 32 && read.iter().all(|byte| *byte == read[0]));
            }
            Ok(())
        })
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| scope.spawn(move || work(number)))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("no panic"))
    })?;
    tokio()?.block_on(async {
        assert_eq!(cache.get("0").await?.len(), 32);
        Ok(())
    })
}

fn on_other_threads() -> Result<(), Failed> {
    let store = tempfile::tempdir()?;
    let options = DirCacheOptions::default().file_operations(FileOperations::OnOtherThreads);
    let cache = DirCache::open(store.path(), options)?;
    tokio()?.block_on(async {
        cache.set("a", b"1", None).await?;
        assert_eq!(cache.get("a").await?, "1");
        cache.delete("a").await?;
        assert!(matches!(cache.get("a").await, Err(CacheError::NotFound)));
        let long = "k".repeat(5000);
        assert!(matches!(
            cache.get(&long).await,
            Err(CacheError::Runtime(_))
        ));
        Ok(())
    })
}
