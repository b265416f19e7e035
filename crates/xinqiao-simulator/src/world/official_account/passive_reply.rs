//! Where a passive reply (被动回复) is applied: the app's answer to a callback becomes a bubble on the phone.
//!
//! `success` and an empty body say nothing. A legal reply is shown once, whichever attempt brought it. Anything else
//! is an illegal answer, and the user sees the platform's notice.

use serde_json::{Value, json};
use xinqiao_message::{
    push::{Judgement, Warning},
    reply::Reply,
};

use super::{bubble, push};
use crate::world::{
    Turn,
    command::{Judged, PushOrder, PushResult},
    contact::Speaker,
    row::{Diagnosed, Plain, RowKind, RowState, Words, diagnose},
    rules,
};

/// What an answer was taken for.
#[derive(Debug)]
pub(super) enum Taken {
    /// Silence, or a reply that is now on the phone.
    Fine { judged: Judged, reply: Value },
    /// Not retried: the user sees the notice.
    Illegal {
        diagnosis: Diagnosed,
        detail: String,
    },
    /// Retried while attempts are left.
    Failed {
        diagnosis: Diagnosed,
        detail: String,
    },
}

pub(super) fn take(
    turn: &mut Turn<'_>,
    order: &PushOrder,
    replyable: bool,
    result: &PushResult,
) -> Taken {
    let (status, content_type, body) = match result {
        PushResult::Failed { rule, message } => {
            return Taken::Failed {
                diagnosis: diagnose(rule, Some(message.clone()), None),
                detail: message.clone(),
            };
        }
        PushResult::Answered {
            status,
            content_type,
            body,
        } => (*status, content_type, body),
    };
    match push::judge(order, status, content_type, body) {
        Judgement::Silent => Taken::Fine {
            judged: silent(),
            reply: Value::Null,
        },
        Judgement::Reply { .. } if blank_is_refused(turn, order, body) => {
            let detail = "white space before the reply".to_owned();
            Taken::Illegal {
                diagnosis: diagnose("reply.blank", Some(excerpt(body)), None),
                detail,
            }
        }
        Judgement::Reply {
            reply,
            xml,
            warnings,
        } => apply(turn, order, replyable, &reply, &xml, &warnings),
        Judgement::Illegal { rule, detail } => Taken::Illegal {
            diagnosis: diagnose(rule, Some(excerpt(body)), None),
            detail,
        },
        Judgement::Failed { rule, detail } => {
            let rule = by_status(status).unwrap_or(rule);
            Taken::Failed {
                diagnosis: diagnose(rule, Some(excerpt(body)), None),
                detail,
            }
        }
    }
}

/// Whether white space before the reply counts, and there is some.
fn blank_is_refused(turn: &Turn<'_>, order: &PushOrder, body: &[u8]) -> bool {
    body.first().is_some_and(u8::is_ascii_whitespace)
        && turn
            .world
            .accounts
            .get(&order.appid)
            .is_some_and(|account| rules::word(account, rules::BLANK_BEFORE_REPLY) == "refused")
}

/// Frameworks say with their status what is wrong: each has its own remedy.
fn by_status(status: u16) -> Option<&'static str> {
    Some(match status {
        401 => "callback.status.unauthorized",
        403 => "callback.status.forbidden",
        404 => "callback.status.not_found",
        405 => "callback.status.method",
        413 => "callback.status.too_large",
        419 => "callback.status.csrf",
        500..=599 => "callback.status.server_error",
        _ => return None,
    })
}

fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(300).collect()
}

fn silent() -> Judged {
    Judged {
        state: RowState::Ok,
        label: Words::new("已收到", "accepted"),
        subtitle: Words::new(
            "应用收到了，没有回复",
            "The app accepted it and says nothing",
        ),
        diagnosis: None,
        plain: None,
    }
}

/// Puts a legal reply on the phone.
fn apply(
    turn: &mut Turn<'_>,
    order: &PushOrder,
    replyable: bool,
    reply: &Reply,
    xml: &str,
    warnings: &[Warning],
) -> Taken {
    if let Some(media_id) = unknown_media(turn, order, reply) {
        let detail = format!("the reply names a file that does not exist: {media_id}");
        return Taken::Illegal {
            diagnosis: diagnose("reply.media", Some(media_id), None),
            detail,
        };
    }
    let mut judged = Judged {
        state: RowState::Ok,
        label: Words::new("已回复", "replied"),
        subtitle: Words::default(),
        diagnosis: None,
        plain: Some(xml.to_owned()),
    };
    if let Some(warning) = warnings.first() {
        judged.state = RowState::Warn;
        judged.diagnosis = Some(diagnose(warning.rule, Some(warning.detail.clone()), None));
    }
    if !replyable {
        judged.state = RowState::Warn;
        judged.subtitle = Words::new(
            "这种事件不接受回复，回复被丢弃",
            "This event takes no reply; the reply is dropped",
        );
        judged.diagnosis = Some(diagnose("reply.not_allowed", None, None));
        return Taken::Fine {
            judged,
            reply: Value::Null,
        };
    }
    let Some((kind, fields)) = bubble::of_reply(reply) else {
        judged.subtitle = Words::new("转给人工客服", "Handed to customer-service staff");
        return Taken::Fine {
            judged,
            reply: Value::Null,
        };
    };
    let Some(item) = turn.say(
        &order.appid,
        &order.openid,
        Speaker::Account,
        "reply",
        &kind,
        fields,
    ) else {
        return Taken::Fine {
            judged,
            reply: Value::Null,
        };
    };
    let preview = item.preview();
    judged.subtitle = Words::new(
        format!("应用回复：{preview}"),
        format!("The app replies: {preview}"),
    );
    let mut row = turn.row(RowKind::Reply, judged.state);
    row.account = Some(order.appid.clone());
    row.account_name = Some(order.account_name.clone());
    row.user.clone_from(&order.user);
    row.user_name.clone_from(&order.user_name);
    row.openid = Some(order.openid.clone());
    let (account, user) = (
        &order.account_name,
        order.user_name.clone().unwrap_or_default(),
    );
    row.title = Words::new(
        format!("{account} 回复{user}“{preview}”"),
        format!("{account} replies “{preview}” to {user}"),
    );
    row.subtitle = warnings.first().map_or_else(
        || Words::new("被动回复", "passive reply"),
        |warning| Words::same(warning.detail.clone()),
    );
    row.label = Words::new("回复", "reply");
    row.diagnosis.clone_from(&judged.diagnosis);
    row.plain = Some(Plain {
        request: None,
        response: Some(xml.to_owned()),
    });
    turn.show(row);
    Taken::Fine {
        judged,
        reply: json!(item.view()),
    }
}

/// The first file that a reply names and the account does not have.
fn unknown_media(turn: &Turn<'_>, order: &PushOrder, reply: &Reply) -> Option<String> {
    let named = match reply {
        Reply::Image { media_id } | Reply::Voice { media_id } | Reply::Video { media_id, .. } => {
            media_id
        }
        Reply::Music(music) if !music.thumb_media_id.is_empty() => &music.thumb_media_id,
        _ => return None,
    };
    let known = turn
        .world
        .media
        .get(named)
        .is_some_and(|media| media.account == order.appid && media.is_alive(turn.now.0));
    (!known).then(|| named.clone())
}
