//! JSON whose failures have a status, a `code` in words and a `message`; every answer is signed in its headers.
//!
//! Source: doc pages "基本规则", "如何验证签名".

use serde_json::{Value, json};
use xinqiao_catalog::Code;

use super::{Dialect, Refusal, Reply, Saying, Written, page};
use crate::accounts::merchant::{self, Signer};

pub(crate) static DIALECT: Dialect = Dialect { reply, refusal };

const JSON: &str = "application/json; charset=utf-8";
/// What is said where the door found something wrong with a parameter.
const PARAMETER: &str = "PARAM_ERROR";
/// The status of a code for which the catalog has none.
const STATUS: u16 = 400;

fn reply(saying: &Saying<'_>, reply: Reply) -> Written {
    match reply {
        // WECHAT: nothing to say is 204, and that is signed too: over an empty body.
        Reply::Acknowledged | Reply::Nothing => signed(saying, Written::new(204), String::new()),
        Reply::Json(value) => {
            let written = Written::new(200).header("content-type", JSON);
            signed(saying, written, value.to_string())
        }
        // WECHAT: files are the one answer without a signature.
        Reply::File {
            content_type,
            content,
            ..
        } => Written::new(200)
            .header("content-type", content_type)
            .content(content),
        Reply::Redirect(to) => page::redirect(to),
        Reply::Page(html) => page::show(html),
    }
}

fn refusal(saying: &Saying<'_>, refuse: Refusal) -> Written {
    let found = refuse.diagnosis.as_ref();
    let found = found.and_then(|diagnosis| diagnosis.received.clone());
    let (code, said) = match refuse.code {
        Code::Word(code) => (code, None),
        Code::Number(_) => (PARAMETER, found),
    };
    let known = xinqiao_catalog::error(saying.product, code);
    let chinese = !{ saying.call.header("accept-language") }
        .is_some_and(|languages| languages.starts_with("en"));
    let meaning = || known.map(|known| known.meaning.get(chinese).to_owned());
    let message = refuse.text.or(said).or_else(meaning).unwrap_or_default();
    let status = known
        .map(|known| known.status)
        .filter(|status| *status != 0);
    let mut body = json!({"code": code, "message": message});
    for (name, value) in refuse.extra {
        body[name] = value;
    }
    let written = Written::new(status.unwrap_or(STATUS)).header("content-type", JSON);
    signed(saying, written, Value::to_string(&body))
}

/// Signs with the key that the call names, or by which the caller knows the platform. Whoever is not known gets the
/// certificate's.
fn signed(saying: &Saying<'_>, written: Written, body: String) -> Written {
    let named = saying.call.header("wechatpay-serial");
    let signer = { saying.merchant() }.map_or_else(Signer::certified, |known| known.signer(named));
    let trace = saying.trace.as_str();
    let nonce = merchant::nonce(trace);
    let proof = signer.headers(saying.wall_ms / 1000, &nonce, body.as_bytes());
    let written = written
        .header("cache-control", "no-cache, must-revalidate")
        .header("x-content-type-options", "nosniff")
        .header("request-id", trace)
        .body(body);
    proof.into_iter().fold(written, |written, (name, value)| {
        written.header(name, value)
    })
}
