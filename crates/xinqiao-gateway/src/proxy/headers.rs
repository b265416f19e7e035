//! Headers: which of them go on, and what they say of a body.

use http::{HeaderMap, header};

/// Headers that belong to the message, not to the connection.
pub(super) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let own = matches!(
            name.as_str(),
            "connection"
                | "keep-alive"
                | "proxy-authenticate"
                | "proxy-authorization"
                | "proxy-connection"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
                | "expect"
                | "host"
        );
        // Framing is the connection's: a length beside chunks is nobody's.
        let own = own
            || name == header::CONTENT_LENGTH && headers.contains_key(header::TRANSFER_ENCODING);
        if !own && !named.iter().any(|named| named == name.as_str()) {
            kept.append(name.clone(), value.clone());
        }
    }
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
