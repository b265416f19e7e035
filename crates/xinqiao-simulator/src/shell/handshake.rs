//! The check that the platform makes when a server address is saved: `GET url?signature&timestamp&nonce&echostr`.
//!
//! Also in encrypted modes the signature is the plain one and `echostr` stands in the clear. The answer must be
//! `echostr` as it came: status 200, no quotes, no byte order mark, no line end.
//!
//! An application of a corporation is asked otherwise: `echostr` is sealed for the corporation and signed with
//! `msg_signature`, and the answer must be what is in it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use xinqiao_crypto::AesKey;
use xinqiao_http::OutboundRequest;
use xinqiao_message::envelope::{CallbackQuery, Keys, WorkReceiver, url_query, work_url_query};
use xinqiao_types::{CallbackToken, CorpId, Entropy, SystemEntropy, percent};

use super::{Shared, pusher};
use crate::{
    accounts::account::Callback,
    kernel::row::{
        CallbackFacts, Diagnosed, Exchange, Row, RowState, SignatureFacts, SignaturePart, Words,
        diagnose, shown,
    },
    push,
};

/// Why a server address was not taken.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    pub(crate) reason: String,
    pub(crate) diagnosis: Diagnosed,
}

/// Whose address is checked.
pub(crate) struct Whose {
    pub(crate) appid: String,
    pub(crate) name: String,
    /// The corporation that the check is sealed for, of an application.
    pub(crate) corp: Option<String>,
    /// It was asked a moment ago, and did not answer as it must.
    pub(crate) again: bool,
}

/// Makes the check, and shows it.
pub(crate) async fn check(
    shared: &Arc<Shared>,
    whose: &Whose,
    callback: &Callback,
) -> Result<(), Box<Failed>> {
    let started_ms = Shared::wall_ms();
    let echo = (SystemEntropy.next_u64() >> 1).to_string();
    let asked = ask(whose, callback, started_ms / 1000, &echo);
    let (query, parts) = asked.map_err(|error| fail("callback.keys", error, None, None))?;
    let url = percent::with_query(&callback.url, &query);
    let mut headers = HeaderMap::new();
    headers.insert(
        header::USER_AGENT,
        header::HeaderValue::from_static("Mozilla/4.0"),
    );
    headers.insert(header::ACCEPT, header::HeaderValue::from_static("*/*"));
    let answer = shared
        .outbound
        .send(OutboundRequest {
            method: Method::GET,
            url: url.clone(),
            headers,
            body: Bytes::new(),
            timeout: shared.attempt_timeout,
            max_response: 64 * 1024,
        })
        .await;
    let mut response = None;
    let verdict = match &answer {
        Err(error) => Err(fail(pusher::rule_of(error), error.to_string(), None, None)),
        Ok(answer) => {
            response = Some(Exchange {
                status: Some(answer.status.as_u16()),
                body: shown(&answer.body),
                ..Exchange::default()
            });
            judge(answer.status.as_u16(), &answer.body, &echo)
        }
    };
    let time = shared
        .world
        .ask(move |world| world.now(started_ms).0)
        .await
        .unwrap_or_default();
    let state = if verdict.is_ok() {
        RowState::Ok
    } else {
        RowState::Error
    };
    let texts: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
    let expected = xinqiao_crypto::callback::signature(&texts).to_string();
    let row = Row {
        id: String::new(),
        time,
        wall_ms: started_ms,
        cause: "handshake".to_owned(),
        kind: &push::CALLBACK,
        account: Some(whose.appid.clone()),
        account_name: Some(whose.name.clone()),
        user: None,
        user_name: None,
        openid: None,
        title: Words::new(
            format!("平台验证{}的服务器地址", whose.name),
            format!("The platform checks the server address of {}", whose.name),
        ),
        subtitle: match &verdict {
            Ok(()) => Words::same(callback.url.clone()),
            Err(failed) => Words::new(failed.diagnosis.cause.zh.clone(), failed.reason.clone()),
        },
        ms: u64::try_from(Shared::wall_ms() - started_ms).ok(),
        state,
        label: if verdict.is_ok() {
            Words::new("通过", "verified")
        } else {
            Words::new("未通过", "refused")
        },
        diagnosis: verdict
            .as_ref()
            .err()
            .map(|failed| failed.diagnosis.clone()),
        callback: Some(CallbackFacts {
            delivery: String::new(),
            attempt: 1,
            of: 1,
            url: callback.url.clone(),
            mode: callback.mode.to_string(),
            msg_type: "handshake".to_owned(),
            event: None,
            msg_id: None,
        }),
        call: None,
        facts: serde_json::Map::new(),
        request: Some(Exchange {
            method: "GET".to_owned(),
            url,
            ..Exchange::default()
        }),
        response,
        plain: None,
        signature: Some(SignatureFacts {
            algorithm: "sha1",
            parts,
            received: None,
            expected,
        }),
        timing: Vec::new(),
    };
    // A server that is not up yet is asked every second: only the first refusal is worth a row.
    let waiting = verdict
        .as_ref()
        .is_err_and(|failed| failed.diagnosis.rule == pusher::REFUSED);
    if !(waiting && whose.again) {
        shared.timeline.add(&shared.stream, row);
    }
    verdict
}

