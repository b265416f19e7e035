//! The second generation: signed parameters, and the `req_info` of refund notices.

use serde_json::{Value, json};
use xinqiao_client::pay_v2::Merchant;
use xinqiao_crypto::pay_v2;
use xinqiao_crypto::pay_v3::VerifyError;
use xinqiao_types::ApiV2Key;
use xinqiao_wire::xml::Document;

use super::{Sign, SignType};
use crate::crypt::Shown;
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::verdict::{self, fact};
use crate::{input, talk};

type Pairs = Vec<(String, String)>;

pub(super) fn sign(options: &Sign, lang: Lang) -> Outcome {
    let key = ApiV2Key::new(input::needed(
        options.keys.v2_key.as_deref(),
        "--v2-key",
        lang,
    )?);
    let text = input::text(options.input.as_deref(), lang)?;
    let pairs = parameters(&text, lang)?;
    let named = pairs.iter().find(|(name, _)| name == "sign_type");
    let how = match options.how {
        Some(SignType::Md5) => pay_v2::SignType::Md5,
        Some(SignType::HmacSha256) => pay_v2::SignType::HmacSha256,
        None => named
            .and_then(|(_, value)| pay_v2::SignType::parse(value))
            .unwrap_or_default(),
    };
    let signature = pay_v2::sign(borrowed(&pairs), &key, how);
    let facts = [
        fact("sign_type", "sign_type", "sign_type", how.as_str()),
        string_to_sign(&pairs),
    ];
    if options.shown.json {
        let mut out = serde_json::Map::new();
        out.insert("sign".into(), signature.into());
        out.extend(verdict::object(&facts));
        talk::data(Value::Object(out));
        return Ok(());
    }
    talk::data(signature);
    if options.shown.parts {
        verdict::print(&facts, lang);
    }
    Ok(())
}

pub(super) fn verify(bytes: &[u8], key: &str, shown: Shown, lang: Lang) -> Outcome {
    let key = ApiV2Key::new(input::value(key, lang)?);
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Fail::usage(lang.pick("输入不是 UTF-8 文本", "the input is not UTF-8")))?;
    let pairs = parameters(text, lang)?;
    let received = pairs.iter().find(|(name, _)| name == pay_v2::SIGN);
    let Some((_, received)) = received.filter(|(_, sign)| !sign.is_empty()) else {
        let error = VerifyError::Missing(pay_v2::SIGN);
        let facts = [fact("missing", "缺少", "missing", pay_v2::SIGN)];
        return verdict::failed(error.rule(), &facts, shown.json, lang);
    };
    let params: Vec<(&str, &str)> = borrowed(&pairs).collect();
    let proved = Merchant::new("", key.clone()).verify_notice(&params, received);
    let how = match received.len() {
        64 => pay_v2::SignType::HmacSha256,
        _ => pay_v2::SignType::Md5,
    };
    let string = string_to_sign(&pairs);
    match proved {
        Ok(_) => {
            let mut facts = vec![fact("sign_type", "sign_type", "sign_type", how.as_str())];
            if shown.parts || shown.json {
                facts.push(string);
            }
            let said = lang.pick("签名正确", "the signature is right");
            verdict::held(said, &facts, shown.json, lang);
            Ok(())
        }
        Err(VerifyError::Ambiguous { element }) => {
            let facts = [fact("element", "元素", "element", element), string];
            verdict::failed("pay.signature.ambiguous", &facts, shown.json, lang)
        }
        Err(error) => {
            let expected = pay_v2::sign(borrowed(&pairs), &key, how);
            let facts = [
                fact(
                    "received",
                    "收到的签名",
                    "signature received",
                    received.as_str(),
                ),
                fact("expected", "应有的签名", "signature expected", expected),
                fact("sign_type", "sign_type", "sign_type", how.as_str()),
                string,
            ];
            verdict::failed(error.rule(), &facts, shown.json, lang)
        }
    }
}

pub(super) fn decrypt(text: &str, key: &str, as_json: bool, lang: Lang) -> Outcome {
    let key = ApiV2Key::new(input::value(key, lang)?);
    let req_info = if text.starts_with('<') {
        let pairs = parameters(text, lang)?;
        let found = pairs.into_iter().find(|(name, _)| name == "req_info");
        let Some((_, req_info)) = found else {
            return Err(Fail::usage(lang.pick(
                "这段 XML 里没有 req_info：它不是退款通知；支付通知没有加密，用 pay verify 检查",
                "this XML has no req_info: it is no refund notice; a payment notice is not encrypted, `pay verify` checks it",
            )));
        };
        req_info
    } else {
        text.to_owned()
    };
    match pay_v2::decrypt_req_info(&req_info, &key) {
        Ok(plain) => {
            let text = String::from_utf8_lossy(&plain).into_owned();
            if as_json {
                let fields: serde_json::Map<String, Value> = parameters(&text, lang)?
                    .into_iter()
                    .map(|(name, value)| (name, value.into()))
                    .collect();
                talk::data(json!({"ok": true, "plain": text, "fields": fields}));
            } else {
                talk::data(text);
            }
            Ok(())
        }
        Err(error) => verdict::failed(error.rule(), &[], as_json, lang),
    }
}

fn borrowed(pairs: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

fn string_to_sign(pairs: &[(String, String)]) -> verdict::Fact {
    let text = format!("{}key={{key}}", pay_v2::string_to_sign(borrowed(pairs)));
    verdict::string_to_sign(text)
}

/// Parameters from XML, from a JSON object, or from `a=1&b=2`.
fn parameters(text: &str, lang: Lang) -> Result<Pairs, Fail> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('<') {
        let document = Document::parse(text.as_bytes()).map_err(|error| {
            Fail::usage(match lang {
                Lang::Zh => format!("输入不是可用的 XML（{}）", error.rule()),
                Lang::En => format!("the input is not acceptable XML: {error}"),
            })
        })?;
        return Ok(document
            .root()
            .children()
            .map(|child| (child.name().to_owned(), child.text().into_owned()))
            .collect());
    }
    if text.starts_with('{') {
        let object: serde_json::Map<String, Value> =
            serde_json::from_str(text).map_err(|error| {
                Fail::usage(match lang {
                    Lang::Zh => format!("输入不是 JSON 对象（第 {} 行）", error.line()),
                    Lang::En => format!("the input is no JSON object: {error}"),
                })
            })?;
        let written = |value: Value| match value {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        };
        return Ok(object
            .into_iter()
            .map(|(name, value)| (name, written(value)))
            .collect());
    }
    let mut pairs = Vec::new();
    for pair in text
        .split(['&', '\n'])
        .filter(|pair| !pair.trim().is_empty())
    {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            Fail::usage(lang.pick(
                "参数要写成 XML、JSON 对象，或 名字=值&名字=值",
                "parameters are XML, a JSON object, or name=value&name=value",
            ))
        })?;
        pairs.push((
            name.trim().to_owned(),
            value.trim_end_matches('\r').to_owned(),
        ));
    }
    Ok(pairs)
}
