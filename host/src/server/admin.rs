//! What the administrator can ask for.

use super::{Body, text};
use crate::rooms::Replaced;
use hyper::{Response, StatusCode};
use std::{pin::Pin, sync::Arc};

/// Loads new logic and replaces that of the rooms. The error is the reason why there is no new logic, in words.
pub type Replace =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Replaced, String>> + Send>> + Send + Sync>;

pub(super) async fn replace(replace: &Replace) -> Response<Body> {
    match replace().await {
        Ok(Replaced {
            replaced, refused, ..
        }) => {
            let status = match refused {
                0 => StatusCode::OK,
                _ => StatusCode::CONFLICT,
            };
            text(
                status,
                format!("{replaced} rooms replaced, {refused} refused\n"),
            )
        }
        Err(reason) => text(StatusCode::UNPROCESSABLE_ENTITY, format!("{reason}\n")),
    }
}
