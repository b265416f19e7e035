//! What a person does on the phone: each verb belongs to a feature.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xinqiao_types::AccountKind;

use super::user;
use crate::{
    accounts,
    kernel::{
        Command, Effect, Id, Refused, Turn,
        declared::{Field, Said},
        row::{self, Row, RowState, Words},
    },
};

/// Something that a person can do with accounts of some kinds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Act {
    /// `do` of the control interface.
    pub(crate) verb: &'static str,
    pub(crate) title: Said,
    /// With which accounts.
    pub(crate) kinds: &'static [AccountKind],
    /// The account that its fields speak of, where none is named.
    pub(crate) about: Option<fn(&Input) -> Option<String>>,
    /// Fields that it reads besides `do`, `account` and `wait`.
    pub(crate) fields: &'static [Field],
    /// Refuses what the control interface should not have sent; what stands in a journal was taken.
    pub(crate) check: Option<Check>,
    pub(crate) run: fn(&mut Turn<'_>, &Scene, &Input) -> Result<Value, Refused>,
}

/// Looks at the fields of an act before it is one.
pub(crate) type Check = fn(&Map<String, Value>) -> Result<(), Refused>;

/// Every act, by verb.
#[derive(Debug, Default)]
pub(crate) struct Acts {
    by_verb: BTreeMap<&'static str, Vec<&'static Act>>,
    lacking: BTreeSet<&'static str>,
}

/// Who acts on which account.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) user: u64,
    pub(crate) nickname: String,
    pub(crate) appid: Id,
    pub(crate) account_name: String,
}

/// `POST /users/{id}/actions`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Input {
    /// What is done.
    #[serde(rename = "do", default)]
    pub(crate) verb: String,
    /// With which account.
    #[serde(default)]
    pub(crate) account: Option<String>,
    /// Answer after the deliveries; read by the control interface.
    #[serde(default)]
    pub(crate) wait: Option<bool>,
    /// The act's own fields.
    #[serde(flatten)]
    pub(crate) fields: Map<String, Value>,
}

impl Acts {
    /// `lacking` are verbs that will be there one day.
    pub(crate) fn new(
        acts: impl Iterator<Item = &'static Act>,
        lacking: impl Iterator<Item = &'static str>,
    ) -> Self {
        let mut by_verb: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for act in acts {
            by_verb.entry(act.verb).or_default().push(act);
        }
        Self {
            by_verb,
            lacking: lacking.collect(),
        }
    }

    /// Every act.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static Act> {
        self.by_verb.values().flatten().copied()
    }

    /// The acts of a verb: the same is done with accounts of several kinds.
    fn called(&self, verb: &str) -> Result<&[&'static Act], Refused> {
        if let Some(known) = self.by_verb.get(verb) {
            return Ok(known);
        }
        if self.lacking.contains(verb) {
            return Err(Refused::not_built(&format!("the act `{verb}`")));
        }
        let verbs: Vec<&str> = self.by_verb.keys().copied().collect();
        let message = format!("there is no act `{verb}`; there are {}", verbs.join(", "));
        Err(Refused::new(501, "not_built", message))
    }
}

impl Input {
    /// Refuses a field that no act reads, and what the act itself refuses.
    pub(crate) fn check(&self, acts: &Acts) -> Result<(), Refused> {
        let mut known: Vec<&str> = vec!["do", "account", "wait"];
        for field in acts.all().flat_map(|act| act.fields) {
            if !known.contains(&field.name) {
                known.push(field.name);
            }
        }
        crate::kernel::command::no_other_fields(self.fields.keys(), &known)?;
        let own = acts.by_verb.get(self.verb.as_str()).into_iter().flatten();
        for check in own.filter_map(|act| act.check) {
            check(&self.fields)?;
        }
        Ok(())
    }

    /// A field of the act, if it was given.
    pub(crate) fn field<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Refused> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value).map(Some).map_err(|error| {
                Refused::invalid(format!("`{name}` is not as it should be: {error}"))
            }),
        }
    }
}

/// A person does something.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Perform {
    pub(crate) user: String,
    pub(crate) act: Input,
}

impl Command for Perform {
    const NAME: &'static str = "people.act";
    const WAS: &'static str = "act";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        let Self { user, act } = self;
        let number = super::find(turn.world, &user)?;
        let nickname = super::user(turn.world, number)?.nickname.to_string();
        let house = turn.world.house;
        let verb = act.verb.as_str();
        if verb.is_empty() {
            return Err(Refused::invalid("`do` is missing"));
        }
        let known = house.part::<Acts>().called(verb)?;
        let meant = || known.iter().find_map(|known| known.about?(&act));
        let Some(reference) = &act.account.clone().or_else(meant) else {
            return Err(Refused::invalid("`account` is missing"));
        };
        let appid = accounts::id(turn.world, reference)?;
        let account = accounts::account(turn.world, reference)?;
        let kind = account.kind;
        let Some(known) = known.iter().find(|act| act.kinds.contains(&kind)) else {
            return Err(Refused::not_built(&format!("`{verb}` with a {kind}")));
        };
        let scene = Scene {
            user: number,
            nickname,
            appid,
            account_name: account.name.clone(),
        };
        turn.cause = format!("a{}", turn.world.traffic_serial("act"));
        (known.run)(turn, &scene, &act)
    }
}

impl Scene {
    /// What the person does because a page in the phone asks for it; it follows from what the page follows from.
    pub(crate) fn perform(
        &self,
        turn: &mut Turn<'_>,
        verb: &str,
        fields: Map<String, Value>,
    ) -> Result<Value, Refused> {
        let kind = accounts::account(turn.world, &self.appid)?.kind;
        let known = turn.world.house.part::<Acts>().called(verb)?;
        let fits = |act: &&&Act| act.kinds.contains(&kind);
        let Some(act) = known.iter().find(fits) else {
            return Err(Refused::not_built(&format!("`{verb}` with a {kind}")));
        };
        let input = Input {
            verb: verb.to_owned(),
            account: Some(self.appid.to_string()),
            wait: None,
            fields,
        };
        (act.run)(turn, self, &input)
    }

    /// The effect that tells the phone that this chat changed.
    pub(crate) fn chat(&self) -> Effect {
        Effect::Chat {
            user: user::name(self.user),
            account: self.appid.to_string(),
        }
    }

    /// The row of the act.
    pub(crate) fn row(&self, turn: &Turn<'_>, openid: &str, words: Words) -> Row {
        let mut row = turn.row(&row::ACT, RowState::Ok);
        row.account = Some(self.appid.to_string());
        row.account_name = Some(self.account_name.clone());
        row.user = Some(user::name(self.user));
        row.user_name = Some(self.nickname.clone());
        row.openid = Some(openid.to_owned());
        row.title = words;
        row.label = Words::new("操作", "act");
        row
    }
}
