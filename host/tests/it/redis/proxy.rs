//! A proxy in front of a server, which can stop forwarding, cut connections and answer garbage.

use fastrand::Rng;
use libtest_mimic::Failed;
use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// The time after which a thread of the proxy notices a new mode.
const TICK: Duration = Duration::from_millis(3);
/// The time after which bytes arrive that were held, when newer connections already work.
const LATE: Duration = Duration::from_millis(100);

/// The state of the connections through the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Forward,
    /// Connections stay open, new ones are accepted, and no byte passes. What was sent meanwhile arrives
    /// late when the proxy forwards again, even from connections that the client has closed.
    Hold,
    /// The proxy answers itself, with bytes that depend on the number.
    Garbage(u64),
}

/// A running proxy. It ends when it is dropped.
pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: u16,
    mode: Mutex<Mode>,
    is_ended: AtomicBool,
}

impl Proxy {
    /// Starts a proxy in front of a port of the loopback interface.
    pub fn start(upstream: u16) -> Result<Self, Failed> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            upstream,
            mode: Mutex::new(Mode::Forward),
            is_ended: AtomicBool::new(false),
        });
        let accepting = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.is_ended() {
                    break;
                }
                let shared = accepting.clone();
                thread::spawn(move || shared.serve(client));
            }
        });
        Ok(Self { port, shared })
    }

    /// Changes what happens to all connections.
    pub fn set(&self, mode: Mode) {
        *self.shared.mode() = mode;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_ended.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    fn mode(&self) -> MutexGuard<'_, Mode> {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Relaxed)
    }

    fn serve(self: Arc<Self>, client: TcpStream) {
        while *self.mode() == Mode::Hold && !self.is_ended() {
            thread::sleep(TICK);
        }
        let mode = *self.mode();
        if let Mode::Garbage(seed) = mode {
            let _ = answer_garbage(&client, seed);
            return;
        }
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.upstream)) else {
            let _ = client.shutdown(Shutdown::Both);
            return;
        };
        let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else {
            return;
        };
        let other = self.clone();
        thread::spawn(move || other.copy(from_server, client));
        self.copy(from_client, server);
    }

    /// Copies bytes in one direction until a side closes. A connection that exists when the proxy begins to
    /// answer garbage is cut.
    fn copy(&self, mut from: TcpStream, mut to: TcpStream) {
        let _ = from.set_read_timeout(Some(TICK));
        let mut buffer = [0; 64 << 10];
        while !self.is_ended() && !matches!(*self.mode(), Mode::Garbage(_)) {
            let read = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if is_timeout(&error) => continue,
                Err(_) => break,
            };
            if *self.mode() == Mode::Hold {
                while *self.mode() == Mode::Hold && !self.is_ended() {
                    thread::sleep(TICK);
                }
                thread::sleep(LATE);
            }
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// Answers each piece that arrives, a few times, and closes.
fn answer_garbage(mut client: &TcpStream, seed: u64) -> io::Result<()> {
    let mut rng = Rng::with_seed(seed);
    client.set_read_timeout(Some(Duration::from_millis(200)))?;
    let mut buffer = [0; 64 << 10];
    for _ in 0..rng.usize(1..6) {
        if client.read(&mut buffer)? == 0 {
            break;
        }
        client.write_all(&garbage(&mut rng))?;
    }
    client.shutdown(Shutdown::Both)
}

fn garbage(rng: &mut Rng) -> Vec<u8> {
    let fixed: [&[u8]; 16] = [
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"+OK\r\n+OK\r\n+OK\r\n",
        b":17\r\n",
        b"$1000000\r\nabc",
        b"$-7\r\n",
        b"$999999999999\r\n",
        b"*1000000000\r\n",
        b"*-1\r\n",
        b"%9223372036854775807\r\n",
        b"-ERR unknown command 'AUTH', with args beginning with: 'secret' \r\n",
        b"-MOVED 1 127.0.0.1:1\r\n",
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"*2\r\n$1\r\na\r\n:1\r\n",
        b"\r\n\r\n\r\n",
        b"_\r\n",
        b"",
    ];
    match rng.usize(..fixed.len() + 4) {
        number if number < fixed.len() => fixed[number].to_vec(),
        number if number == fixed.len() => b"*1\r\n".repeat(10_000),
        _ => (0..rng.usize(..300)).map(|_| rng.u8(..)).collect(),
    }
}
