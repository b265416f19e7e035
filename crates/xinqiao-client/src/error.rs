//! What can go wrong with a call, told apart by what the caller will do about it.

use std::{fmt, time::Duration};

use serde_json::{Map, Value};
use xinqiao_catalog::{Code, Product, RetryClass, rules};
use xinqiao_types::{ErrCode, Rid};
use xinqiao_wire::response::instead_of_file;

use crate::explain::Language;

/// Any error's source.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A call that did not succeed. `{}` is one line, `{:#}` that line and what [`Error::explain`] says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The platform answered, and the answer is a failure.
    Api(Box<ApiError>),
    /// No usable answer came.
    Transport {
        /// Catalog id of the endpoint.
        endpoint: &'static str,
        /// The platform host, without path or query.
        host: Box<str>,
        /// What happened.
        reason: TransportReason,
        /// The cause, without the URL.
        source: BoxError,
        /// Whether bytes of the request left: then the call may have had an effect.
        sent: bool,
    },
    /// The answer is not what the catalog says.
    Decode {
        /// Catalog id of the endpoint.
        endpoint: &'static str,
        /// Where in the answer.
        path: Box<str>,
        /// What is wrong there.
        source: BoxError,
    },
    /// Instead of the file came fields: where it lies, or something of another kind than a file.
    Fields {
        /// Catalog id of the endpoint.
        endpoint: &'static str,
        /// What came; see [`Error::url`].
        fields: Box<Map<String, Value>>,
    },
    /// The request was refused before a byte left.
    Preflight {
        /// Catalog id of the endpoint.
        endpoint: &'static str,
        /// Why, and what to do.
        reason: Refusal,
    },
    /// An answer came that is not proved to be the platform's: the call may have had an effect. Ask for
    /// the state before repeating it, and repeat it with the same number only.
    Signature {
        /// Catalog id of the endpoint.
        endpoint: &'static str,
        /// Why not.
        source: xinqiao_crypto::pay_v3::VerifyError,
    },
    /// There is no credential for this call.
    Credential {
        /// Catalog id of the endpoint.
        endpoint: &'static str,
        /// What is missing, and what to do.
        reason: Box<str>,
    },
    /// A file that was to be written could not be. What was written of it is not whole.
    Write {
        /// Catalog id of the endpoint.
        endpoint: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The client was set up or called wrongly.
    Config(Box<str>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => write!(f, "{error}"),
            Self::Transport {
                endpoint,
                host,
                reason,
                ..
            } => write!(f, "no answer from {host} for {endpoint}: {reason}"),
            Self::Decode { endpoint, path, .. } => {
                write!(
                    f,
                    "answer of {endpoint} does not match the catalog at `{path}`"
                )
            }
            Self::Fields { endpoint, fields } => {
                let came = instead_of_file(fields);
                write!(f, "{endpoint} gave no file: the answer {came}")
            }
            Self::Preflight { endpoint, reason } => {
                write!(f, "{endpoint} refused before sending: {reason}")
            }
            Self::Signature { endpoint, .. } => {
                write!(f, "answer of {endpoint} is not proved to be the platform's")
            }
            Self::Credential { endpoint, reason } => {
                write!(f, "no credential for {endpoint}: {reason}")
            }
            Self::Write { endpoint, .. } => {
                write!(f, "what {endpoint} answered could not be written")
            }
            Self::Config(reason) => f.write_str(reason),
        }?;
        if f.alternate() {
            write!(f, "\n{}", self.explain(Language::English))?;
        }
        Ok(())
    }
}

/// Why a request was refused before sending.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The account has no right to it.
    Permission(Box<rules::permission::Denied>),
    /// The file would not be taken.
    Media(rules::media::Violation),
    /// A field breaks a limit that the catalog knows.
    Limit(Box<rules::limit::Violation>),
    /// The request lacks or misuses a field.
    Request(Box<str>),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permission(denied) => denied.fmt(f),
            Self::Media(violation) => violation.fmt(f),
            Self::Limit(violation) => violation.fmt(f),
            Self::Request(reason) => f.write_str(reason),
        }
    }
}

/// What kept an answer from coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportReason {
    /// No connection.
    Connect,
    /// The time was up.
    Timeout,
    /// The answer is larger than the limit.
    TooLarge,
    /// The connection broke, or what came was not HTTP.
    Broken,
    /// A gateway or the platform's edge answered with an HTTP error instead of the platform's answer.
    Status(u16),
}

impl fmt::Display for TransportReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("no connection"),
            Self::Timeout => f.write_str("time is up"),
            Self::TooLarge => f.write_str("the answer is larger than the limit"),
            Self::Broken => f.write_str("the connection broke"),
            Self::Status(status) => write!(f, "HTTP status {status}"),
        }
    }
}

/// The code of a failure: a number, or a word in the payment products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerCode {
    /// `errcode`.
    Number(ErrCode),
    /// `code` or `err_code` of the payment products.
    Word(Box<str>),
}

impl AnswerCode {
    /// The number, if it is one.
    pub const fn number(&self) -> Option<ErrCode> {
        match self {
            Self::Number(code) => Some(*code),
            Self::Word(_) => None,
        }
    }

    /// The code as the catalog writes it.
    pub fn as_code(&self) -> Code<'_> {
        match self {
            Self::Number(code) => Code::Number(code.0),
            Self::Word(word) => Code::Word(word),
        }
    }
}

impl fmt::Display for AnswerCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(code) => code.fmt(f),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// What to do with a failure that the platform reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// The same call would fail again.
    Never,
    /// Once more, at once.
    Now,
    /// Later, at the earliest after this time.
    After(Duration),
    /// With a new token. The client has already tried that.
    RefreshToken,
    /// When the next quota window begins.
    NextQuotaWindow,
}

