//! JS-SDK signatures of pages: `wx.config`, and `wx.agentConfig` with an app's ticket.

use serde_json::Value;
use xinqiao_crypto::{constant_time_eq, jssdk};

use super::{Shown, Sign, Verify};
use crate::fail::Outcome;
use crate::lang::Lang;
use crate::verdict::{self, Fact, fact};
use crate::{input, talk};

pub(super) fn sign(options: &Sign, ticket: &str, lang: Lang) -> Outcome {
    let url = input::needed(options.page.url.as_deref(), "--url", lang)?;
    let time = super::time(options.timestamp);
    let nonce = super::nonce(options.nonce.as_deref());
    let signature = jssdk::signature(ticket, &nonce, time, &url);
    let facts = [
        fact("timestamp", "timestamp", "timestamp", time),
        fact("nonceStr", "nonceStr", "nonceStr", nonce.as_str()),
        string_to_sign(&nonce, time, &url),
    ];
    show(signature.as_str(), &facts, options.shown, lang);
    Ok(())
}

pub(super) fn verify(options: &Verify, ticket: &str, lang: Lang) -> Outcome {
    let url = input::needed(options.page.url.as_deref(), "--url", lang)?;
    let received = input::needed(options.signature.as_deref(), "--signature", lang)?;
    let nonce = input::needed(options.nonce.as_deref(), "--nonce", lang)?;
    let time = options
        .timestamp
        .ok_or_else(|| input::missing("--timestamp", lang))?;
    let expected = jssdk::signature(ticket, &nonce, time, &url);
    let string = string_to_sign(&nonce, time, &url);
    compared(
        "jssdk.signature",
        &received,
        expected.as_str(),
        string,
        options.shown,
        lang,
    )
}

fn string_to_sign(nonce: &str, time: i64, url: &str) -> Fact {
    let text = jssdk::string_to_sign("{jsapi_ticket}", nonce, time, url);
    verdict::string_to_sign(text)
}

/// Says whether two signatures are equal, and how they came about.
pub(super) fn compared(
    rule: &str,
    received: &str,
    expected: &str,
    string: Fact,
    shown: Shown,
    lang: Lang,
) -> Outcome {
    if constant_time_eq(received.as_bytes(), expected.as_bytes()) {
        let facts = if shown.parts || shown.json {
            vec![string]
        } else {
            Vec::new()
        };
        let said = lang.pick("签名正确", "the signature is right");
        verdict::held(said, &facts, shown.json, lang);
        return Ok(());
    }
    let facts = [
        fact("received", "收到的签名", "signature received", received),
        fact("expected", "应有的签名", "signature expected", expected),
        string,
    ];
    verdict::failed(rule, &facts, shown.json, lang)
}

/// Prints a signature: alone, with its parts, or as JSON.
pub(super) fn show(signature: &str, facts: &[Fact], shown: Shown, lang: Lang) {
    if shown.json {
        let mut out = serde_json::Map::new();
        out.insert("signature".into(), signature.into());
        out.extend(verdict::object(facts));
        talk::data(Value::Object(out));
        return;
    }
    talk::data(signature);
    if shown.parts {
        verdict::print(facts, lang);
    }
}
