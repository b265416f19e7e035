//! One change to a message, of the kinds that have broken verifications elsewhere.

use super::Sent;
use crate::chance::Chance;

type Change = fn(&mut Sent, &Sent, &mut Chance);

const CHANGES: &[(&str, Change)] = &[
    ("a bit flipped", bit),
    ("a byte replaced", byte),
    ("two bytes swapped", swap_bytes),
    ("cut off", cut),
    ("made longer", extend),
    ("a byte lost or added", lose_or_add),
    ("a value of another message", other_value),
    ("the body of another message", other_body),
    ("a parameter twice", twice),
    ("a parameter lost", lost),
    ("case changed", case),
    ("fields joined anew", joined),
    ("text moved between body and parameter", moved_into_body),
    ("base64 written otherwise", base64),
    ("percent signs", percent),
    ("a time moved", time),
    ("a parameter renamed", renamed),
    ("two values swapped", swap_values),
    ("XML built otherwise", xml),
    ("XML elements joined or split", xml_fields),
    ("JSON built otherwise", json),
];

/// Changes a message; says how.
pub(super) fn change(sent: &mut Sent, other: &Sent, chance: &mut Chance) -> &'static str {
    let (name, change) = chance.pick(CHANGES);
    change(sent, other, chance);
    name
}

/// A value of a parameter, or the body: more often the latter the fewer parameters there are.
fn somewhere<'s>(sent: &'s mut Sent, chance: &mut Chance) -> &'s mut Vec<u8> {
    let at = chance.below(sent.params.len() + 2);
    match sent.params.get_mut(at) {
        Some((_, value)) => value,
        None => &mut sent.body,
    }
}

fn a_param<'s>(sent: &'s mut Sent, chance: &mut Chance) -> Option<&'s mut (Vec<u8>, Vec<u8>)> {
    let at = chance.below(sent.params.len());
    sent.params.get_mut(at)
}

fn bit(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let bytes = somewhere(sent, chance);
    let at = chance.below(bytes.len());
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << chance.below(8);
    }
}

const ODD: &[u8] = b"\0\t\n\r \"#%&'+,-./019:;<=>?AZ[\\]_az{}\x7f\x80\xc0\xff";

fn byte(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let bytes = somewhere(sent, chance);
    let at = chance.below(bytes.len());
    if let Some(byte) = bytes.get_mut(at) {
        *byte = *chance.pick(ODD);
    }
}

fn swap_bytes(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let bytes = somewhere(sent, chance);
    if bytes.len() > 1 {
        let at = chance.below(bytes.len() - 1);
        let with = if chance.once_in(2) {
            at + 1
        } else {
            chance.below(bytes.len())
        };
        bytes.swap(at, with);
    }
}

fn cut(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let bytes = somewhere(sent, chance);
    let at = chance.below(bytes.len() + 1);
    if chance.once_in(3) {
        bytes.drain(..at);
    } else {
        bytes.truncate(at);
    }
}

const TAILS: &[&[u8]] = &[
    b"=",
    b"==",
    b"%00",
    b"%20",
    b"\n",
    b"\r\n",
    b" ",
    b"0",
    b"00",
    b"A",
    b"AAAA",
    b"\0",
    b"&",
    b"#",
    b"&a=b",
    b"</xml>",
    b"<!---->",
    b"}",
    b",",
    b"\xef\xbb\xbf",
];

fn extend(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let tail = *chance.pick(TAILS);
    let bytes = somewhere(sent, chance);
    if chance.once_in(3) {
        bytes.splice(..0, tail.iter().copied());
    } else {
        bytes.extend_from_slice(tail);
    }
}

fn lose_or_add(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let bytes = somewhere(sent, chance);
    let at = chance.below(bytes.len());
    if chance.once_in(2) && at < bytes.len() {
        bytes.remove(at);
    } else {
        bytes.insert(at, *chance.pick(ODD));
    }
}

fn other_value(sent: &mut Sent, other: &Sent, chance: &mut Chance) {
    if let Some((name, value)) = a_param(sent, chance)
        && let Some((_, new)) = other.params.iter().find(|(known, _)| known == name)
    {
        value.clone_from(new);
    }
}

fn other_body(sent: &mut Sent, other: &Sent, chance: &mut Chance) {
    let end = sent.body.len().min(other.body.len());
    let at = chance.below(end + 1);
    match chance.below(4) {
        0 => sent.body.clone_from(&other.body),
        1 => sent
            .body
            .splice(at.., other.body[at..].iter().copied())
            .for_each(drop),
        2 => sent
            .body
            .splice(..at, other.body[..at].iter().copied())
            .for_each(drop),
        _ => sent.params.clone_from(&other.params),
    }
}

