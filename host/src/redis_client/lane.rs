//! One of several links to Redis, which is made when it is needed and again after it broke.

use super::{
    endpoint::{Endpoint, Link},
    error::RedisError,
    fence::{Fence, Identity},
};
use redis::{Cmd, Value};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime,
    time::{Instant, timeout_at},
};

/// The pause after the first failure to connect; each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The time that a call may take.
#[derive(Clone, Copy)]
pub(super) struct Bound {
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) deadline: Instant,
}

/// The answer to a command.
pub(crate) struct Answer<T> {
    pub(crate) value: T,
    /// `true` if the command was sent twice, because the connection broke before the first answer.
    pub(crate) is_second: bool,
}

/// A place for a link.
pub(super) struct Lane {
    /// The Tokio runtime that drives the link. On another one it would stand still whenever that runtime is not
    /// running.
    pub(super) runtime: runtime::Id,
    /// The number of calls that use the lane.
    pub(super) calls: AtomicUsize,
    fence: Arc<Fence>,
    state: Mutex<State>,
    /// Held while connecting, so that calls wait for one attempt.
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    link: Option<Link>,
    identity: Option<Identity>,
    /// The number of links so far.
    links: u64,
    /// The failures to connect since the last success.
    failures: u32,
    last_failure: Option<(Instant, RedisError)>,
}

impl Lane {
    pub(super) fn new(runtime: runtime::Id, fence: Arc<Fence>) -> Self {
        Self {
            runtime,
            fence,
            calls: AtomicUsize::new(0),
            state: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        }
    }

    /// Sends a command and reads its answer; `read` returns `None` for a value that is not an answer to the
    /// command. If the connection breaks, for example because the server was started again since the last
    /// call, the command is sent once more.
    pub(super) async fn request<T>(
        &self,
        endpoint: &Endpoint,
        command: &Cmd,
        read: impl Fn(Value) -> Option<T>,
        bound: Bound,
    ) -> Result<Answer<T>, RedisError> {
        let words = endpoint.words();
        let mut is_second = false;
        loop {
            let link = timeout_at(bound.deadline, self.link(endpoint, bound)).await;
            let (mut link, number) = link.map_err(|_| words.no_answer_within(bound.timeout))??;
            let sent = Sent { lane: self, number };
            let answer = timeout_at(bound.deadline, async {
                self.fence.pass(&mut link).await?;
                link.send(command).await
            });
            match answer.await {
                Ok(Ok(value)) => {
                    // Otherwise further answers may belong to other commands as well.
                    let value = read(value).ok_or_else(|| words.unexpected())?;
                    sent.settle();
                    return Ok(Answer { value, is_second });
                }
                Ok(Err(error)) if is_fault_of_link(&error) => {
                    drop(sent);
                    if is_second || !error.is_connection_dropped() {
                        return Err(words.failed(&error));
                    }
                    is_second = true;
                }
                Ok(Err(error)) => {
                    sent.settle();
                    return Err(words.failed(&error));
                }
                Err(_) => return Err(words.no_answer_within(bound.timeout)),
            }
        }
    }

    /// The link and its number; connects if there is none.
    pub(super) async fn link(
        &self,
        endpoint: &Endpoint,
        bound: Bound,
    ) -> Result<(Link, u64), RedisError> {
        if let Some(link) = self.state().current()? {
            return Ok(link);
        }
        let _turn = self.connecting.lock().await;
        if let Some(link) = self.state().current()? {
            return Ok(link);
        }
        let left = bound.deadline.saturating_duration_since(Instant::now());
        let connected = endpoint.connect(left.min(bound.connect_timeout)).await;
        self.state().connected(connected)
    }

    /// Drops a link unless it was replaced before.
    fn discard(&self, number: u64) {
        let mut state = self.state();
        if state.links == number {
            state.link = None;
            if let Some(identity) = state.identity.take() {
                self.fence.give_up(identity);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The link and its number. Fails during the pause after a failure to connect.
    fn current(&self) -> Result<Option<(Link, u64)>, RedisError> {
        if let Some(link) = &self.link {
            return Ok(Some((link.clone(), self.links)));
        }
        let Some((at, source)) = &self.last_failure else {
            return Ok(None);
        };
        let doublings = self.failures.saturating_sub(1).min(16);
        let pause = (FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE);
        match pause.checked_sub(at.elapsed()) {
            Some(retry_in) if !retry_in.is_zero() => Err(RedisError::Unreachable {
                retry_in,
                source: source.clone().into(),
            }),
            _ => Ok(None),
        }
    }

    fn connected(
        &mut self,
        connected: Result<(Link, Option<Identity>), RedisError>,
    ) -> Result<(Link, u64), RedisError> {
        match connected {
            Ok((link, identity)) => {
                self.link = Some(link.clone());
                self.identity = identity;
                self.links += 1;
                self.failures = 0;
                self.last_failure = None;
                Ok((link, self.links))
            }
            Err(error) => {
                self.failures += 1;
                self.last_failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

/// A command that was sent over a link. If it is dropped before the answer, the link is dropped too: the
/// server may still carry out the command, and a link that does not answer may be dead.
struct Sent<'a> {
    lane: &'a Lane,
    number: u64,
}

impl Sent<'_> {
    /// There is an answer.
    fn settle(self) {
        std::mem::forget(self);
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        self.lane.discard(self.number);
    }
}

/// `true` if the next call should not use the link.
pub(super) fn is_fault_of_link(error: &redis::RedisError) -> bool {
    use redis::{ErrorKind, ServerErrorKind};
    error.is_unrecoverable_error()
        || matches!(
            error.kind(),
            ErrorKind::Io | ErrorKind::Server(ServerErrorKind::ReadOnly)
        )
        || error.code() == Some("NOAUTH")
}

/// A call that uses a lane.
pub(super) struct Use(pub(super) Arc<Lane>);

impl Drop for Use {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}
