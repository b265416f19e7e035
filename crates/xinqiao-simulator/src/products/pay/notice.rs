//! Notices of payments and refunds: ordered when an order is paid or a refund has ended, in the form of the interface that
//! asked for it.
//!
//! A notice that is repeated has the id and the content of the first, with a new nonce, time and signature.
//!
//! Source: doc pages "支付通知", "支付结果通知", "退款结果通知".

use serde_json::{Map, Value, json};
use xinqiao_catalog::event_id;
use xinqiao_types::shanghai;

use super::{
    combine_v3,
    order::{self, Generation, Order},
    refund, refund_v2, refund_v3, v2, v3,
};
use crate::{
    accounts::merchant::MERCHANTS,
    kernel::{Id, Turn, World, feature::id_in},
    people,
    products::Feature,
    push::{
        self, Addressee, Content,
        envelope::{PushKind, sealed_refund, signed_json, signed_xml},
    },
};

static OF_V3: PushKind = PushKind::unanswered("pay.notice_v3", &signed_json::ENVELOPE);
static OF_V2: PushKind = PushKind::unanswered("pay.notice_v2", &signed_xml::ENVELOPE);
static REFUND_OF_V2: PushKind =
    PushKind::unanswered("pay.refund_notice_v2", &sealed_refund::ENVELOPE);

pub(super) static FEATURE: Feature = Feature {
    name: "pay.notice",
    pushes: &[&OF_V3, &OF_V2, &REFUND_OF_V2],
    topics: &[(refund::ENDED, refund_ended)],
    ..Feature::EMPTY
};

/// What the resource of a notice is.
const TRANSACTION: &str = "transaction";
const REFUND: &str = "refund";

/// Tells a merchant that an order was paid by this person.
pub(super) fn paid(
    turn: &mut Turn<'_>,
    user: u64,
    mchid: &Id,
    out_trade_no: &str,
    order: &Order,
) -> Option<u64> {
    let caller = order.partner.as_ref().map_or(mchid, |own| &own.sp_mchid);
    let to = addressee(turn, caller, &order.notify_url)?;
    let (kind, content) = match order.generation {
        Generation::V3 => {
            let plaintext = v3::transaction(turn.world, mchid, out_trade_no, order);
            let of = match order.partner {
                None => event_id::pay_v3::notify::TRANSACTION,
                Some(_) => event_id::pay_v3::notify::PARTNER_TRANSACTION,
            };
            let content = of_v3(turn, of, "SUCCESS", TRANSACTION, "支付成功", plaintext);
            (&OF_V3, content)
        }
        Generation::V2 { .. } => (&OF_V2, of_v2(turn.world, mchid, out_trade_no, order)),
    };
    let person = (user, order.payer.as_ref()?);
    Some(push::start_to(turn, kind, to, person, content))
}

/// Tells who ordered several orders as one that this person paid them.
pub(super) fn combined(
    turn: &mut Turn<'_>,
    user: u64,
    (mchid, out_trade_no): (&Id, &Id),
    whole: &Order,
) -> Option<u64> {
    let to = addressee(turn, mchid, &whole.notify_url)?;
    let plaintext = combine_v3::shown(turn.world, mchid, out_trade_no)?;
    let of = event_id::pay_v3::notify::COMBINE_TRANSACTION;
    let content = of_v3(turn, of, "SUCCESS", TRANSACTION, "支付成功", plaintext);
    let person = (user, whole.payer.as_ref()?);
    Some(push::start_to(turn, &OF_V3, to, person, content))
}

fn refund_ended(turn: &mut Turn<'_>, what: &Value) {
    if let (Some(mchid), Some(number)) = (id_in(what, "merchant"), id_in(what, "out_refund_no")) {
        // A merchant that gave no address is not told.
        let _ = tell_refund(turn, &mchid, &number);
    }
}

fn tell_refund(turn: &mut Turn<'_>, mchid: &Id, number: &str) -> Option<u64> {
    let refund = &refund::find(turn.world, mchid, number)?.1.clone();
    let order = &order::find(turn.world, mchid, &refund.out_trade_no)?.clone();
    let (appid, payer) = (order.appid.clone(), order.payer.clone()?);
    let user = about(turn.world, &appid, &payer);
    let caller = refund.sp_mchid.as_ref().unwrap_or(mchid);
    let to = addressee(turn, caller, refund.notify_url.as_deref()?)?;
    let (kind, content) = match refund.generation {
        Generation::V3 => {
            let plaintext = refund_v3::told(mchid, number, refund);
            let of = match refund.sp_mchid {
                None => event_id::pay_v3::notify::REFUND,
                Some(_) => event_id::pay_v3::notify::PARTNER_REFUND,
            };
            let status = refund.status.name();
            let summary = match status {
                "SUCCESS" => "退款成功",
                "CLOSED" => "退款关闭",
                _ => "退款异常",
            };
            let content = of_v3(turn, of, status, REFUND, summary, plaintext);
            (&OF_V3, content)
        }
        Generation::V2 { .. } => {
            let mut plain = json!({
                "return_code": "SUCCESS",
                "req_info": refund_v2::told(number, refund),
            });
            for (name, text) in of_whom(mchid, order) {
                plain[name] = json!(&**text);
            }
            let id = Some(refund.id.to_string());
            let content = content(plain.to_string(), REFUND, "refund_result", id);
            (&REFUND_OF_V2, content)
        }
    };
    Some(push::start_to(turn, kind, to, (user, &payer), content))
}

