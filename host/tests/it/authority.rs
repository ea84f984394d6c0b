//! The authority of parts: a component tries every function of WASI, as the consumer and as a plug,
//! with and without grants. The expected results are in `tests/authority/`, one file for each set of
//! grants; `BLESS=1` rewrites them.

use crate::{
    bless,
    count::Count,
    engines::{self, ENGINES},
    guests::{Guest, trial},
};
use libtest_mimic::{Failed, Trial};
use std::{
    collections::BTreeMap,
    fs, io,
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};
use wit_host::Engine;

/// A set of grants, and the results that may then differ from a run without grants.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    grants: &'static [&'static str],
    arguments: &'static [&'static str],
    /// The prefixes of the result lines that the consumer may reach; standard input and its name
    /// are always its own.
    consumer: &'static [&'static str],
    plug: &'static [&'static str],
    is_read_only: bool,
}

const CASES: [Case; 5] = [
    Case {
        name: "nothing",
        grants: &[],
        arguments: &[],
        consumer: &[],
        plug: &[],
        is_read_only: true,
    },
    Case {
        name: "consumer",
        grants: &["--dir=data::/data", "--env=KEY=the consumer's"],
        arguments: &["argument"],
        consumer: &["filesystem/", "cli/environment#get-environment"],
        plug: &[],
        is_read_only: false,
    },
    Case {
        name: "consumer-read-only",
        grants: &["--dir=data::/data:ro"],
        arguments: &[],
        consumer: &["filesystem/"],
        plug: &[],
        is_read_only: true,
    },
    Case {
        name: "plug",
        grants: &[
            "--dir=prober-plug=data::/data",
            "--env=prober-plug=KEY=the plug's",
        ],
        arguments: &["argument"],
        consumer: &[],
        plug: &["filesystem/", "cli/environment#get-environment"],
        is_read_only: false,
    },
    Case {
        name: "plug-read-only",
        grants: &["--dir=prober-plug=data::/data:ro"],
        arguments: &[],
        consumer: &[],
        plug: &["filesystem/"],
        is_read_only: true,
    },
];

const OF_EVERY_CONSUMER: [&str; 3] = [
    "cli/environment#get-arguments",
    "cli/stdin#",
    "io/streams#input-stream.",
];

/// One trial for each set of grants.
pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = CASES
        .into_iter()
        .flat_map(|case| {
            ENGINES.into_iter().flat_map(move |engine| {
                let name = format!("{}::{}", engines::path("authority", engine), case.name);
                let fused = move || case.check(&[], engine);
                let isolated = move || case.check(&["--isolate=prober-plug"], engine);
                [
                    Trial::test(name.clone(), fused),
                    Trial::test(format!("{name}::isolated"), isolated),
                ]
            })
        })
        .collect();
    trials.extend([
        Trial::test("authority::exit_of_a_plug_is_a_trap", exit_of_a_plug),
        Trial::test("authority::network_of_a_plug_is_refused", network_of_a_plug),
        trial(
            "authority::a_terminal_is_the_consumers_alone".to_owned(),
            missing_terminal(),
            terminal_of_the_consumer,
        ),
    ]);
    trials
}

impl Case {
    /// An isolated plug reaches the same as a fused one, and so on either engine.
    fn check(&self, isolation: &[&str], engine: Engine) -> Result<(), Failed> {
        let work = tempfile::tempdir()?;
        lay_out(work.path())?;
        let before = everything_below(work.path())?;
        let found = self.run(work.path(), isolation, engine)?;
        let mut after = everything_below(work.path())?;

        if !self.is_read_only {
            let is_outside =
                |path: &PathBuf, _: &mut _| !path.starts_with(work.path().join("data"));
            after.retain(is_outside);
        }
        let touched: Vec<_> = after
            .iter()
            .filter(|(path, state)| before.get(*path) != Some(*state))
            .map(|(path, _)| path)
            .collect();
        let mut count = Count::of("F13");
        count.holds(touched.is_empty(), || format!("touched: {touched:?}"));
        self.count_reached(&found, &mut count)?;
        count.finish(format_args!(
            "; granted: {} {isolation:?}, on the {engine}",
            self.name
        ))?;
        let table = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/authority")
            .join(self.name);
        bless::expect(&table, &found)
    }

    fn run(&self, work: &Path, isolation: &[&str], engine: Engine) -> Result<String, Failed> {
        let mut child = crate::wit_host_command()
            .arg("run")
            .arg(Guest::ProberConsumer.path()?)
            .arg(format!(
                "--plug=prober-plug={}",
                Guest::ProberPlug.path()?.display()
            ))
            .args(engines::flag(engine))
            .args(isolation)
            .args(self.grants)
            .args(self.arguments)
            .current_dir(work)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(b"the consumer's standard input")?;
        }
        let output = child.wait_with_output()?;
        let mut found = String::from_utf8(output.stdout)?;
        for line in String::from_utf8(output.stderr)?.lines() {
            found.push_str(&format!("! {line}\n"));
        }
        if output.status.success() {
            Ok(found)
        } else {
            Err(format!("{}\n{found}", output.status).into())
        }
    }

    /// Checks, independently of the expected file, that nothing is reached that was not granted.
    fn count_reached(&self, found: &str, count: &mut Count) -> Result<(), Failed> {
        let (consumer, plug) = found
            .split_once("\nthe plug:\n")
            .ok_or("the plug was not asked")?;
        let of_consumer = [&OF_EVERY_CONSUMER[..], self.consumer].concat();
        for (part, lines, granted) in [
            ("consumer", consumer, &of_consumer[..]),
            ("plug", plug, self.plug),
        ] {
            for line in lines.lines().filter(|line| is_attempt(line)) {
                let is_granted = granted.iter().any(|start| line.starts_with(start));
                let in_order = is_granted || !line.contains(": reached");
                count.holds(in_order, || {
                    format!("not granted to the {part}, and yet `{line}`")
                });
            }
        }
        Ok(())
    }
}

