//! The console's files: what `web/dist` held when this binary was built, or the crate was packed.
//!
//! A build without them works and serves one page that says how to build the console. Each text is
//! packed once, when it is first asked for: neither the start nor the first page waits for the rest.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;
use xinqiao_http::{Asset, Assets};

use crate::hex;

/// The first page of the console, and of the application.
const INDEX: &str = "index.html";
/// Shown where the console was not built.
const NOT_BUILT: &str = include_str!("assets/not_built.html");
/// Smaller texts are not worth packing.
const WORTH_PACKING: usize = 512;

/// The built console, or nothing.
#[derive(RustEmbed)]
#[cfg_attr(packed, folder = "pages")]
#[cfg_attr(not(packed), folder = "../../web/dist")]
#[allow_missing = true]
struct Dist;

/// The files that were asked for, with their packed twins.
#[derive(Debug, Default)]
struct Console(Mutex<HashMap<String, Asset>>);

impl Console {
    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Asset>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Assets for Console {
    fn get(&self, path: &str) -> Option<Asset> {
        if let Some(asset) = self.known().get(path) {
            return Some(asset.clone());
        }
        // Packed outside the lock; two that ask at once pack twice and get the same.
        let asset = load(path)?;
        self.known().insert(path.to_owned(), asset.clone());
        Some(asset)
    }
}

/// Serves the console behind the interfaces of an origin.
pub(crate) fn router() -> Router {
    xinqiao_http::assets_router(Arc::new(Console::default()))
}

/// Whether this binary carries the console.
pub(crate) fn built() -> bool {
    Dist::get(INDEX).is_some()
}

fn load(path: &str) -> Option<Asset> {
    match Dist::get(path) {
        Some(file) => {
            let tag = file.metadata.sha256_hash();
            let tag = tag.get(..8).unwrap_or_default();
            Some(asset(path, file.data, tag))
        }
        None if path == INDEX => Some(asset(
            INDEX,
            Cow::Borrowed(NOT_BUILT.as_bytes()),
            b"notbuilt",
        )),
        None => None,
    }
}

fn asset(path: &str, bytes: Cow<'static, [u8]>, tag: &[u8]) -> Asset {
    let content_type = xinqiao_http::content_type(path);
    let text = ["text/", "application/json", "image/svg"]
        .iter()
        .any(|kind| content_type.starts_with(kind));
    let gzip = (text && bytes.len() >= WORTH_PACKING)
        .then(|| gzip(&bytes))
        .flatten();
    Asset {
        bytes,
        gzip,
        tag: format!("\"{}\"", hex::encode(tag)).into(),
        content_type,
    }
}

fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::new(6));
    encoder.write_all(bytes).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() < bytes.len()).then(|| Bytes::from(packed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_first_page() {
        let page = Console::default().get(INDEX).expect("a page");
        assert_eq!(page.content_type, "text/html; charset=utf-8");
        assert!(!page.bytes.is_empty());
    }

    #[test]
    fn a_missing_file_is_missing() {
        assert!(Console::default().get("assets/none.js").is_none());
    }

    #[test]
    fn text_is_packed_where_that_pays() {
        let long = asset("a.js", Cow::Owned(vec![b'x'; 4096]), b"1");
        assert!(long.gzip.is_some_and(|packed| packed.len() < 100));
        assert!(asset("a.js", Cow::Borrowed(b"x"), b"1").gzip.is_none());
        assert!(
            asset("a.png", Cow::Owned(vec![b'x'; 4096]), b"1")
                .gzip
                .is_none()
        );
    }
}
