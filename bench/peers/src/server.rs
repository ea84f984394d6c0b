//! Redis on loopback, in memory: a server that this process starts and ends.

use anyhow::Context;
use redis::{Commands, Connection};
use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use workload::Cache;

pub struct Redis {
    connection: Connection,
    server: Child,
}

impl Redis {
    pub fn start(directory: String) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--dir", &directory, "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .context("`redis-server` does not run")?;
        let connection = connect(port)?;
        Ok(Self { connection, server })
    }
}

fn connect(port: u16) -> anyhow::Result<Connection> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/"))?;
    let started = Instant::now();
    loop {
        match client.get_connection() {
            Err(_) if started.elapsed() < PATIENCE => sleep(Duration::from_millis(20)),
            connected => return Ok(connected?),
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Cache for Redis {
    fn set(&mut self, key: &str, value: &[u8]) {
        let () = self.connection.set(key, value).expect("a set succeeds");
    }

    fn get(&mut self, key: &str) -> Option<Vec<u8>> {
        self.connection.get(key).expect("a get succeeds")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // The server stores nothing on disk, so it can be killed.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
