//! What is in a merchant's accounts now (账户实时余额).
//!
//! Source: doc page "查询账户实时余额".

use serde_json::json;
use xinqiao_catalog::id::pay_v3 as v3;

use super::{
    funds::{self, Account},
    signature,
    v3::parameter,
};
use crate::{
    door::{Asked, Reply, Verdict, stateful},
    kernel::Turn,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.balance",
    behaviours: &[stateful(v3::merchant::fund::GET_BALANCE, BALANCE, get)],
    ..Feature::EMPTY
};
const BALANCE: &str = "balances_are_told_by_account";

/// `merchant/fund/balance/{account_type}`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let funds = funds::funds(turn.world, &signature::caller(turn.world, asked)?.mchid);
    let named = asked.text("account_type")?;
    let (available, pending) = match (Account::named(named), named) {
        // What is not settled is told by no balance.
        (Some(Account::Basic), _) => (funds.available, funds.frozen),
        (Some(Account::Operation), _) => (funds.operation, 0),
        // No fee is taken here.
        (None, "FEES") => (0, 0),
        (None, _) => {
            let issue = "is BASIC, OPERATION or FEES";
            return Err(parameter("account_type", &json!(named), issue));
        }
    };
    Ok(Reply::Json(json!({
        "available_amount": available,
        "pending_amount": pending,
    })))
}
