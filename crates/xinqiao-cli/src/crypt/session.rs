//! Data of mini programs: what is encrypted and signed with a user's `session_key`.

use serde_json::{Value, json};
use xinqiao_crypto::{Base64Fault, encode_base64, encrypted_data, session};

use super::{Decrypt, Encrypt, Sign, Verify};
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::verdict::{self, fact};
use crate::{input, talk};

pub(super) fn decrypt(options: &Decrypt, key: &str, lang: Lang) -> Outcome {
    let text = input::text(options.input.as_deref(), lang)?;
    let (data, iv) = match serde_json::from_str::<Value>(&text) {
        // As `wx.getUserInfo` and `getPhoneNumber` hand it over.
        Ok(Value::Object(given)) => {
            let get = |name: &str| given.get(name).and_then(Value::as_str).map(str::to_owned);
            (get("encryptedData").unwrap_or_default(), get("iv"))
        }
        _ => (text, None),
    };
    let iv = match (&options.iv, iv) {
        (Some(given), _) => input::value(given, lang)?,
        (None, Some(inside)) => inside,
        (None, None) => return Err(input::missing("--iv", lang)),
    };
    let plain = match encrypted_data::decrypt(key, &data, &iv) {
        Ok(plain) => plain,
        Err(error) => {
            let facts = match error {
                encrypted_data::EncryptedDataError::Base64 { field, .. } => {
                    vec![fact("field", "哪一个", "which one", field)]
                }
                encrypted_data::EncryptedDataError::Length { field, found } => vec![
                    fact("field", "哪一个", "which one", field),
                    fact("found", "字节", "bytes", found),
                ],
                _ => Vec::new(),
            };
            return verdict::failed(error.rule(), &facts, options.shown.json, lang);
        }
    };
    let text = String::from_utf8_lossy(&plain).into_owned();
    let json: Option<Value> = serde_json::from_str(&text).ok();
    let found = json
        .as_ref()
        .and_then(|json| json.pointer("/watermark/appid")?.as_str())
        .map(str::to_owned);
    let wanted = options.keys.receiver.as_deref();
    let wanted = wanted.map(|given| input::value(given, lang)).transpose()?;
    if let (Some(wanted), Some(found)) = (&wanted, &found)
        && wanted != found
    {
        let facts = [
            fact(
                "found",
                "watermark 里的 appid",
                "appid in the watermark",
                found.as_str(),
            ),
            fact("expected", "给出的 appid", "appid given", wanted.as_str()),
        ];
        return verdict::failed("session_data.appid", &facts, options.shown.json, lang);
    }
    if options.shown.json {
        talk::data(json!({
            "ok": true, "plain": json.map_or(Value::from(text), |json| json),
            "appid": found, "appid_checked": wanted.is_some(),
        }));
    } else {
        talk::data(text);
    }
    Ok(())
}

pub(super) fn encrypt(options: &Encrypt, key: &str, lang: Lang) -> Outcome {
    let plain = input::text(options.input.as_deref(), lang)?;
    let iv = match &options.iv {
        Some(given) => {
            let text = input::value(given, lang)?;
            let bytes = xinqiao_crypto::decode_base64(text.as_bytes());
            bytes
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(|| {
                    Fail::usage(lang.pick(
                        "--iv 要是 base64 写的 16 个字节",
                        "--iv takes 16 bytes in base64",
                    ))
                })?
        }
        None => super::random(),
    };
    let sealed = match encrypted_data::encrypt(key, plain.as_bytes(), &iv) {
        Ok(sealed) => sealed,
        Err(error) => return verdict::failed(error.rule(), &[], options.json, lang),
    };
    // Both are needed to read it, so both are data.
    talk::data(json!({"encryptedData": sealed, "iv": encode_base64(&iv)}));
    Ok(())
}

pub(super) fn sign(options: &Sign, key: &str, lang: Lang) -> Outcome {
    let raw = input::text(options.input.as_deref(), lang)?;
    let signature = signature(options.hmac, key, &raw);
    let string = string_to_sign(options.hmac, &raw);
    super::page::show(&signature, &[string], options.shown, lang);
    Ok(())
}

pub(super) fn verify(options: &Verify, key: &str, lang: Lang) -> Outcome {
    let raw = input::text(options.input.as_deref(), lang)?;
    let received = input::needed(options.signature.as_deref(), "--signature", lang)?;
    // A key that was damaged on its way explains more than a signature that differs.
    if let Some(fault) = Base64Fault::of(key.as_bytes()) {
        let facts = [fact("field", "哪一个", "which one", "session_key")];
        return verdict::failed(fault.rule(), &facts, options.shown.json, lang);
    }
    let expected = signature(options.hmac, key, &raw);
    let string = string_to_sign(options.hmac, &raw);
    let rule = "session_data.signature";
    super::page::compared(rule, &received, &expected, string, options.shown, lang)
}

fn signature(hmac: bool, key: &str, raw: &str) -> String {
    if hmac {
        session::hmac(key, raw.as_bytes()).to_string()
    } else {
        session::raw_data_signature(raw, key).to_string()
    }
}

fn string_to_sign(hmac: bool, raw: &str) -> verdict::Fact {
    let text = if hmac {
        raw.to_owned()
    } else {
        format!("{raw}{{session_key}}")
    };
    verdict::string_to_sign(text)
}
