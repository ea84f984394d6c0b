//! A `redis-server` of a test, on a free port of the loopback interface and in a directory of its own.

use libtest_mimic::{Failed, Trial};
use std::{
    fs::File,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The time within which a server must start.
const START: Duration = Duration::from_secs(10);

/// A trial that is ignored if there is no `redis-server`, with the reason in its name. With `CI` set it
/// fails instead.
pub fn trial(name: &str, run: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    let is_missing = std::env::var_os("CI").is_none()
        && Command::new("redis-server")
            .arg("--version")
            .output()
            .is_err();
    let reason = "`redis-server` is missing; install Debian's package `redis-server`";
    crate::guests::trial(
        format!("redis::{name}"),
        is_missing.then(|| reason.to_owned()),
        run,
    )
}

/// A running server, which is killed when it is dropped.
pub struct Server {
    pub port: u16,
    directory: TempDir,
    arguments: Vec<String>,
    process: Option<Child>,
}

impl Server {
    /// Starts a server without persistence.
    pub fn start() -> Result<Self, Failed> {
        Self::start_with(&[])
    }

    /// Starts a server with further arguments, such as `--maxmemory 1mb`. The argument `PORT` stands for the
    /// server's port.
    pub fn start_with(arguments: &[&str]) -> Result<Self, Failed> {
        let mut last = Failed::from("no attempt");
        // Another process can take the port before the server does.
        for _ in 0..5 {
            let mut server = Self {
                port: free_port()?,
                directory: tempfile::tempdir()?,
                arguments: arguments
                    .iter()
                    .map(|&argument| argument.to_owned())
                    .collect(),
                process: None,
            };
            match server.restart() {
                Ok(()) => return Ok(server),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Starts the server again on the same port, after `kill`.
    pub fn restart(&mut self) -> Result<(), Failed> {
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &port, "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args(["--enable-debug-command", "yes"])
            .args(
                self.arguments
                    .iter()
                    .map(|argument| match argument.as_str() {
                        "PORT" => &port,
                        _ => argument,
                    }),
            )
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(File::create(self.log())?)
            .stderr(Stdio::null());
        self.process = Some(
            command
                .spawn()
                .map_err(|error| format!("redis-server: {error}"))?,
        );
        let started = Instant::now();
        while started.elapsed() < START {
            let is_own =
                std::fs::read_to_string(self.log())?.contains("Ready to accept connections");
            if is_own && TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            if let Some(process) = &mut self.process
                && process.try_wait()?.is_some()
            {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let log = std::fs::read_to_string(self.log())?;
        self.kill();
        Err(format!("redis-server on port {port} did not start: {log}").into())
    }

    /// Ends the server at once.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // A stopped process is killed as well.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Stops the server as it is (`SIGSTOP`), or lets it go on (`SIGCONT`).
    pub fn signal(&self, name: &str) -> Result<(), Failed> {
        let process = self.process.as_ref().ok_or("the server is not running")?;
        let sent = Command::new("kill")
            .args([format!("-{name}"), process.id().to_string()])
            .status()?;
        if !sent.success() {
            return Err(format!("kill -{name}: {sent}").into());
        }
        Ok(())
    }

    /// The URL of the server, with an ending such as `?prefix=a:`.
    pub fn url(&self, ending: &str) -> String {
        format!("redis://127.0.0.1:{}/{ending}", self.port)
    }

    /// Runs a command in the form that a person types, and returns the raw reply. A connection of its own,
    /// so the cache under test is not involved.
    pub fn raw(&self, command: &str) -> Result<String, Failed> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(START))?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply)?;
        let reply = String::from_utf8_lossy(&reply).into_owned();
        let reply = reply.strip_suffix("+OK\r\n").unwrap_or(&reply);
        Ok(reply.trim_end().to_owned())
    }

    /// `true` if the server is running and not stopped by a signal.
    pub fn answers(&self) -> bool {
        let Some(process) = &self.process else {
            return false;
        };
        let status = std::fs::read_to_string(format!("/proc/{}/stat", process.id()));
        status.is_ok_and(|status| !status.contains(") T "))
    }

    fn log(&self) -> std::path::PathBuf {
        self.directory.path().join("log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port of the loopback interface that no program listens on.
pub fn free_port() -> Result<u16, Failed> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
