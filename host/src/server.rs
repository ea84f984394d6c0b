//! The server of rooms: HTTP and WebSockets.

mod admin;
mod connection;
mod files;
mod handshake;
mod metrics;
mod relay;
mod settings;
mod tls;

pub use admin::Replace;
pub use settings::{ServerSettings, TlsFiles};

use crate::rooms::Rooms;
use bytes::Bytes;
use files::Files;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, UPGRADE},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

/// A server of rooms, listening.
pub struct Server {
    shared: Arc<Shared>,
    clients: TcpListener,
    peers: Option<TcpListener>,
    admin: Option<TcpListener>,
    tls: Option<TlsAcceptor>,
}

/// What the connections share.
struct Shared {
    rooms: Rooms,
    settings: ServerSettings,
    files: Option<Files>,
    replace: Replace,
    /// The tasks that serve WebSockets.
    sockets: TaskTracker,
    /// The clients that are passed on to other servers.
    relayed: TaskTracker,
    /// Cancelled when the server ends.
    stopped: CancellationToken,
    connections: Arc<Semaphore>,
    admins: Arc<Semaphore>,
}

/// The reason why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// An address cannot be listened on.
    #[error("failed to listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: io::Error,
    },
    /// A file for TLS cannot be used.
    #[error("failed to use `{}` for TLS", .path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The directory with files for browsers is not there.
    #[error("failed to open the directory `{}`", .path.display())]
    Files {
        /// The directory.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

/// The bytes that the headers of a request have at most.
const LONGEST_HEADERS: usize = 16 << 10;

/// The connections of administrators.
const MOST_ADMINS: usize = 16;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// The longest time that a client takes for the headers of a request.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);

impl Server {
    /// Listens. `replace` loads new logic and replaces that of the rooms, when the administrator asks for it.
    pub async fn bind(
        rooms: Rooms,
        settings: ServerSettings,
        replace: Replace,
    ) -> Result<Self, ServerError> {
        let listen = async |address: SocketAddr| {
            let listener = TcpListener::bind(address).await;
            listener.map_err(|source| ServerError::Listen { address, source })
        };
        let tls = settings.tls.as_ref().map(tls::acceptor).transpose()?;
        let files = settings.files.as_deref().map(Files::open).transpose()?;
        let clients = listen(settings.listen).await?;
        let listen_if = async |address: Option<SocketAddr>| match address {
            Some(address) => listen(address).await.map(Some),
            None => Ok(None),
        };
        let peers = listen_if(settings.peers).await?;
        let admin = listen_if(settings.admin).await?;
        let own = || Some(peers.as_ref()?.local_addr().ok()?.to_string());
        if let Some(address) = settings.advertise.clone().or_else(own) {
            rooms.advertise(address);
        }
        Ok(Self {
            clients,
            peers,
            admin,
            tls,
            shared: Arc::new(Shared {
                connections: Arc::new(Semaphore::new(
                    settings.most_connections.min(Semaphore::MAX_PERMITS),
                )),
                admins: Arc::new(Semaphore::new(MOST_ADMINS)),
                rooms,
                settings,
                files,
                replace,
                sockets: TaskTracker::new(),
                relayed: TaskTracker::new(),
                stopped: CancellationToken::new(),
            }),
        })
    }

    /// The address for clients, with the port that the system chose for port 0.
    pub fn address(&self) -> Option<SocketAddr> {
        self.clients.local_addr().ok()
    }

    /// The address for other servers.
    pub fn peer_address(&self) -> Option<SocketAddr> {
        self.peers.as_ref()?.local_addr().ok()
    }

    /// The address for administration.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref()?.local_addr().ok()
    }

    /// Serves until `stop` is done. Then all rooms are saved, and their clients are disconnected with 1012.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Self {
            shared,
            clients,
            peers,
            admin,
            tls,
        } = self;
        let plain = async |listener: Option<TcpListener>, side| match listener {
            Some(listener) => accept(listener, None, shared.clone(), side).await,
            None => std::future::pending().await,
        };
        tokio::select! {
            () = accept(clients, tls, shared.clone(), Side::Clients) => {}
            () = plain(peers, Side::Peers) => {}
            () = plain(admin, Side::Admin) => {}
            () = stop => {}
        }
        shared.stopped.cancel();
        shared.rooms.shut_down().await;
        shared.sockets.close();
        let _ = timeout(shared.settings.patience, shared.sockets.wait()).await;
    }
}

