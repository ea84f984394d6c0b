//! A client in a room.

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_websockets::{ClientBuilder, Message, WebSocketStream};

pub type Client = WebSocketStream<TcpStream>;

/// Joins a room.
pub async fn join(server: SocketAddr, room: &str) -> anyhow::Result<Client> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let uri = format!("ws://{server}/{room}");
    let (client, _) = ClientBuilder::new()
        .uri(&uri)?
        .connect_on(stream)
        .await
        .with_context(|| format!("failed to join {uri}"))?;
    Ok(client)
}

/// Sends a text, and waits for the answer to it.
pub async fn ask(client: &mut Client, text: &str) -> anyhow::Result<String> {
    client.send(Message::text(text.to_owned())).await?;
    answer(client).await
}

/// Waits for the next text.
pub async fn answer(client: &mut Client) -> anyhow::Result<String> {
    let message = client.next().await.context("the session is lost")??;
    let text = message.as_text();
    Ok(text.with_context(|| format!("{message:?}"))?.to_owned())
}
