//! Calls that go out with something real in them, and what must hold for that.

use std::sync::Arc;

use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use xinqiao_catalog::{code, model::Issuing, surface::Call};

use super::{
    body::{Gathered, Reply},
    refusal::{refuse, unreachable},
};
use crate::shared::Shared;

/// A call that goes out with something real in it.
pub(super) struct Sending<'a> {
    pub(super) host: &'static str,
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) headers: HeaderMap,
}

/// Most bytes of an answer of which fields become virtual.
const SEALED_BYTES: usize = 8 << 20;

impl Sending<'_> {
    /// Sends, and gives the answer as far as it has to be known.
    pub(super) async fn send(
        &self,
        shared: &Arc<Shared>,
        call: &Call,
        query: &str,
        body: Gathered,
        issuing: Option<&Issuing>,
    ) -> Result<Reply, Box<Response>> {
        let failed = |error| Box::new(unreachable(shared, call, self.path, &error));
        let mut headers = self.headers.clone();
        // WECHAT: a body without a length is answered 412. One that is streamed or empty goes out as it came, with its
        // length; that of a whole one may have changed with the secret, and is counted anew.
        if matches!(body, Gathered::Whole(_)) {
            headers.remove(header::CONTENT_LENGTH);
        }
        let response = shared
            .outbound
            .platform(
                self.host,
                self.method.clone(),
                &join(self.path, query),
                headers,
                body.into_body(),
            )
            .await
            .map_err(failed)?;
        shared.metrics.calls_swapped.add();
        let reply = match issuing {
            Some(_) => Reply::read(response, SEALED_BYTES).await.map_err(failed)?,
            None => Reply::looked_at(response).await.map_err(failed)?,
        };
        if reply.is_encoded() {
            return Err(Box::new(unreadable(
                shared,
                call,
                self.path,
                "answer.encoded",
            )));
        }
        Ok(reply)
    }
}

/// The platform answered, and nobody here can say what: nothing of it goes to the app.
pub(super) fn unreadable(shared: &Shared, call: &Call, path: &str, rule: &'static str) -> Response {
    tracing::warn!(rule, "An answer could not be read, and was not passed on.");
    let mut response = refuse(shared, call, path, code::SYSTEM_BUSY, "", rule);
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

/// Headers of a call whose answer must be readable here: nothing real may hide in it.
pub(super) fn readable(mut headers: HeaderMap) -> HeaderMap {
    let plain = HeaderValue::from_static("identity");
    headers.insert(header::ACCEPT_ENCODING, plain);
    headers
}

pub(super) fn join(path: &str, query: &str) -> String {
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// Whether nobody between here and the platform may take a path for another: no dot segments, no
/// escaped dots, slashes or letters.
pub(super) fn is_plain(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let escaped_dot_or_slash = ["%2e", "%2f", "%5c", "\\", "%25", "%00"];
    !escaped_dot_or_slash.iter().any(|part| lower.contains(part))
        && !path.split('/').any(|segment| matches!(segment, "." | ".."))
}
