//! The URL of Redis. The `redis` crate parses the server, user, password and database; the query
//! has this crate's own parameters.

use super::{error::RedisError, options::RedisOptions};
use percent_encoding::percent_decode_str;
use redis::{ConnectionInfo, IntoConnectionInfo};
use std::{num::NonZeroUsize, time::Duration};

const CA: &str = "ca";
const CLUSTER: &str = "cluster";
const CONNECT_TIMEOUT: &str = "connect-timeout";
const CONNECTIONS: &str = "connections";
const PREFIX: &str = "prefix";
const SEED: &str = "seed";
const TIMEOUT: &str = "timeout";
const PARAMETERS: &[&str] = &[
    CA,
    CLUSTER,
    CONNECT_TIMEOUT,
    CONNECTIONS,
    PREFIX,
    SEED,
    TIMEOUT,
];

/// Parses the URL of a server or of a cluster.
pub(super) fn parse(text: &str) -> Result<RedisOptions, RedisError> {
    let mut url = redis::parse_redis_url(text).ok_or(RedisError::InvalidUrl)?;
    if !matches!(url.scheme(), "redis" | "rediss") {
        return Err(RedisError::InvalidUrl);
    }
    match url.fragment() {
        None => {}
        Some("insecure") => return Err(RedisError::Insecure),
        Some(_) => return Err(RedisError::InvalidUrl),
    }
    // A `/` or `?` in a password ends the server's name early. What follows must not be quoted as a
    // parameter.
    let query = url.query().unwrap_or_default().to_owned();
    if url.path().contains('@') || query.contains('@') {
        return Err(RedisError::InvalidUrl);
    }
    url.set_query(None);
    if !url.username().is_empty() && url.password().is_none_or(str::is_empty) {
        return Err(RedisError::UserWithoutPassword);
    }
    let scheme = url.scheme().to_owned();
    let server = url
        .into_connection_info()
        .map_err(|_| RedisError::InvalidUrl)?;
    let database = server.redis_settings().db();
    let mut options = RedisOptions::new(vec![server]);
    read_parameters(&query, &scheme, &mut options)?;
    if options.cluster && database != 0 {
        return Err(RedisError::DatabaseInCluster { database });
    }
    if options.certificate_authority.is_some() && scheme != "rediss" {
        return Err(RedisError::CertificateWithoutTls);
    }
    Ok(options)
}

fn read_parameters(
    query: &str,
    scheme: &str,
    options: &mut RedisOptions,
) -> Result<(), RedisError> {
    let mut seen = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let known = PARAMETERS.iter().copied().find(|known| *known == name);
        let Some(name) = known else {
            return Err(RedisError::UnknownParameter {
                name: name.to_owned(),
                known: PARAMETERS,
            });
        };
        if seen.contains(&name) && name != SEED {
            return Err(RedisError::RepeatedParameter { name });
        }
        seen.push(name);
        let invalid = |expected| RedisError::InvalidParameter { name, expected };
        let value = percent_decode_str(value)
            .decode_utf8()
            .map_err(|_| invalid("text in UTF-8"))?;
        match name {
            CA if value.is_empty() => return Err(invalid("the path of a file")),
            CA => options.certificate_authority = Some(value.as_ref().into()),
            CLUSTER => {
                options.cluster = value.parse().map_err(|_| invalid("`true` or `false`"))?;
            }
            CONNECT_TIMEOUT => {
                options.connect_timeout = duration(&value).ok_or_else(|| invalid(DURATION))?
            }
            CONNECTIONS => {
                options.connections = value
                    .parse::<NonZeroUsize>()
                    .ok()
                    .filter(|number| number.get() <= MAX_CONNECTIONS)
                    .ok_or_else(|| invalid("a number from 1 to 1000"))?;
            }
            PREFIX => options.prefix = Some(value.into_owned()),
            SEED => {
                let seed = seed(scheme, &value, &options.servers[0]);
                let expected = "a node of a cluster, such as `10.0.0.1:6379`";
                options.servers.push(seed.ok_or_else(|| invalid(expected))?);
            }
            TIMEOUT => options.timeout = duration(&value).ok_or_else(|| invalid(DURATION))?,
            name => unreachable!("the parameter {name} is known and not read"),
        }
    }
    if seen.contains(&SEED) {
        if seen.contains(&CLUSTER) && !options.cluster {
            return Err(RedisError::InvalidParameter {
                name: CLUSTER,
                expected: "`true`, although there are further seeds",
            });
        }
        options.cluster = true;
    }
    Ok(())
}

const MAX_CONNECTIONS: usize = 1000;
const DURATION: &str = "a duration of more than 0 s and at most 1 h, such as `500ms` or `5s`";

fn duration(text: &str) -> Option<Duration> {
    let duration = humantime::parse_duration(text).ok()?;
    let longest = Duration::from_secs(3600);
    (!duration.is_zero() && duration <= longest).then_some(duration)
}

/// A further seed: the same user and password at another address.
fn seed(scheme: &str, address: &str, first: &ConnectionInfo) -> Option<ConnectionInfo> {
    let url = redis::parse_redis_url(&format!("{scheme}://{address}"))?;
    let is_address = url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none();
    let seed = url.into_connection_info().ok().filter(|_| is_address)?;
    Some(first.clone().set_addr(seed.addr().clone()))
}
