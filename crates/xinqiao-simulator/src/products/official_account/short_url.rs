//! Short links (长链接转短链接), which the platform ended on 2021-03-15.
//!
//! Source: doc page "长链接转成短链接": ended, and answered with the long link; community since 2023: 45103.

use serde_json::json;
use xinqiao_catalog::{code, id::official_account as oa};

use crate::{
    accounts::rules::{Preset, Rule},
    door::{Asked, Refusal, Reply, Verdict, modelled},
    kernel::Turn,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.short_url",
    behaviours: &[modelled(
        oa::base::SHORT_URL,
        "links_are_not_shortened_any_more",
        shorten,
    )],
    rules: &[&ANSWER],
    ..Feature::EMPTY
};

static ANSWER: Rule = Rule {
    name: "short_url.answer",
    default: Preset::Word("unsupported", &["unsupported", "long_url"]),
    about: (
        "已停用的长链接转短链接怎么回答：unsupported 返回 45103，long_url 原样返回长链接",
        "how the ended short links answer: `unsupported` is 45103, `long_url` gives the long link back",
    ),
    source: "community since 2023 reports 45103; the doc page says the long link comes back",
};

/// `shorturl`.
fn shorten(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let account = asked.account(turn.world)?;
    if ANSWER.word(Some(&account.rules)) == "unsupported" {
        return Err(Refusal::code(code::API_UNSUPPORTED));
    }
    let (_, long_url) = (asked.text("action")?, asked.text("long_url")?);
    Ok(Reply::Json(
        json!({"errcode": 0, "errmsg": "ok", "short_url": long_url}),
    ))
}
