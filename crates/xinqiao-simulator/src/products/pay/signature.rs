//! How a merchant proves who it is.
//!
//! With the interface's third generation it signs method, path, time and body with its private key and names the
//! serial number of its certificate; with the second it signs the elements of its XML with a shared key.
//!
//! Source: doc pages "如何生成请求签名", "签名算法".

use std::collections::BTreeMap;

use serde_json::json;
use xinqiao_catalog::{AuthKind, Product, code, surface::Credential};
use xinqiao_crypto::{
    pay_v2::{self, SIGN, SignType},
    pay_v3::{Request as Signed, SCHEME_RSA, WINDOW},
};
use xinqiao_wire::xml::Document;

use super::client_certificate;
use crate::{
    accounts::{
        merchant::{MERCHANTS, Merchant},
        rules::{self, Rule},
    },
    door::{
        Asked, Refusal,
        credential::{Asking, Caller, Finder, Proof},
        dialect::{return_code_xml, signed_json},
    },
    kernel::{Id, Turn, World},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.signature",
    finders: &[
        Finder {
            proof: Proof::Auth(AuthKind::Merchant),
            products: &[Product::PayV3],
            claimed: claimed_by_header,
            find: by_header,
        },
        Finder {
            proof: Proof::Auth(AuthKind::Merchant),
            products: &[Product::PayV2],
            claimed: |_, _| None,
            find: by_element,
        },
    ],
    dialects: &[
        (&[Product::PayV3], &signed_json::DIALECT),
        (&[Product::PayV2], &return_code_xml::DIALECT),
    ],
    rules: &[&WRONG_SERIAL],
    ..Feature::EMPTY
};

/// The merchant that makes a call.
pub(super) fn caller<'w>(world: &'w World, asked: &Asked) -> Result<&'w Merchant, Refusal> {
    match &asked.caller {
        Caller::Merchant { mchid, .. } => MERCHANTS.get(world, &**mchid),
        _ => None,
    }
    .ok_or_else(|| Refusal::code(code::pay_v3::MCH_NOT_EXISTS))
}

fn claimed_by_header(world: &World, credential: &Credential) -> Option<Caller> {
    let Credential::Signature {
        mchid: Some(mchid),
        serial,
        ..
    } = credential
    else {
        return None;
    };
    let (mchid, _) = MERCHANTS.entry(world, mchid.as_str())?;
    Some(Caller::Merchant {
        mchid: mchid.clone(),
        serial: serial.as_deref().unwrap_or_default().into(),
    })
}

/// What stands in the header `Authorization`.
fn authorization(text: &str) -> BTreeMap<&str, &str> {
    let (_, pairs) = text.trim().split_once(' ').unwrap_or_default();
    { pairs.split(',') }
        .filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            Some((name, value.trim_matches('"')))
        })
        .collect()
}

/// What is said where merchant, certificate and private key are not of one piece.
const WRONG_SERIAL_TEXT: &str = "商户证书序列号有误。请使用签名私钥匹配的证书序列号";

/// The code for a serial number that is not the merchant's.
static WRONG_SERIAL: Rule = Rule {
    name: "pay.wrong_serial",
    default: rules::Preset::Word(
        code::pay_v3::SIGN_ERROR,
        &[code::pay_v3::SIGN_ERROR, code::pay_v3::SYSTEM_ERROR],
    ),
    about: (
        "证书序列号不是该商户的：SIGN_ERROR（401）或 SYSTEM_ERROR（500），设在商户上",
        "a certificate serial that is not the merchant's: SIGN_ERROR (401) or SYSTEM_ERROR (500); set on the merchant",
    ),
    source: "page 4012072670: every refused signature is 401 SIGN_ERROR, told apart by its text; some merchants saw 500",
};

/// A refused signature, with what the platform says about the field that is wrong.
fn sign_error(field: &str, issue: &str, text: &str) -> Refusal {
    let mut refuse = Refusal::text(code::pay_v3::SIGN_ERROR, text);
    let detail = json!({
        "detail": {"issue": issue},
        "field": field,
        "location": "authorization",
    });
    refuse.extra.push(("detail", detail));
    refuse
}

