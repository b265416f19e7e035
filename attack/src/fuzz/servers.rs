//! What needs a server's crate: a configuration, an upload.

use xinqiao_gateway::Config;

/// A configuration: read or refused, and no refusal repeats a secret.
pub(super) fn configuration(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(error) = Config::from_toml(&text) {
        let error = error.to_string();
        // What is no secret's place is named, as is a key that is not known.
        let names = error.contains("unknown ") || error.contains("is not known");
        assert!(names || !error.contains("CANARY"), "{error}");
    }
}

/// A header's value in the first line, a body behind it.
pub(super) fn multipart(data: &[u8]) {
    let (head, body) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (&[][..], data),
    };
    let _ = xinqiao_simulator::read_multipart(&String::from_utf8_lossy(head), body);
}
