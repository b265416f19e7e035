//! Headers that belong to one connection, not to the message: whoever passes a message on leaves them out.

use http::{HeaderMap, HeaderName, header};

/// What RFC 9110 names, what older proxies send beside, and `Expect`, which we have answered ourselves.
const OWN: [&str; 10] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Takes the headers of the connection out: the known ones, and those that `Connection` names.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    // Framing is the connection's: a length beside chunks is nobody's.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    for name in named {
        headers.remove(name);
    }
    for name in OWN {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(headers: &[(&'static str, &'static str)]) -> Vec<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        remove_hop_by_hop(&mut map);
        { map.iter() }
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect()
    }

    #[test]
    fn what_belongs_to_the_message_stays() {
        let all = [
            ("host", "api.weixin.qq.com"),
            ("content-length", "2"),
            ("x-a", "1"),
            ("x-a", "2"),
        ];
        assert_eq!(left(&all).len(), 4);
    }

    #[test]
    fn what_belongs_to_the_connection_goes() {
        for name in OWN {
            assert_eq!(left(&[(name, "x"), ("x-a", "1")]), ["x-a: 1"], "{name}");
        }
    }

    #[test]
    fn what_the_connection_names_goes() {
        let all = [
            ("connection", "close, X-One"),
            ("connection", "x-two,,?"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-three", "3"),
        ];
        assert_eq!(left(&all), ["x-three: 3"]);
    }

    #[test]
    fn a_length_beside_chunks_goes() {
        let all = [("content-length", "5"), ("transfer-encoding", "chunked")];
        assert_eq!(left(&all), [""; 0]);
    }
}
