//! A merchant's files as they are downloaded from its console.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::IntoResponse as _,
};
use http::header;

use super::Reply;
use crate::{
    accounts::merchant::{self, PKCS12},
    kernel::Refused,
    shell::Shared,
};

/// `GET /merchants/{mchid}/files/{name}`.
pub(super) async fn file(
    State(shared): State<Arc<Shared>>,
    Path((mchid, name)): Path<(String, String)>,
) -> Reply {
    let wanted = name.clone();
    let files = move |world: &_| Ok::<_, Refused>(merchant::merchant(world, &mchid)?.files());
    let files = shared.world.ask(files).await??;
    let file = files.into_iter().find(|(known, _)| *known == wanted);
    let (name, bytes) = file.ok_or_else(|| Refused::unknown("file", &name))?;
    let kind = if name == PKCS12 {
        "application/x-pkcs12"
    } else {
        "application/x-pem-file"
    };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, bytes).into_response())
}