impl From<RetryClass> for Retry {
    fn from(class: RetryClass) -> Self {
        match class {
            RetryClass::Never => Self::Never,
            RetryClass::Now => Self::Now,
            RetryClass::Later => Self::After(Duration::from_mins(1)),
            RetryClass::RefreshToken => Self::RefreshToken,
            RetryClass::NextQuotaWindow => Self::NextQuotaWindow,
        }
    }
}

/// What every failure from the platform carries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// Catalog id of the endpoint.
    pub endpoint: &'static str,
    /// The platform's code.
    pub code: AnswerCode,
    /// The platform's message, without the trace id.
    pub message: Box<str>,
    /// The platform's trace id: its support asks for it.
    pub rid: Option<Rid>,
    /// HTTP status of the answer.
    pub status: u16,
    /// What to do.
    pub retry: Retry,
    /// What the catalog advises, if it knows the code.
    pub hint: Option<&'static str>,
}

impl ApiError {
    /// Puts an error together from what the platform answered; class and hint come from the catalog.
    pub(crate) fn new(
        endpoint: &'static str,
        code: AnswerCode,
        message: &str,
        status: u16,
    ) -> Self {
        let (message, rid) = split_trace(message);
        let product = Product::of_id(endpoint).unwrap_or(Product::OfficialAccount);
        let known = xinqiao_catalog::error(product, code.as_code());
        let hint = known.map(|known| {
            let remedy = known.remedy.get(false);
            if remedy.is_empty() {
                known.meaning.get(false)
            } else {
                remedy
            }
        });
        Self {
            endpoint,
            message: message.into(),
            rid,
            status,
            retry: known.map_or(Retry::Never, |known| known.retry.into()),
            hint: hint.filter(|hint| !hint.is_empty()),
            code,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} answered {}: {}",
            self.endpoint, self.code, self.message
        )?;
        if let Some(rid) = &self.rid {
            write!(f, " (rid {rid})")?;
        }
        match self.hint {
            Some(hint) if hint != &*self.message => write!(f, "; {hint}"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for ApiError {}

/// Splits the platform's trace off a message: `… rid: x`, `…, rid: x`, `…, hint: [x], from ip: …`.
fn split_trace(message: &str) -> (&str, Option<Rid>) {
    if let (text, Some(rid)) = Rid::split(message) {
        return (text.trim_end_matches([',', ' ']), Some(rid));
    }
    for mark in ["hint: [", "hints: ["] {
        if let Some((text, tail)) = message.split_once(mark)
            && let Some((id, _)) = tail.split_once(']')
        {
            let id = id.trim().trim_start_matches("req_id:").trim();
            return (text.trim_end_matches([',', ' ']), Some(Rid::new(id)));
        }
    }
    (message, None)
}

impl Error {
    /// The failure that the platform reported, if it is one.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            _ => None,
        }
    }

    /// The platform's numeric code, if it reported one.
    pub fn code(&self) -> Option<ErrCode> {
        self.api().and_then(|error| error.code.number())
    }

    /// Whether the platform reported this code, one of [`code`](crate::code): a number, or a word of the payment products.
    ///
    /// ```
    /// # mod xinqiao { pub use ::xinqiao_client::*; }
    /// use xinqiao::{Error, code};
    ///
    /// fn paid_already(error: &Error) -> bool {
    ///     error.is(code::pay_v3::ALREADY_EXISTS) || error.is(code::SYSTEM_BUSY)
    /// }
    /// ```
    pub fn is<'c>(&self, code: impl Into<Code<'c>>) -> bool {
        let code = code.into();
        self.api().is_some_and(|error| error.code.as_code() == code)
    }

    /// Where the file lies that did not come itself ([`Error::Fields`]): the address of a film, for instance.
    pub fn url(&self) -> Option<&str> {
        let Self::Fields { fields, .. } = self else {
            return None;
        };
        let mut urls = fields.iter().filter(|(name, _)| name.ends_with("url"));
        urls.find_map(|(_, url)| url.as_str().filter(|url| !url.is_empty()))
    }

    /// The catalog id of the endpoint that failed; empty where no call was made.
    pub fn endpoint(&self) -> &'static str {
        match self {
            Self::Api(error) => error.endpoint,
            Self::Fields { endpoint, .. }
            | Self::Transport { endpoint, .. }
            | Self::Decode { endpoint, .. }
            | Self::Preflight { endpoint, .. }
            | Self::Signature { endpoint, .. }
            | Self::Write { endpoint, .. }
            | Self::Credential { endpoint, .. } => endpoint,
            Self::Config(_) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, text: &str, rid: Option<&str>) {
        let (found, trace) = split_trace(message);
        assert_eq!((found, trace.as_ref().map(Rid::as_str)), (text, rid));
    }

    #[test]
    fn the_trace_is_split_off_in_all_its_forms() {
        check(
            "invalid openid rid: 5f3203f9-4c55380f-4b88cfd4",
            "invalid openid",
            Some("5f3203f9-4c55380f-4b88cfd4"),
        );
        check(
            "code been used, rid: 5f3203f9-4c55380f-4b88cfd4",
            "code been used",
            Some("5f3203f9-4c55380f-4b88cfd4"),
        );
        check(
            "invalid code, hints: [ req_id: TVDXha0288s161 ]",
            "invalid code",
            Some("TVDXha0288s161"),
        );
        check(
            "invalid credential, hint: [1606120133_53_0fbc4b1c], from ip: 1.2.3.4, more info at x",
            "invalid credential",
            Some("1606120133_53_0fbc4b1c"),
        );
        check("ok", "ok", None);
    }
}
