//! The connection of one client.

use super::room::Room;
use futures_util::{SinkExt, StreamExt};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc::Receiver,
    time::{Instant, interval_at},
};
use tokio_websockets::{Message, ServerBuilder, WebSocketStream};

const PING_EVERY: Duration = Duration::from_secs(3600);

pub async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    room: Arc<Room>,
) -> anyhow::Result<()> {
    let mut socket = ServerBuilder::new().serve(stream);
    let (client, mut queue) = room.join();
    let served = attend(&mut socket, &room, client, &mut queue).await;
    room.leave(client);
    served
}

async fn attend(
    socket: &mut WebSocketStream<impl AsyncRead + AsyncWrite + Unpin>,
    room: &Room,
    client: u64,
    queue: &mut Receiver<Message>,
) -> anyhow::Result<()> {
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    loop {
        tokio::select! {
            received = socket.next() => match received {
                None => return Ok(()),
                Some(message) => {
                    let message = message?;
                    if message.is_text() || message.is_binary() {
                        room.received(client, message);
                    }
                }
            },
            next = queue.recv() => {
                let mut next = next;
                if next.is_none() {
                    return Ok(());
                }
                while let Some(message) = next {
                    socket.feed(message).await?;
                    next = queue.try_recv().ok();
                }
                socket.flush().await?;
            }
            _ = pings.tick() => socket.send(Message::ping("")).await?,
        }
    }
}
