//! The connection of one client to a room.

use super::settings::ServerSettings;
use crate::rooms::{
    clients::{Outbox, Outgoing},
    message::{Close, Message, Received},
    name::RoomName,
    registry::Rooms,
    room::Member,
    running::Request,
};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::{io, pin::pin, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout},
};
use tokio_websockets::{CloseCode, Error, Limits, Message as Frame, ServerBuilder};

/// Serves a client until its connection ends.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    rooms: &Rooms,
    room: Result<RoomName, Close>,
    request: Request,
    settings: &ServerSettings,
) {
    let limits = Limits::default().max_payload_len(Some(settings.longest_message));
    let socket = ServerBuilder::new().limits(limits).serve(stream);
    let (mut sink, mut stream) = socket.split();
    let joined = match room {
        // Boxed, so that a connection does not hold the space for joining as long as it lasts.
        Ok(room) => Box::pin(rooms.join(&room, &request)).await,
        Err(close) => Err(Outbox::closed(close)),
    };
    // An idle connection holds no headers.
    drop(request);
    match joined {
        Err(outbox) => {
            let _ = deliver(&mut sink, &outbox, settings).await;
        }
        Ok(member) => {
            attend(&mut sink, &mut stream, &member, settings).await;
            member.leave().await;
        }
    }
    let _ = timeout(settings.patience, drain(&mut stream)).await;
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

/// The largest number of pings in the time between two of the server's own. Each is answered, and the answers of a
/// client that does not read are held.
const MOST_PINGS: u32 = 100;

/// Takes messages from the client to its room, until the connection ends. Returns the reason for which it is to be closed,
/// if the client has not closed it.
async fn take_in(
    stream: &mut (impl Stream<Item = Result<Frame, Error>> + Unpin),
    member: &Member,
    ended: &Notify,
    settings: &ServerSettings,
) -> Option<Close> {
    let longest_silence = 2 * settings.ping_every;
    let mut pings = 0;
    let mut counted_from = Instant::now();
    let mut heard = counted_from;
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
        } else if frame.is_ping() {
            if counted_from.elapsed() > settings.ping_every {
                (pings, counted_from) = (0, Instant::now());
            }
            pings += 1;
            if pings > MOST_PINGS {
                return Some(Close::new(Close::POLICY, "too many pings"));
            }
        }
        // The client does not have to send while an event of its own waits or runs.
        heard = Instant::now();
    }
}

/// The reason for which a connection is closed after an error. `None` if nothing can be sent any more, or if the stream itself
/// sends the closing frame, as it does for a violation of the protocol.
fn reason(error: &Error) -> Option<Close> {
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
async fn within(
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
fn closing_frame(close: &Close) -> Frame {
    let code = CloseCode::try_from(close.code).ok();
    match code.filter(|code| !code.is_reserved()) {
        Some(code) => Frame::close(Some(code), &close.reason),
        None => Frame::close(None, ""),
    }
}

/// The largest number of frames that are read after the end.
const MOST_DRAINED: usize = 1000;

/// Reads until the client has closed the connection too, which also sends what is left.
async fn drain(stream: &mut (impl Stream<Item = Result<Frame, Error>> + Unpin)) {
    for _ in 0..MOST_DRAINED {
        if stream.next().await.is_none() {
            return;
        }
    }
}
