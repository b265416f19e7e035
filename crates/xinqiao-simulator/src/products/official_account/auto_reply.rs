//! Automatic replies (自动回复) that an account's console writes: to a follow, to words, to everything else.
//!
//! They answer people as long as the account has no server; with a server the app answers alone. The control interface
//! stands for the console.
//!
//! Source: doc page "获取公众号的自动回复规则".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::id::official_account as oa;

use super::{KINDS, push_xml::elements};
use crate::{
    accounts::{self, ACCOUNTS},
    door::{Asked, Reply, Verdict, stateful},
    kernel::{
        Id, Refused, Table, Turn, World,
        feature::id_in,
        route::{Handler, Request, Route},
    },
    people::contact::Speaker,
    products::Feature,
};

/// What an account's console has.
static REPLIES: Table<Id, Replies> = Table::new("official_account.auto_replies", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.auto_reply",
    tables: &[&REPLIES],
    behaviours: &[stateful(
        oa::base::GET_CURRENT_AUTO_REPLY_INFO,
        "automatic_replies_are_told_and_answer_where_no_server_is",
        get,
    )],
    routes: &[
        Route {
            method: "GET",
            path: PATH,
            run: Handler::Look(in_control),
        },
        Route {
            method: "PUT",
            path: PATH,
            run: Handler::Change(set),
        },
    ],
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const PATH: &str = "/accounts/{appid}/auto-replies";

/// All automatic replies; texts, since nobody asks for more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Replies {
    /// To a follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    followed: Option<String>,
    /// To what no word stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    otherwise: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keywords: Vec<Rule>,
    /// When they were written.
    written_at: i64,
}

/// Some words and what is replied to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    name: String,
    words: Vec<String>,
    /// The whole text, not a part of it.
    #[serde(default)]
    whole: bool,
    replies: Vec<String>,
}

impl Rule {
    fn fits(&self, text: &str) -> bool {
        { self.words.iter() }.any(|word| {
            if self.whole {
                text == word
            } else {
                text.contains(word.as_str())
            }
        })
    }
}

/// `get_current_autoreply_info`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let none = Replies::default();
    let replies = REPLIES.get(turn.world, &*asked.appid).unwrap_or(&none);
    let open = replies.otherwise.is_some() || !replies.keywords.is_empty();
    let mut answer = json!({
        "is_add_friend_reply_open": u8::from(replies.followed.is_some()),
        "is_autoreply_open": u8::from(open),
    });
    let text = |content: &String| json!({"type": "text", "content": content});
    if let Some(content) = &replies.followed {
        answer["add_friend_autoreply_info"] = text(content);
    }
    if let Some(content) = &replies.otherwise {
        answer["message_default_autoreply_info"] = text(content);
    }
    let told = |rule: &Rule| {
        let mode = if rule.whole { "equal" } else { "contain" };
        let words: Vec<Value> = { rule.words.iter() }
            .map(|word| json!({"type": "text", "match_mode": mode, "content": word}))
            .collect();
        let replies: Vec<Value> = rule.replies.iter().map(text).collect();
        json!({
            "rule_name": rule.name, "create_time": 0, "reply_mode": "reply_all",
            "keyword_list_info": words, "reply_list_info": replies,
        })
    };
    if !replies.keywords.is_empty() {
        let mut list: Vec<Value> = replies.keywords.iter().map(told).collect();
        for rule in &mut list {
            rule["create_time"] = json!(replies.written_at);
        }
        answer["keyword_autoreply_info"] = json!({"list": list});
    }
    Ok(Reply::Json(answer))
}

fn in_control(world: &World, request: &Request) -> Result<Value, Refused> {
    let appid = accounts::id(world, request.part("appid"))?;
    let replies = REPLIES.get(world, &*appid).cloned().unwrap_or_default();
    Ok(json!(replies))
}

fn set(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let appid = accounts::id(turn.world, request.part("appid"))?;
    let kind = accounts::account(turn.world, &appid)?.kind;
    if !KINDS.contains(&kind) {
        return Err(Refused::unwilling(format!(
            "a {kind} has no automatic replies"
        )));
    }
    let replies = Replies {
        written_at: turn.now.0,
        ..request.body()?
    };
    let told = json!(replies);
    REPLIES.put(turn.world, appid, replies);
    Ok(told)
}

/// What an account says by itself: to a text, or to a follow.
pub(super) fn answer(turn: &mut Turn<'_>, appid: &Id, openid: &Id, text: Option<&str>) {
    let server = { ACCOUNTS.get(turn.world, &**appid) }
        .is_none_or(|account| !account.callback.url.is_empty());
    let Some(replies) = REPLIES.get(turn.world, &**appid).filter(|_| !server) else {
        return;
    };
    let said: Vec<String> = match text {
        None => replies.followed.iter().cloned().collect(),
        Some(text) => match replies.keywords.iter().find(|rule| rule.fits(text)) {
            Some(rule) => rule.replies.clone(),
            None => replies.otherwise.iter().cloned().collect(),
        },
    };
    for content in said {
        let fields = elements([("content", json!(content))]);
        turn.say(appid, openid, Speaker::Account, "reply", "text", fields);
    }
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        REPLIES.remove(turn.world, &*appid);
    }
}
