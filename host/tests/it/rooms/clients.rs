//! Clients that were written elsewhere: packages of Node and of Python, and a browser. Their sides of the tests are the
//! programs in `host/tests/clients`.

use super::command::{LogicFile, ServerProcess};
use crate::{certificates::certificates, guests, guests::Guest};
use libtest_mimic::{Failed, Trial};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("the_package_ws_of_node_is_a_client", None, || {
            package("ws_client.js")
        }),
        trial("the_package_websockets_of_python_is_a_client", None, || {
            package("websockets_client.py")
        }),
        trial("browsers_chat_on_while_logic_is_replaced", None, chat_page),
        trial(
            "browsers_count",
            Guest::Counter.missing_toolchain(),
            counter_page,
        ),
        trial("a_client_connects_by_tls", None, tls),
    ]
}

/// A trial that is ignored if a client or a toolchain is missing, with the reason in its name. With `CI` set it fails instead.
fn trial(
    name: &str,
    missing_toolchain: Option<String>,
    run: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let missing_client = MISSING.get_or_init(missing_client).clone();
    guests::trial(
        format!("rooms::{name}"),
        missing_client.or(missing_toolchain),
        run,
    )
}

fn missing_client() -> Option<String> {
    if std::env::var_os("CI").is_some() {
        return None;
    }
    let script = repository().join("scripts/websocket-clients");
    match Command::new(script).arg("check").output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let reason = String::from_utf8_lossy(&output.stderr);
            Some(reason.trim().trim_start_matches("error: ").to_owned())
        }
        Err(error) => Some(error.to_string()),
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A program of `host/tests/clients`. It ends by itself, after a minute or two at most.
fn client(program: &str) -> Command {
    let installed = repository().join(".tools/websocket-clients");
    let is_python = program.ends_with(".py");
    let mut command = Command::new(if is_python { "python3" } else { "node" });
    command
        .arg(repository().join("host/tests/clients").join(program))
        .env("NODE_PATH", installed.join("node_modules"))
        .env("PYTHONPATH", installed.join("python"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Runs a client to its end, and then stops the server.
fn succeeds(client: &mut Command, server: ServerProcess) -> Result<(), Failed> {
    let output = client.output()?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}\n{told}\nserver:\n{}", output.status, server.log()).into());
    }
    let status = server.stop()?;
    if !status.success() {
        return Err(format!("the server has ended with {status}").into());
    }
    Ok(())
}

fn package(program: &str) -> Result<(), Failed> {
    let logic = LogicFile::new(Guest::Ledger)?;
    let mut serve = logic.serve();
    serve
        .args(["--ping-every", "2s"])
        .args(["--max-message", "8MiB", "--max-queued", "64MiB"]);
    let server = ServerProcess::start(&mut serve)?;
    let mut client = client(program);
    client
        .args([&server.address, &server.admin])
        .args([logic.path(), Guest::Echo.path()?]);
    succeeds(&mut client, server)
}

fn chat_page() -> Result<(), Failed> {
    let logic = LogicFile::new(Guest::Chat)?;
    let page = repository().join("examples/rooms/chat/page");
    let server = ServerProcess::start(logic.serve().arg("--static").arg(page))?;
    let mut client = client("chat_page.js");
    client
        .args([&server.address, &server.admin])
        .args([logic.path(), Guest::Chat2.path()?]);
    succeeds(&mut client, server)
}

fn counter_page() -> Result<(), Failed> {
    let logic = LogicFile::new(Guest::Counter)?;
    let page = repository().join("examples/rooms/counter/page");
    let server = ServerProcess::start(logic.serve().arg("--static").arg(page))?;
    succeeds(client("counter_page.js").arg(&server.address), server)
}

fn tls() -> Result<(), Failed> {
    let files = certificates()?;
    let path = |name: &str| files.path().join(name);
    let logic = LogicFile::new(Guest::Echo)?;
    let mut serve = logic.serve();
    serve.arg("--tls-certificate").arg(path("server.pem"));
    serve.arg("--tls-key").arg(path("server.key"));
    let server = ServerProcess::start(&mut serve)?;
    let mut client = client("tls_client.py");
    client.arg(&server.address).arg(path("ca.pem"));
    succeeds(&mut client, server)
}
