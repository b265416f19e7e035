//! Which token the centre holds for an account: where it is asked for, with what, and how it is handed on.
//!
//! Four kinds. A token that the centre does not hold (an authorizer's, a corp's that installed a suite, a
//! provider's) stands inside the virtual token that an app has for it.

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value, json};
use xinqiao_catalog::{
    code::{self, work},
    endpoint,
    id::{official_account::base, open_platform::component, work as wecom},
    model::{Bearing, Endpoint},
};
use xinqiao_message::names::info_type;
use xinqiao_types::{AccountKind, percent};

use crate::AccountConfig;

/// A kind of token that the centre holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// The stable token of an official account, a mini program, a website or a mobile app.
    Account,
    /// Of an agent of a WeCom corp.
    Corp,
    /// Of a third-party platform. Needs a ticket that the platform pushed.
    Component,
    /// Of a WeCom provider's application. Needs a ticket that WeCom pushed.
    Suite,
}

/// How the platform is asked for a token.
pub(crate) struct Asking {
    pub(crate) host: &'static str,
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) body: Bytes,
}

impl Held {
    /// What is held for an account, if anything can be.
    pub(crate) fn of(account: &AccountConfig) -> Option<Self> {
        if account.botid.is_some() {
            return None;
        }
        if account.suiteid.is_some() {
            return Some(Self::Suite);
        }
        if account.corpid.is_some() {
            return Some(Self::Corp);
        }
        match account.kind {
            AccountKind::Component => Some(Self::Component),
            AccountKind::Corp | AccountKind::Merchant => None,
            _ => Some(Self::Account),
        }
    }

    /// What an endpoint hands out, if it is one of these.
    pub(crate) fn issued_at(endpoint: &Endpoint) -> Option<Self> {
        match endpoint.id {
            base::TOKEN | base::STABLE_TOKEN => Some(Self::Account),
            wecom::base::GET_TOKEN => Some(Self::Corp),
            component::API_COMPONENT_TOKEN => Some(Self::Component),
            wecom::service::GET_SUITE_TOKEN => Some(Self::Suite),
            _ => None,
        }
    }

