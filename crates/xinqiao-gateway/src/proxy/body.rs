//! Bodies on their way through: kept when small, streamed when large or of unknown length.

use std::sync::{Mutex, PoisonError};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, StatusCode, header};
use xinqiao_http::BodyError;

use super::{
    headers::{self, end_to_end},
    key_scan,
    scrub::Scrubber,
};
use crate::outbound::{OutboundError, whole_body};

/// Requests up to this size are kept, so that they can be read and sent again.
pub(crate) const KEPT_BYTES: usize = 1 << 20;
/// Answers up to this size may be errors, and are looked at whole.
pub(super) const SMALL_BYTES: usize = 4096;

/// A request's body.
#[derive(Debug, Default)]
pub(super) enum Gathered {
    /// None.
    #[default]
    Empty,
    /// All of it.
    Whole(Bytes),
    /// Its beginning, and the rest to come. The lock only makes it shareable between threads.
    Begun(Bytes, Mutex<Body>),
}

impl Gathered {
    pub(super) async fn read(body: Body) -> Result<Self, BodyError> {
        let mut stream = body.into_data_stream();
        let mut kept = BytesMut::new();
        let mut first: Option<Bytes> = None;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| BodyError::of(&error))?;
            match first.take() {
                // Most bodies come in one piece, which is not copied.
                None if kept.is_empty() => first = Some(chunk),
                None => kept.extend_from_slice(&chunk),
                Some(before) => {
                    kept.extend_from_slice(&before);
                    kept.extend_from_slice(&chunk);
                }
            }
            if kept.len() > KEPT_BYTES {
                let rest = Mutex::new(Body::from_stream(stream));
                return Ok(Self::Begun(kept.freeze(), rest));
            }
        }
        let whole = first.unwrap_or_else(|| kept.freeze());
        Ok(if whole.is_empty() {
            Self::Empty
        } else {
            Self::Whole(whole)
        })
    }

    /// What can be read of it now.
    pub(super) fn seen(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Empty | Self::Begun(..) => &[],
        }
    }

    /// A copy to send again, unless it is streamed.
    pub(super) fn again(&self) -> Option<Again> {
        match self {
            Self::Empty => Some(Again(None)),
            Self::Whole(bytes) => Some(Again(Some(bytes.clone()))),
            Self::Begun(..) => None,
        }
    }

    /// The body as it goes out. A streamed one ends with an error where a key of ours stands in it.
    pub(super) fn into_body(self) -> Body {
        match self {
            Self::Empty => Body::empty(),
            Self::Whole(bytes) => bytes.into(),
            Self::Begun(begun, rest) => {
                let rest = rest.into_inner().unwrap_or_else(PoisonError::into_inner);
                let begun = stream::once(async move { Ok::<_, axum::Error>(begun) });
                key_scan::guarded(Body::from_stream(begun.chain(rest.into_data_stream())))
            }
        }
    }
}

/// A body that can be sent again.
#[derive(Debug, Clone)]
pub(super) struct Again(Option<Bytes>);

impl From<Again> for Gathered {
    fn from(again: Again) -> Self {
        again.0.map_or(Self::Empty, Self::Whole)
    }
}

/// The platform's answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Answer,
}

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Answer {
    /// Passed on as it comes.
    Stream(Body),
    /// Read: it is short.
    Whole(Bytes),
}

impl Reply {
    /// An answer as it comes.
    pub(super) fn new(response: http::Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: Answer::Stream(body),
        }
    }

    /// An answer that is read if it may be an error of the platform: short, or of unknown length and
    /// like JSON. Its type says nothing: errors of downloads come under the downloads' types.
    pub(super) async fn looked_at(response: http::Response<Body>) -> Result<Self, OutboundError> {
        let mut reply = Self::new(response);
        let length = reply
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > SMALL_BYTES) {
            return Ok(reply);
        }
        let Answer::Stream(body) = reply.body else {
            return Ok(reply);
        };
        let mut pieces = body.into_data_stream();
        let mut begun = BytesMut::new();
        reply.body = loop {
            match pieces.next().await {
                None => break Answer::Whole(begun.freeze()),
                Some(Err(error)) => return Err(OutboundError::Failed(error.to_string())),
                Some(Ok(piece)) => begun.extend_from_slice(&piece),
            }
            let like_json = begun.trim_ascii_start().starts_with(b"{");
            if begun.len() > SMALL_BYTES || (length.is_none() && !like_json) {
                let begun = begun.freeze();
                let begun = stream::once(async move { Ok::<_, axum::Error>(begun) });
                break Answer::Stream(Body::from_stream(begun.chain(pieces)));
            }
        };
        Ok(reply)
    }

    /// The whole answer, for one that must be read to be passed on.
    pub(super) async fn read(
        response: http::Response<Body>,
        limit: usize,
    ) -> Result<Self, OutboundError> {
        let (parts, body) = response.into_parts();
        Ok(Self {
            status: parts.status,
            headers: parts.headers,
            body: Answer::Whole(whole_body(body, limit).await?),
        })
    }

    pub(super) fn whole(&self) -> Option<&Bytes> {
        match &self.body {
            Answer::Whole(body) => Some(body),
            Answer::Stream(_) => None,
        }
    }

    /// Whether the body is compressed, so that nobody here can read it.
    pub(super) fn is_encoded(&self) -> bool {
        headers::is_encoded(&self.headers)
    }

    /// The answer without anything of the scrubber's secrets.
    pub(super) fn without(mut self, scrubber: Scrubber) -> Self {
        scrubber.headers(&mut self.headers);
        // A body that may change says its new length, or none.
        self.body = match self.body {
            Answer::Whole(body) => {
                let clean = scrubber.bytes(body.clone());
                if clean != body {
                    self.headers.remove(header::CONTENT_LENGTH);
                }
                Answer::Whole(clean)
            }
            Answer::Stream(body) => {
                self.headers.remove(header::CONTENT_LENGTH);
                Answer::Stream(scrubber.stream(body))
            }
        };
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let body = match self.body {
            Answer::Whole(body) => Body::from(body),
            Answer::Stream(body) => body,
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = end_to_end(&self.headers);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn small_bodies_are_kept_and_large_ones_streamed() {
        let whole = Gathered::read(Body::from("abc")).await.unwrap();
        assert_eq!(whole.seen(), b"abc");
        assert!(whole.again().is_some());
        let chunks =
            stream::iter((0..5).map(|_| Ok::<_, axum::Error>(Bytes::from(vec![7; 400_000]))));
        let begun = Gathered::read(Body::from_stream(chunks)).await.unwrap();
        assert!(matches!(begun, Gathered::Begun(..)) && begun.again().is_none());
        assert!(matches!(
            Gathered::read(Body::empty()).await.unwrap(),
            Gathered::Empty
        ));
    }
}
