//! What an app's answer means.

use xinqiao_types::CallbackMode;

use crate::{
    envelope::{EnvelopeError, Keys, OpenedReply, SUCCESS, Wrapping, open_reply},
    reply::{self, Addressed, MAX_ARTICLES, MAX_TEXT_BYTES, Reply, ReplyError},
};

/// Who may say what in a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A subscription or service account, after a message of a user: one article.
    OfficialAccountToMessage,
    /// A subscription or service account, after an event: up to eight articles.
    OfficialAccountToEvent,
    /// A mini program: silence, or handing over to customer-service staff.
    MiniProgram,
    /// A third-party platform, after an authorization event: `success` and nothing else.
    Component,
    /// An application of a corporation, after a message or an event: up to eight articles.
    Agent,
}

/// What the answer belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The settings that the push was sealed with.
    pub keys: &'a Keys,
    /// The openid that a reply must go to.
    pub openid: &'a str,
    /// The original id that a reply should come from.
    pub account: &'a str,
    /// Who replies to what.
    pub speaker: Speaker,
    /// What the push was wrapped in: the reply must be, too.
    pub wrapping: Wrapping,
}

/// An HTTP answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Its media type, if it has one.
    pub content_type: Option<&'a str>,
    /// Its body.
    pub body: &'a [u8],
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// Received; nothing is shown.
    Silent,
    /// Something is shown.
    Reply {
        /// What.
        reply: Reply,
        /// As it was written, decrypted, without white space around it.
        xml: String,
        /// What is legal but not as meant.
        warnings: Vec<Warning>,
    },
    /// An answer that is none. Not tried again; the user sees the notice.
    Illegal {
        /// The rule that it breaks.
        rule: &'static str,
        /// More about it.
        detail: String,
    },
    /// No answer at all. Tried again.
    Failed {
        /// The rule that it breaks.
        rule: &'static str,
        /// More about it.
        detail: String,
    },
}

/// What is legal but not as meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The name of the diagnosis rule.
    pub rule: &'static str,
    /// More about it.
    pub detail: String,
}

/// Judges an answer as the platform does.
///
/// WECHAT: white space (space, tab, CR, LF) before and behind a reply is accepted, around the envelope and around what
/// is sealed in it: one SDK for Python has answered so for ten years. `success` is compared byte for byte: the pages
/// allow it and a body of zero bytes, and nothing is known of an SDK that pads it.
pub fn judge(context: &Context<'_>, answer: &Answer<'_>) -> Judgement {
    match answer.status {
        200 => {}
        300..=399 => {
            let detail = format!("status {}: the platform follows no redirect", answer.status);
            return Judgement::Failed {
                rule: "reply.redirect",
                detail,
            };
        }
        status => {
            let detail = format!("status {status} instead of 200");
            return Judgement::Failed {
                rule: "reply.status",
                detail,
            };
        }
    }
    if answer.body.is_empty() || answer.body == SUCCESS.as_bytes() {
        return Judgement::Silent;
    }
    if let Some((rule, detail)) = stray(answer.body, context.wrapping) {
        return Judgement::Illegal { rule, detail };
    }
    let (xml, sealed) = match open_reply(context.keys, trim_blank(answer.body)) {
        Ok(OpenedReply::Silent) => return Judgement::Silent,
        Ok(OpenedReply::Plain(xml)) => (xml, false),
        Ok(OpenedReply::Sealed(xml)) => (xml, true),
        Err(error) => return illegal(&error),
    };
    if let Some(judgement) = other_form(context.wrapping, answer.body) {
        return judgement;
    }
    if !sealed && context.keys.mode() == CallbackMode::Safe {
        return illegal(&EnvelopeError::PlainRefused);
    }
    if sealed && (xml.is_empty() || xml == SUCCESS.as_bytes()) {
        return Judgement::Silent;
    }
    if let Some(detail) = byte_order_mark(&xml) {
        return Judgement::Illegal {
            rule: "reply.bom",
            detail,
        };
    }
    let xml = trim_blank(&xml);
    if let Some(judgement) = other_form(context.wrapping, xml) {
        return judgement;
    }
    let addressed = match reply::decode_as(context.wrapping, xml) {
        Ok(addressed) => addressed,
        // WECHAT: an SDK for Go answers a push without a reply with an encrypted text that is empty.
        Err(ReplyError::Empty { element: "Content" }) if sealed => return Judgement::Silent,
        // The same SDK leaves every element out, `MsgType` too.
        Err(ReplyError::Empty { .. }) if sealed && is_blank(xml) => return Judgement::Silent,
        Err(error) => {
            return Judgement::Illegal {
                rule: error.rule(),
                detail: error_text(&error),
            };
        }
    };
    weigh(context, addressed, xml)
}

