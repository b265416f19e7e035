//! The key with which calls to the sandbox of the interface's second generation are signed (沙箱密钥): one a merchant,
//! another when its life is over.
//!
//! The sandbox itself is not played: what is tried there is tried here, with the merchant's own key.
//!
//! Source: doc page "获取验签密钥" of the payment interface's second generation.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{id::pay_v2 as v2, rules::limit};

use super::signature;
use crate::{
    accounts,
    door::{Asked, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, feature::id_in},
    products::Feature,
};

/// By merchant.
static KEYS: Table<Id, SandboxKey> = Table::new("pay.sandbox_keys", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "pay.sandbox",
    tables: &[&KEYS],
    behaviours: &[stateful(
        v2::xdc::API_V2_GET_SIGN_KEY_SIGN_GET_SIGN_KEY,
        "the_key_of_the_sandbox_is_the_same_for_three_days",
        get,
    )],
    topics: &[(accounts::DELETED, merchant_deleted)],
    ..Feature::EMPTY
};

pub(super) const LIFE: &str = "v2_sandbox.sandbox_key_life";

/// A key, and from when on it is one no more.
#[derive(Clone, Serialize, Deserialize)]
struct SandboxKey {
    key: String,
    ends_at: i64,
}

/// `xdc/apiv2getsignkey/sign/getsignkey`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = signature::caller(turn.world, asked)?.mchid.clone();
    let now = turn.now.0;
    let known = KEYS.get(turn.world, &*mchid);
    let key = match known.filter(|known| now < known.ends_at) {
        Some(known) => known.key.clone(),
        None => {
            let key = turn.world.next("pay.sandbox_key").hex(32);
            let ends_at = now + limit::seconds(LIFE);
            let kept = SandboxKey {
                key: key.clone(),
                ends_at,
            };
            KEYS.put(turn.world, mchid.clone(), kept);
            key
        }
    };
    Ok(Reply::Json(
        json!({"mch_id": &*mchid, "sandbox_signkey": key}),
    ))
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        KEYS.remove(turn.world, &*mchid);
    }
}
