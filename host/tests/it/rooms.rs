//! Rooms, and the server in front of them, through real sockets.

mod clients;
pub mod command;
mod core_modules;
mod examples;
mod faults;
mod killed;
mod life;
mod limits;
mod replacing;
mod served;
mod shared;

use crate::guests::Guest;
use futures_util::{SinkExt, StreamExt};
use libtest_mimic::{Failed, Trial};
use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime as Tokio},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use tokio_websockets::{ClientBuilder, MaybeTlsStream, Message, WebSocketStream};
use wit_host::{
    CodeCache, Component, FileOperations, Form, HostInterface, Limits, Part, Plan, Sandbox,
    Sandboxes, Source, compose,
    rooms::{Logic, RoomSettings, RoomStorage, Rooms},
    server::{Server, ServerSettings},
};

pub fn trials() -> Vec<Trial> {
    [
        core_modules::trials(),
        life::trials(),
        examples::trials(),
        faults::trials(),
        limits::trials(),
        replacing::trials(),
        served::trials(),
        shared::trials(),
        killed::trials(),
        command::trials(),
        clients::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The longest wait for anything.
const LONG: Duration = Duration::from_secs(20);

/// The time of an event. It is long, because other tests compute meanwhile.
const TIMEOUT: Duration = Duration::from_secs(1);

pub fn tokio() -> Result<Tokio, Failed> {
    Ok(Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?)
}

/// The test guest, with these variables.
fn ledger(variables: &[(&str, &str)]) -> Result<Plan, Failed> {
    logic(Guest::Ledger, variables)
}

fn logic(guest: Guest, variables: &[(&str, &str)]) -> Result<Plan, Failed> {
    let part = Part::new("logic", Component::open(guest.path()?)?)?.provide(HostInterface::room());
    let composition = compose(&part, &[], Form::Granted)?;
    let sandbox = variables
        .iter()
        .fold(Sandbox::new(), |sandbox, (name, value)| {
            sandbox.env(*name, *value)
        });
    let sandboxes = Sandboxes::new(sandbox).file_operations(FileOperations::OnOtherThreads);
    plan(Source::Composition(Box::new(composition)), sandboxes)
}

fn plan(source: Source, sandboxes: Sandboxes) -> Result<Plan, Failed> {
    let limits = Limits::new().timeout(TIMEOUT).memory(32 << 20);
    let mut plan = Plan::new(source, sandboxes, limits)?;
    // Each guest is compiled once.
    let code = Path::new(env!("CARGO_TARGET_TMPDIR")).join("code-of-rooms");
    plan.code_cache = Some(CodeCache::open(code)?);
    Ok(plan)
}

async fn load(plan: Plan) -> Result<Logic, Failed> {
    let runtime = plan.runtime()?;
    Ok(Logic::load(plan, &runtime).await?)
}

/// A server in this process.
struct Served {
    rooms: Rooms,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Served {
    async fn start(plan: Plan) -> Result<Self, Failed> {
        Self::with(plan, RoomSettings::new(RoomStorage::none()), server()).await
    }

    async fn with(
        plan: Plan,
        rooms: RoomSettings,
        settings: ServerSettings,
    ) -> Result<Self, Failed> {
        let rooms = Rooms::new(load(plan).await?, rooms);
        let never = Arc::new(|| -> std::pin::Pin<Box<dyn Future<Output = _> + Send>> {
            Box::pin(async { Err("there is no other logic".to_owned()) })
        });
        let server = Server::bind(rooms.clone(), settings, never).await?;
        let address = server.address().ok_or("the server has an address")?;
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.serve(async {
            let _ = stopped.await;
        }));
        Ok(Self {
            rooms,
            address,
            stop,
            serving,
        })
    }

    /// A client whose handshake has been answered. It joins its room after that.
    async fn client(&self, path: &str) -> Result<Client, Failed> {
        Client::connect(&format!("ws://{}{path}", self.address)).await
    }

    /// A client that is in its room.
    async fn join(&self, path: &str) -> Result<Client, Failed> {
        let before = self.rooms.counters().clients();
        let client = self.client(path).await?;
        until("the client is in the room", || {
            self.rooms.counters().clients() > before
        })
        .await?;
        Ok(client)
    }

    async fn stop(self) -> Result<(), Failed> {
        let _ = self.stop.send(());
        timeout(LONG, self.serving).await??;
        Ok(())
    }
}

/// Settings for a free port.
fn server() -> ServerSettings {
    let mut settings = ServerSettings::new(SocketAddr::from(([127, 0, 0, 1], 0)));
    // The clients of the tests do not always wait for the end of their connection.
    settings.patience = Duration::from_millis(300);
    settings
}

/// A client, by a WebSocket.
pub struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub async fn connect(url: &str) -> Result<Self, Failed> {
        let (socket, _) = ClientBuilder::new().uri(url)?.connect().await?;
        Ok(Self(socket))
    }

    async fn send(&mut self, text: &str) -> Result<(), Failed> {
        Ok(self.0.send(Message::text(text.to_owned())).await?)
    }

    /// The next text. Anything else is an error.
    pub async fn text(&mut self) -> Result<String, Failed> {
        loop {
            let next = timeout(LONG, self.0.next()).await?;
            let message = next.ok_or("the connection ended")??;
            if let Some(text) = message.as_text() {
                return Ok(text.to_owned());
            }
            if let Some((code, reason)) = message.as_close() {
                return Err(format!("closed with {} {reason}", u16::from(code)).into());
            }
        }
    }

    /// The next message, of any kind.
    async fn next(&mut self) -> Result<Message, Failed> {
        let next = timeout(LONG, self.0.next()).await?;
        Ok(next.ok_or("the connection ended")??)
    }

    /// The next bytes. Anything else is an error.
    async fn binary(&mut self) -> Result<Vec<u8>, Failed> {
        loop {
            let next = timeout(LONG, self.0.next()).await?;
            let message = next.ok_or("the connection ended")??;
            if message.is_binary() {
                return Ok(message.into_payload().to_vec());
            }
            if message.is_text() || message.is_close() {
                return Err(format!("bytes were expected, found {message:?}").into());
            }
        }
    }

    async fn ask(&mut self, text: &str) -> Result<String, Failed> {
        self.send(text).await?;
        self.text().await
    }

    /// The code and the reason with which the connection is closed. Messages before it are dropped.
    async fn close(&mut self) -> Result<(u16, String), Failed> {
        loop {
            let next = timeout(LONG, self.0.next()).await?;
            let message = next.ok_or("the connection ended without a closing frame")??;
            if let Some((code, reason)) = message.as_close() {
                return Ok((code.into(), reason.to_owned()));
            }
        }
    }
}

/// Waits until something holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) -> Result<(), Failed> {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, waiting)
        .await
        .map_err(|_| format!("not within {LONG:?}: {what}").into())
}
