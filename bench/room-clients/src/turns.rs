//! Clients that take orders.
//!
//! `echo SIZE WINDOW COUNT` sends texts, of which `WINDOW` are on their way at a time, and waits for each to come back.
//! `broadcast SIZE CLIENTS COUNT` sends bytes to a room, one message after the other, and waits until all its clients have
//! them. `rooms CLIENTS FIRST COUNT` makes rooms whose names are numbers, with `CLIENTS` each, which stay; it
//! ends early if the server refuses one.

use crate::connected::{Client, ask, join};
use anyhow::Context;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use std::{
    cell::RefCell,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};
use tokio::{runtime::Runtime, sync::Notify};
use tokio_websockets::Message;
use workload::{Order, serve};

/// Executes orders until there are no more.
pub fn take(tokio: &Runtime, server: SocketAddr) -> anyhow::Result<()> {
    let clients = Clients {
        server,
        ..Clients::default()
    };
    let clients = RefCell::new(clients);
    serve(
        |order| {
            let prepared = tokio.block_on(clients.borrow_mut().prepare(order));
            prepared.expect("the clients join");
        },
        |order, ()| {
            let performed = tokio.block_on(clients.borrow_mut().perform(order));
            performed.expect("the server answers");
        },
    );
    Ok(())
}

struct Clients {
    server: SocketAddr,
    echo: Option<Client>,
    audience: Option<Audience>,
    /// Clients that only stay connected.
    idle: Vec<Client>,
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            server: SocketAddr::from(([127, 0, 0, 1], 0)),
            echo: None,
            audience: None,
            idle: Vec::new(),
        }
    }
}

impl Clients {
    async fn prepare(&mut self, order: &Order<'_>) -> anyhow::Result<()> {
        match order.work {
            "echo" if self.echo.is_none() => self.echo = Some(join(self.server, "echo").await?),
            "broadcast" if self.audience.is_none() => {
                self.audience = Some(Audience::join(self.server, order.keys).await?);
            }
            _ => {}
        }
        Ok(())
    }

    async fn perform(&mut self, order: &Order<'_>) -> anyhow::Result<()> {
        match order.work {
            "echo" => {
                let client = self.echo.as_mut().context("it has joined")?;
                echo(client, order.size, order.keys as u64, order.count).await
            }
            "broadcast" => {
                let audience = self.audience.as_mut().context("it has joined")?;
                audience.broadcast(order.size, order.count).await
            }
            "rooms" => {
                for number in 0..order.count {
                    let room = (order.keys as u64 + number).to_string();
                    for _ in 0..order.size {
                        let mut client = join(self.server, &room).await?;
                        if ask(&mut client, "hello").await.is_err() {
                            // The server has no space for more.
                            return Ok(());
                        }
                        self.idle.push(client);
                    }
                }
                Ok(())
            }
            other => anyhow::bail!("nothing is known of `{other}`"),
        }
    }
}

async fn echo(client: &mut Client, size: usize, window: u64, count: u64) -> anyhow::Result<()> {
    let text = Bytes::from("a".repeat(size));
    let mut sent = 0;
    for received in 0..count {
        while sent < count.min(received + window) {
            client.feed(Message::text(text.clone())).await?;
            sent += 1;
        }
        client.flush().await?;
        let answer = client.next().await.context("the session is lost")??;
        anyhow::ensure!(answer.is_text() && answer.as_payload().len() == size);
    }
    Ok(())
}

/// Many clients in one room, one of which sends.
struct Audience {
    sender: SplitSink<Client, Message>,
    shared: Arc<Shared>,
    clients: usize,
}

#[derive(Default)]
struct Shared {
    /// The clients that do not have the message yet.
    waiting: AtomicUsize,
    size: AtomicUsize,
    all_have_it: Notify,
}

impl Audience {
    async fn join(server: SocketAddr, clients: usize) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut sender = None;
        for _ in 0..clients {
            let (sink, mut stream) = join(server, "audience").await?.split();
            let shared = shared.clone();
            let sink = match sender {
                None => {
                    sender = Some(sink);
                    None
                }
                Some(_) => Some(sink),
            };
            tokio::spawn(async move {
                // The connection stays open.
                let _sink = sink;
                while let Some(Ok(message)) = stream.next().await {
                    assert!(message.is_binary());
                    assert_eq!(message.as_payload().len(), shared.size.load(Relaxed));
                    if shared.waiting.fetch_sub(1, Relaxed) == 1 {
                        shared.all_have_it.notify_one();
                    }
                }
            });
        }
        Ok(Self {
            sender: sender.context("there are clients")?,
            shared,
            clients,
        })
    }

    async fn broadcast(&mut self, size: usize, count: u64) -> anyhow::Result<()> {
        let bytes = Bytes::from(vec![7; size]);
        self.shared.size.store(size, Relaxed);
        for _ in 0..count {
            self.shared.waiting.store(self.clients, Relaxed);
            self.sender.send(Message::binary(bytes.clone())).await?;
            self.shared.all_have_it.notified().await;
        }
        Ok(())
    }
}
