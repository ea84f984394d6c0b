//! `--cache redis://…`: the demo and the conformance component on a server and on a cluster, and errors
//! without secrets.

use super::{
    cluster::Cluster,
    server::{Server, free_port, trial},
};
use crate::{conformance, guests::Guest, matrix};
use libtest_mimic::{Failed, Trial};
use std::process::Output;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("command::the_demo_on_a_server", || {
            let server = Server::start()?;
            demos(&server.url(""))
        }),
        trial("command::the_demo_on_a_cluster", || {
            let cluster = Cluster::start(0)?;
            demos(&cluster.nodes[0].url("?cluster=true"))
        }),
        trial("command::conformance_on_a_server", || {
            let server = Server::start()?;
            conforms(&format!("--cache={}", server.url("")), None)
        }),
        trial("command::conformance_on_a_cluster", || {
            let cluster = Cluster::start(0)?;
            let url = cluster.nodes[0].url("?cluster=true");
            conforms(&format!("--cache={url}"), None)
        }),
        trial("command::conformance_of_a_middleware_on_a_server", || {
            let server = Server::start()?;
            let plug = format!("--plug=lru={}", Guest::CppLru.path()?.display());
            conforms(&format!("--cache=lru={}", server.url("")), Some(plug))
        }),
        trial("command::a_missing_server_is_named", missing_server),
        trial("command::messages_have_no_password", no_password),
    ]
}

/// Both consumers print the transcript of the demo.
fn demos(url: &str) -> Result<(), Failed> {
    for consumer in [Guest::RustConsumer, Guest::CppConsumer] {
        if consumer.missing_toolchain().is_some() {
            continue;
        }
        let output = run(&[
            &consumer.path()?.display().to_string(),
            &format!("--cache={url}"),
        ])?;
        let (stdout, stderr) = texts(&output);
        if !output.status.success() || stdout != matrix::TRANSCRIPT || !stderr.is_empty() {
            return Err(format!("{}: {stdout}\n{stderr}", output.status).into());
        }
    }
    Ok(())
}

fn conforms(cache: &str, plug: Option<String>) -> Result<(), Failed> {
    let output = crate::wit_host_command()
        .arg("run")
        .arg(Guest::Conformance.path()?)
        .args(plug)
        .arg(cache)
        .args(["--", "--seed", "1", "--size", conformance::operations()])
        .output()?;
    conformance::all_pass(&output)
}

fn missing_server() -> Result<(), Failed> {
    let url = format!("redis://127.0.0.1:{}/?connect-timeout=500ms", free_port()?);
    let consumer = Guest::RustConsumer.path()?.display().to_string();
    let output = run(&[&consumer, &format!("--cache={url}")])?;
    let (_, stderr) = texts(&output);
    let address = url
        .trim_start_matches("redis://")
        .split('/')
        .next()
        .unwrap_or_default();
    match output.status.code() {
        Some(125) if stderr.contains(address) => Ok(()),
        code => Err(format!("{code:?}: {stderr}").into()),
    }
}

/// Wrong, unreachable and refused addresses are reported without the password in them.
fn no_password() -> Result<(), Failed> {
    const SECRET: &str = "hunter2";
    let server = Server::start()?;
    let authority = format!("app:{SECRET}@127.0.0.1:{}", server.port);
    let consumer = Guest::RustConsumer.path()?.display().to_string();
    for (cache, code) in [
        (format!("redis://{authority}/"), 125),
        (
            format!("redis://app:{SECRET}@127.0.0.1:{}/", free_port()?),
            125,
        ),
        (format!("redis://{authority}/?nosuch=1"), 2),
        (format!("redis://{authority}/?timeout={SECRET}"), 2),
        (format!("redis://{authority}/#insecure"), 2),
        (format!("reddis://{authority}/"), 2),
        (format!("reddis://app:{SECRET}?{SECRET}&{SECRET}@h/"), 2),
        (format!("nosuch=redis://{authority}/"), 2),
    ] {
        let output = run(&[&consumer, &format!("--cache={cache}"), "-v"])?;
        let (stdout, stderr) = texts(&output);
        if output.status.code() != Some(code)
            || stdout.contains(SECRET)
            || stderr.contains(SECRET)
            || stderr.is_empty()
        {
            return Err(format!("{cache}: {}: {stdout}{stderr}", output.status).into());
        }
    }
    Ok(())
}

fn run(arguments: &[&str]) -> Result<Output, Failed> {
    let mut command = crate::wit_host_command();
    Ok(command.arg("run").args(arguments).output()?)
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}
