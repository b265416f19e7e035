//! Serves the files of a web application, from memory or from a folder.

use std::{borrow::Cow, path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header};

/// One file.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// Its media type.
    pub content_type: Cow<'static, str>,
}

/// Where files come from.
pub trait Assets: Send + Sync + 'static {
    /// The file at this path (no leading slash, `/` between segments), if there is one.
    fn get(&self, path: &str) -> Option<Asset>;
}

/// Files of a folder, read at each request: for developing the pages.
#[derive(Debug, Clone)]
pub struct DirAssets(pub PathBuf);

impl Assets for DirAssets {
    fn get(&self, path: &str) -> Option<Asset> {
        let plain = path.split('/').all(|part| {
            !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', '\0', ':'])
        });
        if !plain {
            return None;
        }
        let bytes = std::fs::read(self.0.join(path)).ok()?;
        Some(Asset {
            bytes: Cow::Owned(bytes),
            content_type: content_type(path).into(),
        })
    }
}

/// The media type that a file name says.
pub(crate) fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
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

/// A router that serves the files; a path without a dot in its last segment is a page of the application and
/// gets `index.html`. Meant as a fallback behind the interfaces.
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
    let page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let (found, cache) = match assets.get(path) {
        // The build puts a content hash into the names below assets/.
        Some(asset) if path.starts_with("assets/") => {
            (asset, "public, max-age=31536000, immutable")
        }
        Some(asset) => (asset, "no-cache"),
        None if page => match assets.get("index.html") {
            Some(asset) => (asset, "no-cache"),
            None => return StatusCode::NOT_FOUND.into_response(),
        },
        None => return StatusCode::NOT_FOUND.into_response(),
    };
    let headers = [
        (header::CONTENT_TYPE, found.content_type.into_owned()),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, found.bytes.into_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
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
                content_type: content_type(path).into(),
            })
        }
    }

    #[tokio::test]
    async fn pages_get_the_index_and_missing_files_404() {
        let router = assets_router(Arc::new(Two));
        for (path, status) in [
            ("/", 200),
            ("/phone/1", 200),
            ("/assets/app-1a2b.js", 200),
            ("/assets/none.js", 404),
        ] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
        }
    }

    #[test]
    fn a_folder_is_not_left() {
        let assets = DirAssets(std::env::temp_dir());
        for path in [
            "../etc/passwd",
            "a/../../b",
            "/etc/passwd",
            "",
            "a//b",
            "c:\\x",
        ] {
            assert!(assets.get(path).is_none());
        }
    }
}
