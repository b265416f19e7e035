//! The schemes: how their messages are made, and what a receiver takes from one.

mod callbacks;
mod pay;
mod session;

use super::{Scheme, Sent};
use crate::chance::Chance;

/// All of them.
pub const SCHEMES: &[Scheme] = &[
    Scheme {
        name: "plain",
        make: callbacks::plain,
        judge: callbacks::judge_plain,
    },
    Scheme {
        name: "compat",
        make: callbacks::compat,
        judge: callbacks::judge_compat,
    },
    Scheme {
        name: "safe",
        make: callbacks::safe,
        judge: callbacks::judge_safe,
    },
    Scheme {
        name: "json",
        make: callbacks::json,
        judge: callbacks::judge_safe,
    },
    Scheme {
        name: "wecom",
        make: callbacks::work,
        judge: callbacks::judge_work,
    },
    Scheme {
        name: "wecom-check",
        make: callbacks::work_check,
        judge: callbacks::judge_work_check,
    },
    Scheme {
        name: "v2-notice",
        make: pay::v2,
        judge: pay::judge_v2,
    },
    Scheme {
        name: "v3-notice",
        make: pay::v3,
        judge: pay::judge_v3,
    },
    Scheme {
        name: "v3-notice-sm2",
        make: pay::v3_sm2,
        judge: pay::judge_v3,
    },
    Scheme {
        name: "js-sdk",
        make: session::page,
        judge: session::judge_page,
    },
    Scheme {
        name: "session",
        make: session::raw_data,
        judge: session::judge_raw_data,
    },
    Scheme {
        name: "secure-api",
        make: session::secure,
        judge: session::judge_secure,
    },
];

/// When everything here happens.
const NOW: i64 = 1_769_904_061;

/// The value of the first parameter of a name.
fn param<'s>(sent: &'s Sent, name: &str) -> &'s [u8] {
    let found = sent
        .params
        .iter()
        .find(|(known, _)| known == name.as_bytes());
    found.map_or(&[], |(_, value)| value)
}

/// Parameters of these names and texts.
fn params(pairs: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
}

/// A text that differs from case to case, now and then one that is awkward.
fn words(chance: &mut Chance) -> String {
    let odd = [
        "",
        "a&b=c",
        "]]>",
        "<b>&amp;\"'",
        "你好，信桥 😀",
        "\u{a0}x\n",
        "k=v&total_fee=1",
        "+/=%20",
    ];
    let tail = if chance.once_in(2) {
        *chance.pick(&odd)
    } else {
        "hello"
    };
    format!("{:x} {tail}", chance.draw() >> 40)
}
