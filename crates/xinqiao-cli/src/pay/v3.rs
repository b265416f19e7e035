//! The third generation: requests, answers, notices, resources and sensitive fields.

use serde_json::{Value, json};
use xinqiao_crypto::pay_v3::{
    self, Certificate, KeyError, KeyRing, PrivateKey, PublicKey, Request, ResourceKey, SCHEME_RSA,
    Signed, VerifyError,
};
use xinqiao_types::{ApiV3Key, Clock as _, SystemClock, UnixSeconds};

use super::{Sign, Verify};
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::verdict::{self, fact};
use crate::{crypt, input, talk};

fn unusable(error: KeyError, option: &str, as_json: bool, lang: Lang) -> Fail {
    let facts = [fact("option", "选项", "option", option)];
    match verdict::failed(error.rule(), &facts, as_json, lang) {
        Err(fail) => fail,
        Ok(()) => Fail::silent(1),
    }
}

fn private_key(options: &Sign, lang: Lang) -> Result<PrivateKey, Fail> {
    let option = "--private-key";
    let text = input::needed(options.keys.private_key.as_deref(), option, lang)?;
    PrivateKey::from_pem(&text).map_err(|error| unusable(error, option, options.shown.json, lang))
}

pub(super) fn sign_request(options: &Sign, lang: Lang) -> Outcome {
    let key = private_key(options, lang)?;
    let mchid = input::needed(options.mchid.as_deref(), "--mchid", lang)?;
    let serial = match (&options.serial, &options.certificate) {
        (_, Some(given)) => {
            let text = input::value(given, lang)?;
            let certificate = Certificate::from_pem(&text)
                .map_err(|error| unusable(error, "--certificate", options.shown.json, lang))?;
            certificate.serial().to_owned()
        }
        (Some(serial), None) => input::value(serial, lang)?,
        (None, None) => {
            let either = lang.pick("--serial 或 --certificate", "--serial or --certificate");
            return Err(input::missing(either, lang));
        }
    };
    let method = options.method.to_ascii_uppercase();
    let body = match &options.input {
        None if matches!(method.as_str(), "GET" | "DELETE") => Vec::new(),
        given => input::bytes(given.as_deref(), lang)?,
    };
    let url = options.url.as_deref().unwrap_or_default();
    let nonce = crypt::nonce(options.nonce.as_deref());
    let request = Request {
        method: &method,
        target: target(url),
        timestamp: crypt::time(options.timestamp),
        nonce: &nonce,
        body: &body,
    };
    let message = request.message();
    let signature = key.sign(&message);
    let value = request.authorization(SCHEME_RSA, &mchid, &serial, &signature);
    shown("authorization", &value, &message, options, lang);
    Ok(())
}

pub(super) fn sign_invoke(options: &Sign, lang: Lang) -> Outcome {
    let key = private_key(options, lang)?;
    let (appid, package) = (
        options.appid.as_deref().unwrap_or_default(),
        options.package.as_deref().unwrap_or_default(),
    );
    let timestamp = crypt::time(options.timestamp).to_string();
    let nonce = crypt::nonce(options.nonce.as_deref());
    let message = pay_v3::invoke_message(appid, &timestamp, &nonce, package);
    let signature = key.sign(&message);
    if options.shown.json {
        talk::data(json!({
            "appId": appid, "timeStamp": timestamp, "nonceStr": nonce, "package": package,
            "signType": "RSA", "paySign": signature,
            "string_to_sign": String::from_utf8_lossy(&message),
        }));
        return Ok(());
    }
    for (name, value) in [
        ("timeStamp", timestamp.as_str()),
        ("nonceStr", &nonce),
        ("package", package),
        ("signType", "RSA"),
        ("paySign", &signature),
    ] {
        talk::data(format_args!("{name}={value}"));
    }
    if options.shown.parts {
        verdict::print(&[string_to_sign(&message)], lang);
    }
    Ok(())
}