/// mchid → serial → time → signature, each with the platform's words.
fn by_header(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refusal> {
    let call = asking.call;
    let header = call.header("authorization").unwrap_or_default();
    let fields = authorization(header);
    let field = |name: &str| fields.get(name).copied().unwrap_or_default();
    let names = ["mchid", "nonce_str", "timestamp", "serial_no", "signature"];
    if let Some(missing) = names.into_iter().find(|name| field(name).is_empty()) {
        let text = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》";
        let received = (!header.is_empty()).then(|| format!("no {missing}"));
        return Err(sign_error(missing, "invalid authorization", text).because(
            "pay.signature.missing",
            received,
            None,
        ));
    }
    if !header.trim_start().starts_with(SCHEME_RSA) {
        let text = "Http头Authorization认证类型不正确";
        return Err(sign_error("authorization", "unknown type", text).because(
            "pay.signature.scheme",
            header.split(' ').next().map(str::to_owned),
            Some(SCHEME_RSA.to_owned()),
        ));
    }
    let Some((mchid, merchant)) = MERCHANTS.entry(turn.world, field("mchid")) else {
        return Err(
            sign_error("mchid", "unknown mchid", WRONG_SERIAL_TEXT).because(
                "pay.signature.unknown_key",
                Some(field("mchid").to_owned()),
                None,
            ),
        );
    };
    let caller = Caller::Merchant {
        mchid: mchid.clone(),
        serial: merchant.serial.clone(),
    };
    *whose = Some(caller.clone());
    if !field("serial_no").eq_ignore_ascii_case(&merchant.serial) {
        let refuse = match WRONG_SERIAL.word(Some(&merchant.rules)) {
            code::pay_v3::SYSTEM_ERROR => Refusal::code(code::pay_v3::SYSTEM_ERROR),
            _ => sign_error("serial_no", "serial_no not match", WRONG_SERIAL_TEXT),
        };
        return Err(refuse.because(
            "pay.signature.unknown_key",
            Some(field("serial_no").to_owned()),
            Some(merchant.serial.to_string()),
        ));
    }
    let timestamp: Option<i64> = field("timestamp").parse().ok();
    let now = turn.wall_ms / 1000;
    let fresh = timestamp.filter(|signed| now.abs_diff(*signed) < WINDOW.unsigned_abs());
    let Some(timestamp) = fresh else {
        let text = "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟";
        return Err(sign_error("timestamp", "timestamp expired", text).because(
            "pay.signature.window",
            Some(field("timestamp").to_owned()),
            Some(now.to_string()),
        ));
    };
    let target = match call.query.as_str() {
        "" => call.path.clone(),
        query => format!("{}?{query}", call.path),
    };
    let signed = Signed {
        method: call.method.as_str(),
        target: &target,
        timestamp,
        nonce: field("nonce_str"),
        body: signed_body(call),
    };
    let message = signed.message();
    let genuine = merchant
        .public_key()
        .is_some_and(|key| key.verify(&message, field("signature")).is_ok());
    if !genuine {
        let mut refuse = sign_error("signature", "sign not match", "错误的签名，验签失败");
        let text = String::from_utf8_lossy(&message);
        let first: String = text.chars().take(SIGNED_SHOWN).collect();
        if let Some((_, detail)) = refuse.extra.first_mut() {
            detail["sign_information"] = json!({
                "method": call.method.as_str(),
                "sign_message_length": message.len(),
                "truncated_sign_message": first,
                "url": target,
            });
        }
        let signature = Some(field("signature").to_owned());
        return Err(refuse.because("pay.signature.mismatch", signature, Some(text.into_owned())));
    }
    // WECHAT: without these two headers nothing is answered, however good the signature.
    let polite = |name| call.header(name).is_some_and(|value| !value.is_empty());
    if !polite("accept") || !polite("user-agent") {
        let text = "Http头缺少Accept或User-Agent";
        return Err(Refusal::text(code::pay_v3::PARAM_ERROR, text));
    }
    Ok(caller)
}

/// Most characters of a signed message that a refusal repeats.
const SIGNED_SHOWN: usize = 200;

/// The bytes that a signature covers.
///
/// WECHAT: of an upload only the part `meta` is signed.
fn signed_body(call: &crate::door::call::PlatformCall) -> &[u8] {
    let multipart =
        { call.header("content-type") }.is_some_and(|kind| kind.starts_with("multipart/form-data"));
    if !multipart {
        return &call.body;
    }
    let find = |bytes: &[u8], needle: &[u8]| {
        bytes
            .windows(needle.len())
            .position(|window| window == needle)
    };
    let inside = || -> Option<&[u8]> {
        let at = find(&call.body, b"name=\"meta\"")?;
        let rest = &call.body[at..];
        let rest = &rest[find(rest, b"\r\n\r\n")? + 4..];
        Some(&rest[..find(rest, b"\r\n--")?])
    };
    inside().unwrap_or_default()
}

/// What is said where a call is not understood: a text without a code.
pub(super) fn not_understood(text: &str) -> Refusal {
    Refusal::text("", text)
}

fn by_element(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refusal> {
    client_certificate::in_front(turn.world, asking)?;
    let Ok(document) = Document::parse(&asking.call.body) else {
        return Err(not_understood("XML格式错误").because("call.xml", None, None));
    };
    let fields: Vec<(&str, String)> = { document.root().children() }
        .map(|element| (element.name(), element.text().into_owned()))
        .collect();
    let field = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    // WECHAT: only where a person's wallet is paid, it is spelled `mchid`.
    let named = match field("mch_id") {
        "" => field("mchid"),
        named => named,
    };
    let Some((mchid, merchant)) = MERCHANTS.entry(turn.world, named) else {
        let received = Some(named.to_owned());
        return Err(not_understood("商户号mch_id与appid不匹配").because(
            "pay.signature.unknown_key",
            received,
            None,
        ));
    };
    let caller = Caller::Merchant {
        mchid: mchid.clone(),
        serial: Id::from(""),
    };
    *whose = Some(caller.clone());
    client_certificate::behind(asking, merchant)?;
    // WECHAT: `sign_type` is part of what is signed where it is sent; without it a signature is an MD5.
    let how = match field("sign_type") {
        "" => Some(SignType::Md5),
        named => SignType::parse(named),
    };
    let Some(how) = how else {
        return Err(not_understood("签名类型sign_type不正确").because(
            "pay.signature.scheme",
            Some(field("sign_type").to_owned()),
            None,
        ));
    };
    let pairs = || { fields.iter() }.map(|(name, value)| (*name, value.as_str()));
    if pay_v2::verify(pairs(), &merchant.api_v2_key(), how, field(SIGN)).is_err() {
        let signed = pay_v2::string_to_sign(pairs()) + "key=…";
        return Err(not_understood("签名错误").because(
            "pay.signature.mismatch",
            Some(field(SIGN).to_owned()),
            Some(signed),
        ));
    }
    Ok(caller)
}
