//! `native-rooms ADDRESS`: a server of rooms whose logic is part of it, on the crates that `wit-host serve` is
//! built on. Text goes back to its sender, and bytes go to everybody in the room.

mod connection;
mod room;

use anyhow::Context;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use ring::digest::{Context as Hash, SHA1_FOR_LEGACY_USE_ONLY};
use room::Rooms;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.context("usage: native-rooms ADDRESS")?;
    let listener = TcpListener::bind(address).await?;
    let rooms = Arc::new(Rooms::default());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream, rooms.clone()));
    }
}

async fn serve(stream: TcpStream, rooms: Arc<Rooms>) {
    let service = service_fn(|request| {
        let answer = open(request, &rooms);
        async { answer }
    });
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}

/// Answers the handshake, and serves the WebSocket in a task of its own.
fn open(
    mut request: Request<Incoming>,
    rooms: &Arc<Rooms>,
) -> anyhow::Result<Response<Empty<Bytes>>> {
    let key = request.headers().get(SEC_WEBSOCKET_KEY);
    let accepted = accept(key.context("the request has a key")?)?;
    let upgrade = hyper::upgrade::on(&mut request);
    let room = rooms.room(request.uri().path());
    tokio::spawn(async move {
        let stream = TokioIo::new(upgrade.await?);
        connection::serve(stream, room).await
    });
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accepted);
    Ok(response)
}

fn accept(key: &HeaderValue) -> anyhow::Result<HeaderValue> {
    let mut hash = Hash::new(&SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key.as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    Ok(STANDARD.encode(hash.finish()).try_into()?)
}
