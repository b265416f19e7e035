//! Callbacks of official accounts, mini programs and WeCom.

use std::{borrow::Cow, sync::LazyLock, time::Duration};

use xinqiao_crypto::{AesKey, MessageCipher, callback};
use xinqiao_message::envelope::{
    CallbackQuery, EnvelopeError, Keys, Opened, Push, open, seal_push, url_query, verify_url,
};
use xinqiao_types::{CallbackMode, UnixSeconds};

use super::{NOW, Sent, words};
use crate::{
    campaign::{Covered, Verdict},
    chance::Chance,
};

const APPID: &str = "wx5823bf96d3bd56c7";
const CORPID: &str = "ww5823bf96d3bd56c7";
/// Worthless, as everything here.
const TOKEN: &str = "QDG6eK";
const AES_KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
const OLD_AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

fn keys(receiver: &str, mode: CallbackMode) -> Keys {
    let key = AesKey::parse(AES_KEY).expect("43 characters");
    let old = AesKey::parse(OLD_AES_KEY).expect("43 characters");
    let keys = Keys::new(TOKEN.into(), receiver).with_aes_key(&key);
    // The settings of before a change are accepted too: one more way in.
    keys.with_previous(Some("OldToken".into()), Some(&old))
        .with_mode(mode)
}

macro_rules! keys {
    ($($name:ident = $receiver:expr, $mode:ident;)+) => {$(
        static $name: LazyLock<Keys> = LazyLock::new(|| keys($receiver, CallbackMode::$mode));
    )+};
}

keys! {
    PLAIN = APPID, Plain;
    COMPAT = APPID, Compat;
    SAFE = APPID, Safe;
    WORK = CORPID, Safe;
}

fn message(chance: &mut Chance) -> String {
    let content = words(chance).replace("]]>", "]]]]><![CDATA[>");
    format!(
        "<xml><ToUserName><![CDATA[gh_7f083739789a]]></ToUserName><FromUserName><![CDATA[oia2TjjewbmiOUlr6X-1crbLOvLw]]>\
         </FromUserName><CreateTime>{NOW}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]>\
         </Content><MsgId>{}</MsgId></xml>",
        chance.draw() >> 1
    )
}

fn split(query: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
}

