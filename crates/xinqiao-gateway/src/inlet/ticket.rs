//! Tickets among the callbacks: kept as long as there is time, and only where the signature covers what is kept.

use std::{future::Future, sync::Arc};

use tokio::time::{Instant, timeout_at};
use xinqiao_message::inbound::Message;
use xinqiao_types::{AppId, CallbackMode, UnixSeconds};

use crate::{AccountConfig, directory::Account, held::Held, shared::Shared};

/// Keeps the ticket that a callback brings, before the app has it: it may ask for a token while it still answers
/// the push.
pub(super) async fn keep(
    shared: &Arc<Shared>,
    account: &Account,
    message: &Message,
    mode: CallbackMode,
    deadline: Instant,
) {
    let config = &account.config;
    if let Some((text, time)) = brought(config, message, mode) {
        let (tokens, appid) = (&shared.tokens, config.appid.as_str());
        let keeping = tokens.keep_ticket(shared, appid, &text, time);
        in_time(&config.appid, deadline, keeping).await;
    }
}

/// The event is stored already: a ticket that cannot be must not keep the answer back.
async fn in_time(appid: &AppId, deadline: Instant, keeping: impl Future<Output = ()>) {
    if timeout_at(deadline, keeping).await.is_err() {
        tracing::warn!(%appid, "The store took too long for a ticket.");
    }
}

/// The ticket in a callback, and its time.
fn brought(
    config: &AccountConfig,
    message: &Message,
    mode: CallbackMode,
) -> Option<(String, UnixSeconds)> {
    // No signature covers the body of a plain one: whoever saw one could put any ticket in.
    if mode == CallbackMode::Plain {
        return None;
    }
    let ticket = Held::of(config)?.ticket()?;
    if message.info_type() != Some(ticket.info_type) {
        return None;
    }
    let text = message
        .field(ticket.pushed)
        .filter(|text| !text.is_empty())?;
    // WECHAT: WeCom says `TimeStamp` where the others say `CreateTime`.
    let stamped = message
        .field("TimeStamp")
        .and_then(|time| time.parse().ok());
    let time = stamped.map_or(message.head.time, UnixSeconds);
    Some((text.into(), time))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use xinqiao_types::AccountKind;

    use super::*;

    #[test]
    fn a_ticket_of_a_plain_callback_is_none() {
        let mut config = AccountConfig::new("wxcomponent0000001");
        config.kind = AccountKind::Component;
        let xml = "<xml><AppId>wxcomponent0000001</AppId><CreateTime>1700000000</CreateTime>\
                   <InfoType>component_verify_ticket</InfoType>\
                   <ComponentVerifyTicket>ticket@@@a</ComponentVerifyTicket></xml>";
        let message = Message::read(xml.as_bytes().to_vec());
        let kept = Some(("ticket@@@a".to_owned(), UnixSeconds(1_700_000_000)));
        for mode in [CallbackMode::Safe, CallbackMode::Compat] {
            assert_eq!(brought(&config, &message, mode), kept, "{mode}");
        }
        assert_eq!(brought(&config, &message, CallbackMode::Plain), None);
    }

    #[tokio::test]
    async fn a_slow_store_does_not_keep_the_answer_back() {
        let deadline = Instant::now() + Duration::from_millis(50);
        let (appid, never) = (AppId::from("wx1"), std::future::pending());
        let keeping = in_time(&appid, deadline, never);
        let done = timeout_at(deadline + Duration::from_secs(20), keeping).await;
        assert!(done.is_ok(), "it waits for the store");
    }
}
