//! One attempt: seal the push, post it, judge the answer.

use bytes::Bytes;
use xinqiao_message::{
    envelope::{self, Push, Wrapping},
    push::{self, Judgement},
};
use xinqiao_store::Answer;

use super::{Parcel, nonce};
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
    /// The app did not take it.
    Failed {
        status: Option<u16>,
        rule: &'static str,
        detail: String,
    },
}

pub(super) async fn attempt(shared: &Shared, route: &Route, parcel: &Parcel) -> Attempted {
    let (nonce, random) = nonce(&*shared.context.entropy);
    let timestamp = shared.context.clock.unix().0;
    let Ok(plain) = std::str::from_utf8(parcel.message.raw()) else {
        let detail = "the event is not UTF-8".to_owned();
        return Attempted::Failed {
            status: None,
            rule: "xml.encoding",
            detail,
        };
    };
    let head = &parcel.message.head;
    let push = Push {
        plain,
        to_user_name: &head.to,
        openid: &head.from,
    };
    let other;
    let keys = match parcel.place.receiver() {
        None => &route.keys,
        Some(receiver) => {
            other = route.keys.for_receiver(receiver);
            &other
        }
    };
    let sealed = match envelope::seal_push(keys, &push, timestamp, &nonce, random) {
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
    let url = with_query(&route.url_for(&parcel.place), &sealed.query);
    let body = Bytes::from(sealed.body);
    let answered = shared
        .outbound
        .app(&url, sealed.content_type, body, REPLY_BYTES, route.timeout)
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
        wrapping: Wrapping::of(plain.as_bytes()),
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

/// Adds a query to a URL that may have one.
fn with_query(url: &str, query: &str) -> String {
    let (url, fragment) = url
        .split_once('#')
        .map_or((url, ""), |(url, fragment)| (url, fragment));
    debug_assert!(fragment.is_empty() || !fragment.contains('?'));
    let joint = match url.find('?') {
        None => "?",
        Some(at) if at + 1 == url.len() => "",
        Some(_) => "&",
    };
    format!("{url}{joint}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_added_to_what_the_url_has() {
        assert_eq!(with_query("http://a/b", "x=1"), "http://a/b?x=1");
        assert_eq!(with_query("http://a/b?c=2", "x=1"), "http://a/b?c=2&x=1");
        assert_eq!(with_query("http://a/b?", "x=1"), "http://a/b?x=1");
    }
}
