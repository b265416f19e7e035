//! Where a passive reply (被动回复) is applied: the app's answer to a callback becomes a bubble on the phone.
//!
//! A legal reply is shown once, whichever attempt brought it. One that names a file which does not exist is an illegal
//! answer, and the user sees the platform's notice.

use serde_json::Value;
use xinqiao_message::reply::Reply;

use super::{bubble, kf_session, phone::STRANGERS};
use crate::{
    accounts::{ACCOUNTS, files},
    kernel::{
        Turn,
        row::{Plain, RowState, Words, diagnose},
    },
    people::{self, bubbles::preview, contact::Speaker},
    push::{
        self, Taken,
        envelope::Replied,
        order::{Judged, PushOrder},
    },
};

/// Puts a legal reply on the phone.
pub(super) fn replied(turn: &mut Turn<'_>, order: &PushOrder, replied: &Replied<'_>) -> Taken {
    let Replied {
        reply,
        xml,
        warnings,
        replyable,
    } = *replied;
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
    if !is_reached(turn, order) {
        judged.state = RowState::Warn;
        judged.subtitle = Words::new(
            "对方没有关注，回复没有送达",
            "The person does not follow; the reply reaches nobody",
        );
        judged.diagnosis = Some(diagnose("interaction.not_following", None, None));
        return Taken::Fine {
            judged,
            reply: Value::Null,
        };
    }
    if let Reply::TransferCustomerService { kf_account } = reply {
        kf_session::hand_over(turn, &order.appid, &order.openid, kf_account.as_deref());
    }
    let Some((kind, fields)) = bubble::of_reply(reply) else {
        judged.subtitle = Words::new("转给人工客服", "Handed to customer-service staff");
        return Taken::Fine {
            judged,
            reply: Value::Null,
        };
    };
    let Some(said) = turn.say(
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
    let preview = preview(turn.world.house, &said.item);
    judged.subtitle = Words::new(
        format!("应用回复：{preview}"),
        format!("The app replies: {preview}"),
    );
    let mut row = turn.row(&push::REPLY, judged.state);
    row.account = Some(order.appid.to_string());
    row.account_name = Some(order.account_name.clone());
    row.user.clone_from(&order.user);
    row.user_name.clone_from(&order.user_name);
    row.openid = Some(order.openid.to_string());
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
        reply: said.item.view(said.number),
    }
}

/// Whether the person is there to read it.
fn is_reached(turn: &Turn<'_>, order: &PushOrder) -> bool {
    let rules = { ACCOUNTS.get(turn.world, &*order.appid) }.map(|account| &account.rules);
    let contact = people::contact(turn.world, &order.appid, &order.openid);
    contact.is_some_and(|contact| contact.followed) || STRANGERS.word(rules) == "served"
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
    let known = files::has(turn.world, &order.appid, named, turn.now.0);
    (!known).then(|| named.clone())
}
