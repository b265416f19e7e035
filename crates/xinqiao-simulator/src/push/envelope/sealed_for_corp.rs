//! A message in XML for an application of a corporation: always encrypted, sealed for the corporation, the application
//! named outside; the answer may be a reply, sealed likewise.
//!
//! Source: doc pages 90930 ("接收消息与事件"), 90968 ("加解密方案说明").

use xinqiao_crypto::AesKey;
use xinqiao_message::{
    envelope::{Keys, WorkReceiver, Wrapping, seal_work_push},
    push::{Context, Judgement},
};
use xinqiao_types::{CallbackMode, CallbackToken, CorpId};

use super::{ATTEMPTS, Answered, Envelope, PushKind, Sealed, Sealer};
use crate::{
    accounts::{ACCOUNTS, account::Account},
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

/// The keys of an application as they are now, its corporation and its number.
fn keys(account: &Account) -> Result<(Keys, &str, &str), String> {
    let (corp, agent) = account
        .of_corp()
        .ok_or("the account is no application of a corporation")?;
    let key = AesKey::parse(&account.callback.aes_key).map_err(|error| error.to_string())?;
    let token = CallbackToken::new(account.callback.token.clone());
    let receiver = CorpId::new(corp);
    let keys = Keys::work(token, &key, WorkReceiver::Agent { corp: &receiver });
    Ok((keys, corp, agent))
}

fn seal(world: &World, order: &PushOrder) -> Result<Sealer, String> {
    let account = ACCOUNTS
        .get(world, &*order.appid)
        .ok_or("the account is gone")?;
    let (keys, corp, agent) = keys(account)?;
    let (corp, agent, plain) = (corp.to_owned(), agent.to_owned(), order.plain.clone());
    let token = account.callback.token.clone();
    Ok(Sealer {
        mode: CallbackMode::Safe.to_string(),
        make: Box::new(move |now, nonce, random| {
            let sealed = seal_work_push(&keys, &plain, &corp, &agent, now, nonce, random)
                .map_err(|error| error.to_string())?;
            Ok(Sealed::signed(&token, CallbackMode::Safe, sealed))
        }),
    })
}

fn judge(world: &World, kind: &PushKind, order: &PushOrder, answer: &Answered<'_>) -> Judgement {
    let known = ACCOUNTS.get(world, &*order.appid).map(keys);
    let Some(Ok((keys, corp, _))) = known else {
        return Judgement::Silent;
    };
    let context = Context {
        keys: &keys,
        openid: &order.openid,
        account: corp,
        speaker: (kind.speaker)(order),
        wrapping: Wrapping::Xml,
    };
    answer.judge(&context)
}
