//! The command `wit-host serve` in a process of its own.

use super::{Client, LONG, tokio};
use crate::guests::Guest;
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub fn trials() -> Vec<Trial> {
    vec![Trial::test(
        "rooms::the_command_closes_its_rooms_when_it_is_terminated",
        terminated,
    )]
}

/// A running server with an address for administration. When it is dropped, its processes are killed.
pub struct ServerProcess {
    pub address: String,
    pub admin: String,
    process: Child,
    log: Arc<Mutex<String>>,
}

impl ServerProcess {
    /// Starts a server by a command that ends with the flags of `wit-host serve`. The command may start other
    /// processes, and wait for them.
    pub fn start(command: &mut Command) -> Result<Self, Failed> {
        let mut process = command
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .args(["--log", "json"])
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = process.stderr.take().ok_or("standard error is a pipe")?;
        let (addresses, heard) = mpsc::channel();
        let mut server = Self {
            address: String::new(),
            admin: String::new(),
            process,
            log: Arc::default(),
        };
        let log = server.log.clone();
        thread::spawn(move || follow(stderr, &log, &addresses));
        let next = || heard.recv_timeout(3 * LONG);
        match (next(), next()) {
            (Ok(address), Ok(admin)) => (server.address, server.admin) = (address, admin),
            _ => return Err(format!("it does not listen: {}", server.log()).into()),
        }
        Ok(server)
    }

    /// Everything that the server has written to its log.
    pub fn log(&self) -> String {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Sends a signal to the server's processes. A server that is stopped has stopped when this returns.
    pub fn signal(&self, signal: Signal) -> Result<(), Failed> {
        kill_process_group(self.group(), signal)?;
        let stat = format!("/proc/{}/stat", self.process.id());
        while signal == Signal::STOP && !fs::read_to_string(&stat)?.contains(") T ") {
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Ends the server at once.
    pub fn kill(&mut self) -> Result<(), Failed> {
        kill_process_group(self.group(), Signal::KILL)?;
        self.process.wait()?;
        Ok(())
    }

    /// Ends the server by SIGTERM.
    pub fn stop(mut self) -> Result<ExitStatus, Failed> {
        kill_process_group(self.group(), Signal::TERM)?;
        let started = Instant::now();
        while started.elapsed() < LONG {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(format!("it has not ended: {}", self.log()).into())
    }

    fn group(&self) -> Pid {
        Pid::from_child(&self.process)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // After `stop`, the group is no more.
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = kill_process_group(self.group(), Signal::KILL);
            let _ = self.process.wait();
        }
    }
}

/// Copies the log, and sends each address that the server listens on.
fn follow(stderr: ChildStderr, log: &Mutex<String>, addresses: &mpsc::Sender<String>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        *log += &line;
        log.push('\n');
        let is_for_peers = event["message"] == "listening for other servers";
        if let Some(address) = event["address"].as_str().filter(|_| !is_for_peers) {
            // Nobody waits for further ones.
            let _ = addresses.send(address.to_owned());
        }
    }
}

/// The file of a server's logic, which can be replaced.
pub struct LogicFile {
    directory: TempDir,
}

impl LogicFile {
    pub fn new(guest: Guest) -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let file = Self { directory };
        fs::copy(guest.path()?, file.path())?;
        Ok(file)
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("logic.wasm")
    }

    /// The command `wit-host serve` with this logic. Events have more time than by default, because other tests
    /// compute meanwhile.
    pub fn serve(&self) -> Command {
        let mut command = crate::wit_host_command();
        command
            .arg("serve")
            .arg(self.path())
            .args(["--timeout", "10s"]);
        command
    }
}

fn terminated() -> Result<(), Failed> {
    let logic = LogicFile::new(Guest::Echo)?;
    let server = ServerProcess::start(&mut logic.serve())?;
    tokio()?.block_on(async {
        let mut client = Client::connect(&format!("ws://{}/a", server.address)).await?;
        assert_eq!(client.ask("x").await?, "x");
        let stopping = tokio::task::spawn_blocking(move || server.stop());
        assert_eq!(client.close().await?.0, 1012);
        // The client has to end its side too.
        drop(client);
        let status = stopping.await??;
        assert!(status.success(), "{status}");
        Ok(())
    })
}
