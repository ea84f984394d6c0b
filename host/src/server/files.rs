//! Files for browsers, from one directory.

use super::{Body, ServerError};
use http_body_util::BodyExt;
use hyper::{Request, Response, body::Incoming};
use std::{io, path::Path};
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// The files below a directory.
pub(super) struct Files(ServeDir);

impl Files {
    pub(super) fn open(path: &Path) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Files {
            path: path.to_owned(),
            source,
        };
        let metadata = path.metadata().map_err(failed)?;
        if !metadata.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        Ok(Self(ServeDir::new(path)))
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let Ok(response) = self.0.clone().oneshot(request).await;
        response.map(|body| body.map_err(io::Error::other).boxed_unsync())
    }
}
