//! The opening handshake of a WebSocket: RFC 6455, section 4.2.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{
    HeaderMap, Method, Request, StatusCode, Version,
    header::{
        CONNECTION, HOST, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// What RFC 6455 appends to a key.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request that asks for a WebSocket and does not get one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("a WebSocket is opened by `GET` over HTTP/1.1")]
    Method,
    #[error("version 13 of the WebSocket protocol is spoken here")]
    Version,
    #[error("the request has no valid `Sec-WebSocket-Key`")]
    Key,
    #[error("this origin may not connect; start the server with `--origin` to allow it")]
    Origin,
}

impl Refused {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Method | Self::Key => StatusCode::BAD_REQUEST,
            Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Origin => StatusCode::FORBIDDEN,
        }
    }
}

/// `true` if the request asks for a WebSocket.
pub(super) fn is_asked<B>(request: &Request<B>) -> bool {
    has_token(request.headers(), &UPGRADE, "websocket")
}

/// Checks a request that asks for a WebSocket. Returns the value of `Sec-WebSocket-Accept`.
pub(super) fn accept<B>(
    request: &Request<B>,
    origins: Option<&[String]>,
) -> Result<HeaderValue, Refused> {
    let headers = request.headers();
    if request.method() != Method::GET
        || request.version() != Version::HTTP_11
        || !has_token(headers, &CONNECTION, "upgrade")
    {
        return Err(Refused::Method);
    }
    if headers
        .get(SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        return Err(Refused::Version);
    }
    if !is_allowed(headers, origins) {
        return Err(Refused::Origin);
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).ok_or(Refused::Key)?;
    let is_key = STANDARD.decode(key).is_ok_and(|key| key.len() == 16);
    if !is_key {
        return Err(Refused::Key);
    }
    let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key.as_bytes());
    hash.update(MAGIC.as_bytes());
    STANDARD
        .encode(hash.finish())
        .try_into()
        .map_err(|_| Refused::Key)
}

/// A browser names the origin of the page that connects. Without a list, the page must come from the
/// host that it connects to.
fn is_allowed(headers: &HeaderMap, origins: Option<&[String]>) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        // No browser.
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    match origins {
        Some(origins) => origins
            .iter()
            .any(|one| one == "*" || one.eq_ignore_ascii_case(origin)),
        None => {
            let host = headers.get(HOST).and_then(|host| host.to_str().ok());
            let of_origin = origin.split_once("://").map(|(_, host)| host);
            host.zip(of_origin)
                .is_some_and(|(host, of_origin)| host.eq_ignore_ascii_case(of_origin))
        }
    }
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter();
    let mut tokens = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    tokens.any(|one| one.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let request = Request::builder()
            .header("host", "rooms.example:8080")
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "WebSocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        request.body(()).expect("a request")
    }

    #[test]
    fn the_example_of_the_rfc_is_accepted() {
        let request = request(&[]);
        assert!(is_asked(&request));
        let accepted = accept(&request, None).expect("it is accepted");
        assert_eq!(accepted, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn only_named_origins_connect_and_by_default_the_own_host() {
        let from = |origin: &str, origins: Option<&[String]>| {
            accept(&request(&[("origin", origin)]), origins).map(drop)
        };
        let list = ["https://a.example".to_owned()];
        assert_eq!(from("http://rooms.example:8080", None), Ok(()));
        assert_eq!(from("http://rooms.example", None), Err(Refused::Origin));
        assert_eq!(from("null", None), Err(Refused::Origin));
        assert_eq!(from("https://a.example", Some(&list)), Ok(()));
        assert_eq!(
            from("https://a.example.evil", Some(&list)),
            Err(Refused::Origin)
        );
        assert_eq!(
            from("http://rooms.example:8080", Some(&list)),
            Err(Refused::Origin)
        );
        assert_eq!(from("https://b.example", Some(&["*".to_owned()])), Ok(()));
    }
}
