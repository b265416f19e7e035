//! XML signed among its elements with a shared key; `SUCCESS` in an answer's `return_code` ends it, anything else is tried
//! again for a day.
//!
//! What is ordered is a JSON object of texts: the elements, without nonce and signature.
//!
//! Source: doc page "支付结果通知" of the payment interface's second generation.

use serde_json::{Map, Value};
use xinqiao_crypto::pay_v2::{SIGN, SignType, sign};
use xinqiao_message::push::Judgement;
use xinqiao_wire::xml::{Document, Writer};

use super::{Answered, Envelope, PushKind, Sealed, Sealer, signed_json};
use crate::{
    accounts::merchant::{self, MERCHANTS},
    kernel::World,
    push::order::PushOrder,
};

/// What an answer's `return_code` must be.
const TAKEN: &str = "SUCCESS";

pub(crate) static ENVELOPE: Envelope = Envelope {
    attempts: signed_json::ATTEMPTS,
    pauses: signed_json::PAUSES,
    signed: true,
    seal,
    judge,
};

fn seal(world: &World, order: &PushOrder) -> Result<Sealer, String> {
    let merchant = MERCHANTS
        .get(world, &*order.appid)
        .ok_or("the merchant is gone")?;
    let key = merchant.api_v2_key();
    let elements: Map<String, Value> =
        serde_json::from_str(&order.plain).map_err(|error| error.to_string())?;
    let how = { elements.get("sign_type") }
        .and_then(Value::as_str)
        .and_then(SignType::parse)
        .unwrap_or_default();
    let delivery = order.delivery;
    Ok(Sealer {
        mode: how.as_str().to_owned(),
        make: Box::new(move |_, nonce, _| {
            let nonce = merchant::nonce(&format!("{delivery}/{nonce}"));
            let own = { elements.iter() }
                .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
            let mut all: Vec<(&str, &str)> = own.chain([("nonce_str", nonce.as_str())]).collect();
            let signature = sign(all.iter().copied(), &key, how);
            all.push((SIGN, &signature));
            // WECHAT: elements stand in the order of their names, without white space between them.
            all.sort_unstable();
            let mut xml = Writer::new();
            xml.open("xml");
            for (name, value) in &all {
                xml.cdata(name, value);
            }
            xml.close("xml");
            Ok(Sealed {
                body: xml.finish(),
                content_type: "text/xml",
                ..Sealed::default()
            })
        }),
    })
}

/// An answer in XML with a `return_code`.
pub(super) fn judge(_: &World, _: &PushKind, _: &PushOrder, answer: &Answered<'_>) -> Judgement {
    let said = Document::parse(answer.body)
        .ok()
        .and_then(|document| Some(document.root().child_text("return_code")?.into_owned()));
    match (answer.status, said.as_deref()) {
        (200, Some(TAKEN)) => Judgement::Silent,
        (200, said) => Judgement::Failed {
            rule: "reply.status",
            detail: match said {
                Some(said) => format!("return_code {said} instead of {TAKEN}"),
                None => format!("no XML with a return_code {TAKEN}"),
            },
        },
        (status, _) => Judgement::Failed {
            rule: "reply.status",
            detail: format!("status {status} instead of 200"),
        },
    }
}
