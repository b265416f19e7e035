//! How a push is sealed and its answer judged: one file an envelope. An account's keys are looked up when it is sent.

mod harmed;
pub(crate) mod sealed_for_corp;
pub(crate) mod sealed_info;
pub(crate) mod sealed_message;
pub(crate) mod sealed_refund;
pub(crate) mod signed_json;
pub(crate) mod signed_xml;

use xinqiao_crypto::callback;
use xinqiao_message::{
    envelope::{CallbackQuery, SealedPush},
    push::{self, Context, Judgement, Speaker, Warning},
    reply::Reply,
};
use xinqiao_types::CallbackMode;

use super::{
    attempts::{self, Taken},
    order::PushOrder,
};
use crate::kernel::{
    Turn, World,
    row::{SignatureFacts, SignaturePart},
};

/// How often a message or an event is pushed: "three tries in all" is read as three deliveries.
const ATTEMPTS: u8 = 3;

/// A manner of pushing.
#[derive(Debug)]
pub(crate) struct Envelope {
    /// How often it is tried.
    pub(crate) attempts: u8,
    /// Seconds of the world's clock between one attempt and the next; where there are none, it follows at once.
    pub(crate) pauses: &'static [i64],
    /// Whether what it makes is signed.
    pub(crate) signed: bool,
    /// Takes the keys out of the world; what it gives seals without the world.
    pub(crate) seal: fn(&World, &PushOrder) -> Result<Sealer, String>,
    /// Judges an answer.
    pub(crate) judge: fn(&World, &PushKind, &PushOrder, &Answered<'_>) -> Judgement,
}

/// A kind of push, as a feature declares it.
#[derive(Debug)]
pub(crate) struct PushKind {
    /// `official_account.message`: begins with the feature's product.
    pub(crate) name: &'static str,
    pub(crate) envelope: &'static Envelope,
    /// Whether it goes to the account's server: then its failures count towards a pause, and alarms.
    pub(crate) to_server: bool,
    /// Who would reply to this order: what is legal depends on it.
    pub(crate) speaker: fn(&PushOrder) -> Speaker,
    /// An app replied as it may.
    pub(crate) replied: fn(&mut Turn<'_>, &PushOrder, &Replied<'_>) -> Taken,
    /// Nobody answers any more whom the user waits for.
    pub(crate) given_up: fn(&mut Turn<'_>, &PushOrder),
    /// Whether the orders of format 1 were of this kind.
    pub(crate) of_format_1: bool,
}

impl PushKind {
    /// A push to which nothing can be replied, and for which nobody waits.
    pub(crate) const fn unanswered(name: &'static str, envelope: &'static Envelope) -> Self {
        Self {
            name,
            envelope,
            to_server: true,
            speaker: |_| Speaker::Component,
            replied: |_, _, _| attempts::accepted(),
            given_up: |_, _| {},
            of_format_1: false,
        }
    }
}

/// An answer as it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered<'a> {
    pub(crate) status: u16,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a [u8],
}

/// A legal reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replied<'a> {
    pub(crate) reply: &'a Reply,
    pub(crate) xml: &'a str,
    pub(crate) warnings: &'a [Warning],
    /// Whether this push takes a reply at all.
    pub(crate) replyable: bool,
}

/// Seals at this real second, with a nonce and sixteen bytes of chance.
pub(crate) struct Sealer {
    /// How the account wants it wrapped.
    pub(crate) mode: String,
    pub(crate) make: Make,
}

/// What seals, once.
type Make = Box<dyn FnOnce(i64, &str, [u8; 16]) -> Result<Sealed, String> + Send>;

/// What goes over the wire.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sealed {
    pub(crate) query: String,
    /// Headers besides those that every push has.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) content_type: &'static str,
    /// How it was signed, part by part.
    pub(crate) signature: Option<SignatureFacts>,
}

impl Sealed {
    /// A message or an event with its signature, told part by part.
    fn signed(token: &str, mode: CallbackMode, sealed: SealedPush) -> Self {
        Self {
            signature: signature(token, mode, &sealed.query, &sealed.body),
            query: sealed.query,
            body: sealed.body,
            content_type: sealed.content_type,
            headers: Vec::new(),
        }
    }
}

impl Answered<'_> {
    /// Judges it as an answer that may be a reply.
    fn judge(&self, context: &Context<'_>) -> Judgement {
        let answer = push::Answer {
            status: self.status,
            content_type: Some(self.content_type),
            body: self.body,
        };
        push::judge(context, &answer)
    }
}

/// How the signature was made, part by part in the order of hashing.
fn signature(token: &str, mode: CallbackMode, query: &str, body: &str) -> Option<SignatureFacts> {
    let query = CallbackQuery::parse(query);
    let part = |name, value: &str| SignaturePart {
        name,
        value: value.to_owned(),
    };
    let mut parts = vec![
        part("token", token),
        part("timestamp", query.timestamp.as_deref()?),
        part("nonce", query.nonce.as_deref()?),
    ];
    if mode != CallbackMode::Plain {
        let start = body.find("<Encrypt><![CDATA[")? + "<Encrypt><![CDATA[".len();
        let end = start + body[start..].find("]]>")?;
        parts.push(part("encrypt", &body[start..end]));
    }
    parts.sort_by(|a, b| a.value.as_bytes().cmp(b.value.as_bytes()));
    let texts: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
    let expected = callback::signature(&texts).to_string();
    Some(SignatureFacts {
        algorithm: "sha1",
        parts,
        received: None,
        expected,
    })
}
