//! When the control interface shows an AppSecret.
//!
//! WECHAT: an AppSecret is shown when it is made or reset, and never again: the platform does not keep it.
//!
//! Source: the console's page "基本配置".

use serde_json::{Value, json};

use crate::{
    accounts::{
        self, ACCOUNTS,
        rules::{Preset, Rule},
    },
    kernel::World,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.secret",
    rules: &[&SHOWN],
    views: &[(accounts::VIEW, hidden)],
    ..Feature::EMPTY
};

const ONCE: &str = "once";

static SHOWN: Rule = Rule {
    name: "secret.shown",
    default: Preset::Word("always", &["always", ONCE]),
    about: (
        "控制接口何时给出 AppSecret：always 一直给出；once 与真实平台一样，只在创建和重置时给出",
        "when the control interface shows an AppSecret: `always`; or `once`, as the platform does, when it is made or reset",
    ),
    source: "the console's page of basic settings shows it once; tests and the virtual phone want it always",
};

fn hidden(world: &World, appid: &str, view: &mut Value) {
    let once = ACCOUNTS
        .get(world, appid)
        .is_some_and(|own| SHOWN.word(Some(&own.rules)) == ONCE);
    if once {
        view["secret"] = json!("");
    }
}
