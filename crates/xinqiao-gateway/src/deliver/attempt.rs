//! One attempt: seal the push, post it, judge the answer.

use bytes::Bytes;
use xinqiao_message::{
    envelope::{self, Push, Wrapping},
    push::{self, Judgement},
};
use xinqiao_store::Answer;
use xinqiao_types::percent;

use super::Parcel;
use crate::{directory::Route, outbound::OutboundError, shared::Shared};

/// Replies are small; a larger answer is no reply.
const REPLY_BYTES: usize = 1 << 20;

/// What one attempt came to.
#[derive(Debug)]
pub(super) enum Attempted {
    /// The app took the event; this is what it has to say.
    Taken { status: u16, answer: Answer },
    /// The app took the event, but its answer is no valid reply.
    Illegal {
        status: u16,
        rule: &'static str,
        detail: String,
    },
    /// No app gets it.
    Withheld,
    /// The app did not take it.
    Failed {
        status: Option<u16>,
        rule: &'static str,
        detail: String,
    },
}

pub(super) async fn attempt(shared: &Shared, route: &Route, parcel: &Parcel) -> Attempted {
    let (nonce, random) = envelope::chance(&*shared.context.entropy);
    let timestamp = shared.context.clock.unix().0;
    let message = &parcel.message;
    let Some(plain) = message.handed_on() else {
        return Attempted::Withheld;
    };
    let head = &message.head;
    let other;
    let keys = match parcel.place.receiver() {
        None => &route.keys,
        Some(receiver) => {
            other = route.keys.for_receiver(receiver);
            &other
        }
    };
    let sealed = match std::str::from_utf8(plain) {
        Ok(plain) if message.reading().is_read() => {
            let push = Push {
                plain,
                to_user_name: &head.to,
                openid: &head.from,
            };
            envelope::seal_push(keys, &push, timestamp, &nonce, random).map(Into::into)
        }
        _ => envelope::seal_bytes(keys, plain, timestamp, &nonce, random),
    };
    let sealed = match sealed {
        Ok(sealed) => sealed,
        Err(error) => {
            let detail = error.to_string();
            return Attempted::Failed {
                status: None,
                rule: error.rule(),
                detail,
            };
        }
    };
    let reading = message.reading();
    let mark = reading
        .rule()
        .map(|rule| format!("{}; rule={rule}", reading.name()));
    let url = percent::with_query(&route.url_for(&parcel.place), &sealed.query);
    let body = Bytes::from(sealed.body);
    let answered = shared
        .outbound
        .app(
            &url,
            sealed.content_type,
            mark.as_deref(),
            body,
            REPLY_BYTES,
            route.timeout,
        )
        .await;
    let answered = match answered {
        Ok(answered) => answered,
        Err(error) => {
            let rule = match &error {
                OutboundError::Connect(_) => "app.unreachable",
                OutboundError::Timeout(_) => "app.timeout",
                OutboundError::TooLarge(_) => "app.reply.too_large",
                _ => "app.connection",
            };
            return Attempted::Failed {
                status: None,
                rule,
                detail: error.to_string(),
            };
        }
    };
    let status = answered.status.as_u16();
    let context = push::Context {
        keys,
        openid: &head.from,
        account: &head.to,
        speaker: parcel.speaker,
        wrapping: Wrapping::of(plain),
    };
    let answer = push::Answer {
        status,
        content_type: Some(answered.content_type()).filter(|text| !text.is_empty()),
        body: &answered.body,
    };
    match push::judge(&context, &answer) {
        Judgement::Silent => Attempted::Taken {
            status,
            answer: Answer::Silent,
        },
        Judgement::Reply { xml, warnings, .. } => {
            for warning in warnings {
                tracing::warn!(
                    event_id = %parcel.event,
                    app = &*route.app,
                    rule = warning.rule,
                    detail = warning.detail,
                    "A reply is legal, but not as meant."
                );
            }
            Attempted::Taken {
                status,
                answer: Answer::Reply(xml.into_bytes()),
            }
        }
        Judgement::Illegal { rule, detail } => Attempted::Illegal {
            status,
            rule,
            detail,
        },
        Judgement::Failed { rule, detail } => Attempted::Failed {
            status: Some(status),
            rule,
            detail,
        },
    }
}
