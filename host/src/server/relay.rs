//! A connection to a room of another server, whose messages are passed on.

use super::{
    connection::{PingCount, closing_frame, reason, within},
    settings::ServerSettings,
};
use crate::rooms::Close;
use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use http_body_util::Empty;
use hyper::{
    Request, StatusCode,
    client::conn::http1,
    header::{CONTENT_LENGTH, EXPECT, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING},
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

/// The header of a request that was passed on. It is not passed on again, so that servers with wrong addresses make no loop.
pub(super) const RELAYED: HeaderName = HeaderName::from_static("wit-host-relayed");

/// Sends the client's request to the server of its room, with its headers. A server that has not answered when its
/// lease runs out has lost the room.
pub(super) async fn connect(
    address: &str,
    left: Duration,
    request: &Parts,
) -> Result<Upstream, NotRelayed> {
    let connecting = async {
        let stream = TcpStream::connect(address).await?;
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
        copy.headers_mut()
            .insert(RELAYED, HeaderValue::from_static("1"));
        let response = sender.send_request(copy).await?;
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => Ok(hyper::upgrade::on(response).await?),
            status => Err(NotRelayed::Refused(status)),
        }
    };
    let upgraded = timeout(left.min(CONNECT_WITHIN), connecting).await;
    let upgraded = upgraded.map_err(io::Error::from)??;
    // The other server bounds the messages of rooms.
    Ok(ClientBuilder::new()
        .limits(Limits::unlimited())
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
    let from_client = async {
        match forward(
            stream,
            &mut to_room,
            ping_every,
            Some(PingCount::new(ping_every)),
        )
        .await
        {
            End::Closed(frame) => (None, Some(frame)),
            End::Refused(close) => (Some(closing_frame(&close)), Some(gone())),
            End::Broken => (None, Some(gone())),
            // What the room has sent before is still to come.
            End::NotTaken => (None, None),
        }
    };
    let (for_client, for_room) = tokio::select! {
        ends = from_client => ends,
        end = forward(&mut from_room, sink, ping_every, None) => match end {
            End::Closed(frame) => (Some(frame), Some(gone())),
            End::Refused(_) | End::Broken => (Some(ended()), Some(gone())),
            End::NotTaken => (None, Some(gone())),
        },
        () = stopped => {
            let close = Close::new(Close::RESTART, "the server restarts");
            (Some(closing_frame(&close)), Some(gone()))
        }
    };
    let for_client = match (for_client, &for_room) {
        (None, None) => {
            let rest = forward(&mut from_room, sink, ping_every, None);
            match timeout(patience, rest).await {
                Ok(End::Closed(frame)) => Some(frame),
                _ => Some(ended()),
            }
        }
        (frame, _) => frame,
    };
    if let Some(frame) = for_client {
        let _ = within(patience, sink.send(frame)).await;
    }
    if let Some(frame) = for_room {
        let _ = within(patience, to_room.send(frame)).await;
        // The room still takes what was passed on. A connection that is dropped with unread messages is reset.
        let reading = async { while let Some(Ok(_)) = from_room.next().await {} };
        let _ = timeout(patience, reading).await;
    }
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
    /// The receiver takes nothing any more.
    NotTaken,
}

/// Passes messages on in one direction, and counts pings. A receiver that takes them slowly makes the sender wait.
async fn forward(
    from: &mut (impl Stream<Item = Result<Frame, Error>> + Unpin),
    to: &mut (impl Sink<Frame, Error = Error> + Unpin),
    ping_every: Duration,
    mut count: Option<PingCount>,
) -> End {
    let mut pings = interval_at(Instant::now() + ping_every, ping_every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    loop {
        let frame = tokio::select! {
            // What has come in while the receiver was slow counts.
            biased;
            next = from.next() => {
                heard = Instant::now();
                match next {
                    Some(Ok(frame)) if frame.is_close() => return End::Closed(frame),
                    Some(Ok(frame)) if frame.is_ping() => {
                        match count.as_mut().map_or(Ok(()), PingCount::add) {
                            Ok(()) => continue,
                            Err(close) => return End::Refused(close),
                        }
                    }
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
            return End::NotTaken;
        }
    }
}
