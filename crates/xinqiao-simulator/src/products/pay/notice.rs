//! Notices of payments: ordered when an order is paid, in the form of the interface that placed it.
//!
//! A notice that is repeated has the id and the content of the first, with a new nonce, time and signature.
//!
//! Source: doc pages "支付通知" and "支付结果通知".

use serde_json::{Map, Value, json};
use xinqiao_catalog::event_id;

use super::{
    order::{Generation, Order, State},
    shanghai, v2, v3,
};
use crate::{
    accounts::merchant::MERCHANTS,
    kernel::{Id, Turn},
    products::Feature,
    push::{
        self, Addressee, Content,
        envelope::{PushKind, signed_json, signed_xml},
    },
};

static OF_V3: PushKind = PushKind::unanswered("pay.notice_v3", &signed_json::ENVELOPE);
static OF_V2: PushKind = PushKind::unanswered("pay.notice_v2", &signed_xml::ENVELOPE);

pub(super) static FEATURE: Feature = Feature {
    name: "pay.notice",
    pushes: &[&OF_V3, &OF_V2],
    ..Feature::EMPTY
};

/// What the resource of a payment's notice is.
const ORIGINAL_TYPE: &str = "transaction";

/// Tells a merchant that an order was paid by this person.
pub(super) fn paid(
    turn: &mut Turn<'_>,
    user: u64,
    mchid: &Id,
    out_trade_no: &str,
    order: &Order,
) -> Option<u64> {
    let name = MERCHANTS.get(turn.world, &**mchid)?.name.clone();
    let to = Addressee {
        id: mchid.clone(),
        receiver: None,
        name,
        url: order.notify_url.clone(),
    };
    let (kind, content) = match order.generation {
        Generation::V3 => (&OF_V3, of_v3(turn, mchid, out_trade_no, order)),
        Generation::V2 { .. } => (&OF_V2, of_v2(turn, mchid, out_trade_no, order)),
    };
    let person = (user, order.payer.as_ref()?);
    Some(push::start_to(turn, kind, to, person, content))
}

fn content(plain: String, event: &'static str, id: Option<String>) -> Content {
    Content {
        plain,
        msg_type: ORIGINAL_TYPE.to_owned(),
        event: Some(event.to_owned()),
        msg_id: id,
        notice: false,
        replyable: false,
    }
}

fn of_v3(turn: &mut Turn<'_>, mchid: &Id, out_trade_no: &str, order: &Order) -> Content {
    let event = xinqiao_catalog::event(event_id::pay_v3::notify::TRANSACTION);
    let event = event.map_or("", |event| event.event_type);
    let draw = turn.world.next("pay.notice").hex(32);
    let part = |from: usize, to: usize| &draw[from..to];
    let id = format!(
        "{}-{}-5{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    );
    let plain = json!({
        "id": id,
        "create_time": shanghai::rfc3339(turn.now.0),
        "resource_type": "encrypt-resource",
        "event_type": event,
        "summary": "支付成功",
        "resource": {
            "original_type": ORIGINAL_TYPE,
            "associated_data": ORIGINAL_TYPE,
            "plaintext": v3::transaction(mchid, out_trade_no, order),
        },
    });
    content(plain.to_string(), event, Some(id))
}

fn of_v2(turn: &Turn<'_>, mchid: &Id, out_trade_no: &str, order: &Order) -> Content {
    let mut elements = v2::paid(turn.world, out_trade_no, order);
    let own = [
        ("appid", &*order.appid),
        ("mch_id", mchid),
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
    ];
    elements.extend(own.map(|(name, text)| (name.to_owned(), json!(text))));
    // WECHAT: `sign_type` is sent, and signed, only where it is not MD5.
    if order.generation == (Generation::V2 { hmac: true }) {
        elements.insert("sign_type".to_owned(), json!("HMAC-SHA256"));
    }
    let id = match &order.state {
        State::Paid { transaction_id, .. } => Some(transaction_id.to_string()),
        State::Open | State::Closed => None,
    };
    content(
        Value::Object(Map::from_iter(elements)).to_string(),
        "pay_result",
        id,
    )
}
