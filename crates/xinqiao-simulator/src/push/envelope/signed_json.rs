//! JSON with a sealed resource, signed in its headers; 200 or 204 ends it, anything else is tried again for a day.
//!
//! What is ordered has the resource's text in the clear, as `resource.plaintext`.
//!
//! Source: doc pages "支付通知", "如何解密回调报文和平台证书".

use serde_json::{Value, json};
use xinqiao_crypto::pay_v3::ResourceKey;
use xinqiao_message::push::Judgement;

use super::{Answered, Envelope, PushKind, Sealed, Sealer};
use crate::{
    accounts::merchant::{self, MERCHANTS},
    kernel::World,
    push::order::PushOrder,
};

const ALGORITHM: &str = "AEAD_AES_256_GCM";
/// Characters of the nonce of a sealed resource.
const NONCE: usize = 12;

/// Seconds between one attempt and the next, as the catalog writes them in `notices.notice_retries`: a test compares.
pub(super) const PAUSES: &[i64] = &[
    15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600,
];
pub(super) const ATTEMPTS: u8 = 16;

pub(crate) static ENVELOPE: Envelope = Envelope {
    attempts: ATTEMPTS,
    pauses: PAUSES,
    signed: true,
    seal,
    judge,
};

fn seal(world: &World, order: &PushOrder) -> Result<Sealer, String> {
    let merchant = MERCHANTS
        .get(world, &*order.appid)
        .ok_or("the merchant is gone")?;
    let signer = merchant.signer(None);
    let key = ResourceKey::new(&merchant.api_v3_key()).map_err(|error| error.to_string())?;
    let mut notice: Value =
        serde_json::from_str(&order.plain).map_err(|error| error.to_string())?;
    let trace = format!("{}/{}", order.delivery, order.attempt);
    Ok(Sealer {
        mode: ALGORITHM.to_owned(),
        make: Box::new(move |now, nonce, random| {
            let resource = &mut notice["resource"];
            let plain = resource["plaintext"].take().to_string();
            let associated = resource["associated_data"].as_str().unwrap_or_default();
            let own: String = { random.iter().take(NONCE) }
                .map(|byte| char::from(*byte))
                .collect();
            let ciphertext = key
                .seal(&own, associated, plain.as_bytes())
                .map_err(|error| error.to_string())?;
            *resource = json!({
                "original_type": resource["original_type"],
                "algorithm": ALGORITHM,
                "ciphertext": ciphertext,
                "associated_data": associated,
                "nonce": own,
            });
            let body = notice.to_string();
            let nonce = merchant::nonce(&format!("{trace}/{nonce}"));
            let mut headers = signer.headers(now, &nonce, body.as_bytes());
            headers.push(("request-id", merchant::nonce(&trace)));
            Ok(Sealed {
                headers,
                body,
                content_type: "application/json",
                ..Sealed::default()
            })
        }),
    })
}

/// WECHAT: the body is not looked at: a status of 200 or 204 says that the notice was taken.
fn judge(_: &World, _: &PushKind, _: &PushOrder, answer: &Answered<'_>) -> Judgement {
    match answer.status {
        200 | 204 => Judgement::Silent,
        status => Judgement::Failed {
            rule: "reply.status",
            detail: format!("status {status} instead of 200 or 204"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_tried_again_as_the_catalog_says() {
        let limits = xinqiao_catalog::limits();
        let limit = limits.iter().find(|l| l.id == "notices.notice_retries");
        let limit = limit.unwrap();
        let written = limit.note.split('=').next().unwrap();
        let pauses: Vec<i64> = written
            .split_whitespace()
            .map(|pause| {
                let (number, unit) = pause.split_at(pause.len() - 1);
                let seconds = match unit {
                    "s" => 1,
                    "m" => 60,
                    "h" => 3600,
                    other => panic!("{other}"),
                };
                number.parse::<i64>().unwrap() * seconds
            })
            .collect();
        assert_eq!(pauses, PAUSES);
        assert_eq!(limit.value.parse::<u8>().unwrap() + 1, ATTEMPTS);
    }
}
