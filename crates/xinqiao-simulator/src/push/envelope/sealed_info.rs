//! An event in XML about what others allow its receiver, always encrypted, with the receiver's appid beside the
//! ciphertext; the answer is `success`.
//!
//! Source: doc pages "验证票据", "授权变更通知推送".

use xinqiao_crypto::AesKey;
use xinqiao_message::{
    envelope::{Keys, SUCCESS, seal_component_push},
    push::Judgement,
};
use xinqiao_types::CallbackToken;

use super::{ATTEMPTS, Answered, Envelope, PushKind, Sealed, Sealer};
use crate::{accounts::ACCOUNTS, kernel::World, push::order::PushOrder};

pub(crate) static ENVELOPE: Envelope = Envelope {
    attempts: ATTEMPTS,
    pauses: &[],
    signed: true,
    seal,
    judge,
};

fn seal(world: &World, order: &PushOrder) -> Result<Sealer, String> {
    let account = ACCOUNTS
        .get(world, &*order.appid)
        .ok_or("the account is gone")?;
    let (own, plain) = (account.callback.clone(), order.plain.clone());
    let key = AesKey::parse(&own.aes_key).map_err(|error| error.to_string())?;
    let token = CallbackToken::new(own.token.clone());
    let keys = Keys::new(token, &*account.appid).with_aes_key(&key);
    Ok(Sealer {
        mode: own.mode.to_string(),
        make: Box::new(move |now, nonce, random| {
            let sealed = seal_component_push(&keys, &plain, "", now, nonce, random)
                .map_err(|error| error.to_string())?;
            Ok(Sealed::signed(&own.token, own.mode, sealed))
        }),
    })
}

/// WECHAT: only the bare word counts; silence, which is fine after a message, is a failure here.
fn judge(_: &World, _: &PushKind, _: &PushOrder, answer: &Answered<'_>) -> Judgement {
    match answer.status {
        200 if answer.body == SUCCESS.as_bytes() => Judgement::Silent,
        200 => Judgement::Failed {
            rule: "reply.component",
            detail: format!("the answer is not `{SUCCESS}`"),
        },
        status => Judgement::Failed {
            rule: "reply.status",
            detail: format!("status {status} instead of 200"),
        },
    }
}
