//! How an answer is written: one file a manner, named by its mechanism. A product says which one is its own.

pub(crate) mod errcode_json;
pub(crate) mod page;
pub(crate) mod return_code_xml;
pub(crate) mod signed_json;

use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use xinqiao_catalog::{AuthKind, Endpoint, Product};
use xinqiao_types::Rid;

use super::{
    Front, Refusal, Reply,
    call::{PlatformAnswer, PlatformCall},
    credential::Caller,
    fitting::{self, Given},
};
use crate::{
    accounts::merchant::{MERCHANTS, Merchant},
    kernel::{
        World,
        files::Content,
        row::{Diagnosed, diagnose},
    },
};

/// A manner of answering. Only here its answers are written, so none gets past [`fitting`].
#[derive(Debug)]
pub(crate) struct Dialect {
    /// An answer to a call that succeeded.
    reply: fn(&Saying<'_>, Reply) -> Written,
    /// A refusal.
    refusal: fn(&Saying<'_>, Refusal) -> Written,
}

impl Dialect {
    pub(super) fn answer(&self, saying: &Saying<'_>, reply: Reply) -> Written {
        let given = match reply {
            Reply::File { .. } | Reply::Page(_) => Given::Bytes,
            _ => Given::Fields,
        };
        let written = (self.reply)(saying, reply);
        match saying.endpoint {
            Some(endpoint) if cfg!(debug_assertions) => fitting::hold(endpoint, given, written),
            _ => written,
        }
    }

    pub(super) fn refuse(&self, saying: &Saying<'_>, refusal: Refusal) -> Written {
        if let Some(Front { status, html }) = refusal.front {
            return Written::new(status)
                .header("content-type", "text/html")
                .body(html);
        }
        (self.refusal)(saying, refusal)
    }
}

/// To whom something is said, and about what.
#[derive(Debug)]
pub(crate) struct Saying<'a> {
    pub(crate) world: &'a World,
    pub(crate) product: Product,
    /// What was called, where it is known.
    pub(crate) endpoint: Option<&'static Endpoint>,
    pub(crate) call: &'a PlatformCall,
    pub(crate) caller: Option<&'a Caller>,
    pub(crate) trace: &'a Rid,
    /// Real millisecond, for signatures.
    pub(crate) wall_ms: i64,
}

impl<'a> Saying<'a> {
    /// The merchant that called, whose keys prove the answer.
    fn merchant(&self) -> Option<&'a Merchant> {
        match self.caller {
            Some(Caller::Merchant { mchid, .. }) => MERCHANTS.get(self.world, &**mchid),
            _ => None,
        }
    }
}

/// An answer with what its row says.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) answer: PlatformAnswer,
    pub(crate) errcode: Option<i64>,
    pub(crate) diagnosis: Option<Diagnosed>,
}

impl Written {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            answer: PlatformAnswer {
                status,
                ..PlatformAnswer::default()
            },
            errcode: None,
            diagnosis: None,
        }
    }

    /// Adds a header; one whose value no header may have is left out.
    pub(crate) fn header(mut self, name: &'static str, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.answer
                .headers
                .append(HeaderName::from_static(name), value);
        }
        self
    }

    pub(crate) fn body(mut self, bytes: impl Into<bytes::Bytes>) -> Self {
        self.answer.body = bytes.into().into();
        self
    }

    /// A file, wherever it lies.
    pub(crate) fn content(mut self, content: Content) -> Self {
        self.answer.body = content;
        self
    }
}

/// What the simulator says for itself, where the platform would not be asked.
pub(super) fn own(status: u16, error: &Value) -> Written {
    Written::new(status)
        .header("content-type", "application/json; charset=utf-8")
        .body(json!({"error": error}).to_string())
}

/// There is no such path.
pub(crate) fn unknown_path(saying: &Saying<'_>, nearest: Option<&'static str>) -> Written {
    let PlatformCall {
        method, path, host, ..
    } = saying.call;
    let mut message = format!("no path {method} {path} on {host}");
    if let Some(nearest) = nearest {
        message = format!("{message}; did you mean {nearest}?");
    }
    let error = json!({"code": "unknown_path", "message": message, "nearest": nearest});
    let mut written = own(404, &error);
    written.diagnosis = Some(diagnose(
        "call.unknown_path",
        Some(format!("{method} {path}")),
        nearest.map(ToOwned::to_owned),
    ));
    written
}

/// No product that is built knows callers of this kind: better no answer than one to anybody.
pub(crate) fn no_such_callers(saying: &Saying<'_>, auth: AuthKind) -> Written {
    let auth = serde_json::to_value(auth).unwrap_or_default();
    let auth = auth.as_str().unwrap_or_default();
    let message = format!(
        "{} is called with the credential `{auth}` of {}, whose callers are not built yet: nobody can be told from anybody",
        saying.call.path,
        saying.product.name()
    );
    own(501, &json!({"code": "not_built", "message": message}))
}
