//! The connection of one client to a room.

use super::{
    Shared, Side,
    relay::{self, RELAYED, Upstream},
    settings::ServerSettings,
};
use crate::rooms::{
    Close, Member, Message, NotJoined, Outbox, Outgoing, Received, Request, RoomName,
};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use hyper::http::request::Parts;
use std::{io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, sink},
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout},
};
use tokio_websockets::{CloseCode, Error, Limits, Message as Frame, ServerBuilder};
use tracing::debug;

/// Serves a client until its connection ends.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    request: Parts,
    shared: &Shared,
    side: Side,
) {
    let settings = &shared.settings;
    let limits = Limits::default().max_payload_len(Some(settings.longest_message));
    let socket = ServerBuilder::new().limits(limits).serve(stream);
    let (mut sink, mut stream) = socket.split();
    // Boxed, so that a connection does not hold the space for joining as long as it lasts.
    match Box::pin(place(request, shared, side)).await {
        Place::Nowhere(outbox) => {
            let _ = deliver(&mut sink, &outbox, settings).await;
        }
        Place::Here(member) => {
            attend(&mut sink, &mut stream, &member, settings).await;
            member.leave().await;
        }
        Place::Elsewhere(upstream) => {
            let _relayed = shared.relayed.token();
            let stopped = shared.stopped.cancelled();
            let relaying = relay::pass_on(&mut sink, &mut stream, *upstream, settings, stopped);
            Box::pin(relaying).await;
        }
    }
    let ending = async {
        drain(&mut stream).await;
        if let Ok(mut socket) = stream.reunite(sink) {
            shut_down(socket.get_mut()).await;
        }
    };
    let _ = timeout(settings.patience, ending).await;
}

/// The place of a client.
enum Place {
    Here(Member),
    /// In a room of another server.
    Elsewhere(Box<Upstream>),
    /// Its connection is closed, after what is in the outbox.
    Nowhere(Arc<Outbox>),
}

/// The pause before a room of another server is asked for again, unless its lease runs out before.
const PAUSE: Duration = Duration::from_secs(1);
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// Lets the client join its room, here or on another server. A server that was killed has its rooms until its leases run
/// out, and the client waits for that.
async fn place(request: Parts, shared: &Shared, side: Side) -> Place {
    let nowhere = |code, reason: &str| Place::Nowhere(Outbox::closed(Close::new(code, reason)));
    let room = match RoomName::of_path(request.uri.path()) {
        Ok(room) => room,
        Err(error) => return nowhere(Close::POLICY, &error.to_string()),
    };
    let for_room = room_request(&request);
    let is_relayed = side == Side::Peers || request.headers.contains_key(RELAYED);
    let mut patient_until = None;
    loop {
        let owner = match shared.rooms.join(&room, &for_room).await {
            Ok(member) => return Place::Here(member),
            Err(NotJoined::Closed(outbox)) => return Place::Nowhere(outbox),
            Err(NotJoined::Elsewhere(owner)) => owner,
        };
        let free_at = Instant::now() + owner.left;
        match &owner.address {
            Some(_) if is_relayed => {
                return nowhere(Close::RESTART, "the room has moved; connect again");
            }
            Some(address) => match relay::connect(address, owner.left, &request).await {
                Ok(upstream) => return Place::Elsewhere(Box::new(upstream)),
                Err(error) => debug!(%room, %error, "client not passed on"),
            },
            None => {}
        }
        let until = *patient_until.get_or_insert(free_at + PAUSE);
        if Instant::now() > until {
            return nowhere(Close::TRY_LATER, "the server of the room cannot be reached");
        }
        let now = Instant::now();
        tokio::select! {
            () = sleep_until(free_at.clamp(now + SHORTEST_PAUSE, now + PAUSE)) => {}
            () = shared.stopped.cancelled() => {
                return nowhere(Close::RESTART, "the server restarts");
            }
        }
    }
}

