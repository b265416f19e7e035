//! What a behaviour works on: a call that passed the door.
//!
//! A field is asked for by the name that it has in the catalog. What is missing or of the wrong kind is refused with
//! the catalog's code, so that a behaviour says with `?` what it needs.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use xinqiao_catalog::{Endpoint, code};

use super::{FilePart, Refusal, body, credential::Caller};
use crate::{
    accounts::{ACCOUNTS, ON_BEHALF, QUOTAS, account::Account},
    kernel::{Id, Turn, World},
};
use xinqiao_catalog::rules::quota::Ledger;

/// A call that passed the door.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) caller: Caller,
    /// The account or merchant that the call counts for; empty where there is none.
    pub(crate) appid: Id,
    /// Values of the path's parameters.
    pub(crate) path: Vec<(&'static str, String)>,
    pub(crate) query: BTreeMap<String, String>,
    /// The JSON body; fields of a form, texts of a multipart body, elements of XML; otherwise null.
    pub(crate) body: Value,
    /// Parts of a multipart body that have a file name.
    pub(crate) files: Vec<FilePart>,
    /// Where the caller found the platform, for addresses that lead back there.
    pub(crate) origin: String,
}

impl Asked {
    pub(crate) fn account<'w>(&self, world: &'w World) -> Result<&'w Account, Refusal> {
        ACCOUNTS
            .get(world, &*self.appid)
            .ok_or_else(|| Refusal::code(code::INVALID_APPID))
    }

    /// The platform that calls, and the account in whose place it lets people log in.
    pub(crate) fn on_behalf(&self, world: &World) -> Result<(Id, Id), Refusal> {
        let component = self.text("component_appid")?;
        if *self.appid != *component {
            let (received, expected) = (component.to_owned(), self.appid.to_string());
            let refuse = Refusal::code(code::INVALID_APPID);
            return Err(refuse.because("credential.appid", Some(received), Some(expected)));
        }
        let appid = self.text("appid")?;
        let Some((appid, _)) = ACCOUNTS.entry(world, appid) else {
            return Err(Refusal::code(code::INVALID_APPID));
        };
        let what = json!({"component": component, "account": &**appid});
        match world.house.objection(world, ON_BEHALF, &what) {
            None => Ok((self.appid.clone(), appid.clone())),
            Some(code) => Err(Refusal::code(code)),
        }
    }

    /// The counters of the account's calls.
    pub(crate) fn ledger<'t>(&self, turn: &'t mut Turn<'_>) -> &'t mut Ledger {
        QUOTAS.or_default(turn.world, self.appid.clone())
    }

    /// A text of path, query or body, if it was given.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.known(name);
        let of_path = { self.path.iter() }
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value);
        of_path
            .or_else(|| self.query.get(name))
            .map(String::as_str)
            .or_else(|| self.body.get(name).and_then(Value::as_str))
    }

    /// A text that must be there, and not empty.
    pub(crate) fn text(&self, name: &str) -> Result<&str, Refusal> {
        self.given(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| self.missing(name))
    }

    /// A whole number that must be there; as a text too, as the platform takes it.
    pub(crate) fn number(&self, name: &str) -> Result<i64, Refusal> {
        let of_body = self.body.get(name).and_then(whole);
        of_body
            .or_else(|| self.given(name)?.trim().parse().ok())
            .ok_or_else(|| self.missing(name))
    }

    /// A list of texts that must be there.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<&str>, Refusal> {
        self.known(name);
        let list = self.body.get(name).and_then(Value::as_array);
        let texts = list.map(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        texts.flatten().ok_or_else(|| self.missing(name))
    }

    /// A group of the body that must be there.
    pub(crate) fn group(&self, name: &str) -> Result<&Value, Refusal> {
        self.known(name);
        self.body
            .get(name)
            .filter(|group| group.is_object())
            .ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &str) -> Refusal {
        body::refuse(xinqiao_catalog::missing(self.endpoint, name))
    }

    /// A behaviour asks for what its endpoint has: anything else is a mistake of ours, found by its first test.
    fn known(&self, name: &str) {
        let endpoint = self.endpoint;
        debug_assert!(
            endpoint.partial
                || endpoint.query.field(name).is_some()
                || endpoint.request.field(name).is_some()
                || self.path.iter().any(|(own, _)| *own == name),
            "{} has no field `{name}`",
            endpoint.id
        );
    }
}

/// A whole number, bare or as a text.
pub(crate) fn whole(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}