fn query(sent: &Sent) -> String {
    let mut out = Vec::new();
    for (name, value) in &sent.params {
        if !out.is_empty() {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn push(keys: &Keys, plain: &str, openid: &str, chance: &mut Chance) -> Sent {
    let push = Push {
        plain,
        to_user_name: "gh_7f083739789a",
        openid,
    };
    let nonce = (chance.draw() >> 32).to_string();
    let time = NOW - chance.below(60) as i64;
    let sealed = seal_push(keys, &push, time, &nonce, chance.bytes()).expect("there is a key");
    Sent {
        params: split(&sealed.query),
        body: sealed.body.into_bytes(),
    }
}

pub(super) fn plain(chance: &mut Chance) -> Sent {
    let xml = message(chance);
    push(&PLAIN, &xml, "oia2TjjewbmiOUlr6X-1crbLOvLw", chance)
}

pub(super) fn compat(chance: &mut Chance) -> Sent {
    let xml = message(chance);
    push(&COMPAT, &xml, "oia2TjjewbmiOUlr6X-1crbLOvLw", chance)
}

pub(super) fn safe(chance: &mut Chance) -> Sent {
    let xml = message(chance);
    push(&SAFE, &xml, "oia2TjjewbmiOUlr6X-1crbLOvLw", chance)
}

pub(super) fn json(chance: &mut Chance) -> Sent {
    let text = serde_json::json!({
        "ToUserName": "gh_7f083739789a", "FromUserName": "oia2TjjewbmiOUlr6X-1crbLOvLw", "CreateTime": NOW,
        "MsgType": "text", "Content": words(chance), "MsgId": chance.draw() >> 12,
    });
    push(
        &SAFE,
        &text.to_string(),
        "oia2TjjewbmiOUlr6X-1crbLOvLw",
        chance,
    )
}

pub(super) fn work(chance: &mut Chance) -> Sent {
    let xml = message(chance);
    let mut sent = push(&WORK, &xml, "", chance);
    // WeCom sends no `signature` and no `encrypt_type`.
    sent.params
        .retain(|(name, _)| name != b"signature" && name != b"encrypt_type");
    sent
}

pub(super) fn work_check(chance: &mut Chance) -> Sent {
    let cipher = MessageCipher::new(&AesKey::parse(AES_KEY).expect("43 characters"), CORPID);
    let echo = cipher.encrypt(chance.bytes(), chance.draw().to_string().as_bytes());
    let query = url_query(&WORK, NOW, &(chance.draw() >> 32).to_string(), &echo);
    let parsed = CallbackQuery::parse(&query);
    let of = |value: &Option<Cow<'_, str>>| value.as_deref().unwrap_or_default().to_owned();
    let parts = [
        TOKEN.to_owned(),
        of(&parsed.timestamp),
        of(&parsed.nonce),
        echo,
    ];
    let signature = callback::signature(&parts);
    let mut params = split(&query);
    params[0] = (b"msg_signature".to_vec(), signature.as_bytes().to_vec());
    Sent {
        params,
        body: Vec::new(),
    }
}

/// What the signature covers of the URL: time and nonce, as a receiver reads them.
///
/// The signature sorts them, so what it covers is the pair. Its order counts where it decides whether the message is
/// accepted; where both are times of the window it decides nothing, no receiver takes anything else from the pair, and a
/// repeat is told by the message alone: then one order is the other.
fn times(query: &CallbackQuery<'_>, window: Duration) -> Covered {
    let text = |value: &Option<Cow<'_, str>>| value.as_deref().unwrap_or_default().to_owned();
    let mut pair = [text(&query.timestamp), text(&query.nonce)];
    let is_time = |text: &String| {
        let time = text.parse::<i64>();
        text.len() == 10 && time.is_ok_and(|time| time.abs_diff(NOW) <= window.as_secs())
    };
    if pair.iter().all(is_time) {
        pair.sort();
    }
    let [timestamp, nonce] = pair.map(String::into_bytes);
    vec![
        ("timestamp".to_owned(), timestamp),
        ("nonce".to_owned(), nonce),
    ]
}

fn judge(keys: &Keys, sent: &Sent, body: impl FnOnce(Opened) -> Option<Vec<u8>>) -> Verdict {
    let raw = query(sent);
    let query = CallbackQuery::parse(&raw);
    let opened = open(keys, &query, &sent.body, UnixSeconds(NOW)).map_err(rule)?;
    let mut covered = times(&query, keys.window());
    covered.extend(body(opened).map(|message| ("message".to_owned(), message)));
    Ok(covered)
}

fn rule(error: EnvelopeError) -> String {
    error.rule().to_owned()
}

pub(super) fn judge_plain(sent: &Sent) -> Verdict {
    // A plain callback's body is not signed; a body that was encrypted is.
    judge(&PLAIN, sent, |opened| {
        (opened.mode != CallbackMode::Plain).then_some(opened.xml)
    })
}

pub(super) fn judge_compat(sent: &Sent) -> Verdict {
    judge(&COMPAT, sent, |opened| Some(opened.xml))
}

pub(super) fn judge_safe(sent: &Sent) -> Verdict {
    judge(&SAFE, sent, |opened| Some(opened.xml))
}

pub(super) fn judge_work(sent: &Sent) -> Verdict {
    judge(&WORK, sent, |opened| Some(opened.xml))
}

pub(super) fn judge_work_check(sent: &Sent) -> Verdict {
    let raw = query(sent);
    let query = CallbackQuery::parse(&raw);
    let echo = verify_url(&WORK, &query, UnixSeconds(NOW)).map_err(rule)?;
    let mut covered = times(&query, WORK.window());
    covered.push(("echo".to_owned(), echo.into_body().into_bytes()));
    Ok(covered)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message with this nonce, and the same with timestamp and nonce exchanged.
    fn exchanged(keys: &Keys, nonce: i64) -> [Sent; 2] {
        let mut chance = Chance::of(1, "exchanged", 0);
        let push = Push {
            plain: &message(&mut chance),
            to_user_name: "gh_7f083739789a",
            openid: "",
        };
        let sealed = seal_push(keys, &push, NOW, &nonce.to_string(), [7; 16]).expect("a key");
        let sent = Sent {
            params: split(&sealed.query),
            body: sealed.body.into_bytes(),
        };
        let mut other = sent.clone();
        for (name, value) in &mut other.params {
            match &**name {
                b"timestamp" => *value = nonce.to_string().into_bytes(),
                b"nonce" => *value = NOW.to_string().into_bytes(),
                _ => {}
            }
        }
        [sent, other]
    }

    #[test]
    fn two_times_of_the_window_are_one_pair_in_either_order() {
        let judge_of: fn(&Sent) -> Verdict = judge_plain;
        let schemes = [
            (&PLAIN, judge_of),
            (&COMPAT, judge_compat),
            (&SAFE, judge_safe),
        ];
        for (keys, judge) in schemes {
            let [sent, other] = exchanged(keys, NOW + 600);
            assert_eq!(judge(&sent).unwrap(), judge(&other).unwrap());
            let late = keys.window().as_secs() as i64 + 1;
            let [sent, other] = exchanged(keys, NOW - late);
            assert!(judge(&sent).is_ok());
            assert_eq!(judge(&other).unwrap_err(), "callback.timestamp.stale");
        }
    }
}