/// The request as the logic of a room gets it.
fn room_request(request: &Parts) -> Request {
    let sent = request.headers.iter().filter(|(name, _)| *name != RELAYED);
    let headers = sent.filter_map(|(name, value)| {
        let value = std::str::from_utf8(value.as_bytes()).ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    Request {
        path: request.uri.path().to_owned(),
        query: request.uri.query().map(ToOwned::to_owned),
        headers: headers.collect(),
    }
}

/// Takes messages in and delivers others, until the connection ends.
async fn attend(
    sink: &mut (impl Sink<Frame, Error = Error> + Unpin),
    stream: &mut (impl Stream<Item = Result<Frame, Error>> + Unpin),
    member: &Member,
    settings: &ServerSettings,
) {
    let ended = Notify::new();
    let mut delivery = pin!(deliver(sink, member.outbox(), settings));
    // An event that has begun must not be dropped, so intake ends by itself.
    let mut intake = pin!(take_in(stream, member, &ended, settings));
    tokio::select! {
        // The answers to a message are sent at once.
        biased;
        close = &mut intake => {
            if let Some(close) = close {
                member.outbox().close(close);
                let _ = delivery.await;
            }
        }
        _ = &mut delivery => {
            ended.notify_one();
            intake.await;
        }
    }
}

/// Takes messages from the client to its room, until the connection ends. Returns the reason for which it is to be closed,
/// if the client has not closed it.
async fn take_in(
    stream: &mut (impl Stream<Item = Result<Frame, Error>> + Unpin),
    member: &Member,
    ended: &Notify,
    settings: &ServerSettings,
) -> Option<Close> {
    let longest_silence = 2 * settings.ping_every;
    let mut pings = PingCount::new(settings.ping_every);
    let mut heard = Instant::now();
    // One timer for all messages: it is set anew when it has run out.
    let mut silence = pin!(sleep_until(heard + longest_silence));
    let mut ended = pin!(ended.notified());
    loop {
        let next = tokio::select! {
            next = stream.next() => next,
            () = &mut ended => return None,
            () = &mut silence => {
                if heard + longest_silence <= Instant::now() {
                    return Some(Close::new(Close::GONE, "nothing has come from the client"));
                }
                silence.as_mut().reset(heard + longest_silence);
                continue;
            }
        };
        let frame = match next {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return reason(&error),
            None => return None,
        };
        if let Some(text) = frame.as_text() {
            member.received(Received::Text(text)).await;
        } else if frame.is_binary() {
            member.received(Received::Binary(frame.as_payload())).await;
        } else if frame.is_ping()
            && let Err(close) = pings.add()
        {
            return Some(close);
        }
        // The client does not have to send while an event of its own waits or runs.
        heard = Instant::now();
    }
}

/// The pings of a client since the server's last one. Each is answered, and the answers of a client that does not read
/// are held.
pub(super) struct PingCount {
    every: Duration,
    since: Instant,
    count: u32,
}

/// The largest number of pings in the time between two of the server's own.
const MOST_PINGS: u32 = 100;

impl PingCount {
    pub(super) fn new(every: Duration) -> Self {
        Self {
            every,
            since: Instant::now(),
            count: 0,
        }
    }

    /// Counts a ping. Fails with the reason to close the connection.
    pub(super) fn add(&mut self) -> Result<(), Close> {
        if self.since.elapsed() > self.every {
            (self.count, self.since) = (0, Instant::now());
        }
        self.count += 1;
        match self.count {
            0..=MOST_PINGS => Ok(()),
            _ => Err(Close::new(Close::POLICY, "too many pings")),
        }
    }
}

/// The reason for which a connection is closed after an error. `None` if nothing can be sent any more, or if the stream itself
/// sends the closing frame, as it does for a violation of the protocol.
pub(super) fn reason(error: &Error) -> Option<Close> {
    match error {
        Error::PayloadTooLong { max_len, .. } => {
            let reason = format!("a message can have {max_len} bytes");
            Some(Close::new(Close::TOO_LARGE, reason))
        }
        _ => None,
    }
}

/// Sends messages to the client, until the connection ends. The last frame is the closing one.
async fn deliver(
    sink: &mut (impl Sink<Frame, Error = Error> + Unpin),
    outbox: &Outbox,
    settings: &ServerSettings,
) -> Result<(), Error> {
    let first = Instant::now() + settings.ping_every;
    let mut pings = interval_at(first, settings.ping_every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let next = tokio::select! {
            next = outbox.next() => Some(next),
            _ = pings.tick() => None,
        };
        let mut is_last = false;
        let mut next = match next {
            Some(outgoing) => Some(outgoing),
            None => {
                within(settings.patience, sink.feed(Frame::ping(""))).await?;
                outbox.try_next()
            }
        };
        while let Some(outgoing) = next {
            is_last = matches!(outgoing, Outgoing::Close(_));
            within(settings.patience, sink.feed(frame(outgoing))).await?;
            next = if is_last { None } else { outbox.try_next() };
        }
        within(settings.patience, sink.flush()).await?;
        if is_last {
            return Ok(());
        }
    }
}

/// A write that takes longer is an error.
pub(super) async fn within(
    patience: Duration,
    write: impl Future<Output = Result<(), Error>>,
) -> Result<(), Error> {
    match timeout(patience, write).await {
        Ok(written) => written,
        Err(elapsed) => Err(io::Error::from(elapsed).into()),
    }
}

fn frame(outgoing: Outgoing) -> Frame {
    match outgoing {
        Outgoing::Message(Message::Text(bytes)) => Frame::text(bytes),
        Outgoing::Message(Message::Binary(bytes)) => Frame::binary(bytes),
        Outgoing::Close(close) => closing_frame(&close),
    }
}

/// A closing frame. A code that may not be sent is left out.
pub(super) fn closing_frame(close: &Close) -> Frame {
    let code = CloseCode::try_from(close.code).ok();
    match code.filter(|code| !code.is_reserved()) {
        Some(code) => Frame::close(Some(code), &close.reason),
        None => Frame::close(None, ""),
    }
}

/// The largest number of frames that are read after the end.
const MOST_DRAINED: usize = 1000;

/// Reads until the client has closed the WebSocket too, which also sends what is left.
async fn drain(stream: &mut (impl Stream<Item = Result<Frame, Error>> + Unpin)) {
    for _ in 0..MOST_DRAINED {
        if stream.next().await.is_none() {
            return;
        }
    }
}

/// Ends this side of the connection, and reads until the client has ended the other. A connection that is dropped
/// while the client still sends, as in a message that is too large, is reset, and the client can lose the closing frame.
async fn shut_down(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    if stream.shutdown().await.is_ok() {
        let _ = copy(stream, &mut sink()).await;
    }
}
