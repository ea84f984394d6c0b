//! A connection to a room of another server, whose messages are passed on.

use super::{
    connection::{PingCount, closing_frame, reason, within},
    settings::ServerSettings,
};
use crate::rooms::{Close, Owner};
use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use http_body_util::Empty;
use hyper::{
    Request, StatusCode,
    client::conn::http1,
    header::{CONTENT_LENGTH, EXPECT, HeaderName, TE, TRAILER, TRANSFER_ENCODING},
    http::request::Parts,
    upgrade::Upgraded,
};
use hyper_util::rt::TokioIo;
use std::{io, time::Duration};
use tokio::{
    net::TcpStream,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout},
};
use tokio_websockets::{ClientBuilder, Error, Limits, Message as Frame, WebSocketStream};

/// A connection to another server.
pub(super) type Upstream = WebSocketStream<TokioIo<Upgraded>>;

/// The reason why another server does not take a client.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotRelayed {
    #[error("the server that runs the room cannot be reached")]
    Io(#[from] io::Error),
    #[error("the server that runs the room does not speak HTTP")]
    Http(#[from] hyper::Error),
    #[error("the server that runs the room answered with status {0}")]
    Refused(StatusCode),
}

/// The longest time of connecting to another server.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// Headers of a body, which the request does not have. The other server would take messages for it.
const OF_BODY: [HeaderName; 5] = [CONTENT_LENGTH, EXPECT, TE, TRAILER, TRANSFER_ENCODING];

/// Sends the client's request to the server of its room, with its headers. A server that has not answered when its
/// lease runs out has lost the room.
pub(super) async fn connect(
    owner: &Owner,
    request: &Parts,
    limits: Limits,
) -> Result<Upstream, NotRelayed> {
    let connecting = async {
        let stream = TcpStream::connect(&owner.address).await?;
        // Small messages are sent at once.
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection.with_upgrades());
        let mut copy = Request::new(Empty::<Bytes>::new());
        *copy.uri_mut() = request.uri.clone();
        *copy.headers_mut() = request.headers.clone();
        for header in OF_BODY {
            copy.headers_mut().remove(header);
        }
        let response = sender.send_request(copy).await?;
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => Ok(hyper::upgrade::on(response).await?),
            status => Err(NotRelayed::Refused(status)),
        }
    };
    let upgraded = timeout(owner.left.min(CONNECT_WITHIN), connecting).await;
    let upgraded = upgraded.map_err(io::Error::from)??;
    Ok(ClientBuilder::new()
        .limits(limits)
        .take_over(TokioIo::new(upgraded)))
}

/// Passes messages on in both directions until one connection ends or `stopped` is done, and then ends both.
pub(super) async fn pass_on<S, T>(
    sink: &mut S,
    stream: &mut T,
    upstream: Upstream,
    settings: &ServerSettings,
    stopped: impl Future<Output = ()>,
) where
    S: Sink<Frame, Error = Error> + Unpin,
    T: Stream<Item = Result<Frame, Error>> + Unpin,
{
    let (ping_every, patience) = (settings.ping_every, settings.patience);
    let (mut to_room, mut from_room) = upstream.split();
    let (for_client, for_room) = tokio::select! {
        end = forward(stream, &mut to_room, ping_every) => match end {
            End::Closed(frame) => (None, frame),
            End::Refused(close) => (Some(closing_frame(&close)), gone()),
            End::Broken => (None, gone()),
        },
        end = forward(&mut from_room, sink, ping_every) => match end {
            End::Closed(frame) => (Some(frame), gone()),
            End::Refused(_) | End::Broken => (Some(ended()), gone()),
        },
        () = stopped => (Some(closing_frame(&Close::new(Close::RESTART, "the server restarts"))), gone()),
    };
    if let Some(frame) = for_client {
        let _ = within(patience, sink.send(frame)).await;
    }
    let _ = within(patience, to_room.send(for_room)).await;
}

fn gone() -> Frame {
    closing_frame(&Close::new(Close::GONE, "the client is gone"))
}

fn ended() -> Frame {
    let reason = "the server of the room has ended; connect again";
    closing_frame(&Close::new(Close::RESTART, reason))
}

/// The end of a connection.
enum End {
    /// It was closed, with this frame.
    Closed(Frame),
    /// It is to be closed, because of what came from it.
    Refused(Close),
    /// It broke, or nothing has come from it for too long.
    Broken,
}

/// Passes messages on in one direction. A receiver that takes them slowly makes the sender wait.
async fn forward(
    from: &mut (impl Stream<Item = Result<Frame, Error>> + Unpin),
    to: &mut (impl Sink<Frame, Error = Error> + Unpin),
    ping_every: Duration,
) -> End {
    let mut pings = interval_at(Instant::now() + ping_every, ping_every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count = PingCount::new(ping_every);
    let mut heard = Instant::now();
    loop {
        let frame = tokio::select! {
            // What has come in while the receiver was slow counts.
            biased;
            next = from.next() => {
                heard = Instant::now();
                match next {
                    Some(Ok(frame)) if frame.is_close() => return End::Closed(frame),
                    Some(Ok(frame)) if frame.is_ping() => match count.add() {
                        Ok(()) => continue,
                        Err(close) => return End::Refused(close),
                    },
                    Some(Ok(frame)) if frame.is_pong() => continue,
                    Some(Ok(frame)) => frame,
                    Some(Err(error)) => return reason(&error).map_or(End::Broken, End::Refused),
                    None => return End::Broken,
                }
            }
            _ = pings.tick() => Frame::ping(""),
            () = sleep_until(heard + 2 * ping_every) => return End::Broken,
        };
        if to.send(frame).await.is_err() {
            return End::Broken;
        }
    }
}
