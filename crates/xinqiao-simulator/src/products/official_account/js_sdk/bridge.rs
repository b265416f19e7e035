//! The script that makes a page one in the phone, and what it asks.
//!
//! Any site may load the script, and it does nothing where no phone opened the site. It asks by `POST` as a simple request,
//! so that no other header has to be allowed; the browser says in `Origin` which site asks, and a page cannot.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::web_login::{link::origin, phone_at},
    NAME, Opened, TAB_LIFETIME, TABS, Tab, calls,
    config::{self, Config},
    tell_config,
};
use crate::{
    door::pages::{Leaf, Visit},
    kernel::{Id, Turn},
};

/// Where the script is.
pub(super) const SCRIPT: &str = "/xinqiao/bridge.js";
/// What it asks.
pub(super) const ASKED: &str = "/xinqiao/bridge";
/// Most bytes that a page hands over: all of it stands in the timeline.
const MOST: usize = 64 * 1024;
/// The script; `__ASKED__` stands for where it asks.
const TEXT: &str = include_str!("bridge.js");

pub(super) fn script(turn: &mut Turn<'_>, _: &Visit<'_>) -> Leaf {
    let asked = format!("{}{ASKED}", turn.world.origins.pages);
    Leaf::Script(TEXT.replace("__ASKED__", &asked))
}

/// What the script sends.
#[derive(Debug, Deserialize)]
struct Sent {
    /// The tab, as it was told before.
    #[serde(default)]
    tab: String,
    /// The page as it was loaded.
    url: String,
    /// A function by its name at the bridge; none where a page begins.
    #[serde(default)]
    name: String,
    #[serde(default)]
    params: Map<String, Value>,
    /// What the person said to the sheet that the answer before asked for.
    #[serde(default)]
    said: Option<Value>,
}

pub(super) fn asked(turn: &mut Turn<'_>, visit: &Visit<'_>) -> Leaf {
    let body = &visit.call.body;
    if body.len() > MOST {
        return wrong("a page hands over 64 KiB at most");
    }
    let sent: Sent = match serde_json::from_slice(body) {
        Ok(sent) if visit.call.method == "POST" => sent,
        _ => return wrong("this address is for the script of the phone: POST with a JSON body"),
    };
    let from = visit.call.header("origin").unwrap_or_default();
    if from.is_empty() || origin(&sent.url).as_deref() != Some(from) {
        return wrong("the page is of another site than the one that asks");
    }
    // A tab is one in the phone as long as its site is: a snapshot of the site is not.
    let still = phone_at(turn.world, from, turn.now.0).is_some();
    let (tab, here) = match TABS.get(turn.world, &*sent.tab) {
        Some(known) if known.origin == from && still => (Id::from(&*sent.tab), known.clone()),
        _ => match begun(turn, from) {
            Some(new) => new,
            None => {
                return wrong(
                    "no phone of Xinqiao opened this site: open the page in the virtual phone, or with the act `browse`",
                );
            }
        },
    };
    turn.cause.clone_from(&here.cause);
    let english = visit.in_english();
    let answer = match &*sent.name {
        "" => {
            if let Some(row) = TABS.get_mut(turn.world, &*tab) {
                row.opened = None;
            }
            json!({"tab": &*tab})
        }
        calls::CONFIG => configured(turn, &tab, &here, &sent),
        name => {
            let call = calls::Call {
                tab: &here,
                name,
                url: &sent.url,
                params: &sent.params,
                said: sent.said.as_ref(),
                english,
            };
            calls::answer(turn, &call)
        }
    };
    Leaf::Told(answer)
}

fn wrong(why: &str) -> Leaf {
    Leaf::Told(json!({"error": why}))
}

/// A new tab of the phone that opened this site.
fn begun(turn: &mut Turn<'_>, origin: &str) -> Option<(Id, Tab)> {
    let browser = phone_at(turn.world, origin, turn.now.0)?;
    let row = Tab {
        user: browser.user,
        nickname: browser.nickname.clone(),
        cause: browser.cause.clone(),
        origin: origin.to_owned(),
        opened: None,
    };
    let tab: Id = turn.world.next_ever("js_tab").word(32).into();
    TABS.put(turn.world, tab.clone(), row.clone());
    turn.later(turn.now.0 + TAB_LIFETIME, NAME, json!({"tab": &*tab}));
    Some((tab, row))
}

/// `wx.config`.
fn configured(turn: &mut Turn<'_>, tab: &Id, here: &Tab, sent: &Sent) -> Value {
    let text = |name: &str| calls::text(&sent.params, name);
    let listed = sent.params.get("verifyJsApiList").and_then(Value::as_array);
    let names: Vec<String> = { listed.into_iter().flatten() }
        .filter_map(|name| name.as_str().map(ToOwned::to_owned))
        .collect();
    let config = Config {
        appid: text("verifyAppId"),
        url: sent.url.clone(),
        timestamp: text("verifyTimestamp"),
        nonce: text("verifyNonceStr"),
        signature: text("verifySignature"),
        names,
    };
    let judged = config::judge(turn.world, &config, turn.now.0);
    tell_config(turn, (here.user, &here.nickname), &config, &judged);
    let (answer, opened) = match judged {
        Ok(judged) => {
            let opened = Opened {
                appid: judged.appid,
                names: config.names.into_iter().collect(),
            };
            ("ok", Some(opened))
        }
        Err(fault) => (fault.text, None),
    };
    if let Some(row) = TABS.get_mut(turn.world, &**tab) {
        row.opened = opened;
    }
    json!({"err_msg": format!("{}:{answer}", calls::CONFIG)})
}
