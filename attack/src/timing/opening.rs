//! `envelope::open` and `verify_url`: what is done before an answer.

use std::{collections::BTreeMap, hint::black_box};

use xinqiao_crypto::{AesKey, MessageCipher, callback};
use xinqiao_message::envelope::{CallbackQuery, Keys, Push, open, seal_push, verify_url};
use xinqiao_types::UnixSeconds;

use super::Comparison;
use crate::chance::Chance;

pub(super) const APPID: &str = "wx5823bf96d3bd56c7";
pub(super) const TOKEN: &str = "QDG6eKtiming";
pub(super) const AES_KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";

/// A request that does not verify, as a URL's query and a body.
#[derive(Debug, Default)]
pub(super) struct Forged {
    pub(super) query: String,
    pub(super) body: Vec<u8>,
}

/// How a class's signature is wrong.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wrong {
    /// Made with another Token.
    Far,
    /// The right one but for its last digit.
    Last,
    /// The right one but for its first digit.
    First,
}

/// What a class's ciphertext is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sealed {
    /// Captured: it opens, and is for us.
    Captured,
    /// With our key, for somebody else.
    OtherReceiver,
    /// Random bytes, as long.
    Random,
    /// Captured, with its last block changed: its padding is wrong.
    WrongPadding,
}

/// What must not be told apart, by name.
pub(super) const CLASSES: [(&str, [(Wrong, Sealed); 2]); 5] = [
    (
        "captured ciphertext | random bytes",
        [(Wrong::Far, Sealed::Captured), (Wrong::Far, Sealed::Random)],
    ),
    (
        "our receiver | another one",
        [
            (Wrong::Far, Sealed::Captured),
            (Wrong::Far, Sealed::OtherReceiver),
        ],
    ),
    (
        "right padding | wrong padding",
        [
            (Wrong::Far, Sealed::Captured),
            (Wrong::Far, Sealed::WrongPadding),
        ],
    ),
    (
        "signature wrong at its end | at its begin",
        [
            (Wrong::Last, Sealed::Captured),
            (Wrong::First, Sealed::Captured),
        ],
    ),
    (
        "nearly right signature of random bytes | far one",
        [(Wrong::Last, Sealed::Random), (Wrong::Far, Sealed::Random)],
    ),
];

pub(super) fn keys(receiver: &str) -> Keys {
    Keys::new(TOKEN.into(), receiver).with_aes_key(&AesKey::parse(AES_KEY).expect("43 characters"))
}

/// A request of a class, at a time.
pub(super) fn refused((wrong, sealed): (Wrong, Sealed), time: i64, chance: &mut Chance) -> Forged {
    // Digits of one length: neither class is longer.
    let nonce = format!("{:010}", chance.draw() % 10_000_000_000);
    let plain = format!(
        "<xml><ToUserName><![CDATA[gh_7f083739789a]]></ToUserName><FromUserName><![CDATA[oia2TjjewbmiOUlr6X-1crbLOvLw]]>\
         </FromUserName><CreateTime>{time}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[hello]]>\
         </Content><MsgId>{:019}</MsgId></xml>",
        chance.draw() % 1_000_000_000_000_000_000
    );
    let receiver = match sealed {
        Sealed::OtherReceiver => "wx0000000000000000",
        _ => APPID,
    };
    let cipher = MessageCipher::new(&AesKey::parse(AES_KEY).expect("43 characters"), receiver);
    let mut encrypt = cipher.encrypt(chance.bytes(), plain.as_bytes());
    let mut bytes = base64_simd::STANDARD
        .decode_to_vec(&encrypt)
        .expect("base64");
    match sealed {
        Sealed::Random => bytes.fill_with(|| chance.draw() as u8),
        Sealed::WrongPadding => {
            let at = bytes.len() - 1 - chance.below(16);
            bytes[at] ^= 1 + chance.below(255) as u8;
        }
        Sealed::Captured | Sealed::OtherReceiver => {}
    }
    encrypt = base64_simd::STANDARD.encode_to_string(&bytes);
    let push = Push {
        plain: &plain,
        to_user_name: "gh_7f083739789a",
        openid: "oia2TjjewbmiOUlr6X-1crbLOvLw",
    };
    // Both classes come from the same envelope.
    let push =
        seal_push(&keys(APPID), &push, time, &nonce, chance.bytes()).expect("there is a key");
    let parsed = CallbackQuery::parse(&push.query);
    let old = parsed
        .msg_signature
        .as_deref()
        .expect("it was made")
        .to_owned();
    let token = match wrong {
        Wrong::Far => "another Token",
        Wrong::Last | Wrong::First => TOKEN,
    };
    let time = time.to_string();
    let signature = callback::signature(&[token, &time, &nonce, &encrypt]);
    let mut signature = signature.as_bytes().to_vec();
    let at = match wrong {
        Wrong::Far => None,
        Wrong::Last => Some(signature.len() - 1),
        Wrong::First => Some(0),
    };
    if let Some(at) = at {
        signature[at] = if signature[at] == b'0' { b'1' } else { b'0' };
    }
    let signature = String::from_utf8(signature).expect("hexadecimal digits");
    let start = push
        .body
        .find("[CDATA[")
        .and_then(|_| push.body.find("<Encrypt><![CDATA["));
    let start = start.expect("an envelope") + "<Encrypt><![CDATA[".len();
    let end = start + push.body[start..].find("]]>").expect("an envelope");
    let body = format!("{}{encrypt}{}", &push.body[..start], &push.body[end..]);
    Forged {
        query: push.query.replace(&old, &signature),
        body: body.into_bytes(),
    }
}

