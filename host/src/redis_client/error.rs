//! Errors of Redis. No message and no source quotes a password or a whole URL.

use crate::untrusted::{Message, Name, quoted_names};
use std::{error::Error, path::PathBuf, sync::Arc, time::Duration};

/// An error of Redis: of a [`RedisCache`](crate::RedisCache), or of rooms whose states are in Redis.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// The text is not the URL of a Redis server. It is not quoted, because it may contain a password.
    #[error(
        "the URL of Redis is not valid; write `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://` for TLS, and \
         write `%` and two hexadecimal digits for each of the characters `:/?#[]@%` in a user or password, and `#@%&` in a parameter"
    )]
    InvalidUrl,
    /// The URL has a user without a password.
    #[error("the URL of Redis has a user without a password; write `redis://USER:PASSWORD@HOST`")]
    UserWithoutPassword,
    /// The URL asks for TLS without verification of the server.
    #[error(
        "the URL of Redis asks for TLS that does not verify the server; instead of `#insecure`, name the file of its certificate \
         authority with the parameter `ca`"
    )]
    Insecure,
    /// The URL has a parameter that does not exist.
    #[error("the URL of Redis has the unknown parameter `{}`; the parameters are {}", Name(.name), quoted_names(*.known))]
    UnknownParameter {
        /// The name of that parameter.
        name: String,
        /// The names of all parameters.
        known: &'static [&'static str],
    },
    /// The URL has a parameter twice that it may have once.
    #[error("the URL of Redis has the parameter `{name}` twice; keep one")]
    RepeatedParameter {
        /// The name of that parameter.
        name: &'static str,
    },
    /// The value of a parameter of the URL is not valid. It is not quoted, because it may contain a password.
    #[error("the parameter `{name}` of the URL of Redis is not {expected}")]
    InvalidParameter {
        /// The name of that parameter.
        name: &'static str,
        /// A valid value, in words.
        expected: &'static str,
    },
    /// The URL of a cluster has a database number.
    #[error("a Redis cluster has no database numbers; remove `/{database}` from the URL")]
    DatabaseInCluster {
        /// That number.
        database: i64,
    },
    /// A certificate authority is given for connections without TLS.
    #[error("the parameter `ca` needs TLS; write `rediss://` in the URL of Redis")]
    CertificateWithoutTls,
    /// The file of the certificate authority cannot be used.
    #[error("failed to read certificates in PEM from `{}`", Name(.path.display()))]
    Certificate {
        /// The path of the file.
        path: PathBuf,
        /// The error of reading or decoding it.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// No connection could be made, or the server refused the user or the database.
    #[error("failed to connect to Redis at {}", quoted_names(.servers))]
    Connect {
        /// The addresses that were tried, as `HOST:PORT`.
        servers: Vec<String>,
        /// The error of the last attempt.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A connection was not made in time.
    #[error("failed to connect to Redis at {} within {after:?}", quoted_names(.servers))]
    ConnectTimeout {
        /// The addresses that were tried, as `HOST:PORT`.
        servers: Vec<String>,
        /// The time after which the attempt ended.
        after: Duration,
    },
    /// An earlier attempt to connect failed, and the time for the next attempt has not come.
    #[error("failed to connect to Redis just now; the next attempt is in {}", milliseconds(.retry_in))]
    Unreachable {
        /// The time until the next attempt.
        retry_in: Duration,
        /// The error of the earlier attempt.
        source: Box<RedisError>,
    },
    /// The call did not end in time. If it was to change an entry, the server may still have done so.
    #[error("Redis at {} did not answer within {after:?}", quoted_names(.servers))]
    Timeout {
        /// The addresses of the server or of the cluster's seeds, as `HOST:PORT`.
        servers: Vec<String>,
        /// The time after which the call ended.
        after: Duration,
    },
    /// The connection broke twice during the call. If it was to change an entry, the server may have done
    /// so.
    #[error("the connection to Redis at {} failed", quoted_names(.servers))]
    Connection {
        /// The addresses of the server or of the cluster's seeds, as `HOST:PORT`.
        servers: Vec<String>,
        /// The error of the connection.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The server answered with an error, for example because its memory is full.
    #[error("Redis at {} refused the call: {}", quoted_names(.servers), Message(.reply))]
    Refused {
        /// The addresses of the server or of the cluster's seeds, as `HOST:PORT`.
        servers: Vec<String>,
        /// The server's words.
        reply: String,
    },
    /// The server answered with something that is not an answer to the command.
    #[error("the answer of {} is not one that Redis gives to this command", quoted_names(.servers))]
    UnexpectedReply {
        /// The addresses of the server or of the cluster's seeds, as `HOST:PORT`.
        servers: Vec<String>,
    },
    /// The connection broke during a `delete`, and afterwards the entry was gone. Either this call removed
    /// it, or there was none.
    #[error("the connection to Redis at {} failed during the call; the entry is gone, and it is unknown if there was one", quoted_names(.servers))]
    DeletedOrAbsent {
        /// The addresses of the server or of the cluster's seeds, as `HOST:PORT`.
        servers: Vec<String>,
    },
    /// The key is too long. Nothing was sent.
    #[error("the key has {len} bytes; a key has at most {max}")]
    KeyTooLong {
        /// The length of the key, in bytes.
        len: usize,
        /// The length of the longest key, in bytes.
        max: usize,
    },
    /// The value is too large. Nothing was sent.
    #[error("the value has {len} bytes; a value in Redis has at most {max}")]
    ValueTooLarge {
        /// The length of the value, in bytes.
        len: usize,
        /// The length of the longest value, in bytes.
        max: usize,
    },
}

fn milliseconds(duration: &Duration) -> String {
    format!("{} ms", duration.as_millis().max(1))
}
