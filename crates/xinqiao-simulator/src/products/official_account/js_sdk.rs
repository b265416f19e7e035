//! Pages of an app in the phone (JS-SDK): tickets, `wx.config`, and what the phone does for a page.
//!
//! * [`ticket`]: tickets of accounts;
//! * [`config`]: what `wx.config` is judged by;
//! * [`bridge`]: the script that makes a page one in the phone, and what it asks;
//! * [`calls`]: what each function does.
//!
//! A page loads our script before it loads the platform's. The platform's calls `WeixinJSBridge`, which inside WeChat the
//! client puts there; here our script does, and asks this feature what the phone answers.
//!
//! Source: doc page "JS-SDK 使用步骤" with its appendices; the released bundle `weixin-js-sdk` 1.6.5, for names and
//! forms of what it hands to the bridge.

mod bridge;
mod calls;
mod config;
pub(super) mod ticket;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::KINDS;
use crate::{
    accounts::{
        ACCOUNTS,
        rules::{Preset, Rule},
    },
    door::pages::Shows,
    kernel::{
        Id, Refused, Table, Turn,
        declared::{DiagnosisKind, Facts, Field, Holds, RowKind, Shown, Side, field, said, text},
        feature::id_in,
        row::{Row, RowState, Words},
    },
    people::{
        act::{Act, Input, Scene},
        user,
    },
    products::Feature,
};

use self::config::{Config, Fault};

/// Tabs with a page in the phone.
static TABS: Table<Id, Tab> = Table::traffic("official_account.js_tabs", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&TABS],
    pages: &[
        Shows {
            page: bridge::SCRIPT,
            run: bridge::script,
        },
        Shows {
            page: bridge::ASKED,
            run: bridge::asked,
        },
    ],
    acts: &[Act {
        verb: "js_config",
        title: said("校验 wx.config", "Check wx.config"),
        kinds: KINDS,
        about: None,
        fields: CONFIGURED,
        check: None,
        run: configure,
    }],
    rules: &[&SUBDOMAINS],
    shows: &[
        Shown::Row(&PAGE_CALL),
        Shown::Facts(&CALLED),
        Shown::Diagnosis(&DIAGNOSIS),
    ],
    due: Some(|turn, what| {
        if let Some(tab) = id_in(what, "tab") {
            TABS.remove(turn.world, &*tab);
        }
    }),
    ..Feature::EMPTY
};
const NAME: &str = "official_account.js_sdk";

/// How long a tab is remembered.
const TAB_LIFETIME: i64 = 86_400;

static SUBDOMAINS: Rule = Rule {
    name: "js_domain.subdomains",
    default: Preset::Word("covered", &["covered", "refused"]),
    about: (
        "JS 接口安全域名是否也管它的下级域名：covered 管，refused 不管",
        "whether a safe domain of the JS-SDK stands for its subdomains too: `covered` or `refused`",
    ),
    source: "liyiorg/weixin-popular#74: it does where each has the verification file; no page tells",
};

/// A page asked the phone for something.
static PAGE_CALL: RowKind = RowKind {
    name: "js_sdk",
    title: said("JS-SDK", "JS-SDK"),
    sign: "⌘",
    side: Side::World,
};

static CALLED: Facts = Facts {
    name: "js_call",
    title: said("网页的调用", "Call of a page"),
    fields: &[
        text("name", "接口", "Function"),
        text("page", "页面", "Page"),
        field("params", "参数", "Parameters", Holds::Any).optional(),
        text("answer", "结果", "Answer"),
    ],
};

static DIAGNOSIS: DiagnosisKind = DiagnosisKind {
    name: "js_sdk",
    title: said("JS-SDK", "JS-SDK"),
    rules: &["jssdk"],
    fields: &[
        text("received", "收到的", "Received").optional(),
        text("expected", "应该是", "Should be").optional(),
    ],
};

const CONFIGURED: &[Field] = &[
    text("url", "页面地址", "Address of the page"),
    text("timestamp", "timestamp", "timestamp"),
    text("nonce", "nonceStr", "nonceStr"),
    text("signature", "signature", "signature"),
    field("apis", "jsApiList", "jsApiList", Holds::Any).optional(),
];

/// A tab with a page in the phone.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tab {
    user: u64,
    nickname: String,
    cause: String,
    /// Of the page.
    origin: String,
    /// What `wx.config` of the present page opened.
    opened: Option<Opened>,
}

/// What a page may ask for.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Opened {
    appid: Id,
    /// By the names of the bridge.
    names: BTreeSet<String>,
}

/// `wx.config` without a browser, as a test has a page's values at hand.
fn configure(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let text = |name: &str| -> Result<String, Refused> {
        let given: Option<Value> = input.field(name)?;
        match given {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Number(number)) => Ok(number.to_string()),
            _ => Err(Refused::invalid(format!("`{name}` is missing"))),
        }
    };
    let config = Config {
        appid: scene.appid.to_string(),
        url: text("url")?,
        timestamp: text("timestamp")?,
        nonce: text("nonce")?,
        signature: text("signature")?,
        names: input.field("apis")?.unwrap_or_default(),
    };
    let judged = config::judge(turn.world, &config, turn.now.0);
    let answer = match &judged {
        Ok(_) => "config:ok".to_owned(),
        Err(fault) => format!("config:{}", fault.text),
    };
    tell_config(turn, (scene.user, &scene.nickname), &config, &judged);
    Ok(json!({"deliveries": [], "errMsg": answer}))
}

/// Shows what came of `wx.config`.
fn tell_config(
    turn: &mut Turn<'_>,
    who: (u64, &str),
    config: &Config,
    judged: &Result<config::Judged, Box<Fault>>,
) {
    let mut row = row(turn, who, &config.appid);
    let name = who.1;
    row.title = Words::new(
        format!("{name} 的网页调用 wx.config"),
        format!("{name}'s page calls wx.config"),
    );
    row.subtitle = Words::same(config.url.clone());
    match judged {
        Ok(judged) => {
            row.label = Words::same("config:ok");
            row.signature.clone_from(&judged.signature);
            if let Some(advice) = &judged.advice {
                row.state = RowState::Warn;
                row.diagnosis = Some(advice.clone());
            }
        }
        Err(fault) => {
            row.state = RowState::Error;
            row.label = Words::same(format!("config:{}", fault.text));
            row.signature.clone_from(&fault.signature);
            row.diagnosis = Some(fault.diagnosis.clone());
        }
    }
    turn.show(row);
}

/// A row about a person's page.
fn row(turn: &Turn<'_>, (person, nickname): (u64, &str), appid: &str) -> Row {
    let mut row = turn.row(&PAGE_CALL, RowState::Ok);
    if let Some((appid, account)) = ACCOUNTS.entry(turn.world, appid) {
        row.account = Some(appid.to_string());
        row.account_name = Some(account.name.clone());
        let openid = crate::people::openid(turn.world, person, appid);
        row.openid = openid.map(ToString::to_string);
    }
    row.user = Some(user::name(person));
    row.user_name = Some(nickname.to_owned());
    row
}
