//! Errors at length: rule, cause, remedy, trace and place, in English or Chinese.
//!
//! The words are the catalog's: those of its diagnoses, and for a code of the platform its meaning and remedy. An
//! error's `{}` stays one line; `{:#}` is that line and its [`Explanation`] in English.
//!
//! Invariant: nothing of a request's or an answer's content is in an explanation, but what the error's line has.

use std::{error::Error as _, fmt};

use xinqiao_catalog::{Product, Text, diagnosis};
use xinqiao_types::Rid;
use xinqiao_wire::DecodeError;

use crate::error::{ApiError, Error, Refusal, Retry, TransportReason};

/// A language of explanations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese (中文).
    Chinese,
}

impl Language {
    fn of(self, text: Text) -> String {
        text.get(self == Self::Chinese).to_owned()
    }

    fn pick(self, english: &'static str, chinese: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}

/// What there is to say about an error. `Display` shows it, a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// Name of the rule that was broken: a diagnosis of the catalog, or the name of the platform's code.
    pub rule: String,
    /// What went wrong.
    pub cause: String,
    /// What to do, step by step.
    pub remedy: Vec<String>,
    /// Where in the request or in the answer.
    pub place: Option<String>,
    /// The platform's trace id: its support asks for it.
    pub rid: Option<Rid>,
    /// HTTP status, where the platform answered.
    pub status: Option<u16>,
    /// Whether the call may have had an effect although it failed.
    pub may_have_acted: bool,
    language: Language,
}

impl Error {
    /// The error at length.
    ///
    /// ```
    /// # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
    /// use xinqiao::{Error, Language};
    ///
    /// let error = Error::Config("the proxy `x` is no address".into());
    /// assert_eq!(error.explain(Language::English).rule, "client.config");
    /// assert!(error.explain(Language::Chinese).cause.contains("设置"));
    /// assert!(format!("{error:#}").lines().count() > 1);
    /// ```
    pub fn explain(&self, language: Language) -> Explanation {
        if let Self::Api(error) = self {
            return of_code(error, language);
        }
        let mut out = Explanation::of(self.rule(), language);
        if let Self::Preflight {
            reason: Refusal::Permission(denied),
            ..
        } = self
        {
            let (cause, remedy) = match language {
                Language::English => (&denied.cause_en, &denied.remedy_en),
                Language::Chinese => (&denied.cause_zh, &denied.remedy_zh),
            };
            out.cause.clone_from(cause);
            out.remedy = vec![remedy.clone()];
        }
        match self {
            Self::Transport { sent, .. } => out.may_have_acted = *sent,
            Self::Signature { .. } => out.may_have_acted = true,
            // The diagnosis is of the kind; what is wrong with this call or setting is said by the error.
            Self::Preflight {
                reason: reason @ (Refusal::Media(_) | Refusal::Request(_)),
                ..
            } => out.add(&reason.to_string()),
            Self::Credential { reason, .. } | Self::Config(reason) => out.add(reason),
            Self::Decode { path, source, .. } => {
                let found = source.downcast_ref::<DecodeError>();
                let offset = found.map_or(0, |error| error.offset);
                out.place = match (&**path, offset) {
                    ("", 0) => None,
                    ("", offset) => Some(format!("byte {offset}")),
                    (path, 0) => Some(format!("`{path}`")),
                    (path, offset) => Some(format!("`{path}`, byte {offset}")),
                };
                // The platform has answered: what was asked for is done.
                out.may_have_acted = true;
            }
            _ => {}
        }
        let mut below = self.source();
        while let Some(source) = below {
            below = source.source();
            out.add(&source.to_string());
        }
        out
    }

    /// Name of the rule that was broken, as `xinqiao explain` takes it; of a code of the platform its name.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Api(error) => error.rule(),
            Self::Transport { reason, .. } => match reason {
                TransportReason::Connect => "call.connect",
                TransportReason::Timeout => "call.timeout",
                TransportReason::TooLarge => "call.too_large",
                TransportReason::Broken => "call.broken",
                TransportReason::Status(_) => "call.status",
            },
            Self::Decode { .. } => "answer.mismatch",
            Self::Fields { .. } => "answer.no_file",
            Self::Preflight { reason, .. } => match reason {
                Refusal::Permission(_) => xinqiao_catalog::rules::permission::Denied::RULE,
                Refusal::Media(_) => xinqiao_catalog::rules::media::Violation::RULE,
                Refusal::Limit(_) => xinqiao_catalog::rules::limit::Violation::RULE,
                Refusal::Request(_) => "call.refused",
            },
            Self::Signature { .. } => "answer.unproved",
            Self::Credential { .. } => "call.credential",
            Self::Write { .. } => "answer.unwritten",
            Self::Config(_) => "client.config",
        }
    }
}

