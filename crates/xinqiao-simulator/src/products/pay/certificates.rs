//! The platform's certificates, sealed with the merchant's APIv3 key.
//!
//! WECHAT: a merchant in public-key mode has none: 404.
//!
//! Source: doc page "下载平台证书".

use serde_json::json;
use xinqiao_catalog::{code::pay_v3 as code, id::pay_v3 as v3};
use xinqiao_crypto::pay_v3::{Certificate, ResourceKey};
use xinqiao_types::shanghai;

use super::signature;
use crate::{
    accounts::merchant::{KeyMode, keys},
    door::{Asked, Refusal, Reply, Verdict, modelled},
    kernel::Turn,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.certificates",
    behaviours: &[modelled(
        v3::base::GET_CERTIFICATES,
        "certificates_open_with_the_apiv3_key_and_verify_their_own_answer",
        get,
    )],
    ..Feature::EMPTY
};

const ALGORITHM: &str = "AEAD_AES_256_GCM";
const ASSOCIATED: &str = "certificate";

/// `certificates`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    if asked.given("algorithm_type") == Some("SM2") {
        let text = "no SM2 certificates are simulated";
        return Err(Refusal::text(code::RESOURCE_NOT_EXISTS, text));
    }
    let nonce = turn.world.next("pay.certificate_nonce").word(12);
    let merchant = signature::caller(turn.world, asked)?;
    if merchant.key_mode == KeyMode::PublicKey {
        let text = "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥";
        return Err(Refusal::text(code::RESOURCE_NOT_EXISTS, text));
    }
    let platform = keys::platform();
    let sealed = ResourceKey::new(&merchant.api_v3_key())
        .ok()
        .and_then(|key| { key.seal(&nonce, ASSOCIATED, platform.pem().as_bytes()) }.ok());
    let own = Certificate::from_pem(platform.pem()).ok();
    let (Some(ciphertext), Some(own)) = (sealed, own) else {
        return Err(Refusal::code(code::SYSTEM_ERROR));
    };
    Ok(Reply::Json(json!({"data": [{
        "serial_no": own.serial(),
        "effective_time": shanghai::rfc3339(own.not_before()),
        "expire_time": shanghai::rfc3339(own.not_after()),
        "encrypt_certificate": {
            "algorithm": ALGORITHM,
            "nonce": nonce,
            "associated_data": ASSOCIATED,
            "ciphertext": ciphertext,
        },
    }]})))
}
