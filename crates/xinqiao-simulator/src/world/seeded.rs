//! The accounts and users that `dev` starts with: the same every day, so that a pasted configuration keeps working.

use xinqiao_types::{AccountKind, CallbackMode, UnixSeconds};

use super::{
    Turn, World,
    command::{NewAccount, NewUser},
    people, registration,
};

/// When the seeded world was made: 2026-01-01 in Shanghai. Fixed, so that exports do not depend on the day.
const BIRTH: i64 = 1_767_196_800;

/// Accounts in order: (kind, verified, name, 微信号).
const ACCOUNTS: &[(AccountKind, bool, &str, &str)] = &[
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
const USERS: &[(&str, i64, &str, usize)] = &[("小林", 1, "重庆", 2), ("阿萍", 2, "成都", 0)];

/// Fills an empty world.
pub(super) fn populate(world: &mut World) {
    let mut turn = Turn {
        world,
        now: UnixSeconds(BIRTH),
        wall_ms: BIRTH * 1000,
        cause: String::new(),
        effects: Vec::new(),
    };
    let mut appids = Vec::new();
    for (kind, verified, name, alias) in ACCOUNTS {
        let new = NewAccount {
            kind: Some(*kind),
            verified: Some(*verified),
            name: Some((*name).to_owned()),
            alias: Some((*alias).to_owned()),
            mode: Some(CallbackMode::Safe),
            ..NewAccount::default()
        };
        let Ok(account) = registration::build(&mut turn, new) else {
            continue;
        };
        appids.push(account.appid.clone());
        turn.world.accounts.insert(account.appid.clone(), account);
    }
    for (nickname, sex, city, follows) in USERS {
        let new = NewUser {
            nickname: Some((*nickname).to_owned()),
            sex: Some(*sex),
            city: Some((*city).to_owned()),
            country: Some("中国".to_owned()),
            ..NewUser::default()
        };
        let user = people::build(turn.world, new);
        let id = user.id.clone();
        people::insert(turn.world, user);
        for appid in appids.iter().take(*follows) {
            people::mark_following(turn.world, &id, appid, BIRTH, "ADD_SCENE_SEARCH");
        }
    }
}

/// The seeded accounts of a world, in their order.
pub(crate) fn accounts(world: &World) -> impl Iterator<Item = &super::account::Account> {
    ACCOUNTS.iter().filter_map(|(_, _, _, alias)| {
        world
            .accounts
            .values()
            .find(|account| account.alias == *alias)
    })
}
