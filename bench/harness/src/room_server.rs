//! A server of rooms in a process of its own.

use crate::{contest::Contender, process::At, tools::Tools};
use anyhow::Context;
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

pub struct RoomServer {
    child: Child,
    pub address: SocketAddr,
    pub admin: SocketAddr,
}

/// The memory of a server, in bytes. What processes share counts in parts.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    pub all: u64,
    /// The linear memories of guests.
    pub guests: u64,
    /// The number of mappings, of which Linux allows a process `vm.max_map_count`.
    pub mappings: u64,
}

/// An address space of this size that no one can access follows each linear memory, and nothing else.
const AFTER_LINEAR_MEMORY: u64 = 2 << 30;

impl RoomServer {
    /// `wit-host serve` with these flags.
    pub fn start(tools: &Tools, logic: &Path, flags: &[&str]) -> anyhow::Result<Self> {
        let (address, admin) = (free_address()?, free_address()?);
        let mut command = tools.wit_host();
        command
            .arg("serve")
            .arg(logic)
            .args(["--listen", &address.to_string()])
            .args(["--admin", &admin.to_string()])
            // Clients do not answer pings between two orders.
            .args(["--ping-every", "1h"])
            .args(flags);
        Self::wait_for(command, address, admin)
    }

    /// The server without guests.
    pub fn native(tools: &Tools) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut command = tools.ours("native-rooms");
        command.arg(address.to_string());
        Self::wait_for(command, address, address)
    }

    fn wait_for(
        mut command: Command,
        address: SocketAddr,
        admin: SocketAddr,
    ) -> anyhow::Result<Self> {
        let child = command.stderr(Stdio::null()).spawn();
        let child = child.with_context(|| format!("failed to start {command:?}"))?;
        let mut server = Self {
            child,
            address,
            admin,
        };
        while TcpStream::connect(server.address).is_err() {
            let ended = server.child.try_wait()?;
            anyhow::ensure!(ended.is_none(), "{command:?} has ended");
            sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    pub fn memory(&self) -> anyhow::Result<Memory> {
        let maps = fs::read_to_string(format!("/proc/{}/smaps", self.child.id()))?;
        parse(&maps).context("`smaps` is understood")
    }

    /// The processor's time that all threads have taken.
    fn time(&self) -> anyhow::Result<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            let on_processor = text.split_whitespace().next();
            nanoseconds += on_processor
                .context("`schedstat` is understood")?
                .parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// A counter of the administrator's side.
    pub fn metric(&self, name: &str) -> anyhow::Result<u64> {
        let mut stream = TcpStream::connect(self.admin)?;
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.admin
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let name = format!("wit_host_{name} ");
        let value = answer.lines().find_map(|line| line.strip_prefix(&name));
        Ok(value.context("there is this counter")?.trim().parse()?)
    }

    /// Waits until no room has an instance.
    pub fn wait_for_sleep(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        while self.metric("rooms_awake")? > 0 {
            anyhow::ensure!(
                started.elapsed() < Duration::from_secs(60),
                "rooms stay awake"
            );
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for RoomServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address with a port that is free.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn parse(maps: &str) -> Option<Memory> {
    let mut memory = Memory {
        all: 0,
        guests: 0,
        mappings: 0,
    };
    // The mappings that can be written and lie next to each other, up to the current one.
    let mut written = 0;
    let mut end_of_last = 0;
    let mut is_writable = false;
    for line in maps.lines() {
        if let Some(kib) = line.strip_prefix("Pss:") {
            let bytes = kib.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10;
            memory.all += bytes;
            if is_writable {
                written += bytes;
            }
            continue;
        }
        let Some((start, end, rights)) = mapping(line) else {
            continue;
        };
        memory.mappings += 1;
        is_writable = rights.starts_with("rw");
        if start == end_of_last && rights.starts_with("---") && end - start >= AFTER_LINEAR_MEMORY {
            memory.guests += written;
        }
        if start != end_of_last || !is_writable {
            written = 0;
        }
        end_of_last = end;
    }
    Some(memory)
}

/// `7f00-7f10 rw-p …`
fn mapping(line: &str) -> Option<(u64, u64, &str)> {
    let (addresses, rest) = line.split_once(' ')?;
    let (start, end) = addresses.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some((number(start)?, number(end)?, rest))
}

/// A contender whose time is that of the processor in its server.
pub struct InServer<'a> {
    pub server: &'a RoomServer,
    pub clients: At<'a>,
}

impl Contender for InServer<'_> {
    fn take_turn(&mut self, count: u64) -> anyhow::Result<Duration> {
        let before = self.server.time()?;
        self.clients.take_turn(count)?;
        Ok(self.server.time()?.saturating_sub(before))
    }
}
