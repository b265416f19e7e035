//! A message in XML with a signature in the query, encrypted where the account wants it; the answer may be a reply.
//!
//! Source: doc pages "接收普通消息", "消息加解密说明".

use xinqiao_crypto::AesKey;
use xinqiao_message::{
    envelope::{Keys, Push, Wrapping, seal_component_push, seal_push},
    push::{Context, Judgement},
};
use xinqiao_types::{CallbackMode, CallbackToken};

use super::{ATTEMPTS, Answered, Envelope, PushKind, Sealed, Sealer};
use crate::{
    accounts::{
        ACCOUNTS,
        account::Account,
        rules::{self, Rule},
    },
    kernel::World,
    push::order::PushOrder,
};

pub(crate) static ENVELOPE: Envelope = Envelope {
    attempts: ATTEMPTS,
    pauses: &[],
    signed: true,
    seal,
    judge,
};

/// The keys of an account as they are now.
fn keys(account: &Account) -> Keys {
    let own = &account.callback;
    let keys = Keys::new(CallbackToken::new(own.token.clone()), &*account.appid);
    match AesKey::parse(&own.aes_key) {
        Ok(key) => keys.with_aes_key(&key).with_mode(own.mode),
        // Keys are checked when they are set; without one only plain text can be spoken.
        Err(_) => keys.with_mode(CallbackMode::Plain),
    }
}

fn seal(world: &World, order: &PushOrder) -> Result<Sealer, String> {
    let account = ACCOUNTS
        .get(world, &*order.appid)
        .ok_or("the account is gone")?;
    let receiver = { ACCOUNTS.get(world, &**order.sealed_for()) }.ok_or("the receiver is gone")?;
    let (keys, own) = (keys(receiver), receiver.callback.clone());
    let elsewhere = order.receiver.is_some();
    let (original_id, openid, plain) = (
        account.original_id.clone(),
        order.openid.clone(),
        order.plain.clone(),
    );
    Ok(Sealer {
        mode: own.mode.to_string(),
        make: Box::new(move |now, nonce, random| {
            let push = Push {
                plain: &plain,
                to_user_name: &original_id,
                openid: &openid,
            };
            let sealed = if elsewhere {
                seal_component_push(&keys, &plain, &openid, now, nonce, random)
            } else {
                seal_push(&keys, &push, now, nonce, random)
            };
            let sealed = sealed.map_err(|error| error.to_string())?;
            Ok(Sealed::signed(&own.token, own.mode, sealed))
        }),
    })
}

/// What white space before a reply means.
pub(in crate::push) static BLANK_BEFORE_REPLY: Rule = Rule {
    name: "callback.blank_before_reply",
    default: rules::Preset::Word("accepted", &["accepted", "refused"]),
    about: (
        "回复的 <xml> 之前有空白字符：accepted 照常显示，refused 按文档算作非法回答",
        "white space before a reply's <xml>: `accepted` shows it, `refused` takes it for illegal as the pages do",
    ),
    source: "WeRoBot has answered so for ten years; the documentation counts leading spaces as illegal",
};

fn judge(world: &World, kind: &PushKind, order: &PushOrder, answer: &Answered<'_>) -> Judgement {
    let Some(account) = ACCOUNTS.get(world, &*order.appid) else {
        return Judgement::Silent;
    };
    let Some(receiver) = ACCOUNTS.get(world, &**order.sealed_for()) else {
        return Judgement::Silent;
    };
    let keys = keys(receiver);
    let context = Context {
        keys: &keys,
        openid: &order.openid,
        account: &account.original_id,
        speaker: (kind.speaker)(order),
        wrapping: Wrapping::Xml,
    };
    let judgement = answer.judge(&context);
    let blank = answer.body.first().is_some_and(u8::is_ascii_whitespace)
        && BLANK_BEFORE_REPLY.word(Some(&account.rules)) == "refused";
    match judgement {
        Judgement::Reply { .. } if blank => Judgement::Illegal {
            rule: "reply.blank",
            detail: "white space before the reply".to_owned(),
        },
        other => other,
    }
}
