//! The platform's hosts over HTTP: turns a request into a command and the answer into a response.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;
use xinqiao_http::{BodyLimit, DropConnection, Trespass, is_cross_site, read_body};

use super::Shared;
use crate::{
    accounts::files,
    door::call::{PlatformAnswer, PlatformCall},
    kernel::files::Content,
};

/// Most bytes of a call: the largest upload is ten megabytes.
const BODY: usize = 24 * 1024 * 1024;
/// Most bytes of what a page in the phone says to its bridge, which itself takes less and says so.
const OWN_BODY: usize = 256 * 1024;
/// Bytes of a file that are read at once.
const PIECE: usize = 64 * 1024;
/// Where pictures are.
const PICTURES: &str = "/mmbiz/";

/// The platform host that a request names, if it names one.
pub(crate) fn named_host(request: &Request) -> Option<&'static str> {
    let header = || request.headers().get(header::HOST)?.to_str().ok();
    let named = request.uri().authority().map(http::uri::Authority::as_str);
    xinqiao_catalog::host(named.or_else(header)?).map(|host| host.name)
}

/// Whether people see this in a browser, so that another site's page may lead there: calls are never made so.
fn is_seen(host: &str, path: &str) -> bool {
    let page = |page: &xinqiao_catalog::Page| page.host == host && page.path == path;
    path.starts_with(PICTURES) || xinqiao_catalog::pages().iter().any(page)
}

/// Answers a request to a platform host.
pub(crate) async fn serve(shared: Arc<Shared>, host: &'static str, request: Request) -> Response {
    let own = shared.own_pages.contains(&request.uri().path());
    if is_cross_site(request.headers()) && !own && !is_seen(host, request.uri().path()) {
        return Trespass::CrossSite.into_response();
    }
    if request.uri().path().starts_with(PICTURES) {
        return picture(&shared, request.uri().path()).await;
    }
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or_else(|| [127, 0, 0, 1].into(), |peer| peer.0.ip());
    let (mut parts, body) = request.into_parts();
    let arrival = shared.doorkeeper.arrival(&mut parts.headers);
    let most = if own { OWN_BODY } else { BODY };
    let body = match read_body(body, BodyLimit::bytes(most)).await {
        Ok(body) => body,
        Err(error) => return (error.status(), error.to_string()).into_response(),
    };
    let call = PlatformCall {
        host: host.into(),
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
        peer,
        arrival,
    };
    match shared.world.call(Box::new(call)).await {
        Ok(answer) => respond(*answer).await,
        Err(refused) => (StatusCode::SERVICE_UNAVAILABLE, refused.message).into_response(),
    }
}

async fn respond(answer: PlatformAnswer) -> Response {
    if answer.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(answer.delay_ms)).await;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = answer.headers;
    fill(&mut response, answer.body);
    if answer.drop {
        response.extensions_mut().insert(DropConnection);
    }
    response
}

/// Puts bytes into a response, those of a file on the disk as they are read.
fn fill(response: &mut Response, content: Content) {
    *response.body_mut() = match content {
        Content::Memory(bytes) => Body::from(bytes),
        Content::Disk { file, length } => {
            { response.headers_mut() }.insert(header::CONTENT_LENGTH, length.into());
            // Its length was told: what somebody else adds to it meanwhile is no part of it.
            let file = tokio::fs::File::from_std(file).take(length);
            Body::from_stream(ReaderStream::with_capacity(file, PIECE))
        }
    };
}

async fn picture(shared: &Arc<Shared>, path: &str) -> Response {
    let media_id = path[PICTURES.len()..]
        .split('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    file(shared, media_id).await
}

/// A stored file.
pub(crate) async fn file(shared: &Arc<Shared>, media_id: String) -> Response {
    let wall_ms = Shared::wall_ms();
    let found = shared
        .world
        .ask(move |world| {
            let now = world.now(wall_ms).0;
            files::find(world, &media_id, now)
                .map(|(file, content)| (file.content_type.clone(), content))
        })
        .await;
    match found {
        Ok(Some((content_type, content))) => {
            let headers = [
                (header::CONTENT_TYPE, content_type),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
                // A file that a page uploads must not run as one of our own pages.
                (
                    header::CONTENT_SECURITY_POLICY,
                    "default-src 'none'; sandbox".to_owned(),
                ),
            ];
            let mut response = headers.into_response();
            fill(&mut response, content);
            response
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
