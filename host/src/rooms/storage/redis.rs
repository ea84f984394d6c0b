//! Rooms in Redis: each is a hash with the last state and the lease of the server that runs the room.

use super::{NotOpened, Opened, Owner, RoomStorage, StorageError};
use crate::{
    redis_client::{RedisClient, RedisError, RedisOptions},
    rooms::{name::RoomName, saved::Saved},
};
use bytes::Bytes;
use redis::{Cmd, Value};
use std::{
    fmt::{self, Debug, Formatter},
    hash::{BuildHasher, RandomState},
    ops::RangeInclusive,
    process,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

/// Rooms in Redis, for one server.
pub(super) struct RedisRooms {
    client: RedisClient,
    /// The length of a lease.
    pub(super) lease: Duration,
    /// This server: a random text that no other server has.
    server: String,
    tokens: AtomicU64,
    address: OnceLock<String>,
    /// `true` if the last renewal of a lease failed.
    is_failing: AtomicBool,
    /// Cancelled when nothing waits for a lease any more.
    pub(super) stopped: CancellationToken,
    /// The tasks that renew leases.
    pub(super) renewals: TaskTracker,
}

/// The key of a room, and the token of a lease: a text that is different for each lease.
#[derive(Debug)]
pub(super) struct Leased {
    key: String,
    token: String,
}

const LEASES: RangeInclusive<Duration> = RoomStorage::LEASES;

/// The text before each key, unless the options say otherwise.
const PREFIX: &str = "rooms:";

const ACQUIRE: &str = include_str!("acquire.lua");
const HOLD: &str = include_str!("hold.lua");
const RELEASE: &str = include_str!("release.lua");

/// The error of Redis for a key that is not a hash, so not a room.
const WRONG_TYPE: &str = "WRONGTYPE";

const RELEASED_WITHIN: Duration = Duration::from_secs(10);

/// The answer to `acquire.lua`.
enum Acquired {
    Here {
        leases: u64,
        state: Option<Bytes>,
    },
    Elsewhere {
        address: Option<String>,
        left: Duration,
    },
}

/// The answer to `hold.lua`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Yes,
    /// The room is this server's, but Redis has lost the last state.
    WithoutState,
    /// Another server has had the room.
    Lost,
}

impl RedisRooms {
    pub(super) async fn connect(
        options: RedisOptions,
        lease: Duration,
    ) -> Result<Self, RedisError> {
        // The keys of `RandomState` are random numbers of the system.
        let half = || RandomState::new().hash_one(process::id());
        Ok(Self {
            client: RedisClient::connect(options).await?,
            lease: lease.clamp(*LEASES.start(), *LEASES.end()),
            server: format!("{:016x}{:016x}", half(), half()),
            tokens: AtomicU64::new(0),
            address: OnceLock::new(),
            is_failing: AtomicBool::new(false),
            stopped: CancellationToken::new(),
            renewals: TaskTracker::new(),
        })
    }

    pub(super) fn advertise(&self, address: String) {
        self.address.get_or_init(|| address);
    }

    pub(super) fn stop_waiting(&self) {
        self.stopped.cancel();
    }

    /// Waits until the rooms that were dropped are released, for a while: leases run out by themselves.
    pub(super) async fn released(&self) {
        self.renewals.close();
        let _ = timeout(RELEASED_WITHIN, self.renewals.wait()).await;
    }

    /// Acquires the lease of a room, and reads its state. A lease that this server has already is replaced.
    pub(super) async fn acquire(
        &self,
        room: &RoomName,
    ) -> Result<(Leased, Result<Opened, StorageError>), NotOpened> {
        let number = self.tokens.fetch_add(1, Relaxed);
        let prefix = self.client.options.prefix.as_deref().unwrap_or(PREFIX);
        let leased = Leased {
            key: format!("{prefix}{}", room.as_str()),
            token: format!("{}-{number}", self.server),
        };
        let mut command = self.script(ACQUIRE, &leased);
        self.add_owner(&mut command, &leased);
        let acquired = self.client.request(&command, acquired).await;
        match acquired
            .map_err(|source| NotOpened::Failed(failed("read")(source)))?
            .value
        {
            Acquired::Elsewhere { address, left } => Err(NotOpened::Elsewhere(Owner {
                // At its own address this server is not the owner: it was another one, which was killed.
                address: address.filter(|address| Some(address) != self.address.get()),
                left,
            })),
            Acquired::Here { leases, state } => {
                let opened = leased.saved(room, state).map(|saved| Opened {
                    saved,
                    openings: leases,
                });
                Ok((leased, opened))
            }
        }
    }