fn twice(sent: &mut Sent, other: &Sent, chance: &mut Chance) {
    let from = if chance.once_in(2) { other } else { &*sent };
    if from.params.is_empty() {
        return;
    }
    let (mut name, mut value) = chance.pick(&from.params).clone();
    match chance.below(6) {
        0 => name = percent_one(&name, chance),
        1 => name.make_ascii_uppercase(),
        2 => value.clear(),
        _ => {}
    }
    let at = chance.below(sent.params.len() + 1);
    sent.params.insert(at, (name, value));
}

fn lost(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let at = chance.below(sent.params.len());
    if at < sent.params.len() {
        sent.params.remove(at);
    }
}

fn case(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let how = chance.below(3);
    let one = chance.draw();
    let bytes = if chance.once_in(4)
        && let Some((name, _)) = a_param(sent, chance)
    {
        name
    } else {
        somewhere(sent, chance)
    };
    match how {
        0 => bytes.make_ascii_uppercase(),
        1 => bytes.make_ascii_lowercase(),
        _ => {
            let letters: Vec<_> = (0..bytes.len())
                .filter(|at| bytes[*at].is_ascii_alphabetic())
                .collect();
            if !letters.is_empty() {
                bytes[letters[(one % letters.len() as u64) as usize]] ^= 0x20;
            }
        }
    }
}

