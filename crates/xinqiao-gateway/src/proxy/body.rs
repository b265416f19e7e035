//! Bodies on their way through: kept when small, streamed when large.

use std::sync::{Mutex, PoisonError};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, StatusCode, header};
use xinqiao_http::BodyError;

use super::end_to_end;
use crate::outbound::{OutboundError, PLATFORM_TIME, content_type};

/// Requests up to this size are kept, so that they can be read and sent again.
pub(crate) const KEPT_BYTES: usize = 1 << 20;
/// Readable answers of calls with virtual tokens are read whole, to this size.
const READ_BYTES: usize = 32 << 20;

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

    pub(super) fn into_body(self) -> reqwest::Body {
        match self {
            Self::Empty => reqwest::Body::from(Bytes::new()),
            Self::Whole(bytes) => bytes.into(),
            Self::Begun(begun, rest) => {
                let rest = rest.into_inner().unwrap_or_else(PoisonError::into_inner);
                let begun = stream::once(async move { Ok::<_, axum::Error>(begun) });
                reqwest::Body::wrap_stream(begun.chain(rest.into_data_stream()))
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
pub(super) enum Reply {
    /// Passed on as it comes.
    Stream(reqwest::Response),
    /// Read.
    Whole {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    },
}

impl Reply {
    /// Reads the answer if it is short and says how long it is; an answer to be looked at, not
    /// changed.
    pub(super) async fn small(response: reqwest::Response) -> Result<Self, OutboundError> {
        if response
            .content_length()
            .is_some_and(|length| length <= 4096)
        {
            return Self::read(response).await;
        }
        Ok(Self::Stream(response))
    }

    /// Reads every answer that is text; pictures and the like are passed on as they come.
    pub(super) async fn readable(response: reqwest::Response) -> Result<Self, OutboundError> {
        let kind = content_type(response.headers()).to_ascii_lowercase();
        let binary = [
            "image/",
            "audio/",
            "video/",
            "application/octet-stream",
            "application/zip",
        ]
        .iter()
        .any(|binary| kind.starts_with(binary));
        // WECHAT: an error of a download may come under the download's own type; errors are short.
        let short = response
            .content_length()
            .is_some_and(|length| length <= 4096);
        if binary && !short {
            return Ok(Self::Stream(response));
        }
        Self::read(response).await
    }

    async fn read(mut response: reqwest::Response) -> Result<Self, OutboundError> {
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| OutboundError::from_reqwest(error, PLATFORM_TIME))?
        {
            if body.len() + chunk.len() > READ_BYTES {
                return Err(OutboundError::TooLarge(READ_BYTES));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self::Whole {
            status,
            headers,
            body: body.freeze(),
        })
    }

    pub(super) fn whole(&self) -> Option<&[u8]> {
        match self {
            Self::Whole { body, .. } => Some(body),
            Self::Stream(_) => None,
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let (status, headers, body) = match self {
            Self::Whole {
                status,
                headers,
                body,
            } => {
                let mut headers = end_to_end(&headers);
                headers.remove(header::CONTENT_LENGTH);
                (status, headers, Body::from(body))
            }
            Self::Stream(mut response) => {
                let headers = end_to_end(&std::mem::take(response.headers_mut()));
                let status = response.status();
                (status, headers, Body::from_stream(response.bytes_stream()))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
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
