//! Messages and events for an account's server: what is pushed, and the notice where nobody answers.

use serde_json::{Value, json};
use xinqiao_catalog::{
    Event, Product,
    rules::permission::{self, Denied},
};
use xinqiao_message::push::Speaker;

use super::{
    passive_reply,
    push_xml::{Draft, elements},
};
use crate::{
    accounts::{
        ACCOUNTS,
        rules::{self, Rule},
    },
    door::denied_right,
    kernel::{
        Id, Turn,
        row::{self, RowState, Words},
    },
    people::{self, contact},
    products::Feature,
    push::{
        self, Content,
        envelope::{PushKind, sealed_message},
        order::PushOrder,
    },
};

/// Message ids are numbers of 17 digits that begin with 9.
const FIRST_MSG_ID: u64 = 90_000_000_000_000_000;

static MESSAGE: PushKind = PushKind {
    name: "official_account.message",
    envelope: &sealed_message::ENVELOPE,
    to_server: true,
    speaker: |order| match order.event {
        Some(_) => Speaker::OfficialAccountToEvent,
        None => Speaker::OfficialAccountToMessage,
    },
    replied: passive_reply::replied,
    given_up: show_notice,
    of_format_1: true,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.message",
    pushes: &[&MESSAGE],
    rules: &[&NOTICE_TEXT],
    ..Feature::EMPTY
};

/// Pushes something to an account's server. None if the account has no server, or no right to this event.
pub(super) fn push(turn: &mut Turn<'_>, appid: &Id, openid: &Id, draft: &Draft) -> Option<u64> {
    if let Some(denied) = denied(turn, appid, draft) {
        not_entitled(turn, appid, draft, &denied);
        return None;
    }
    let msg_id = draft
        .event
        .is_none()
        .then(|| FIRST_MSG_ID + turn.world.serial("message") * 1009);
    let account = ACCOUNTS.get(turn.world, &**appid)?;
    let content = Content {
        plain: draft.write(&account.original_id, openid, turn.now, msg_id),
        msg_type: draft.msg_type.clone(),
        event: draft.event.clone(),
        msg_id: msg_id.map(|id| id.to_string()),
        notice: draft.notice,
        replyable: draft.replyable,
    };
    push::start(turn, &MESSAGE, appid, openid, content)
}

/// What the catalog knows of it.
fn recognised(draft: &Draft) -> Option<&'static Event> {
    xinqiao_catalog::recognise_event(
        Product::OfficialAccount,
        &draft.msg_type,
        draft.event.as_deref().unwrap_or_default(),
        |element| draft.fields.get(element).and_then(Value::as_str),
    )
}

/// Why an account is not pushed this: an event belongs to a row of the permission table, and comes to whom
/// the row gives it.
///
/// Source: doc page "接口权限说明"; catalog table `permissions`, `events`.
pub(super) fn denied(turn: &Turn<'_>, appid: &Id, draft: &Draft) -> Option<Box<Denied>> {
    let account = ACCOUNTS.get(turn.world, &**appid)?;
    let known = recognised(draft)?;
    permission::check_event(known.id, &account.facts(turn.now.0)).err()
}

fn not_entitled(turn: &mut Turn<'_>, appid: &Id, draft: &Draft, denied: &Denied) {
    let event = draft.event.as_deref().unwrap_or(&draft.msg_type);
    let mut row = turn.row(&row::SYSTEM, RowState::Warn);
    row.account = Some(appid.to_string());
    row.account_name = ACCOUNTS
        .get(turn.world, &**appid)
        .map(|own| own.name.clone());
    row.title = Words::new(
        format!("没有推送 {event}：账号没有该接口权限"),
        format!("{event} is not pushed: the account lacks the right"),
    );
    row.subtitle = Words::new(&*denied.cause_zh, &*denied.cause_en);
    row.label = Words::new("无权限", "no right");
    row.diagnosis = Some(denied_right(denied));
    turn.show(row);
}

/// Opens the allowance for customer messages that a callback gives.
pub(super) fn open_allowance(turn: &mut Turn<'_>, appid: &Id, openid: &Id, draft: &Draft) {
    let Some(known) = recognised(draft) else {
        return;
    };
    let now = turn.now;
    if let Some(contact) = people::contact_mut(turn.world, appid, openid) {
        contact.allowances.grant(known.id, now);
    }
}

/// The text of the platform's notice.
static NOTICE_TEXT: Rule = Rule {
    name: "callback.notice_text",
    default: rules::Preset::Word("client", &["client", "documentation"]),
    about: (
        "失败提示的文字：client 为近年客户端显示的文字，documentation 为文档中的文字",
        "the notice's text: `client` is what clients of recent years show, `documentation` the page's",
    ),
    source: "captured from clients; the documentation has another text",
};

/// The notice that the user sees when the account's server failed.
fn show_notice(turn: &mut Turn<'_>, order: &PushOrder) {
    let Some(account) = ACCOUNTS.get(turn.world, &*order.appid) else {
        return;
    };
    // WECHAT: the documentation has 该公众号暂时无法提供服务，请稍后再试; clients show another text.
    let text = match NOTICE_TEXT.word(Some(&account.rules)) {
        "documentation" => "该公众号暂时无法提供服务，请稍后再试",
        _ => "该公众号提供的服务出现故障，请稍后再试",
    };
    let fields = elements([("content", json!(text))]);
    turn.say(
        &order.appid,
        &order.openid,
        contact::Speaker::System,
        "system",
        "text",
        fields,
    );
    let mut row = turn.row(&row::SYSTEM, RowState::Error);
    row.account = Some(order.appid.to_string());
    row.account_name = Some(order.account_name.clone());
    row.user.clone_from(&order.user);
    row.user_name.clone_from(&order.user_name);
    row.openid = Some(order.openid.to_string());
    let name = order.user_name.clone().unwrap_or_default();
    row.title = Words::new(
        format!("{name} 看到故障提示"),
        format!("{name} sees the platform's failure notice"),
    );
    row.subtitle = Words::same(text);
    row.label = Words::new("提示", "notice");
    turn.show(row);
}