impl ApiError {
    /// What the catalog knows about the code.
    fn known(&self) -> Option<&'static xinqiao_catalog::ErrorCode> {
        let product = Product::of_id(self.endpoint)?;
        xinqiao_catalog::error(product, self.code.as_code())
    }

    fn rule(&self) -> &'static str {
        let known = self.known().map_or("", |known| known.name);
        if known.is_empty() { "unknown" } else { known }
    }
}

fn of_code(error: &ApiError, language: Language) -> Explanation {
    let known = error.known();
    let text = |of: fn(&xinqiao_catalog::ErrorCode) -> Text| {
        let text = known.map(|known| language.of(of(known)));
        text.filter(|text| !text.is_empty())
    };
    let cause = text(|known| known.meaning);
    // What a helper says about this very call is nearer than what the table says about the code.
    let hint = error.hint.map(str::to_owned);
    let said = match language {
        Language::English => hint.filter(|hint| cause.as_ref() != Some(hint)),
        Language::Chinese => None,
    };
    let remedy = said.or_else(|| text(|known| known.remedy));
    let again = match error.retry {
        Retry::Never => None,
        Retry::Now => Some(language.pick("try it once more at once", "立即重试一次")),
        Retry::After(_) => Some(language.pick("try it again later", "稍后重试")),
        Retry::RefreshToken => Some(language.pick(
            "the client has tried a new token already",
            "客户端已经换新令牌试过一次",
        )),
        Retry::NextQuotaWindow => Some(language.pick(
            "try it again when the next quota window begins",
            "等下一个配额窗口再试",
        )),
    };
    Explanation {
        rule: format!("{} ({})", error.rule(), error.code),
        cause: cause.unwrap_or_else(|| error.message.to_string()),
        remedy: remedy.into_iter().chain(again.map(str::to_owned)).collect(),
        place: None,
        rid: error.rid.clone(),
        status: Some(error.status),
        may_have_acted: false,
        language,
    }
}

impl Explanation {
    fn add(&mut self, cause: &str) {
        if !self.cause.contains(cause) {
            self.cause.push_str(": ");
            self.cause.push_str(cause);
        }
    }

    fn of(rule: &'static str, language: Language) -> Self {
        let known = diagnosis(rule);
        let steps = known.map(|known| match language {
            Language::English => &known.remedy_en,
            Language::Chinese => &known.remedy_zh,
        });
        Self {
            rule: rule.to_owned(),
            cause: known
                .map(|known| language.of(known.cause))
                .unwrap_or_default(),
            remedy: steps
                .into_iter()
                .flatten()
                .map(|step| (*step).to_owned())
                .collect(),
            place: None,
            rid: None,
            status: None,
            may_have_acted: false,
            language,
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pick = |english, chinese| self.language.pick(english, chinese);
        write!(f, "{}{}", pick("rule: ", "规则："), self.rule)?;
        write!(f, "\n{}{}", pick("cause: ", "原因："), self.cause)?;
        for step in &self.remedy {
            write!(f, "\n{}{step}", pick("remedy: ", "处理："))?;
        }
        if let Some(place) = &self.place {
            write!(f, "\n{}{place}", pick("at: ", "位置："))?;
        }
        if let Some(rid) = &self.rid {
            write!(f, "\n{}{rid}", pick("rid: ", "rid："))?;
        }
        if let Some(status) = self.status.filter(|status| *status != 200) {
            write!(f, "\n{}{status}", pick("HTTP status: ", "HTTP 状态码："))?;
        }
        if self.may_have_acted {
            let words = pick(
                "effect: the call may have had one; ask for the state before repeating it",
                "影响：调用可能已经生效，重试前先查询状态",
            );
            write!(f, "\n{words}")?;
        }
        Ok(())
    }
}