/// The end of one value goes before, or behind, another one.
fn joined(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    if sent.params.len() < 2 {
        return;
    }
    let (from, to) = (
        chance.below(sent.params.len()),
        chance.below(sent.params.len()),
    );
    let source = &mut sent.params[from].1;
    let count = chance.below(source.len().min(12) + 1);
    let moved: Vec<u8> = if chance.once_in(2) {
        source.drain(..count).collect()
    } else {
        source.split_off(source.len() - count)
    };
    let target = &mut sent.params[to].1;
    if chance.once_in(2) {
        target.splice(..0, moved);
    } else {
        target.extend(moved);
    }
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The longest run of base64 in a text: mostly the ciphertext or the signature.
fn base64_in(bytes: &[u8]) -> std::ops::Range<usize> {
    let mut best = 0..0;
    let mut start = 0;
    for at in 0..=bytes.len() {
        let inside = bytes
            .get(at)
            .is_some_and(|byte| BASE64.contains(byte) || *byte == b'=');
        if !inside {
            if at - start > best.len() {
                best = start..at;
            }
            start = at + 1;
        }
    }
    best
}

fn moved_into_body(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let run = base64_in(&sent.body);
    let at = if chance.once_in(2) {
        run.start
    } else {
        run.end
    };
    let count = *chance.pick(&[1, 2, 3, 4, 8, 64, 128]);
    let params = sent.params.len();
    if params == 0 {
        return;
    }
    let value = &mut sent.params[chance.below(params)].1;
    if chance.once_in(2) {
        let kept = value.len() - count.min(value.len());
        let moved = value.split_off(kept);
        sent.body.splice(at..at, moved);
    } else {
        let end = (at + count).min(sent.body.len());
        let moved: Vec<u8> = sent.body.drain(at..end).collect();
        if chance.once_in(2) {
            value.extend(moved);
        } else {
            value.splice(..0, moved);
        }
    }
}

fn base64(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let how = chance.below(8);
    let some = chance.draw() as usize;
    let bytes = somewhere(sent, chance);
    let run = base64_in(bytes);
    if run.len() < 8 {
        return;
    }
    let inside = run.start + some % run.len();
    let last = bytes[run.clone()]
        .iter()
        .rposition(|byte| *byte != b'=')
        .unwrap_or(0)
        + run.start;
    match how {
        // Bits of the last character that say nothing.
        0 => {
            let value = BASE64
                .iter()
                .position(|byte| *byte == bytes[last])
                .unwrap_or(0);
            bytes[last] = BASE64[value ^ (1 + some % 15) & 63];
        }
        1 => {
            bytes.drain(last + 1..run.end);
        }
        2 => bytes.insert(run.end, b'='),
        3 => bytes.insert(
            inside,
            *[b'\n', b' ', b'\t', b'\r'].get(some % 4).unwrap_or(&b' '),
        ),
        4 => bytes.iter_mut().for_each(|byte| {
            if *byte == b'+' {
                *byte = b'-';
            }
        }),
        5 => bytes.iter_mut().for_each(|byte| {
            if *byte == b'/' {
                *byte = b'_';
            }
        }),
        6 => {
            let twice = bytes[run.clone()].to_vec();
            bytes.splice(run.end..run.end, twice);
        }
        _ => bytes.insert(inside, b'='),
    }
}

fn percent_one(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let at = chance.below(bytes.len());
    let mut out = bytes[..at].to_vec();
    let hex = format!("%{:02X}", bytes[at]);
    out.extend(
        if chance.once_in(2) {
            hex.to_lowercase()
        } else {
            hex
        }
        .bytes(),
    );
    out.extend_from_slice(&bytes[at + 1..]);
    out
}

fn percent(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let how = chance.below(5);
    let some = chance.draw();
    let mut fork = Chance::of(some, "", 0);
    let Some((name, value)) = a_param(sent, chance) else {
        return;
    };
    match how {
        0 => *name = percent_one(name, &mut fork),
        1 => {
            *value = String::from_utf8_lossy(value)
                .replace('+', " ")
                .into_bytes();
        }
        2 => {
            *value = String::from_utf8_lossy(value)
                .replace('%', "%25")
                .into_bytes();
        }
        3 => {
            *value = String::from_utf8_lossy(value)
                .replace("%2B", "+")
                .into_bytes();
        }
        _ => *value = percent_one(value, &mut fork),
    }
}

fn time(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let far = *chance.pick(&[
        1,
        -1,
        60,
        -60,
        299,
        301,
        -301,
        86_399,
        86_401,
        -86_401,
        1 << 31,
    ]);
    let how = chance.below(10);
    for (name, value) in &mut sent.params {
        let name = name.to_ascii_lowercase();
        if !name.ends_with(b"timestamp") {
            continue;
        }
        let text = String::from_utf8_lossy(value).into_owned();
        let Ok(number) = text.parse::<i64>() else {
            continue;
        };
        *value = match how {
            0 => format!("+{text}"),
            1 => format!("0{text}"),
            2 => format!("{text}000"),
            3 => format!("{text}.0"),
            4 => format!("-{text}"),
            5 => text
                .chars()
                .filter_map(|digit| char::from_u32(digit as u32 + 0xfee0))
                .collect(),
            6 => i64::MAX.to_string(),
            7 => format!("{number:#x}"),
            _ => number.saturating_add(far).to_string(),
        }
        .into_bytes();
    }
}

const NAMES: &[&str] = &[
    "signature",
    "msg_signature",
    "timestamp",
    "nonce",
    "encrypt_type",
    "echostr",
    "Wechatpay-Signature",
    "Wechatpay-Timestamp",
    "Wechatpay-Nonce",
    "Wechatpay-Serial",
    "Wechatpay-Signature-Type",
    "Request-ID",
    "iv",
    "data",
];

fn renamed(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let new = chance.pick(NAMES).as_bytes().to_vec();
    let raw = chance.once_in(6);
    if let Some((name, value)) = a_param(sent, chance) {
        if raw {
            *name = b"encrypt_type".to_vec();
            *value = b"raw".to_vec();
        } else {
            *name = new;
        }
    }
}

fn swap_values(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    if sent.params.len() > 1 {
        let (a, b) = (
            chance.below(sent.params.len()),
            chance.below(sent.params.len()),
        );
        let kept = std::mem::take(&mut sent.params[a].1);
        let other = std::mem::replace(&mut sent.params[b].1, kept.clone());
        sent.params[a].1 = if a == b { kept } else { other };
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn encrypt_of(body: &[u8]) -> Vec<u8> {
    let run = base64_in(body);
    body[run].to_vec()
}

fn xml(sent: &mut Sent, other: &Sent, chance: &mut Chance) {
    let Some(root) = find(&sent.body, b"<xml>") else {
        return;
    };
    let inner = root + 5;
    let end = sent
        .body
        .windows(6)
        .rposition(|window| window == b"</xml>")
        .unwrap_or(sent.body.len());
    let foreign = String::from_utf8_lossy(&encrypt_of(&other.body)).into_owned();
    let at = *chance.pick(&[inner, end]);
    let piece = match chance.below(10) {
        0 => format!("<Encrypt><![CDATA[{foreign}]]></Encrypt>"),
        1 => "<Encrypt></Encrypt>".to_owned(),
        2 => format!("<a><Encrypt>{foreign}</Encrypt></a>"),
        3 => "<!-- -->".to_owned(),
        4 => format!("<MsgType>text</MsgType><ns:Encrypt>{foreign}</ns:Encrypt>"),
        5 => "<?pi x?>".to_owned(),
        6 => "<![CDATA[ ]]>".to_owned(),
        7 => {
            sent.body
                .splice(..0, b"<!DOCTYPE xml [<!ENTITY a \"b\">]>".iter().copied());
            return;
        }
        8 => {
            // A CDATA section in two.
            if let Some(start) = find(&sent.body, b"<![CDATA[") {
                let length = find(&sent.body[start + 9..], b"]]>").unwrap_or(0);
                let split = start + 9 + chance.below(length + 1);
                sent.body
                    .splice(split..split, b"]]><![CDATA[".iter().copied());
            }
            return;
        }
        _ => {
            // The same text without a CDATA section, or with a character as a number.
            let text = String::from_utf8_lossy(&sent.body);
            sent.body = text
                .replacen("<![CDATA[", "", 1)
                .replacen("]]>", "", 1)
                .into_bytes();
            return;
        }
    };
    sent.body.splice(at..at, piece.bytes());
}

/// Two neighbours become one whose text holds both, in the form that is signed, or one becomes two.
fn xml_fields(sent: &mut Sent, _: &Sent, chance: &mut Chance) {
    let text = String::from_utf8_lossy(&sent.body).into_owned();
    let Some(inner) = text
        .strip_prefix("<xml>")
        .and_then(|rest| rest.strip_suffix("</xml>"))
    else {
        return;
    };
    let mut fields: Vec<(String, String)> = Vec::new();
    for piece in inner
        .split("]]></")
        .filter(|piece| piece.contains("<![CDATA["))
    {
        let Some((head, value)) = piece.split_once("<![CDATA[") else {
            return;
        };
        let name = head
            .rsplit('<')
            .next()
            .unwrap_or_default()
            .trim_end_matches('>');
        fields.push((name.to_owned(), value.to_owned()));
    }
    if fields.len() < 2 {
        return;
    }
    let sorted = chance.once_in(2);
    if sorted {
        fields.sort();
    }
    let at = chance.below(fields.len() - 1);
    match chance.below(4) {
        0 => {
            let (name, value) = fields.remove(at + 1);
            for part in ["&", &name, "=", &value] {
                fields[at].1.push_str(part);
            }
        }
        1 => {
            if let Some((value, rest)) = fields[at].1.clone().split_once('&')
                && let Some((name, second)) = rest.split_once('=')
            {
                value.clone_into(&mut fields[at].1);
                fields.insert(at + 1, (name.to_owned(), second.to_owned()));
            }
        }
        2 => fields.swap(at, at + 1),
        _ => {
            let again = fields[at].clone();
            fields.push((again.0, "1".to_owned()));
        }
    }
    let mut body = String::from("<xml>");
    for (name, value) in fields {
        for part in ["<", &name, "><![CDATA[", &value, "]]></", &name, ">"] {
            body.push_str(part);
        }
    }
    sent.body = (body + "</xml>").into_bytes();
}

fn json(sent: &mut Sent, other: &Sent, chance: &mut Chance) {
    if sent.body.first() != Some(&b'{') {
        return;
    }
    let foreign = String::from_utf8_lossy(&encrypt_of(&other.body)).into_owned();
    let end = sent
        .body
        .iter()
        .rposition(|byte| *byte == b'}')
        .unwrap_or(1);
    let (at, comma) = if chance.once_in(2) {
        (1, false)
    } else {
        (end, true)
    };
    let piece = match chance.below(8) {
        0 => format!("\"Encrypt\":\"{foreign}\""),
        1 => "\"Encrypt\":null".to_owned(),
        2 => format!("\"\\u0045ncrypt\":\"{foreign}\""),
        3 => format!("\"encrypt\":\"{foreign}\""),
        4 => format!("\"a\":{{\"Encrypt\":\"{foreign}\"}}"),
        5 => "\"ToUserName\":\"x\"".to_owned(),
        6 => {
            let text = String::from_utf8_lossy(&sent.body).replace('/', "\\/");
            sent.body = text.into_bytes();
            return;
        }
        _ => {
            sent.body.splice(..0, b"\xef\xbb\xbf ".iter().copied());
            return;
        }
    };
    let piece = if comma {
        format!(",{piece}")
    } else {
        format!("{piece},")
    };
    sent.body.splice(at..at, piece.bytes());
}
