//! Takes tokens and secrets out of what a row shows.

use http::HeaderMap;

use super::call;

/// Names whose values are never shown.
const SECRETS: &[&str] = &[
    "access_token",
    "authorizer_access_token",
    "authorizer_refresh_token",
    "component_access_token",
    "component_appsecret",
    "component_secret",
    "component_verify_ticket",
    "secret",
    "appsecret",
    "corpsecret",
    "refresh_token",
    "session_key",
    "ticket",
];

/// A query without its secrets.
pub(crate) fn query(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for (index, pair) in raw.split('&').enumerate() {
        if index > 0 {
            out.push('&');
        }
        match pair.split_once('=') {
            Some((name, value)) if SECRETS.contains(&name) => {
                out.push_str(name);
                out.push('=');
                out.push_str(&hidden(value));
            }
            _ => out.push_str(pair),
        }
    }
    out
}

/// Headers without their secrets.
pub(super) fn headers(list: &HeaderMap) -> Vec<(String, String)> {
    let mut texts = call::texts(list);
    for (name, value) in &mut texts {
        if matches!(name.as_str(), "authorization" | "cookie" | "set-cookie") {
            *value = hidden(value);
        }
    }
    texts
}

/// A JSON body without its secrets; other bodies stay.
pub(crate) fn body(text: &str) -> String {
    if !SECRETS.iter().any(|name| text.contains(name)) {
        return text.to_owned();
    }
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(text) else {
        return text.to_owned();
    };
    hide(&mut value);
    value.to_string()
}

fn hide(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(items) => items.iter_mut().for_each(hide),
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    serde_json::Value::String(secret) if SECRETS.contains(&&**name) => {
                        *secret = hidden(secret);
                    }
                    other => hide(other),
                }
            }
        }
        _ => {}
    }
}

/// The first characters, so that two secrets can be told apart, and no more.
pub(crate) fn hidden(secret: &str) -> String {
    let shown: String = secret.chars().take(6).collect();
    format!("{shown}…({})", secret.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_secrets_are_not_shown() {
        assert_eq!(
            query("a=1&access_token=00_SIMabcdef"),
            "a=1&access_token=00_SIM…(12)"
        );
        for text in [
            r#"{"secret":"0123456789"}"#,
            r#"{"info":[{"authorizer_access_token":"0123456789"}]}"#,
        ] {
            assert!(!body(text).contains("0123456789"), "{text}");
        }
        assert_eq!(body("not json: secret"), "not json: secret");
    }
}