    /// Where the centre asks for it.
    fn endpoint(self) -> &'static Endpoint {
        let id = match self {
            Self::Account => base::STABLE_TOKEN,
            Self::Corp => wecom::base::GET_TOKEN,
            Self::Component => component::API_COMPONENT_TOKEN,
            Self::Suite => wecom::service::GET_SUITE_TOKEN,
        };
        endpoint(id).expect("the catalog has every id that it names")
    }

    /// What it is good for.
    pub(crate) fn bearing(self) -> Bearing {
        match self {
            Self::Account => Bearing::Account,
            Self::Corp => Bearing::Corp,
            Self::Component => Bearing::Component,
            Self::Suite => Bearing::Suite,
        }
    }

    /// The ticket without which the platform gives none: its `InfoType`, the field of the push, the field of the
    /// request, and the rule of its absence.
    pub(crate) fn ticket(self) -> Option<&'static Ticket> {
        match self {
            Self::Component => Some(&Ticket {
                info_type: info_type::COMPONENT_VERIFY_TICKET,
                pushed: "ComponentVerifyTicket",
                asked: "component_verify_ticket",
                rule: "ticket.stale",
            }),
            Self::Suite => Some(&Ticket {
                info_type: info_type::SUITE_TICKET,
                pushed: "SuiteTicket",
                asked: "suite_ticket",
                rule: "ticket.suite",
            }),
            Self::Account | Self::Corp => None,
        }
    }

    /// Whether a new token can be demanded where the platform goes on giving the old one.
    pub(crate) fn can_be_forced(self) -> bool {
        self == Self::Account
    }

    /// Whether asking for it leaves the token alone that somebody else got: so it may be asked for only to see
    /// whether it can be had.
    pub(crate) fn disturbs_nobody(self) -> bool {
        matches!(self, Self::Account | Self::Corp)
    }

    /// Whether a code says that a token of this kind is not valid (any more).
    pub(crate) fn refused_by(self, code: i64) -> bool {
        let of_all = [
            code::INVALID_CREDENTIAL,
            code::INVALID_ACCESS_TOKEN,
            code::ACCESS_TOKEN_EXPIRED,
        ];
        match self {
            Self::Account | Self::Corp => of_all.contains(&code),
            Self::Component => {
                of_all.contains(&code) || code == code::COMPONENT_ACCESS_TOKEN_EXPIRED
            }
            Self::Suite => [work::INVALID_SUITE_TOKEN, work::SUITE_TOKEN_EXPIRED].contains(&code),
        }
    }

    /// Whether a code says that a token came to its natural end.
    pub(crate) fn ended_by(self, code: i64) -> bool {
        match self {
            Self::Account | Self::Corp => code == code::ACCESS_TOKEN_EXPIRED,
            Self::Component => [
                code::ACCESS_TOKEN_EXPIRED,
                code::COMPONENT_ACCESS_TOKEN_EXPIRED,
            ]
            .contains(&code),
            Self::Suite => code == work::SUITE_TOKEN_EXPIRED,
        }
    }

    /// The call that asks for it. `id` is the appid, the corpid or the suite id.
    pub(crate) fn ask(self, id: &str, secret: &str, ticket: Option<&str>, forced: bool) -> Asking {
        let endpoint = self.endpoint();
        let body = match self {
            Self::Account => json!({
                "grant_type": "client_credential",
                "appid": id,
                "secret": secret,
                "force_refresh": forced,
            }),
            Self::Component => json!({
                "component_appid": id,
                "component_appsecret": secret,
                "component_verify_ticket": ticket,
            }),
            Self::Suite => json!({
                "suite_id": id,
                "suite_secret": secret,
                "suite_ticket": ticket,
            }),
            Self::Corp => {
                let (id, secret) = (percent::encode(id), percent::encode(secret));
                return Asking {
                    host: endpoint.host,
                    method: Method::GET,
                    target: format!("{}?corpid={id}&corpsecret={secret}", endpoint.path),
                    body: Bytes::new(),
                };
            }
        };
        Asking {
            host: endpoint.host,
            method: Method::POST,
            target: endpoint.path.to_owned(),
            body: Bytes::from(body.to_string()),
        }
    }

    /// The field of an answer in which it stands.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Account | Self::Corp => "access_token",
            Self::Component => "component_access_token",
            Self::Suite => "suite_access_token",
        }
    }

    /// What the platform answers when it hands one out, in its order.
    pub(crate) fn answer(self, token: &str, expires_in: i64) -> String {
        let mut answer = Map::new();
        if matches!(self, Self::Corp | Self::Suite) {
            answer.insert("errcode".to_owned(), json!(0));
            answer.insert("errmsg".to_owned(), json!("ok"));
        }
        answer.insert(self.field().to_owned(), json!(token));
        answer.insert("expires_in".to_owned(), json!(expires_in));
        Value::Object(answer).to_string()
    }

    /// The type of that answer.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Account | Self::Component => "application/json; encoding=utf-8",
            Self::Corp | Self::Suite => "application/json; charset=UTF-8",
        }
    }
}

/// A ticket without which the platform gives no token.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// `InfoType` of the push that brings it.
    pub(crate) info_type: &'static str,
    /// Its field in that push.
    pub(crate) pushed: &'static str,
    /// Its field in the call for a token.
    pub(crate) asked: &'static str,
    /// The rule of its absence.
    pub(crate) rule: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Held; 4] = [Held::Account, Held::Corp, Held::Component, Held::Suite];

    #[test]
    fn each_kind_is_asked_for_as_its_endpoint_wants_it() {
        for held in ALL {
            let asking = held.ask("id", "secret", Some("ticket"), false);
            let endpoint = held.endpoint();
            assert_eq!(asking.method.as_str(), endpoint.method.name(), "{held:?}");
            assert_eq!(Held::issued_at(endpoint), Some(held));
            let query = asking.target.split_once('?').map_or("", |(_, query)| query);
            let body: Map<String, Value> = serde_json::from_slice(&asking.body).unwrap_or_default();
            let given = |name: &str| body.contains_key(name) || query.contains(&format!("{name}="));
            for field in endpoint.query.fields.iter().chain(&endpoint.request.fields) {
                assert!(!field.required || given(field.name), "{}", field.name);
            }
            assert!(endpoint.response.field(held.field()).is_some(), "{held:?}");
            if let Some(ticket) = held.ticket() {
                assert!(endpoint.request.field(ticket.asked).is_some(), "{held:?}");
                assert!(
                    xinqiao_catalog::diagnosis(ticket.rule).is_some(),
                    "{held:?}"
                );
            }
        }
    }

    #[test]
    fn a_secret_is_escaped_where_it_stands_in_a_query() {
        let asking = Held::Corp.ask("ww1", "a&b=c", None, false);
        assert!(
            asking.target.ends_with("?corpid=ww1&corpsecret=a%26b%3Dc"),
            "{}",
            asking.target
        );
    }
}
