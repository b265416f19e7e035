//! The verification of accounts (微信认证): a review by hand, and what servers are told of it.
//!
//! The name is passed with the qualification here; on the platform it may follow days later. When the platform reminds is
//! not told: here it does when the verification can be renewed.
//!
//! Source: doc page "微信认证事件推送".

use serde_json::{Value, json};
use xinqiao_message::names::event;
use xinqiao_types::AccountKind;

use super::{
    message,
    push_xml::{Draft, elements},
};
use crate::{
    accounts::{
        self, ACCOUNTS,
        verification::{ENDED, ENDS_SOON, review},
    },
    kernel::{
        Id, Refused, Turn,
        declared::{Card, Holds, Shown, field, said, text},
        feature::id_in,
        route::{Handler, Request, Route},
    },
    products::Feature,
    push::attempts::numbers,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.verification",
    routes: &[Route {
        method: "POST",
        path: "/accounts/{appid}/verification",
        run: Handler::Change(by_hand),
    }],
    shows: &[Shown::Card(&CARD)],
    topics: &[(ENDS_SOON, ends_soon), (ENDED, ended)],
    ..Feature::EMPTY
};

/// Who the account is to the platform.
static CARD: Card = Card {
    name: "identity",
    title: said("主体与认证", "Identity"),
    kinds: &[
        AccountKind::Subscription,
        AccountKind::Service,
        AccountKind::MiniProgram,
    ],
    path: "",
    fields: &[
        field("verified", "已认证", "Verified", Holds::Flag),
        field("review_date", "审核时间", "Reviewed", Holds::Time).optional(),
        field(
            "verified_until",
            "认证有效期至",
            "Verified until",
            Holds::Time,
        )
        .optional(),
        text("email", "注册邮箱", "E-mail").optional(),
        text("open_account", "开放平台帐号", "Open-platform account").optional(),
    ],
};

/// The account as the review left it, with what was pushed.
fn by_hand(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let appid = accounts::id(turn.world, request.part("appid"))?;
    let review = review(turn, &appid, request.body()?)?;
    let account = accounts::account(turn.world, &appid)?;
    let until = account.verified_until;
    let mut answer = accounts::view(turn.world, account);
    let told: Vec<u64> = match &review.reason {
        None => [
            event::QUALIFICATION_VERIFY_SUCCESS,
            event::NAMING_VERIFY_SUCCESS,
        ]
        .iter()
        .filter_map(|event| tell(turn, &appid, event, [("ExpiredTime", json!(until))]))
        .collect(),
        Some(reason) => {
            let fields = [
                ("FailTime", json!(review.at)),
                ("FailReason", json!(reason)),
            ];
            let told = tell(turn, &appid, event::QUALIFICATION_VERIFY_FAIL, fields);
            told.into_iter().collect()
        }
    };
    answer["deliveries"] = numbers(&told);
    Ok(answer)
}

fn ends_soon(turn: &mut Turn<'_>, what: &Value) {
    reminded(turn, event::ANNUAL_RENEW, what);
}

fn ended(turn: &mut Turn<'_>, what: &Value) {
    reminded(turn, event::VERIFY_EXPIRED, what);
}

fn reminded(turn: &mut Turn<'_>, event: &str, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        tell(
            turn,
            &appid,
            event,
            [("ExpiredTime", what["until"].clone())],
        );
    }
}

fn tell<const N: usize>(
    turn: &mut Turn<'_>,
    appid: &Id,
    event: &str,
    fields: [(&str, Value); N],
) -> Option<u64> {
    let account = ACCOUNTS.get(turn.world, &**appid)?;
    if !account.kind.is_official_account() {
        return None;
    }
    // WECHAT: the event is about no user: it comes from an openid of the platform's own.
    let from: Id = turn.world.named("openid", "platform").openid().into();
    let draft = Draft::event(event, elements(fields)).told();
    message::push(turn, appid, &from, &draft)
}
