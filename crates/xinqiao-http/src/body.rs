//! Reads request bodies within a size and a time.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::serve::Stopped;

/// What a body may take.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimit {
    /// Most bytes.
    pub bytes: usize,
    /// Longest time until it is complete.
    pub time: Duration,
}

impl BodyLimit {
    /// This many bytes within thirty seconds.
    pub const fn bytes(bytes: usize) -> Self {
        Self {
            bytes,
            time: Duration::from_secs(30),
        }
    }
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// More bytes than the limit; answer 413.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit it went over.
        limit: usize,
    },
    /// Not complete in time; answer 408.
    #[error("the body was not complete after {seconds} s")]
    TooSlow {
        /// The limit it went over.
        seconds: u64,
    },
    /// Slower than the server's limits allow; answer 408.
    #[error("the body came too slowly")]
    Stalled,
    /// There is no memory for it now; answer 503 with `retry-after`.
    #[error("too many bodies are being received; send it again a little later")]
    NoRoom,
    /// The connection broke.
    #[error("the connection broke while the body was read")]
    Broken,
}

impl BodyError {
    /// The HTTP status that says it.
    pub fn status(&self) -> http::StatusCode {
        match self {
            Self::TooLarge { .. } => http::StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow { .. } | Self::Stalled => http::StatusCode::REQUEST_TIMEOUT,
            Self::NoRoom => http::StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => http::StatusCode::BAD_REQUEST,
        }
    }

    /// What an error means that a request's body ended with.
    pub fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            match error.downcast_ref::<Stopped>() {
                Some(Stopped::Stalled) => return Self::Stalled,
                Some(Stopped::NoRoom) => return Self::NoRoom,
                Some(Stopped::Broken) => return Self::Broken,
                None => cause = error.source(),
            }
        }
        Self::Broken
    }
}

/// Reads the whole body, or says why not. Dropping the future drops what was read.
///
/// # Errors
/// [`BodyError`], with the status to answer.
pub async fn read_body(body: Body, limit: BodyLimit) -> Result<Bytes, BodyError> {
    // A length that was announced is believed at once: nobody waits for what will not be taken.
    if body.size_hint().lower() > limit.bytes as u64 {
        return Err(BodyError::TooLarge { limit: limit.bytes });
    }
    let reading = Limited::new(body, limit.bytes).collect();
    match tokio::time::timeout(limit.time, reading).await {
        Err(_) => Err(BodyError::TooSlow {
            seconds: limit.time.as_secs(),
        }),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(BodyError::TooLarge { limit: limit.bytes })
        }
        Ok(Err(error)) => Err(BodyError::of(&*error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_over_the_limit_is_413() {
        let error = read_body(Body::from(vec![0; 11]), BodyLimit::bytes(10))
            .await
            .unwrap_err();
        assert_eq!(error.status(), 413);
        let body = read_body(Body::from(vec![0; 10]), BodyLimit::bytes(10))
            .await
            .unwrap();
        assert_eq!(body.len(), 10);
    }
}
