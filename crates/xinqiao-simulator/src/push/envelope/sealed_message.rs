//! A message in XML with a signature in the query, encrypted where the account wants it; the answer may be a reply.
//!
//! Source: doc pages "接收普通消息", "消息加解密说明".

use xinqiao_crypto::{AesKey, callback};
use xinqiao_message::{
    envelope::{CallbackQuery, Keys, Push, Wrapping, seal_push},
    push::{self, Context, Judgement},
};
use xinqiao_types::{CallbackMode, CallbackToken};

use super::{Answered, Envelope, PushKind, Sealed, Sealer};
use crate::{
    accounts::{ACCOUNTS, account::Account, rules},
    kernel::{
        World,
        row::{SignatureFacts, SignaturePart},
    },
    push::order::PushOrder,
};

/// "Three tries in all" is read as three deliveries.
const ATTEMPTS: u8 = 3;

pub(crate) static ENVELOPE: Envelope = Envelope {
    attempts: ATTEMPTS,
    pauses: &[],
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
    let (keys, own) = (keys(account), account.callback.clone());
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
            let sealed =
                seal_push(&keys, &push, now, nonce, random).map_err(|error| error.to_string())?;
            Ok(Sealed {
                signature: signature(&own.token, own.mode, &sealed.query, &sealed.body),
                query: sealed.query,
                headers: Vec::new(),
                body: sealed.body,
                content_type: sealed.content_type,
            })
        }),
    })
}

/// How the signature was made, part by part in the order of hashing.
fn signature(token: &str, mode: CallbackMode, query: &str, body: &str) -> Option<SignatureFacts> {
    let query = CallbackQuery::parse(query);
    let part = |name, value: &str| SignaturePart {
        name,
        value: value.to_owned(),
    };
    let mut parts = vec![
        part("token", token),
        part("timestamp", query.timestamp.as_deref()?),
        part("nonce", query.nonce.as_deref()?),
    ];
    if mode != CallbackMode::Plain {
        let start = body.find("<Encrypt><![CDATA[")? + "<Encrypt><![CDATA[".len();
        let end = start + body[start..].find("]]>")?;
        parts.push(part("encrypt", &body[start..end]));
    }
    parts.sort_by(|a, b| a.value.as_bytes().cmp(b.value.as_bytes()));
    let texts: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
    let expected = callback::signature(&texts).to_string();
    Some(SignatureFacts {
        algorithm: "sha1",
        parts,
        received: None,
        expected,
    })
}

fn judge(world: &World, kind: &PushKind, order: &PushOrder, answer: &Answered<'_>) -> Judgement {
    let Some(account) = ACCOUNTS.get(world, &*order.appid) else {
        return Judgement::Silent;
    };
    let keys = keys(account);
    let context = Context {
        keys: &keys,
        openid: &order.openid,
        account: &account.original_id,
        speaker: (kind.speaker)(order),
        wrapping: Wrapping::Xml,
    };
    let judgement = push::judge(
        &context,
        &push::Answer {
            status: answer.status,
            content_type: Some(answer.content_type),
            body: answer.body,
        },
    );
    let blank = answer.body.first().is_some_and(u8::is_ascii_whitespace)
        && rules::word(account, rules::BLANK_BEFORE_REPLY) == "refused";
    match judgement {
        Judgement::Reply { .. } if blank => Judgement::Illegal {
            rule: "reply.blank",
            detail: "white space before the reply".to_owned(),
        },
        other => other,
    }
}
