//! How old a callback may be, whatever stands where.

use proptest::prelude::*;
use xinqiao_crypto::AesKey;
use xinqiao_message::envelope::{CallbackQuery, EnvelopeError, Keys, Push, open, seal_push};
use xinqiao_types::{CallbackMode, UnixSeconds};

const NOW: i64 = 1_780_000_000;
const DAY: i64 = 24 * 60 * 60;

fn keys() -> Keys {
    Keys::new("AAAAA".into(), "wx1")
        .with_aes_key(&AesKey::from_bytes([0; 32]))
        .with_mode(CallbackMode::Safe)
}

/// A message of every kind that carries a time, and where.
fn message(kind: usize, time: i64) -> String {
    match kind {
        0 => format!(
            "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName>o1</FromUserName><CreateTime>{time}\
             </CreateTime><MsgType>text</MsgType><Content>&lt;CreateTime&gt;1</Content><MsgId>1</MsgId></xml>"
        ),
        1 => format!(
            "<xml><SuiteId>ws1</SuiteId><InfoType><![CDATA[suite_ticket]]></InfoType>\n\
             <TimeStamp><![CDATA[{time}]]></TimeStamp><SuiteTicket>t</SuiteTicket></xml>"
        ),
        2 => format!(r#"{{"ToUserName":"g","CreateTime" : {time},"MsgType":"event","Event":"x"}}"#),
        3 => format!(
            r#"{{"msgid":"a","create_time":{time},"msgtype":"event","event":{{"eventtype":"x"}}}}"#
        ),
        _ => format!(
            "<xml><CreateTime>{time}</CreateTime><MsgType>text</MsgType><Content>a & b</Content></xml>"
        ),
    }
}

/// What arrives at `now` of what was sealed with this timestamp and nonce.
fn arrive(
    plain: &str,
    (timestamp, nonce): (i64, i64),
    swap: bool,
    now: i64,
) -> Result<(), EnvelopeError> {
    let keys = keys();
    let push = Push {
        plain,
        to_user_name: "gh_1",
        openid: "",
    };
    let sealed = seal_push(&keys, &push, timestamp, &nonce.to_string(), [7; 16]).unwrap();
    let query = sealed.query;
    let query = if swap {
        query
            .replace("timestamp=", "kept=")
            .replace("nonce=", "timestamp=")
            .replace("kept=", "nonce=")
    } else {
        query
    };
    let query = CallbackQuery::parse(&query);
    open(&keys, &query, sealed.body.as_bytes(), UnixSeconds(now)).map(|_| ())
}

proptest! {
    #[test]
    fn a_timestamp_that_was_exchanged_with_the_nonce_is_stale(
        kind in 0..5_usize,
        age in DAY + 1..2_000 * DAY,
        ahead in -DAY..DAY,
        delay in 0..600_i64,
    ) {
        let (then, nonce) = (NOW - age, NOW + ahead);
        let plain = message(kind, then - delay);
        let late = age;
        let arrived = arrive(&plain, (then, nonce), true, NOW);
        prop_assert_eq!(arrived, Err(EnvelopeError::Stale { late }));
        // As it was sent it is as old.
        let arrived = arrive(&plain, (then, nonce), false, NOW);
        prop_assert_eq!(arrived, Err(EnvelopeError::Stale { late }));
    }

    #[test]
    fn no_nonce_costs_a_callback_of_now(
        kind in 0..5_usize,
        nonce in 0..4_294_967_296_i64,
        delay in -60..3 * 3600_i64,
        late in -300..300_i64,
    ) {
        let plain = message(kind, NOW - delay);
        prop_assert_eq!(arrive(&plain, (NOW, nonce), false, NOW + late), Ok(()));
    }
}
