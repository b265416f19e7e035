//! The accounts and users that `dev` starts with: the same every day, so that a pasted configuration keeps working.

use xinqiao_types::{AccountKind, CallbackMode, UnixSeconds};

use crate::{
    accounts::{self, ACCOUNTS, account::Account, registration},
    kernel::{Id, Turn, World},
    people::phone::{self, NewUser},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.seeded",
    seed: Some(populate),
    ..Feature::EMPTY
};

/// When the seeded world was made: 2026-01-01 in Shanghai. Fixed, so that exports do not depend on the day.
const BIRTH: i64 = 1_767_196_800;

/// Accounts in order: (kind, verified, name, 微信号).
const ACCOUNTS_MADE: &[(AccountKind, bool, &str, &str)] = &[
    (AccountKind::Service, true, "桥头咖啡", "qiaotou-coffee"),
    (AccountKind::Subscription, false, "豆子周报", "douzi-weekly"),
    (
        AccountKind::Subscription,
        true,
        "山城早报",
        "shancheng-news",
    ),
    (AccountKind::Service, false, "小河修理铺", "xiaohe-repair"),
];

/// Users in order: (nickname, sex, city, how many of the accounts they follow).
const USERS_MADE: &[(&str, i64, &str, usize)] = &[("小林", 1, "重庆", 2), ("阿萍", 2, "成都", 0)];

fn populate(turn: &mut Turn<'_>) {
    turn.now = UnixSeconds(BIRTH);
    let mut appids: Vec<Id> = Vec::new();
    for (kind, verified, name, alias) in ACCOUNTS_MADE {
        let new = registration::NewAccount {
            kind: Some(*kind),
            verified: Some(*verified),
            name: Some((*name).to_owned()),
            alias: Some((*alias).to_owned()),
            mode: Some(CallbackMode::Safe),
            // An app on this machine logs people in, and shows them pages, without a visit to the settings.
            oauth_domain: Some("127.0.0.1,localhost".to_owned()),
            js_domain: Some("127.0.0.1,localhost".to_owned()),
            ..registration::NewAccount::default()
        };
        if let Ok(account) = registration::build(turn, new) {
            appids.push(account.appid.clone());
            accounts::insert(turn.world, account);
        }
    }
    for (nickname, sex, city, follows) in USERS_MADE {
        let new = NewUser {
            nickname: Some((*nickname).to_owned()),
            sex: Some(*sex),
            city: Some((*city).to_owned()),
            country: Some("中国".to_owned()),
            ..NewUser::default()
        };
        let user = phone::add(turn.world, new);
        for appid in appids.iter().take(*follows) {
            phone::mark_following(turn.world, user, appid, BIRTH, &"ADD_SCENE_SEARCH".into());
        }
    }
}

/// The seeded accounts of a world, in their order.
pub(crate) fn accounts(world: &World) -> impl Iterator<Item = &Account> {
    ACCOUNTS_MADE.iter().filter_map(|(_, _, _, alias)| {
        ACCOUNTS
            .all(world)
            .map(|(_, account)| account)
            .find(|account| account.alias == *alias)
    })
}
