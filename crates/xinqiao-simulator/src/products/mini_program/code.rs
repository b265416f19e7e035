//! Codes that a mini program gets on the phone, and that its server exchanges: once, within five minutes, for the account
//! and the purpose they were made for.
//!
//! Source: doc pages "wx.login", "小程序登录凭证校验", "获取手机号".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::code;

use crate::{
    accounts::{self, tokens::REMEMBERED},
    door::Refusal,
    kernel::{Id, Table, Turn, World, feature::id_in},
    products::Feature,
};

/// Codes that were given out.
static CODES: Table<Id, Code> = Table::new("mini_program.codes", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&CODES],
    due: Some(due),
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const NAME: &str = "mini_program.codes";

/// How long a code can be exchanged.
const LIFETIME: i64 = 300;

/// What a code can be exchanged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Purpose {
    /// `wx.login`: who it is.
    Login,
    /// `getPhoneNumber`: the person's number.
    Phone,
}

impl Purpose {
    /// What makes such a code on the phone.
    fn made_by(self) -> &'static str {
        match self {
            Self::Login => "wx.login",
            Self::Phone => "getPhoneNumber",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Code {
    appid: Id,
    user: u64,
    purpose: Purpose,
    expires: i64,
    used: bool,
}

/// A new code.
pub(super) fn give(turn: &mut Turn<'_>, appid: &Id, user: u64, purpose: Purpose) -> Id {
    let text: Id = match purpose {
        Purpose::Login => turn.world.next("mini_code").oauth_code(),
        Purpose::Phone => turn.world.next("mini_phone_code").phone_code(),
    }
    .into();
    keep(turn, text.clone(), appid, user, purpose, false);
    text
}

/// A code from elsewhere stands for this person, and is used up.
pub(super) fn take_over(turn: &mut Turn<'_>, text: &str, appid: &Id, user: u64) {
    keep(turn, text.into(), appid, user, Purpose::Login, true);
}

fn keep(turn: &mut Turn<'_>, text: Id, appid: &Id, user: u64, purpose: Purpose, used: bool) {
    let expires = turn.now.0 + LIFETIME;
    turn.later(expires + REMEMBERED, NAME, json!({"code": &*text}));
    let row = Code {
        appid: appid.clone(),
        user,
        purpose,
        expires,
        used,
    };
    CODES.put(turn.world, text, row);
}

/// Whether the code was given out, and is remembered.
pub(super) fn is_known(world: &World, text: &str) -> bool {
    CODES.has(world, text)
}

/// Whose code it is. It stays good until it is [`used`].
///
/// WECHAT: a code past its time is 40029, as one that never was. A used one is 40163 at the log-in; the page of phone
/// numbers knows 40029 alone, and 40013 for a code of another account.
pub(super) fn find(
    turn: &Turn<'_>,
    text: &str,
    appid: &Id,
    purpose: Purpose,
) -> Result<u64, Refusal> {
    let invalid = || Refusal::code(code::INVALID_CODE);
    let Some(row) = CODES.get(turn.world, text) else {
        return Err(invalid());
    };
    if row.purpose != purpose {
        let (received, expected) = (row.purpose.made_by(), purpose.made_by());
        return Err(invalid().because(
            "mini_login.code_of_another_kind",
            Some(received.to_owned()),
            Some(expected.to_owned()),
        ));
    }
    if row.appid != *appid {
        let refuse = match purpose {
            Purpose::Phone => Refusal::code(code::INVALID_APPID),
            Purpose::Login => invalid(),
        };
        let (received, expected) = (appid.to_string(), row.appid.to_string());
        return Err(refuse.because("mini_login.code_of_another", Some(received), Some(expected)));
    }
    if row.used {
        let refuse = match purpose {
            Purpose::Login => Refusal::code(code::CODE_USED),
            Purpose::Phone => invalid(),
        };
        return Err(refuse.because("mini_login.code_used", None, None));
    }
    if turn.now.0 >= row.expires {
        let late = format!("{} s", turn.now.0 - row.expires);
        return Err(invalid().because("mini_login.code_expired", Some(late), None));
    }
    Ok(row.user)
}

/// The code is used up.
pub(super) fn used(world: &mut World, text: &str) {
    if let Some(row) = CODES.get_mut(world, text) {
        row.used = true;
    }
}

/// Forgets what nobody asks about any more.
fn due(turn: &mut Turn<'_>, what: &Value) {
    if let Some(text) = id_in(what, "code") {
        CODES.remove(turn.world, &*text);
    }
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(appid) = id_in(what, "account") else {
        return;
    };
    let own: Vec<Id> = { CODES.all(turn.world) }
        .filter(|(_, row)| row.appid == appid)
        .map(|(text, _)| text.clone())
        .collect();
    for text in own {
        CODES.remove(turn.world, &*text);
    }
}
