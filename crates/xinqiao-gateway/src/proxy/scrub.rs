//! Takes real tokens and secrets out of answers to apps that hold issued keys.

use bytes::Bytes;
use http::HeaderValue;
use memchr::memmem;

use super::body::Reply;

/// The answer without anything of `secrets`; `instead` stands in their place.
pub(super) fn clean(reply: Reply, secrets: &[String], instead: &str) -> Reply {
    match reply {
        Reply::Whole {
            status,
            mut headers,
            body,
        } => {
            clean_headers(&mut headers, secrets, instead);
            Reply::Whole {
                status,
                headers,
                body: bytes(body, secrets, instead),
            }
        }
        Reply::Stream(mut response) => {
            clean_headers(response.headers_mut(), secrets, instead);
            Reply::Stream(response)
        }
    }
}

fn clean_headers(headers: &mut http::HeaderMap, secrets: &[String], instead: &str) {
    for value in headers.values_mut() {
        let old = Bytes::copy_from_slice(value.as_bytes());
        let new = bytes(old.clone(), secrets, instead);
        if new != old {
            *value =
                HeaderValue::from_bytes(&new).unwrap_or_else(|_| HeaderValue::from_static("***"));
        }
    }
}

/// `body` without anything of `secrets`. Untouched, and not copied, if nothing is found.
pub(super) fn bytes(body: Bytes, secrets: &[String], instead: &str) -> Bytes {
    let mut body = body;
    for secret in secrets.iter().filter(|secret| secret.len() >= 8) {
        let finder = memmem::Finder::new(secret.as_bytes());
        if finder.find(&body).is_none() {
            continue;
        }
        let mut clean = Vec::with_capacity(body.len());
        let mut from = 0;
        for at in finder.find_iter(&body) {
            clean.extend_from_slice(&body[from..at]);
            clean.extend_from_slice(instead.as_bytes());
            from = at + secret.len();
        }
        clean.extend_from_slice(&body[from..]);
        tracing::warn!("An answer repeated a real token or secret; it was taken out.");
        body = clean.into();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced_wherever_they_stand() {
        let secrets = vec!["CANARY-TOKEN".to_owned(), "CANARY-SECRET".to_owned()];
        let body = Bytes::from_static(b"a CANARY-TOKEN b CANARY-SECRET c CANARY-TOKEN");
        assert_eq!(
            bytes(body, &secrets, "x"),
            Bytes::from_static(b"a x b x c x")
        );
        let body = Bytes::from_static(b"nothing here");
        assert_eq!(bytes(body.clone(), &secrets, "x"), body);
    }
}