/// Checks the addresses and what this account may say.
fn weigh(context: &Context<'_>, addressed: Addressed, xml: &[u8]) -> Judgement {
    if context.wrapping == Wrapping::LowerJson {
        return Judgement::Reply {
            reply: addressed.reply,
            xml: String::from_utf8_lossy(xml).into_owned(),
            warnings: Vec::new(),
        };
    }
    if addressed.to != context.openid {
        let detail = format!("ToUserName is `{}`, not the user's openid", addressed.to);
        return Judgement::Illegal {
            rule: "reply.address",
            detail,
        };
    }
    let mut warnings = Vec::new();
    if addressed.from != context.account {
        let detail = format!(
            "FromUserName is `{}`, not `{}`",
            addressed.from, context.account
        );
        warnings.push(Warning {
            rule: "reply.sender",
            detail,
        });
    }
    let mut reply = addressed.reply;
    let transfer = matches!(reply, Reply::TransferCustomerService { .. });
    let most = match context.speaker {
        Speaker::MiniProgram if !transfer => {
            return Judgement::Illegal {
                rule: "reply.mini_program",
                detail: format!(
                    "a mini program answers `success` or hands over to staff, not {}",
                    reply.msg_type()
                ),
            };
        }
        Speaker::Component => {
            return Judgement::Illegal {
                rule: "reply.component",
                detail: "an authorization event is answered with `success` and nothing else".into(),
            };
        }
        Speaker::OfficialAccountToMessage => 1,
        Speaker::MiniProgram | Speaker::OfficialAccountToEvent | Speaker::Agent => MAX_ARTICLES,
    };
    match &mut reply {
        // WECHAT: more articles than allowed are cut, not refused.
        Reply::News { articles } if articles.len() > most => {
            let detail = format!("{} articles, {most} shown", articles.len());
            warnings.push(Warning {
                rule: "reply.articles.cut",
                detail,
            });
            articles.truncate(most);
        }
        Reply::Text { content } if content.len() > MAX_TEXT_BYTES => {
            let cut = content.floor_char_boundary(MAX_TEXT_BYTES);
            let lost: String = content[cut..].chars().take(20).collect();
            let detail = format!(
                "{} bytes, {MAX_TEXT_BYTES} are safe; what follows begins with `{lost}`",
                content.len()
            );
            warnings.push(Warning {
                rule: "reply.text.long",
                detail,
            });
        }
        _ => {}
    }
    Judgement::Reply {
        reply,
        xml: String::from_utf8_lossy(xml).into_owned(),
        warnings,
    }
}

/// Refuses a reply, or an envelope, in another form than the push had.
fn other_form(push: Wrapping, reply: &[u8]) -> Option<Judgement> {
    let found = Wrapping::of(reply);
    if found == push {
        return None;
    }
    let name = |wrapping| match wrapping {
        Wrapping::Xml => "XML",
        Wrapping::Json => "JSON",
        Wrapping::LowerJson => "JSON with small letters",
    };
    let detail = format!("the push was {}, the reply is {}", name(push), name(found));
    let rule = if push == Wrapping::Xml {
        "reply.json"
    } else {
        "reply.form"
    };
    Some(Judgement::Illegal { rule, detail })
}

/// Answers that are no reply at all.
fn stray(body: &[u8], push: Wrapping) -> Option<(&'static str, String)> {
    let shown = || String::from_utf8_lossy(&body[..body.len().min(64)]).into_owned();
    if let Some(detail) = byte_order_mark(body) {
        return Some(("reply.bom", detail));
    }
    let trimmed = trim_blank(body);
    if trimmed.len() < body.len() && (trimmed.is_empty() || trimmed == SUCCESS.as_bytes()) {
        return Some(("reply.blank", "white space around the answer".to_owned()));
    }
    if trimmed == b"\"success\"" || trimmed == b"'success'" || trimmed == b"\"\"" {
        return Some((
            "reply.quoted",
            "quotation marks around the answer".to_owned(),
        ));
    }
    match trimmed.first() {
        Some(b'{' | b'[') if push == Wrapping::Xml && !contains(trimmed, b"\"Encrypt\"") => {
            Some(("reply.json", format!("the answer is JSON: {}", shown())))
        }
        Some(b'<') => {
            let begin = trimmed[..trimmed.len().min(256)].to_ascii_lowercase();
            let html = contains(&begin, b"<html") || begin.starts_with(b"<!doctype html");
            html.then(|| {
                (
                    "reply.html",
                    format!("the answer is a web page: {}", shown()),
                )
            })
        }
        Some(b'{' | b'[') | None => None,
        Some(_) => Some((
            "reply.text",
            format!("the answer is neither XML nor `success`: {}", shown()),
        )),
    }
}

/// The bytes without XML's white space around them.
fn trim_blank(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Says that a text begins with a byte order mark, behind white space or not.
fn byte_order_mark(text: &[u8]) -> Option<String> {
    trim_blank(text)
        .starts_with(b"\xef\xbb\xbf")
        .then(|| "the answer begins with a byte order mark (BOM)".to_owned())
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// Whether there is no text in the whole document.
fn is_blank(xml: &[u8]) -> bool {
    xinqiao_wire::xml::Document::parse(xml).is_ok_and(|document| {
        document.root().children().all(|child| {
            child.is("CreateTime") || (child.text().is_empty() && !child.has_children())
        })
    })
}

fn illegal(error: &EnvelopeError) -> Judgement {
    let detail = match error {
        EnvelopeError::PlainRefused => {
            "the push was encrypted, so the reply must be too".to_owned()
        }
        other => other.to_string(),
    };
    Judgement::Illegal {
        rule: error.reply_rule(),
        detail,
    }
}

fn error_text(error: &ReplyError) -> String {
    match error {
        ReplyError::Xml(source) => format!("{error}: {source}"),
        other => other.to_string(),
    }
}
