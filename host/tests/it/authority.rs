//! Who reaches what: a component that tries every function of WASI, as the consumer and as a plug,
//! with grants and without. What it is to find stands in `tests/authority/`, a file for each way of
//! granting; `BLESS=1` rewrites them.

use crate::guests::Guest;
use libtest_mimic::{Failed, Trial};
use std::{
    collections::BTreeMap,
    fs, io,
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Stdio,
    time::SystemTime,
};

/// Who is granted what, and who may then tell that something was reached.
struct Case {
    name: &'static str,
    grants: &'static [&'static str],
    arguments: &'static [&'static str],
    /// What the consumer reaches, by the starts of its lines; standard input and its name are
    /// always its own.
    consumer: &'static [&'static str],
    plug: &'static [&'static str],
    is_read_only: bool,
}

const CASES: [Case; 4] = [
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

/// One trial a way of granting.
pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = CASES
        .into_iter()
        .map(|case| Trial::test(format!("authority::{}", case.name), move || case.check()))
        .collect();
    trials.extend([
        Trial::test("authority::exit_of_a_plug_is_a_trap", exit_of_a_plug),
        Trial::test("authority::network_of_a_plug_is_refused", network_of_a_plug),
    ]);
    trials
}

impl Case {
    fn check(&self) -> Result<(), Failed> {
        let work = tempfile::tempdir()?;
        lay_out(work.path())?;
        let before = everything_below(work.path())?;
        let found = self.run(work.path())?;
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
        if !touched.is_empty() {
            return Err(format!("touched: {touched:?}").into());
        }
        self.expect_granted_only(&found)?;
        self.expect_table(&found)
    }

    fn run(&self, work: &Path) -> Result<String, Failed> {
        let mut child = crate::wit_host_command()
            .arg("run")
            .arg(Guest::ProberConsumer.path()?)
            .arg(format!(
                "--plug=prober-plug={}",
                Guest::ProberPlug.path()?.display()
            ))
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

    /// Whatever the table says: nothing is reached that was not granted.
    fn expect_granted_only(&self, found: &str) -> Result<(), Failed> {
        let (consumer, plug) = found
            .split_once("\nthe plug:\n")
            .ok_or("the plug was not asked")?;
        let of_consumer = [&OF_EVERY_CONSUMER[..], self.consumer].concat();
        for (lines, granted) in [(consumer, &of_consumer[..]), (plug, self.plug)] {
            let beyond = lines
                .lines()
                .filter(|line| line.contains(": reached"))
                .find(|line| !granted.iter().any(|start| line.starts_with(start)));
            if let Some(line) = beyond {
                return Err(format!("not granted, and yet `{line}`").into());
            }
        }
        Ok(())
    }

    fn expect_table(&self, found: &str) -> Result<(), Failed> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/authority")
            .join(self.name);
        if std::env::var_os("BLESS").is_some() {
            return Ok(fs::write(path, found)?);
        }
        let expected = fs::read_to_string(&path)?;
        if expected == found {
            Ok(())
        } else {
            Err(format!("--- expected\n{expected}\n--- actual\n{found}").into())
        }
    }
}

/// A directory to be granted, with every kind of link out of it.
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

/// What and when, of everything; links are what they are.
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
        let output = crate::wit_host_command()
            .arg("run")
            .arg(&socket)
            .arg(format!("--plug={}", plug.display()))
            .output()?;
        let stderr = String::from_utf8(output.stderr)?;
        let is_named = stderr.contains("plug `plug`") && stderr.contains(&format!("`{import}`"));
        if output.status.code() != Some(125) || !is_named {
            return Err(format!("{}\n{stderr}", output.status).into());
        }
    }
    Ok(())
}