fn shown(name: &str, value: &str, message: &[u8], options: &Sign, lang: Lang) {
    if options.shown.json {
        talk::data(json!({
            name: value, "string_to_sign": String::from_utf8_lossy(message),
        }));
        return;
    }
    talk::data(value);
    if options.shown.parts {
        verdict::print(&[string_to_sign(message)], lang);
    }
}

/// The lines that were signed; line feeds are part of it and shown as such.
fn string_to_sign(message: &[u8]) -> verdict::Fact {
    verdict::string_to_sign(String::from_utf8_lossy(message))
}

/// Path and query of an address.
fn target(url: &str) -> &str {
    let bare = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => url,
    };
    bare.split_once('#').map_or(bare, |(target, _)| target)
}

pub(super) fn verify(options: &Verify, bytes: Vec<u8>, lang: Lang) -> Outcome {
    let as_json = options.shown.json;
    let mut ring = KeyRing::new();
    for given in &options.certificate {
        let text = input::value(given, lang)?;
        let certificate = Certificate::from_pem(&text)
            .map_err(|error| unusable(error, "--certificate", as_json, lang))?;
        ring.add_certificate(&certificate);
    }
    if let (Some(given), Some(id)) = (&options.public_key, &options.public_key_id) {
        let text = input::value(given, lang)?;
        let key = PublicKey::from_pem(&text)
            .map_err(|error| unusable(error, "--public-key", as_json, lang))?;
        ring.add_public_key(id.as_str(), key);
    }
    let (mut headers, body) = parted(bytes);
    if let Some(given) = &options.headers {
        headers.extend(lines(&input::value(given, lang)?));
    }
    headers.extend(options.header.iter().cloned());
    let get = |name: &str| {
        headers
            .iter()
            .rev()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value.as_str())
    };
    let signed = Signed {
        timestamp: get("Wechatpay-Timestamp"),
        nonce: get("Wechatpay-Nonce"),
        signature: get("Wechatpay-Signature"),
        serial: get("Wechatpay-Serial"),
        scheme: get("Wechatpay-Signature-Type"),
    };
    let now = SystemClock.unix();
    let made = signed.timestamp.parse().map_or(now, UnixSeconds);
    let proved = ring.verify(&signed, &body, if options.fresh { now } else { made });
    let message = pay_v3::answer_message(signed.timestamp, signed.nonce, &body);
    let mut facts = vec![
        fact(
            "serial",
            "Wechatpay-Serial",
            "Wechatpay-Serial",
            signed.serial,
        ),
        fact("age_seconds", "距今秒数", "seconds ago", now.since(made)),
    ];
    match proved {
        Ok(_) => {
            if options.shown.parts || as_json {
                facts.push(string_to_sign(&message));
            }
            let said = lang.pick("签名正确", "the signature is right");
            verdict::held(said, &facts, as_json, lang);
            Ok(())
        }
        Err(error) => {
            match &error {
                VerifyError::Missing(name) => {
                    facts = vec![fact("missing", "缺少", "missing", *name)];
                }
                VerifyError::UnknownKey { .. } => {
                    let known: Vec<&str> = ring.names().collect();
                    facts.push(fact("known", "给出的密钥", "keys given", known.join(", ")));
                }
                VerifyError::Mismatch => facts.push(string_to_sign(&message)),
                _ => {}
            }
            verdict::failed(error.rule(), &facts, as_json, lang)
        }
    }
}

/// Head and body of what `curl -i` printed; the whole is the body where there is no head.
fn parted(bytes: Vec<u8>) -> (Vec<(String, String)>, Vec<u8>) {
    let is_head = bytes.starts_with(b"HTTP/") || bytes.starts_with(b"POST ");
    if !is_head {
        return (Vec::new(), bytes);
    }
    let ends = [&b"\r\n\r\n"[..], b"\n\n"].into_iter().filter_map(|end| {
        let at = bytes.windows(end.len()).position(|window| window == end)?;
        Some((at, at + end.len()))
    });
    match ends.min() {
        Some((end, begin)) => (
            lines(&String::from_utf8_lossy(&bytes[..end])),
            bytes[begin..].to_vec(),
        ),
        None => (lines(&String::from_utf8_lossy(&bytes)), Vec::new()),
    }
}

