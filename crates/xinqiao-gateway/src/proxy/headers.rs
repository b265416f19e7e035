//! Headers: which of them go on, and what they say of a body.

use http::{HeaderMap, header};
use xinqiao_http::remove_hop_by_hop;

/// Headers that belong to the message, not to the connection. The host is ours to name.
pub(super) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    remove_hop_by_hop(&mut kept);
    kept.remove(header::HOST);
    kept
}

/// Whether a body with these headers is compressed, so that nobody here can read it.
pub(super) fn is_encoded(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CONTENT_ENCODING);
    values
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether a body with these headers is compressed on its way here only. The header that says so is not passed on.
pub(super) fn is_transfer_encoded(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::TRANSFER_ENCODING);
    values.iter().any(|value| {
        !value
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"chunked")
    })
}