/// Who connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Clients,
    /// Other servers, for their clients.
    Peers,
    Admin,
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>, side: Side) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Without descriptors, for example, the next connection fails at once too.
                warn!(%error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let allowed = match side {
            Side::Clients | Side::Peers => &shared.connections,
            Side::Admin => &shared.admins,
        };
        let Ok(permit) = allowed.clone().try_acquire_owned() else {
            debug!(%peer, "connection refused: there are too many");
            continue;
        };
        // Small messages are sent at once.
        let _ = stream.set_nodelay(true);
        let (shared, tls) = (shared.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => connection(stream, shared, side, permit).await,
                Some(tls) => match timeout(HEADERS_WITHIN, tls.accept(stream)).await {
                    Ok(Ok(stream)) => connection(stream, shared, side, permit).await,
                    Ok(Err(error)) => debug!(%peer, %error, "no TLS"),
                    Err(_) => debug!(%peer, "no TLS in time"),
                },
            }
        });
    }
}

async fn connection<S>(stream: S, shared: Arc<Shared>, side: Side, permit: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let permit = Arc::new(permit);
    let service = service_fn(|request| {
        let (shared, permit) = (shared.clone(), permit.clone());
        async move { Ok::<_, Infallible>(answer(request, &shared, side, &permit).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(LONGEST_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = served.await {
        debug!(%error, "connection ended");
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: &Arc<Shared>,
    side: Side,
    permit: &Arc<OwnedSemaphorePermit>,
) -> Response<Body> {
    if side != Side::Admin && handshake::is_asked(&request) {
        return open(request, shared, side, permit);
    }
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    match (request.uri().path(), side) {
        ("/health", _) if is_read => text(StatusCode::OK, "ok\n"),
        ("/metrics", _) if is_read && (side == Side::Admin || shared.settings.admin.is_none()) => {
            let mut response = text(
                StatusCode::OK,
                metrics::text(&shared.rooms, shared.relayed.len()),
            );
            let content_type = HeaderValue::from_static(metrics::CONTENT_TYPE);
            response.headers_mut().insert(CONTENT_TYPE, content_type);
            response
        }
        (_, Side::Peers) => not_found(),
        // No page in the administrator's browser.
        ("/replace", Side::Admin) if request.headers().contains_key(ORIGIN) => text(
            StatusCode::FORBIDDEN,
            "a browser cannot replace the logic\n",
        ),
        ("/replace", Side::Admin) if request.method() == Method::POST => {
            admin::replace(&shared.replace).await
        }
        ("/replace", Side::Admin) => {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "use `POST`\n");
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST"));
            response
        }
        (_, Side::Clients) if shared.files.is_some() => match &shared.files {
            Some(files) => files.answer(request).await,
            None => not_found(),
        },
        _ => not_found(),
    }
}

fn not_found() -> Response<Body> {
    text(
        StatusCode::NOT_FOUND,
        "there is nothing here; a room is joined by a WebSocket\n",
    )
}

/// Answers the handshake, and serves the WebSocket in a task of its own.
fn open(
    mut request: Request<Incoming>,
    shared: &Arc<Shared>,
    side: Side,
    permit: &Arc<OwnedSemaphorePermit>,
) -> Response<Body> {
    let accepted = handshake::accept(&request, shared.settings.origins.as_deref());
    let accepted = match accepted {
        Ok(accepted) => accepted,
        Err(refused) => {
            let mut response = text(refused.status(), format!("{refused}\n"));
            if refused.status() == StatusCode::UPGRADE_REQUIRED {
                let version = HeaderValue::from_static("13");
                response
                    .headers_mut()
                    .insert("sec-websocket-version", version);
            }
            return response;
        }
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let sockets = shared.sockets.clone();
    let shared = shared.clone();
    let socket = async move {
        let Ok(stream) = upgrade.await else {
            return;
        };
        let (request, _) = request.into_parts();
        connection::serve(TokioIo::new(stream), request, &shared, side).await;
    };
    let permit = permit.clone();
    sockets.spawn(async move {
        socket.await;
        // The connection counts until its WebSocket has ended.
        drop(permit);
    });
    let mut response = Response::new(empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accepted);
    response
}

fn empty() -> Body {
    Full::default()
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(text.into()).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