/// The person that a notice is about; nobody where the account is gone in which they are known. The merchant is told all
/// the same.
pub(super) fn about(world: &World, appid: &Id, openid: &Id) -> u64 {
    people::person(world, appid, openid).unwrap_or(0)
}

/// None where the merchant gave no address, as at a till, or is gone, which the timeline says.
fn addressee(turn: &mut Turn<'_>, mchid: &Id, url: &str) -> Option<Addressee> {
    if url.is_empty() {
        return None;
    }
    let Some(merchant) = MERCHANTS.get(turn.world, &**mchid) else {
        push::nobody_to_tell(turn, mchid, url);
        return None;
    };
    Some(Addressee {
        id: mchid.clone(),
        receiver: None,
        name: merchant.name.clone(),
        url: url.to_owned(),
    })
}

fn content(plain: String, kind: &str, event: &str, id: Option<String>) -> Content {
    Content {
        plain,
        msg_type: kind.to_owned(),
        event: Some(event.to_owned()),
        msg_id: id,
        notice: false,
        replyable: false,
    }
}

/// What a notice of the third generation tells.
pub(super) struct Told<'a> {
    /// The event of the catalog.
    pub(super) event: &'static str,
    /// How the one of its types ends that it is.
    pub(super) ends: &'a str,
    /// What its resource is.
    pub(super) original_type: &'static str,
    pub(super) summary: &'a str,
    pub(super) resource: Value,
}

/// Tells a merchant at this address something about a person.
pub(super) fn tell(
    turn: &mut Turn<'_>,
    (mchid, url): (&Id, &str),
    person: (u64, &Id),
    told: Told<'_>,
) -> Option<u64> {
    let to = addressee(turn, mchid, url)?;
    let Told {
        event,
        ends,
        original_type,
        summary,
        resource,
    } = told;
    let content = of_v3(turn, event, ends, original_type, summary, resource);
    Some(push::start_to(turn, &OF_V3, to, person, content))
}

/// A notice of one of the event's types, the one that ends so.
fn of_v3(
    turn: &mut Turn<'_>,
    event: &str,
    ends: &str,
    original_type: &str,
    summary: &str,
    plaintext: Value,
) -> Content {
    let types = xinqiao_catalog::event(event).map_or("", |event| event.event_type);
    let event_type = { types.split(' ') }.find(|name| name.ends_with(ends));
    let event_type = event_type.unwrap_or_default();
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
        "create_time": shanghai::rfc3339(turn.now),
        "resource_type": "encrypt-resource",
        "event_type": event_type,
        "summary": summary,
        "resource": {
            "original_type": original_type,
            "associated_data": original_type,
            "plaintext": plaintext,
        },
    });
    content(plain.to_string(), original_type, event_type, Some(id))
}

/// The elements that say whose order it is.
fn of_whom<'a>(mchid: &'a Id, order: &'a Order) -> Vec<(&'static str, &'a Id)> {
    let Some(partner) = &order.partner else {
        return vec![("appid", &order.appid), ("mch_id", mchid)];
    };
    let mut own = vec![
        ("appid", &partner.sp_appid),
        ("mch_id", &partner.sp_mchid),
        ("sub_mch_id", mchid),
    ];
    own.extend({ partner.sub_appid.iter() }.map(|appid| ("sub_appid", appid)));
    own
}

fn of_v2(world: &World, mchid: &Id, out_trade_no: &str, order: &Order) -> Content {
    let mut elements = v2::paid(world, out_trade_no, order);
    for name in ["return_code", "result_code"] {
        elements.insert(name.to_owned(), json!("SUCCESS"));
    }
    for (name, text) in of_whom(mchid, order) {
        elements.insert(name.to_owned(), json!(&**text));
    }
    // WECHAT: `sign_type` is sent, and signed, only where it is not MD5.
    if order.generation == (Generation::V2 { hmac: true }) {
        elements.insert("sign_type".to_owned(), json!("HMAC-SHA256"));
    }
    let id = order.payment().map(|(id, _)| id.to_string());
    let plain = Value::Object(Map::from_iter(elements)).to_string();
    content(plain, TRANSACTION, "pay_result", id)
}
