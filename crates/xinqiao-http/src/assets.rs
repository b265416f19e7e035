//! Serves the files of a web application from memory.
//!
//! Where the files come from is the caller's business ([`Assets`]); this module decides how they are
//! sent: hashed names below `assets/` are cached for good, pages are asked for again each time, packed
//! twins go to those who take them, and every page carries a policy that lets nothing load from other
//! sites. A missing file is missing; only names without an extension are pages of the application.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

/// Everything comes from here and nothing is inline; pictures may be the page's own, or those that the
/// app under test names in its messages.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob: http: https:; \
    media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// One file.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// The same packed with gzip, where that is smaller.
    pub gzip: Option<Bytes>,
    /// Changes whenever the bytes change; quoted as in the `ETag` header.
    pub tag: Box<str>,
    /// Its media type.
    pub content_type: &'static str,
}

/// Where files come from.
pub trait Assets: Send + Sync + 'static {
    /// The file at this path (no leading slash, `/` between segments), if there is one.
    fn get(&self, path: &str) -> Option<Asset>;
}

/// The media type that a file name says.
#[must_use]
pub fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" | "webmanifest" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "webp" => "image/webp",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// A router that serves the files; meant as a fallback behind the interfaces.
pub fn assets_router(assets: Arc<dyn Assets>) -> Router {
    Router::new().fallback(move |request: Request| {
        let assets = assets.clone();
        async move { respond(&*assets, &request) }
    })
}

fn respond(assets: &dyn Assets, request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let found = assets
        .get(path)
        .or_else(|| is_page.then(|| assets.get("index.html")).flatten());
    match found {
        // The build puts a content hash into the names below assets/.
        Some(asset) => send(asset, path.starts_with("assets/"), request.headers()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn send(asset: Asset, hashed: bool, asked: &HeaderMap) -> Response {
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, asset.content_type);
    set(header::ETAG, &asset.tag);
    set(header::VARY, "accept-encoding");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    let cache = if hashed {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    set(header::CACHE_CONTROL, cache);
    if asset.content_type.starts_with("text/html") {
        set(header::CONTENT_SECURITY_POLICY, POLICY);
    }
    if listed(asked, &header::IF_NONE_MATCH, &asset.tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    match asset.gzip {
        Some(packed) if listed(asked, &header::ACCEPT_ENCODING, "gzip") => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            (headers, packed).into_response()
        }
        _ => match asset.bytes {
            Cow::Borrowed(bytes) => (headers, Bytes::from_static(bytes)).into_response(),
            Cow::Owned(bytes) => (headers, bytes).into_response(),
        },
    }
}

/// Whether a comma-separated header names `wanted`; weak tags and quality values don't matter here.
fn listed(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|item| item.split(';').next())
        .any(|item| item.trim().trim_start_matches("W/") == wanted)
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use tower::ServiceExt;

    use super::*;

    #[derive(Debug)]
    struct Two;

    impl Assets for Two {
        fn get(&self, path: &str) -> Option<Asset> {
            let text = match path {
                "index.html" => "page",
                "assets/app-1a2b.js" => "code",
                _ => return None,
            };
            Some(Asset {
                bytes: text.as_bytes().into(),
                gzip: Some(Bytes::from_static(b"packed")),
                tag: format!("\"{text}\"").into(),
                content_type: content_type(path),
            })
        }
    }

    async fn ask(path: &str, header: Option<(&str, &str)>) -> Response {
        let mut request = Request::get(path);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let request = request.body(Body::empty()).unwrap();
        assets_router(Arc::new(Two)).oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn pages_get_the_index_and_missing_files_404() {
        for (path, status) in [
            ("/", 200),
            ("/phone/1", 200),
            ("/assets/app-1a2b.js", 200),
            ("/assets/none.js", 404),
        ] {
            assert_eq!(ask(path, None).await.status(), status, "{path}");
        }
    }

    #[tokio::test]
    async fn hashed_names_are_kept_and_pages_asked_for_again() {
        let script = ask("/assets/app-1a2b.js", None).await;
        assert!(
            script.headers()["cache-control"]
                .to_str()
                .unwrap()
                .contains("immutable")
        );
        let page = ask("/", None).await;
        assert_eq!(page.headers()["cache-control"], "no-cache");
        assert!(page.headers().contains_key("content-security-policy"));
    }

    #[tokio::test]
    async fn packed_twins_go_to_those_who_take_them() {
        let packed = ask("/", Some(("accept-encoding", "br;q=1.0, gzip;q=0.8"))).await;
        assert_eq!(packed.headers()["content-encoding"], "gzip");
        assert_eq!(
            &to_bytes(packed.into_body(), 99).await.unwrap()[..],
            b"packed"
        );
        let plain = ask("/", Some(("accept-encoding", "br"))).await;
        assert_eq!(&to_bytes(plain.into_body(), 99).await.unwrap()[..], b"page");
    }

    #[tokio::test]
    async fn a_known_version_is_not_sent_again() {
        let again = ask("/", Some(("if-none-match", "W/\"page\""))).await;
        assert_eq!(again.status(), 304);
        assert_eq!(
            ask("/", Some(("if-none-match", "\"old\""))).await.status(),
            200
        );
    }
}