/// The query that asks, and what its signature was made of.
fn ask(
    whose: &Whose,
    callback: &Callback,
    timestamp: i64,
    echo: &str,
) -> Result<(String, Vec<SignaturePart>), String> {
    let token = CallbackToken::new(callback.token.clone());
    let (nonce, random) = pusher::chance();
    let mut signed = vec![
        ("token", callback.token.clone()),
        ("timestamp", timestamp.to_string()),
        ("nonce", nonce.clone()),
    ];
    let query = match &whose.corp {
        None => {
            let keys = Keys::new(token, whose.appid.clone());
            url_query(&keys, timestamp, &nonce, echo)
        }
        Some(corp) => {
            let key = AesKey::parse(&callback.aes_key).map_err(|error| error.to_string())?;
            let corp = CorpId::new(corp.as_str());
            let keys = Keys::work(token, &key, WorkReceiver::Agent { corp: &corp });
            let query = work_url_query(&keys, timestamp, &nonce, echo, random)
                .map_err(|error| error.to_string())?;
            let sealed = CallbackQuery::parse(&query).echostr.unwrap_or_default();
            signed.push(("encrypt", sealed.into_owned()));
            query
        }
    };
    let mut parts: Vec<SignaturePart> = { signed.into_iter() }
        .map(|(name, value)| SignaturePart { name, value })
        .collect();
    parts.sort_by(|a, b| a.value.as_bytes().cmp(b.value.as_bytes()));
    Ok((query, parts))
}

fn fail(
    rule: &str,
    reason: String,
    received: Option<String>,
    expected: Option<String>,
) -> Box<Failed> {
    let diagnosis = diagnose(rule, received, expected);
    Box::new(Failed { reason, diagnosis })
}

/// Judges the answer to the check.
fn judge(status: u16, body: &[u8], echo: &str) -> Result<(), Box<Failed>> {
    let text = String::from_utf8_lossy(body);
    let received = || Some(text.chars().take(200).collect::<String>());
    let expected = || Some(echo.to_owned());
    let wrong =
        |rule: &str, reason: &str| Err(fail(rule, reason.to_owned(), received(), expected()));
    match status {
        200 => {}
        300..=399 => {
            return wrong(
                "handshake.redirect",
                "the app redirects; the platform follows no redirect",
            );
        }
        401 => {
            return wrong(
                "callback.status.unauthorized",
                "the app answered 401: its log-in stands before the callback, or its Token differs",
            );
        }
        403 => {
            return wrong(
                "callback.status.forbidden",
                "the app answered 403: its Token differs from the one set here, or a filter stands before it",
            );
        }
        404 => {
            return wrong(
                "callback.status.not_found",
                "the app answered 404: the path is wrong",
            );
        }
        405 => {
            return wrong(
                "callback.status.method",
                "the app answered 405: it does not take GET on this path",
            );
        }
        419 => {
            return wrong(
                "callback.status.csrf",
                "the app answered 419: its CSRF filter stands before the callback",
            );
        }
        500..=599 => {
            return wrong(
                "callback.status.server_error",
                "the app failed while it answered",
            );
        }
        other => {
            return Err(fail(
                "handshake.status",
                format!("the app answered status {other} instead of 200"),
                received(),
                expected(),
            ));
        }
    }
    if body == echo.as_bytes() {
        return Ok(());
    }
    if body.starts_with(b"\xef\xbb\xbf") {
        return wrong(
            "handshake.bom",
            "a byte order mark stands before the echostr",
        );
    }
    if body.is_empty() {
        return wrong(
            "handshake.empty",
            "the app answered nothing: most SDKs do so when the Token differs",
        );
    }
    if text.trim() == echo {
        return wrong(
            "handshake.blank",
            "white space or a line end stands around the echostr",
        );
    }
    if text.trim().trim_matches(['"', '\'']).trim() == echo {
        return wrong(
            "handshake.quoted",
            "quotation marks stand around the echostr: answer plain text, not JSON",
        );
    }
    if text.trim_start().starts_with('<') {
        return wrong(
            "handshake.html",
            "the app answered a page instead of the echostr",
        );
    }
    wrong(
        "handshake.mismatch",
        "the answer is not the echostr: the Token differs, or the path belongs to something else",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &[u8], rule: &str) {
        assert_eq!(judge(status, body, "123").unwrap_err().diagnosis.rule, rule);
    }

    #[test]
    fn only_the_echo_as_it_came_is_right() {
        assert!(judge(200, b"123", "123").is_ok());
        check(200, b"123\n", "handshake.blank");
        for quoted in ["\"123\"", "'123'", "\"123\"\n", " \"123\" "] {
            check(200, quoted.as_bytes(), "handshake.quoted");
        }
        check(200, b"\xef\xbb\xbf123", "handshake.bom");
        check(200, b"", "handshake.empty");
        check(200, b"<html>log in</html>", "handshake.html");
        check(200, b"success", "handshake.mismatch");
        check(302, b"", "handshake.redirect");
        check(404, b"", "callback.status.not_found");
    }
}
