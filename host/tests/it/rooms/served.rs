//! What the server serves beside rooms: TLS, files, metrics, and the handshake.

use super::{Client, LONG, Served, command::LogicFile, ledger, server, tokio};
use crate::{certificates::certificates, guests::Guest};
use libtest_mimic::{Failed, Trial};
use rcgen::KeyPair;
use std::{fs, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use wit_host::{
    rooms::{RoomSettings, RoomStorage},
    server::ServerSettings,
};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("rooms::a_request_that_is_no_websocket_is_answered", || {
            tokio()?.block_on(requests())
        }),
        Trial::test("rooms::files_come_from_their_directory_alone", || {
            tokio()?.block_on(files())
        }),
        Trial::test("rooms::a_page_of_another_origin_does_not_connect", || {
            tokio()?.block_on(origins())
        }),
        Trial::test("rooms::too_many_connections_are_not_taken", || {
            tokio()?.block_on(connections())
        }),
        Trial::test(
            "rooms::files_that_are_of_no_use_for_tls_are_named",
            unusable_for_tls,
        ),
    ]
}

/// Sends lines of a request, and returns the whole answer.
async fn request(address: SocketAddr, lines: &[&str]) -> Result<String, Failed> {
    let mut stream = TcpStream::connect(address).await?;
    let text = format!(
        "{}\r\nhost: rooms.example\r\nconnection: close\r\n\r\n",
        lines.join("\r\n")
    );
    stream.write_all(text.as_bytes()).await?;
    let mut answer = Vec::new();
    timeout(LONG, stream.read_to_end(&mut answer)).await??;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

async fn with(settings: ServerSettings) -> Result<Served, Failed> {
    Served::with(
        ledger(&[])?,
        RoomSettings::new(RoomStorage::none()),
        settings,
    )
    .await
}

async fn requests() -> Result<(), Failed> {
    let served = with(server()).await?;
    let _client: Client = served.join("/a").await?;
    let health = request(served.address, &["GET /health HTTP/1.1"]).await?;
    assert!(
        health.starts_with("HTTP/1.1 200 OK") && health.ends_with("\r\n\r\nok\n"),
        "{health}"
    );
    let metrics = request(served.address, &["GET /metrics HTTP/1.1"]).await?;
    for line in [
        "wit_host_rooms 1",
        "wit_host_clients 1",
        "# TYPE wit_host_events_total counter",
    ] {
        assert!(
            metrics.lines().any(|known| known == line),
            "{line}: {metrics}"
        );
    }
    for (lines, status) in [
        (&["GET /a HTTP/1.1"][..], "404"),
        (&["POST /replace HTTP/1.1", "content-length: 0"], "404"),
        (&["GET /a HTTP/1.1", "upgrade: websocket"], "400"),
        (&["nonsense"], "400"),
    ] {
        let answer = request(served.address, lines).await?;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{lines:?}: {answer}"
        );
    }
    served.stop().await
}

async fn files() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let below = directory.path().join("page");
    fs::create_dir(&below)?;
    fs::write(below.join("index.html"), "a page")?;
    fs::write(directory.path().join("secret"), "a secret")?;
    let mut settings = server();
    settings.files = Some(below);
    let served = with(settings).await?;
    let page = request(served.address, &["GET / HTTP/1.1"]).await?;
    assert!(
        page.contains("content-type: text/html") && page.ends_with("a page"),
        "{page}"
    );
    for path in [
        "/../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "//etc/passwd",
        "/nothing",
    ] {
        let answer = request(served.address, &[&format!("GET {path} HTTP/1.1")]).await?;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    // A WebSocket of the same path is a room.
    assert_eq!(
        served.client("/index.html").await?.ask("clients").await?,
        "1"
    );
    served.stop().await
}

async fn origins() -> Result<(), Failed> {
    let served = with(server()).await?;
    let handshake = |origin: &'static str| {
        [
            "GET /a HTTP/1.1".to_owned(),
            "upgrade: websocket".to_owned(),
            "connection: upgrade".to_owned(),
            "sec-websocket-version: 13".to_owned(),
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==".to_owned(),
            format!("origin: {origin}"),
        ]
    };
    let lines = handshake("https://elsewhere.example");
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let answer = request(served.address, &lines).await?;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert_eq!(served.rooms.count(), 0);
    served.stop().await
}

async fn connections() -> Result<(), Failed> {
    let mut settings = server();
    settings.most_connections = 1;
    let served = with(settings).await?;
    let mut client = served.client("/a").await?;
    let mut other = TcpStream::connect(served.address).await?;
    // It is closed without an answer.
    let read = timeout(LONG, other.read(&mut [0])).await?;
    assert!(matches!(read, Ok(0) | Err(_)));
    assert_eq!(client.ask("clients").await?, "1");
    served.stop().await
}

fn unusable_for_tls() -> Result<(), Failed> {
    let files = certificates()?;
    let write = |name: &str, text: &str| fs::write(files.path().join(name), text);
    write("empty.pem", "")?;
    write(
        "broken.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )?;
    write("other.key", &KeyPair::generate()?.serialize_pem())?;
    let logic = LogicFile::new(Guest::Echo)?;
    for (certificate, key, named, reason) in [
        (
            "empty.pem",
            "server.key",
            "empty.pem",
            "there is no certificate in it",
        ),
        (
            "server.key",
            "server.key",
            "server.key",
            "there is no certificate in it",
        ),
        (
            "broken.pem",
            "server.key",
            "broken.pem",
            "the certificate in it is damaged",
        ),
        (
            "server.pem",
            "ca.pem",
            "ca.pem",
            "there is no private key in it",
        ),
        (
            "server.pem",
            "other.key",
            "other.key",
            "the key in it is not that of the certificate in `server.pem`",
        ),
        (
            "server.pem",
            "nothing.key",
            "nothing.key",
            "I/O error: No such file or directory (os error 2)",
        ),
    ] {
        let output = logic
            .serve()
            .args(["--listen", "127.0.0.1:0"])
            .args(["--tls-certificate", certificate, "--tls-key", key])
            .current_dir(files.path())
            .output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        let expected = format!("error: failed to use `{named}` for TLS\n  caused by: {reason}\n");
        assert_eq!(
            (output.status.code(), &*told),
            (Some(125), &*expected),
            "{certificate} {key}"
        );
    }
    Ok(())
}
