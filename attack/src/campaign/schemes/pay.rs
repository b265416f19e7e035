//! Notices of the payment interface.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use xinqiao_client::{Client, pay_v2};
use xinqiao_crypto::{
    pay_v2::{SignType, sign},
    pay_v3::{PrivateKey, ResourceKey, SCHEME_RSA, SCHEME_SM2, SmPrivateKey, answer_message},
};
use xinqiao_pay_v2::notify as notify_v2;
use xinqiao_pay_v3::notify as notify_v3;
use xinqiao_types::ApiV3Key;
use xinqiao_wire::xml::Document;

use super::{NOW, Sent, params, words};
use crate::{
    campaign::Verdict,
    chance::Chance,
    merchant::{now, shop_at, vector},
};

static V2: LazyLock<pay_v2::Merchant> =
    LazyLock::new(|| pay_v2::Merchant::new("1900000109", vector("constants", "api_v2_key")));

pub(super) fn v2(chance: &mut Chance) -> Sent {
    let number = (chance.draw() >> 20).to_string();
    let (attach, nonce) = (words(chance), format!("{:032X}", chance.draw()));
    let fee = chance.below(100_000).to_string();
    let mut fields = vec![
        ("appid", "wxd678efh567hg6787"),
        ("attach", attach.as_str()),
        ("bank_type", "OTHERS"),
        ("cash_fee", &fee),
        ("fee_type", "CNY"),
        ("is_subscribe", "N"),
        ("mch_id", "1900000109"),
        ("nonce_str", &nonce),
        ("openid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"),
        ("out_trade_no", &number),
        ("result_code", "SUCCESS"),
        ("return_code", "SUCCESS"),
        ("time_end", "20260201080101"),
        ("total_fee", &fee),
        ("trade_type", "JSAPI"),
        ("transaction_id", "4200002026020112345678901234"),
    ];
    fields.retain(|(_, value)| !value.contains("]]>"));
    let made = sign(fields.iter().copied(), V2.key(), SignType::Md5);
    fields.push(("sign", &made));
    let mut body = String::from("<xml>");
    for (name, value) in fields {
        for part in ["<", name, "><![CDATA[", value, "]]></", name, ">"] {
            body.push_str(part);
        }
    }
    Sent {
        params: Vec::new(),
        body: (body + "</xml>").into_bytes(),
    }
}

/// The elements that the signature covers. Their order says nothing.
pub(super) fn judge_v2(sent: &Sent) -> Verdict {
    let notice = notify_v2::payment(&V2, &sent.body).map_err(|error| kind(&error))?;
    let document = Document::parse(&notice.xml).map_err(|error| kind(&error))?;
    let fields = document.root().children();
    let mut covered: Vec<_> = fields
        .map(|field| (field.name().to_owned(), field.text().as_bytes().to_vec()))
        .filter(|(name, value)| name != "sign" && !value.is_empty())
        .collect();
    covered.sort();
    Ok(covered)
}

/// The first words of an error's debug form: the variants.
fn kind(error: &dyn std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    let end = text.find([' ', '{', '"', ')']).unwrap_or(text.len());
    text[..end].trim_end_matches('(').replace('(', ".")
}

struct Platform {
    client: Client,
    certificate: PrivateKey,
    public: PrivateKey,
    sm: SmPrivateKey,
    resource: ResourceKey,
}

static V3: LazyLock<Platform> = LazyLock::new(|| {
    let rsa = |name| PrivateKey::from_pem(vector("keys", name)).expect("a key");
    let sm = SmPrivateKey::from_pem(vector("keys", "platform_sm2_private_key"));
    Platform {
        client: shop_at(NOW),
        certificate: rsa("platform_rsa_private_key"),
        public: rsa("wechatpay_public_key_mode_private_key"),
        sm: sm.expect("a key"),
        resource: ResourceKey::new(&ApiV3Key::new(vector("constants", "api_v3_key")))
            .expect("32 bytes"),
    }
});

fn notice(chance: &mut Chance) -> String {
    let platform = &*V3;
    let resource = json!({
        "mchid": "1900000109", "appid": "wxd678efh567hg6787", "out_trade_no": (chance.draw() >> 20).to_string(),
        "trade_state": "SUCCESS", "attach": words(chance), "amount": {"total": chance.below(100_000), "currency": "CNY"},
    });
    let nonce = format!("{:012x}", chance.draw() >> 16);
    let sealed = platform
        .resource
        .seal(&nonce, "transaction", resource.to_string().as_bytes());
    json!({
        "id": format!("EV-{}", chance.draw()), "create_time": "2026-02-01T08:01:01+08:00",
        "resource_type": "encrypt-resource", "event_type": "TRANSACTION.SUCCESS", "summary": "支付成功",
        "resource": {
            "original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "associated_data": "transaction",
            "nonce": nonce, "ciphertext": sealed.expect("a nonce of 12 bytes"),
        },
    })
    .to_string()
}

fn signed(
    body: String,
    serial: &str,
    scheme: &str,
    sign: impl Fn(&[u8]) -> String,
    chance: &mut Chance,
) -> Sent {
    let (time, nonce) = (
        (NOW - chance.below(60) as i64).to_string(),
        format!("{:032x}", chance.draw()),
    );
    let signature = sign(&answer_message(&time, &nonce, body.as_bytes()));
    let headers = [
        ("Wechatpay-Timestamp", &*time),
        ("Wechatpay-Nonce", &nonce),
        ("Wechatpay-Serial", serial),
        ("Wechatpay-Signature", &signature),
        ("Wechatpay-Signature-Type", scheme),
        ("Request-ID", "08F9D7C8CC0610A40118-0"),
    ];
    Sent {
        params: params(&headers),
        body: body.into_bytes(),
    }
}

pub(super) fn v3(chance: &mut Chance) -> Sent {
    let body = notice(chance);
    let (platform, by_certificate) = (&*V3, chance.once_in(2));
    let (key, serial) = if by_certificate {
        (&platform.certificate, "platform_serial_no")
    } else {
        (&platform.public, "wechatpay_public_key_id")
    };
    signed(
        body,
        vector("constants", serial),
        SCHEME_RSA,
        |message| key.sign(message),
        chance,
    )
}

pub(super) fn v3_sm2(chance: &mut Chance) -> Sent {
    let body = notice(chance);
    signed(
        body,
        crate::merchant::SM_SERIAL,
        SCHEME_SM2,
        |message| V3.sm.sign(message),
        chance,
    )
}

/// Time, nonce and body are signed; the body holds the rest.
pub(super) fn judge_v3(sent: &Sent) -> Verdict {
    let mut headers = HeaderMap::new();
    for (name, value) in &sent.params {
        let name = HeaderName::from_bytes(name).map_err(|_| "no HTTP".to_owned())?;
        let value = HeaderValue::from_bytes(value).map_err(|_| "no HTTP".to_owned())?;
        headers.append(name, value);
    }
    let notice =
        now(notify_v3::open(&V3.client, &headers, &sent.body)).map_err(|error| kind(&error))?;
    let signed = xinqiao_client::pay_v3::signed_headers(&headers);
    let text = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let resource: Value = notice.json();
    Ok(vec![
        text("time", signed.timestamp),
        text("nonce", signed.nonce),
        text("id", &notice.id),
        text("event_type", &notice.event_type),
        text("create_time", &notice.create_time),
        ("resource".to_owned(), notice.resource.clone()),
        text("amount", &resource["amount"]["total"].to_string()),
        ("body".to_owned(), sent.body.clone()),
    ])
}
