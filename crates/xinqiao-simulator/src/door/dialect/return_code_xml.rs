//! XML in two levels, status 200 whatever happened: `return_code` says whether the call was understood, `result_code`
//! whether it was done. What was understood is signed with the merchant's shared key. A refusal without a word, or with a
//! number of the door's own, says that a call was not understood: only its text is on the wire.
//!
//! Source: doc pages "签名算法", "协议规则" of the payment interface's second generation.

use serde_json::{Map, Value};
use xinqiao_catalog::{Code, Content};
use xinqiao_crypto::pay_v2::{SIGN, SignType, sign};
use xinqiao_wire::xml::{Document, Writer};

use super::{Dialect, Refusal, Reply, Saying, Written, page};
use crate::accounts::merchant;

pub(crate) static DIALECT: Dialect = Dialect { reply, refusal };

const XML: &str = "text/plain";
const JSON: &str = "application/json; charset=utf-8";
/// Elements of the proof.
const PROOF: [&str; 2] = [SIGN, "sign_type"];
/// What an answer repeats of its call, where its schema has it.
const REPEATED: [&str; 5] = ["appid", "mch_id", "sub_appid", "sub_mch_id", "device_info"];

fn reply(saying: &Saying<'_>, reply: Reply) -> Written {
    let fields = match reply {
        Reply::Acknowledged | Reply::Nothing => Map::new(),
        Reply::Json(Value::Object(fields)) => fields,
        Reply::Json(_) => Map::new(),
        Reply::File {
            content_type,
            content,
            ..
        } => {
            return Written::new(200)
                .header("content-type", content_type)
                .content(content);
        }
        Reply::Redirect(to) => return page::redirect(to),
        Reply::Page(html) => return page::show(html),
    };
    if { saying.endpoint }.is_some_and(|endpoint| endpoint.answer == Content::Json) {
        return Written::new(200)
            .header("content-type", JSON)
            .body(Value::Object(fields).to_string());
    }
    let done = [("result_code", "SUCCESS".to_owned())];
    let (groups, single): (Map<_, _>, Map<_, _>) =
        { fields.into_iter() }.partition(|(_, value)| value.is_object() || value.is_array());
    let own = { single.into_iter() }.map(|(name, value)| {
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        (name, text)
    });
    understood(saying, done, own, &groups)
}

fn refusal(saying: &Saying<'_>, refuse: Refusal) -> Written {
    let found = refuse.diagnosis.as_ref();
    let found = found.and_then(|diagnosis| diagnosis.received.clone());
    let meaning = |code| {
        let known = xinqiao_catalog::error(saying.product, Code::Word(code));
        known.map(|known| known.meaning.get(true).to_owned())
    };
    match refuse.code {
        Code::Word(code) if !code.is_empty() => {
            let text = refuse.text.or_else(|| meaning(code)).unwrap_or_default();
            let failed = [
                ("result_code", "FAIL".to_owned()),
                ("err_code", code.to_owned()),
                ("err_code_des", text),
            ];
            understood(saying, failed, std::iter::empty(), &Map::new())
        }
        _ => {
            let text = refuse.text.or(found).unwrap_or_default();
            write(
                [("return_code", "FAIL"), ("return_msg", &text)],
                &Map::new(),
            )
        }
    }
}

/// An answer to a call that was understood, with its signature where its merchant is known.
fn understood<const N: usize>(
    saying: &Saying<'_>,
    outcome: [(&'static str, String); N],
    fields: impl Iterator<Item = (String, String)>,
    groups: &Map<String, Value>,
) -> Written {
    let call = Document::parse(&saying.call.body).ok();
    let of_call = |name: &str| {
        let text = call.as_ref()?.root().child_text(name)?;
        (!text.is_empty()).then(|| text.into_owned())
    };
    let mut all: Vec<(String, String)> = vec![
        ("return_code".to_owned(), "SUCCESS".to_owned()),
        ("return_msg".to_owned(), "OK".to_owned()),
    ];
    let known = |name: &str| {
        let endpoint = saying.endpoint;
        endpoint.is_none_or(|known| known.partial || known.response.field(name).is_some())
    };
    let repeated = { REPEATED.iter().filter(|name| known(name)) }
        .filter_map(|name| Some(((*name).to_owned(), of_call(name)?)));
    all.extend(repeated);
    all.push((
        "nonce_str".to_owned(),
        merchant::nonce(saying.trace.as_str()),
    ));
    all.extend(outcome.map(|(name, value)| (name.to_owned(), value)));
    // What stands there already, and the proof, is not what the endpoint says.
    let taken: Vec<String> = all.iter().map(|(name, _)| name.clone()).collect();
    all.extend(fields.filter(|(name, _)| !taken.contains(name) && !PROOF.contains(&&**name)));
    let how = { of_call("sign_type") }
        .and_then(|name| SignType::parse(&name))
        .unwrap_or_default();
    if let Some(merchant) = saying.merchant() {
        let pairs = all.iter().map(|(name, value)| (&**name, &**value));
        let signature = sign(pairs, &merchant.api_v2_key(), how);
        all.push((SIGN.to_owned(), signature));
    }
    write(all.iter().map(|(name, value)| (&**name, &**value)), groups)
}

fn write<'a>(
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    groups: &Map<String, Value>,
) -> Written {
    let mut xml = Writer::new();
    xml.open("xml");
    for (name, value) in fields {
        xml.cdata(name, value);
    }
    for (name, value) in groups {
        nested(&mut xml, name, value);
    }
    xml.close("xml");
    Written::new(200)
        .header("content-type", XML)
        .body(xml.finish())
}

/// Elements with elements in them, which are not signed; a list is its element, repeated.
fn nested(xml: &mut Writer, name: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            xml.open(name);
            for (name, value) in fields {
                nested(xml, name, value);
            }
            xml.close(name);
        }
        Value::Array(items) => {
            for item in items {
                nested(xml, name, item);
            }
        }
        Value::String(text) => {
            xml.cdata(name, text);
        }
        other => {
            xml.cdata(name, &other.to_string());
        }
    }
}
