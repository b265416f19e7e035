//! Notices to merchants that got a share, or gave it back (分账动账通知): to the address that they set, sealed with their
//! own key.
//!
//! Source: doc page "分账动账通知".

use serde_json::{Value, json};
use xinqiao_catalog::event_id::pay_v3::notify;
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    notice::{self, Told},
    order,
    receivers::{self, Kind},
    sharing, sharing_return,
    whose::Whose,
};
use crate::{
    kernel::{Id, Turn, feature::id_in},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.sharing_notice",
    topics: &[
        (sharing::SHARED, shared),
        (sharing_return::RETURNED, returned),
    ],
    ..Feature::EMPTY
};

/// What the resource of a notice is.
const SHARING: &str = "profitsharing";

fn shared(turn: &mut Turn<'_>, what: &Value) {
    if let (Some(mchid), Some(number)) = (id_in(what, "merchant"), id_in(what, "out_order_no")) {
        // Who set no address is not told.
        let _ = tell_shared(turn, &mchid, &number, &what["part"]);
    }
}

fn tell_shared(turn: &mut Turn<'_>, mchid: &Id, number: &Id, at: &Value) -> Option<u64> {
    let sharing = sharing::find(turn.world, mchid, number)?;
    let part = sharing.parts.get(usize::try_from(at.as_u64()?).ok()?)?;
    let provider = sharing.provider.clone();
    let resource = json!({
        "transaction_id": &*sharing.transaction_id,
        "out_order_no": &**number,
        "order_id": &*sharing.order_id,
        "receiver": {
            "type": part.kind.name(),
            "account": &*part.account,
            "amount": part.amount,
            "description": part.description,
        },
        "success_time": shanghai::rfc3339(UnixSeconds(part.finished_at?)),
    });
    let (to, of) = (part.account.clone(), sharing.transaction_id.clone());
    let whose = Whose {
        payee: mchid.clone(),
        provider,
    };
    tell(turn, &whose, (&to, &of), ("SUCCESS", "分账成功"), resource)
}

fn returned(turn: &mut Turn<'_>, what: &Value) {
    if let (Some(mchid), Some(number)) = (id_in(what, "merchant"), id_in(what, "out_return_no")) {
        let _ = tell_returned(turn, &mchid, &number);
    }
}

fn tell_returned(turn: &mut Turn<'_>, mchid: &Id, number: &Id) -> Option<u64> {
    let back = sharing_return::find(turn.world, mchid, number)?;
    let sharing = sharing::find(turn.world, mchid, &back.out_order_no)?;
    let provider = sharing.provider.clone();
    let resource = json!({
        "transaction_id": &*back.transaction_id,
        "out_order_no": &*back.out_order_no,
        "order_id": &*back.order_id,
        "receiver": {
            "type": Kind::MerchantId.name(),
            "account": &*back.from,
            "amount": back.amount,
            "description": back.description,
        },
        "success_time": shanghai::rfc3339(UnixSeconds(back.finished_at?)),
    });
    let (to, of) = (back.from.clone(), back.transaction_id.clone());
    let whose = Whose {
        payee: mchid.clone(),
        provider,
    };
    tell(
        turn,
        &whose,
        (&to, &of),
        ("RETURN", "分账回退成功"),
        resource,
    )
}

/// Tells a receiver about a part of an order, which a person has paid.
fn tell(
    turn: &mut Turn<'_>,
    whose: &Whose,
    (to, transaction_id): (&Id, &Id),
    (ends, summary): (&str, &str),
    mut resource: Value,
) -> Option<u64> {
    let mchid = &whose.payee;
    let event = match &whose.provider {
        None => {
            resource["mchid"] = json!(&**mchid);
            notify::PROFIT_SHARING
        }
        Some(provider) => {
            resource["sp_mchid"] = json!(&**provider);
            resource["sub_mchid"] = json!(&**mchid);
            notify::PARTNER_PROFIT_SHARING
        }
    };
    let url = receivers::address(turn.world, to)?.to_string();
    let (_, order) = order::by_transaction(turn.world, mchid, transaction_id)?;
    let (appid, payer) = (order.appid.clone(), order.payer.clone()?);
    let user = notice::about(turn.world, &appid, &payer);
    let told = Told {
        event,
        ends,
        original_type: SHARING,
        summary,
        resource,
    };
    notice::tell(turn, (to, &url), (user, &payer), told)
}