/// Two classes of requests. Every request is a fresh one: what a few drawn once happen to hold (how many `+` the base64
/// has, say) costs a nanosecond too, and would be taken for their class.
#[derive(Debug)]
pub(super) struct Classes {
    pub(super) of: [(Wrong, Sealed); 2],
    pub(super) time: i64,
}

impl Classes {
    /// Makes one of each in any order, and copies the wanted one to where the last one was: neither what was done
    /// before nor the place in memory tells the class.
    pub(super) fn draw(&self, class: bool, chance: &mut Chance, into: &mut Forged) {
        let turned = chance.once_in(2);
        let [one, other] = if turned { [1, 0] } else { [0, 1] }
            .map(|at: usize| refused(self.of[at], self.time, chance));
        let wanted = if class == turned { &one } else { &other };
        into.query.clone_from(&wanted.query);
        into.body.clone_from(&wanted.body);
    }
}

const NOW: i64 = 1_795_257_345;

struct Opening {
    name: String,
    keys: Keys,
    classes: Classes,
    next: Forged,
    is_check: bool,
}

impl Comparison for Opening {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn ready(&mut self, class: bool, chance: &mut Chance) {
        self.classes.draw(class, chance, &mut self.next);
        if self.is_check {
            let check = as_check(&self.next);
            self.next.query.clone_from(&check);
        }
    }

    fn go(&mut self) {
        let query = CallbackQuery::parse(black_box(&self.next.query));
        if self.is_check {
            black_box(verify_url(&self.keys, &query, UnixSeconds(NOW)).is_ok());
        } else {
            black_box(open(&self.keys, &query, &self.next.body, UnixSeconds(NOW)).is_ok());
        }
    }
}

/// The query of a URL check with the ciphertext of a push.
fn as_check(push: &Forged) -> String {
    let body = String::from_utf8_lossy(&push.body);
    let start = body.find("<Encrypt><![CDATA[").expect("an envelope") + "<Encrypt><![CDATA[".len();
    let end = start + body[start..].find("]]>").expect("an envelope");
    let pairs: BTreeMap<_, _> = push
        .query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .collect();
    let of = |name: &str| pairs.get(name).copied().unwrap_or_default();
    // As it is: percent signs would make one class's query a little longer than the other's.
    let echo = &body[start..end];
    format!(
        "msg_signature={}&timestamp={}&nonce={}&echostr={echo}",
        of("msg_signature"),
        of("timestamp"),
        of("nonce")
    )
}

pub(super) fn comparisons() -> Vec<Box<dyn Comparison>> {
    let mut all: Vec<Box<dyn Comparison>> = Vec::new();
    for is_check in [false, true] {
        for (name, classes) in CLASSES {
            let what = if is_check { "verify_url" } else { "open" };
            all.push(Box::new(Opening {
                name: format!("{what}: {name}"),
                keys: keys(APPID),
                classes: Classes {
                    of: classes,
                    time: NOW,
                },
                next: Forged::default(),
                is_check,
            }));
        }
    }
    all
}
