//! Named switches for behaviour that sources dispute or do not tell.

use serde_json::{Value, json};

use super::account::Account;
use crate::kernel::Refused;

/// One switch.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Its name.
    pub(crate) name: &'static str,
    /// What holds if nobody switches it.
    pub(crate) default: Default,
    /// What it means.
    pub(crate) about: (&'static str, &'static str),
    /// Where the default comes from.
    pub(crate) source: &'static str,
}

/// The default of a switch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Default {
    /// A whole number.
    Number(i64),
    /// One of several words.
    Word(&'static str, &'static [&'static str]),
}

/// The text of the platform's notice.
pub(crate) const NOTICE_TEXT: &str = "callback.notice_text";
/// After how many failed attempts in a row pushing stops.
pub(crate) const MARK_FAIL_AFTER: &str = "callback.mark_fail_after";
/// For how long pushing stops.
pub(crate) const MARK_FAIL_SECONDS: &str = "callback.mark_fail_seconds";

/// What white space before a reply means.
pub(crate) const BLANK_BEFORE_REPLY: &str = "callback.blank_before_reply";

/// How long a code is good with which an account is asked to authorize.
pub(crate) const PRE_AUTH_CODE_SECONDS: &str = "authorization.pre_auth_code_seconds";

/// Every switch.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: NOTICE_TEXT,
        default: Default::Word("client", &["client", "documentation"]),
        about: (
            "失败提示的文字：client 为近年客户端显示的文字，documentation 为文档中的文字",
            "the notice's text: `client` is what clients of recent years show, `documentation` the page's",
        ),
        source: "captured from clients; the documentation has another text",
    },
    Rule {
        name: MARK_FAIL_AFTER,
        default: Default::Number(60),
        about: (
            "连续多少次推送失败后暂停推送（MarkFail）",
            "after how many failed attempts in a row pushing pauses (MarkFail)",
        ),
        source: "inferred: the documentation only says `many`",
    },
    Rule {
        name: MARK_FAIL_SECONDS,
        default: Default::Number(60),
        about: (
            "MarkFail 暂停多少秒",
            "for how many seconds MarkFail pauses pushing",
        ),
        source: "documented (alarm guide)",
    },
    Rule {
        name: BLANK_BEFORE_REPLY,
        default: Default::Word("accepted", &["accepted", "refused"]),
        about: (
            "回复的 <xml> 之前有空白字符：accepted 照常显示，refused 按文档算作非法回答",
            "white space before a reply's <xml>: `accepted` shows it, `refused` takes it for illegal as the pages do",
        ),
        source: "WeRoBot has answered so for ten years; the documentation counts leading spaces as illegal",
    },
    Rule {
        name: PRE_AUTH_CODE_SECONDS,
        default: Default::Number(1800),
        about: (
            "预授权码（pre_auth_code）有效多少秒，设在第三方平台上",
            "for how many seconds a pre_auth_code is good; set on the third-party platform",
        ),
        source: "documented (newer text); an older text has 600",
    },
];

impl Rule {
    fn default_value(&self) -> Value {
        match self.default {
            Default::Number(number) => json!(number),
            Default::Word(word, _) => json!(word),
        }
    }
}

/// The list for the control interface.
pub(crate) fn view() -> Value {
    let items: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            let allowed = match rule.default {
                Default::Number(_) => json!("number"),
                Default::Word(_, words) => json!(words),
            };
            json!({
                "name": rule.name,
                "default": rule.default_value(),
                "allowed": allowed,
                "about": {"zh": rule.about.0, "en": rule.about.1},
                "source": rule.source,
            })
        })
        .collect();
    json!({"items": items})
}

/// Whether a switch exists and takes this value.
pub(crate) fn check(name: &str, value: &Value) -> Result<(), Refused> {
    let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
        let known: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        return Err(Refused::invalid(format!(
            "no rule `{name}`; there are {}",
            known.join(", ")
        )));
    };
    let fits = match rule.default {
        Default::Number(_) => value.as_i64().is_some_and(|number| number >= 0),
        Default::Word(_, words) => value.as_str().is_some_and(|word| words.contains(&word)),
    };
    if fits {
        Ok(())
    } else {
        Err(Refused::invalid(format!(
            "rule `{name}` does not take {value}"
        )))
    }
}

/// The number that holds for an account.
pub(crate) fn number(account: &Account, name: &str) -> i64 {
    let default = RULES
        .iter()
        .find(|rule| rule.name == name)
        .map(Rule::default_value);
    account
        .rule(name)
        .cloned()
        .or(default)
        .and_then(|value| value.as_i64())
        .unwrap_or_default()
}

/// The word that holds for an account.
pub(crate) fn word(account: &Account, name: &str) -> String {
    let default = RULES
        .iter()
        .find(|rule| rule.name == name)
        .map(Rule::default_value);
    let value = account.rule(name).cloned().or(default);
    value
        .as_ref()
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
