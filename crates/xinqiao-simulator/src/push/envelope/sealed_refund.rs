//! XML that is not signed, with what it tells sealed in one element (`req_info`) by a shared key; answered, and tried again,
//! as signed XML is.
//!
//! What is ordered is a JSON object: the elements, and as `req_info` those that are sealed.
//!
//! Source: doc page "退款结果通知" of the payment interface's second generation.

use serde_json::{Map, Value};
use xinqiao_crypto::pay_v2::encrypt_req_info;
use xinqiao_wire::xml::Writer;

use super::{Envelope, Sealed, Sealer, signed_json, signed_xml};
use crate::{
    accounts::merchant::{self, MERCHANTS},
    kernel::World,
    push::order::PushOrder,
};

/// The element that is sealed.
const SEALED: &str = "req_info";
const ALGORITHM: &str = "AES-256-ECB";

pub(crate) static ENVELOPE: Envelope = Envelope {
    attempts: signed_json::ATTEMPTS,
    pauses: signed_json::PAUSES,
    signed: false,
    seal,
    judge: signed_xml::judge,
};

fn seal(world: &World, order: &PushOrder) -> Result<Sealer, String> {
    let merchant = MERCHANTS
        .get(world, &*order.appid)
        .ok_or("the merchant is gone")?;
    let key = merchant.api_v2_key();
    let mut elements: Map<String, Value> =
        serde_json::from_str(&order.plain).map_err(|error| error.to_string())?;
    let inside = elements.remove(SEALED).unwrap_or_default();
    let inside = written("root", inside.as_object().unwrap_or(&Map::new()));
    let sealed = encrypt_req_info(inside.as_bytes(), &key);
    elements.insert(SEALED.to_owned(), sealed.into());
    let delivery = order.delivery;
    Ok(Sealer {
        mode: ALGORITHM.to_owned(),
        make: Box::new(move |_, nonce, _| {
            let nonce = merchant::nonce(&format!("{delivery}/{nonce}"));
            elements.insert("nonce_str".to_owned(), nonce.into());
            Ok(Sealed {
                body: written("xml", &elements),
                content_type: "text/xml",
                ..Sealed::default()
            })
        }),
    })
}

fn written(root: &str, elements: &Map<String, Value>) -> String {
    let mut xml = Writer::new();
    xml.open(root);
    for (name, value) in elements {
        xml.cdata(name, value.as_str().unwrap_or_default());
    }
    xml.close(root);
    xml.finish()
}
