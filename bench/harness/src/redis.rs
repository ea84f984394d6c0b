//! A Redis server on loopback, and `redis-benchmark` as a contender.

use crate::contest::Contender;
use anyhow::Context;
use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// A server that stores nothing on disk. It ends when this is dropped.
pub struct RedisServer {
    port: u16,
    server: Child,
}

impl RedisServer {
    pub fn start(directory: &Path) -> anyhow::Result<Self> {
        const PATIENCE: Duration = Duration::from_secs(10);
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(directory)
            .stdout(Stdio::null())
            .spawn()
            .context("`redis-server` does not run")?;
        let server = Self { port, server };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            anyhow::ensure!(started.elapsed() < PATIENCE, "the server does not answer");
            sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// `redis-benchmark` with one connection, without pipelining.
pub struct RedisBenchmark {
    port: u16,
    operation: &'static str,
    size: usize,
}

/// The fewest requests of a run: `redis-benchmark` counts whole milliseconds.
const REQUESTS: u64 = 5_000;

impl RedisBenchmark {
    pub fn new(server: &RedisServer, operation: &'static str, size: usize) -> anyhow::Result<Self> {
        let benchmark = Self {
            port: server.port,
            operation,
            size,
        };
        // A get finds the values that this has set.
        benchmark.run("set", 1_000)?;
        Ok(benchmark)
    }

    /// Runs that many requests, and returns their number in a second.
    fn run(&self, operation: &str, requests: u64) -> anyhow::Result<f64> {
        let output = Command::new("redis-benchmark")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["-c", "1", "-P", "1", "--csv", "-t", operation])
            .args(["-n", &requests.to_string(), "-d", &self.size.to_string()])
            .output()
            .context("`redis-benchmark` does not run")?;
        let text = String::from_utf8(output.stdout)?;
        // "test","rps",…, then "GET","12345.67",…
        let line = text.lines().find(|line| {
            let name = line.split(',').next().unwrap_or_default();
            name.trim_matches('"').eq_ignore_ascii_case(operation)
        });
        let rate = line.and_then(|line| line.split(',').nth(1));
        let rate = rate.with_context(|| format!("`redis-benchmark` printed {text:?}"))?;
        Ok(rate.trim_matches('"').parse()?)
    }
}

impl Contender for RedisBenchmark {
    fn take_turn(&mut self, count: u64) -> anyhow::Result<Duration> {
        let rate = self.run(self.operation, count.max(REQUESTS))?;
        Ok(Duration::from_secs_f64(count as f64 / rate))
    }
}