/// `interface#function: …` or `out by function: …`
fn is_attempt(line: &str) -> bool {
    line.contains('#') || line.starts_with("out by ")
}

/// A directory for grants, with every kind of link that leads out of it.
fn lay_out(work: &Path) -> io::Result<()> {
    let data = work.join("data");
    fs::create_dir_all(data.join("sub"))?;
    fs::write(data.join("inside"), "inside")?;
    fs::write(data.join("sub/inside"), "inside")?;
    symlink("inside", data.join("link"))?;
    symlink("..", data.join("up"))?;
    symlink("../..", data.join("sub/up"))?;
    symlink("../secret", data.join("relative"))?;
    symlink(work.join("secret"), data.join("absolute"))?;
    fs::write(work.join("secret"), "of somebody else")
}

/// Contents and modification times of all files; links are not followed.
fn everything_below(directory: &Path) -> io::Result<BTreeMap<PathBuf, (SystemTime, Vec<u8>)>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let contents = if metadata.is_file() {
            fs::read(entry.path())?
        } else {
            Vec::new()
        };
        if metadata.is_dir() {
            found.append(&mut everything_below(&entry.path())?);
        }
        found.insert(entry.path(), (metadata.modified()?, contents));
    }
    Ok(found)
}

fn exit_of_a_plug() -> Result<(), Failed> {
    let output = crate::wit_host_command()
        .arg("run")
        .arg(Guest::ProberConsumer.path()?)
        .arg(format!(
            "--plug=prober-plug={}",
            Guest::ProberPlug.path()?.display()
        ))
        .arg("plug-exits")
        .output()?;
    let stderr = String::from_utf8(output.stderr)?;
    if output.status.code() == Some(134) && stderr.contains("`prober-plug` trapped") {
        Ok(())
    } else {
        Err(format!("{}\n{stderr}", output.status).into())
    }
}

/// The reason why no terminal can be created here: it takes `script` of util-linux, not of the BSDs.
fn missing_terminal() -> Option<String> {
    let version = Command::new("script").arg("--version").output();
    match version {
        Ok(output) if output.status.success() => None,
        _ => Some("there is no `script` of util-linux".to_owned()),
    }
}

fn terminal_of_the_consumer() -> Result<(), Failed> {
    let mut command = crate::wit_host_command();
    command
        .arg("run")
        .arg(Guest::ProberConsumer.path()?)
        .arg(format!(
            "--plug=prober-plug={}",
            Guest::ProberPlug.path()?.display()
        ));
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| format!("'{}'", word.display())).collect();
    let output = Command::new("script")
        .args([
            "--quiet",
            "--return",
            "--command",
            &words.join(" "),
            "/dev/null",
        ])
        .env("XDG_CACHE_HOME", crate::code_cache())
        .stdin(Stdio::null())
        .output()?;
    let found = String::from_utf8(output.stdout)?.replace('\r', "");
    let (consumer, plug) = found
        .split_once("\nthe plug:\n")
        .ok_or_else(|| format!("the plug was not asked: {found}"))?;
    let mut count = Count::of("F13");
    for stream in ["stdin", "stdout", "stderr"] {
        let told = |outcome| format!("cli/terminal-{stream}#get-terminal-{stream}: {outcome}");
        if !consumer.contains(&told("reached")) {
            return Err(format!("the consumer has no terminal:\n{consumer}").into());
        }
        let is_hidden = plug.contains(&told("nothing there"));
        count.holds(is_hidden, || {
            format!("{plug}: not `{}`", told("nothing there"))
        });
    }
    count.finish("; a terminal")
}

fn network_of_a_plug() -> Result<(), Failed> {
    let interfaces = [
        "network",
        "instance-network",
        "ip-name-lookup",
        "tcp",
        "tcp-create-socket",
        "udp",
        "udp-create-socket",
    ];
    let mut count = Count::of("F13");
    for interface in interfaces {
        let work = tempfile::tempdir()?;
        let import = format!("wasi:sockets/{interface}@0.2.12");
        let socket = work.path().join("socket.wat");
        fs::write(&socket, r#"(component (import "a:b/c" (instance)))"#)?;
        let plug = work.path().join("plug.wat");
        fs::write(
            &plug,
            format!(
                r#"(component (import "{import}" (instance)) (instance $c) (export "a:b/c" (instance $c)))"#
            ),
        )?;
        for isolation in [&[][..], &["--isolate=plug"]] {
            let output = crate::wit_host_command()
                .arg("run")
                .arg(&socket)
                .arg(format!("--plug={}", plug.display()))
                .args(isolation)
                .output()?;
            let stderr = String::from_utf8(output.stderr)?;
            let is_refused = output.status.code() == Some(125)
                && stderr.contains("plug `plug`")
                && stderr.contains(&format!("`{import}`"));
            count.holds(is_refused, || {
                format!("{import} {isolation:?}: {}\n{stderr}", output.status)
            });
        }
    }
    count.finish("; the network of a plug")
}
