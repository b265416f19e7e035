//! What the fuzz targets and nobody else call: bodies on their way, cut into pieces.

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::{key_scan, scrub::Scrubber};

/// An answer as an app gets it: without `secret`.
pub async fn answered(secret: &str, pieces: Vec<Vec<u8>>) -> Vec<u8> {
    let scrubber = Scrubber::new([secret], "***");
    collected(scrubber.stream(body(pieces))).await.0
}

/// A body as the platform gets it, and whether it ended well: it does not if it holds a key of ours.
pub async fn relayed(pieces: Vec<Vec<u8>>) -> (Vec<u8>, bool) {
    collected(key_scan::guarded(body(pieces))).await
}

/// Whether a key of ours is found in bytes.
pub fn holds_key(bytes: &[u8]) -> bool {
    key_scan::holds_key(bytes)
}

fn body(pieces: Vec<Vec<u8>>) -> Body {
    let pieces = pieces
        .into_iter()
        .map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
    Body::from_stream(stream::iter(pieces))
}

async fn collected(body: Body) -> (Vec<u8>, bool) {
    let mut pieces = body.into_data_stream();
    let mut out = Vec::new();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => out.extend_from_slice(&piece),
            Err(_) => return (out, false),
        }
    }
    (out, true)
}