fn lines(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

pub(super) fn decrypt(text: &str, key: &str, as_json: bool, lang: Lang) -> Outcome {
    let key = ApiV3Key::new(input::value(key, lang)?);
    let key = ResourceKey::new(&key).map_err(|error| unusable(error, "--v3-key", as_json, lang))?;
    let whole: Value = serde_json::from_str(text).map_err(|error| {
        Fail::usage(match lang {
            Lang::Zh => format!("输入不是 JSON（第 {} 行）", error.line()),
            Lang::En => format!("the input is not JSON: {error}"),
        })
    })?;
    let resources = resources(&whole);
    if resources.is_empty() {
        return Err(Fail::usage(lang.pick(
            "这段 JSON 里没有 resource：它不是 APIv3 的通知，也不是平台证书的应答",
            "this JSON has no resource: it is neither a notice of APIv3 nor an answer with certificates",
        )));
    }
    for resource in resources {
        let get = |name: &str| {
            resource
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let algorithm = match get("algorithm") {
            "" => "AEAD_AES_256_GCM",
            named => named,
        };
        let opened = key.open(
            algorithm,
            get("nonce"),
            get("associated_data"),
            get("ciphertext"),
        );
        let plain = match opened {
            Ok(plain) => String::from_utf8_lossy(&plain).into_owned(),
            Err(error) => {
                let facts = [
                    fact("algorithm", "algorithm", "algorithm", algorithm),
                    fact("nonce", "nonce", "nonce", get("nonce")),
                    fact(
                        "associated_data",
                        "associated_data",
                        "associated_data",
                        get("associated_data"),
                    ),
                ];
                return verdict::failed(error.rule(), &facts, as_json, lang);
            }
        };
        if as_json {
            let plain = serde_json::from_str(&plain).unwrap_or(Value::String(plain));
            talk::data(json!({"ok": true, "plain": plain}));
        } else {
            talk::data(plain.trim_end());
        }
    }
    Ok(())
}

/// The sealed objects of a notice, of an answer with certificates, or the one itself.
fn resources(whole: &Value) -> Vec<&Value> {
    if whole.get("ciphertext").is_some() {
        return vec![whole];
    }
    if let Some(resource) = whole.get("resource") {
        return vec![resource];
    }
    let certificates = whole.get("data").and_then(Value::as_array);
    let certificates = certificates.into_iter().flatten();
    certificates
        .filter_map(|one| one.get("encrypt_certificate"))
        .collect()
}

pub(super) fn decrypt_field(text: &str, key: &str, as_json: bool, lang: Lang) -> Outcome {
    let key = input::value(key, lang)?;
    let key = PrivateKey::from_pem(&key)
        .map_err(|error| unusable(error, "--private-key", as_json, lang))?;
    match key.decrypt(text) {
        Ok(plain) if as_json => {
            talk::data(json!({"ok": true, "plain": plain}));
            Ok(())
        }
        Ok(plain) => {
            talk::data(plain);
            Ok(())
        }
        Err(error) => verdict::failed(error.rule(), &[], as_json, lang),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_signed_by_its_path_and_query() {
        assert_eq!(
            target("https://api.mch.weixin.qq.com/v3/a?b=%20"),
            "/v3/a?b=%20"
        );
        assert_eq!(target("/v3/certificates"), "/v3/certificates");
        assert_eq!(target("https://api.mch.weixin.qq.com"), "/");
    }

    #[test]
    fn a_head_is_taken_off_a_body_that_is_left_alone() {
        let (headers, body) = parted(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n{\r\n\r\n}\n".to_vec());
        assert_eq!(headers, [("A".to_owned(), "b".to_owned())]);
        assert_eq!(body, b"{\r\n\r\n}\n");
        assert_eq!(parted(b"{\"a\": 1}".to_vec()).1, b"{\"a\": 1}");
    }
}