    /// Renews a lease. `confirmed` is the number of the last state that was certainly written.
    pub(super) async fn renew(
        &self,
        leased: &Leased,
        is_current: bool,
        confirmed: u64,
    ) -> Result<Held, RedisError> {
        let mut command = self.hold(leased, is_current);
        command.arg(confirmed);
        // A renewal that takes longer is tried again before the lease has run out.
        let within = (self.lease / 3).min(self.client.options.timeout);
        let renewed = match timeout(within, self.client.request(&command, held)).await {
            Ok(Err(RedisError::Refused { reply, .. })) if reply.contains(WRONG_TYPE) => {
                return Ok(Held::Lost);
            }
            Ok(renewed) => renewed,
            Err(_) => Err(self.client.words().no_answer_within(within)),
        };
        if self.is_failing.swap(renewed.is_err(), Relaxed) != renewed.is_err() {
            match &renewed {
                Ok(_) => info!("Redis renews leases again"),
                Err(error) => {
                    warn!(error = %crate::rooms::words(error), "leases of rooms not renewed");
                }
            }
        }
        Ok(renewed?.value)
    }

    /// Renews a lease and writes a state. States of a lease are numbered from 1.
    pub(super) async fn write(
        &self,
        leased: &Leased,
        is_current: bool,
        number: u64,
        state: &[u8],
    ) -> Result<Held, StorageError> {
        self.client.check_value(state).map_err(failed("write"))?;
        let mut command = self.hold(leased, is_current);
        command.arg(number).arg(state);
        let written = self.client.request(&command, held).await;
        Ok(written.map_err(failed("write"))?.value)
    }

    /// Reads the state of a room, which this server has.
    pub(super) async fn read(
        &self,
        leased: &Leased,
        room: &RoomName,
    ) -> Result<Option<Saved>, StorageError> {
        let mut command = redis::cmd("HMGET");
        command.arg(&leased.key).arg("token").arg("state");
        let fields = self.client.request(&command, |value| match value {
            Value::Array(fields) => <[Value; 2]>::try_from(fields).ok(),
            _ => None,
        });
        let [token, state] = fields.await.map_err(failed("read"))?.value;
        if text(token).as_deref() != Some(&leased.token) {
            return Err(StorageError::Lost);
        }
        leased.saved(room, bytes(state))
    }

    /// Ends a lease.
    pub(super) async fn release(&self, leased: &Leased) -> Result<(), RedisError> {
        let mut command = self.script(RELEASE, leased);
        command.arg(&leased.token);
        let done = |value| number(value).map(drop);
        self.client.request(&command, done).await?;
        Ok(())
    }

    fn script(&self, script: &str, leased: &Leased) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(1).arg(&leased.key);
        command
    }

    fn hold(&self, leased: &Leased, is_current: bool) -> Cmd {
        let mut command = self.script(HOLD, leased);
        self.add_owner(&mut command, leased);
        command.arg(u8::from(is_current));
        command
    }

    fn add_owner(&self, command: &mut Cmd, leased: &Leased) {
        let address = self.address.get().map_or("", String::as_str);
        // A lease is an hour at most.
        let milliseconds = self.lease.as_millis() as u64;
        command.arg(&self.server).arg(address);
        command.arg(&leased.token).arg(milliseconds);
    }
}

impl Leased {
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// A state as it was written.
    fn saved(&self, room: &RoomName, state: Option<Bytes>) -> Result<Option<Saved>, StorageError> {
        let saved = state.map(|state| Saved::of_bytes(room, &state)).transpose();
        saved.map_err(|source| StorageError::DamagedKey {
            key: self.key.clone(),
            source,
        })
    }
}

fn failed(what: &'static str) -> impl FnOnce(RedisError) -> StorageError {
    move |source| StorageError::Redis { what, source }
}

fn acquired(value: Value) -> Option<Acquired> {
    let Value::Array(values) = value else {
        return None;
    };
    let mut values = values.into_iter();
    match text(values.next()?)?.as_str() {
        "here" => Some(Acquired::Here {
            leases: number(values.next()?)?,
            state: values.next().and_then(bytes),
        }),
        "elsewhere" => Some(Acquired::Elsewhere {
            address: text(values.next()?).filter(|address| !address.is_empty()),
            left: Duration::from_millis(number(values.next()?)?).min(*LEASES.end()),
        }),
        _ => None,
    }
}

fn held(value: Value) -> Option<Held> {
    match value {
        Value::Int(0) => Some(Held::Lost),
        Value::Int(1) => Some(Held::Yes),
        Value::Int(2) => Some(Held::WithoutState),
        _ => None,
    }
}

fn number(value: Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

fn bytes(value: Value) -> Option<Bytes> {
    match value {
        Value::BulkString(bytes) => Some(bytes.into()),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    bytes(value).and_then(|bytes| String::from_utf8(bytes.into()).ok())
}

impl Debug for RedisRooms {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRooms")
            .field("options", &self.client.options)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}
