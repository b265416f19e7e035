//! What a feature offers to people and tests, whatever carries the question.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    command::{Command, Refused, typed},
    turn::Turn,
    world::World,
};

/// A path below the control interface.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub(crate) method: &'static str,
    /// `/accounts/{appid}/tags`.
    pub(crate) path: &'static str,
    pub(crate) run: Handler,
}

/// What is done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Handler {
    /// The world is looked at.
    Look(fn(&World, &Request) -> Result<Value, Refused>),
    /// The world changes. Where the answer has `deliveries`, it is given when these came to their end, unless the body
    /// says `"wait": false`.
    Change(fn(&mut Turn<'_>, &Request) -> Result<Value, Refused>),
}

/// A page of a list, as the query asks for it: `after`, the `next` of the page before; and `limit`.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) after: Option<String>,
    limit: usize,
}

/// Most items of a page, and how many there are where no `limit` is given.
const PAGE: usize = 1000;
/// No id is longer.
const LONGEST: usize = 128;

impl Page {
    pub(crate) fn of(query: &BTreeMap<String, String>) -> Result<Self, Refused> {
        let given = |name: &str| query.get(name).filter(|text| !text.is_empty());
        let limit = match given("limit").map(|text| text.parse()) {
            None => PAGE,
            Some(Ok(limit)) if (1..=PAGE).contains(&limit) => limit,
            Some(_) => {
                return Err(Refused::invalid(format!(
                    "`limit` is a number from 1 to {PAGE}"
                )));
            }
        };
        Ok(Self {
            after: given("after").cloned(),
            limit,
        })
    }

    /// The page of items that lie behind `after`, each with the name that leads on from it. `next` is there where the
    /// list goes on.
    pub(crate) fn answer(&self, items: impl Iterator<Item = (String, Value)>) -> Value {
        let mut items = items;
        let (mut last, mut page) = (None, Vec::new());
        for (name, item) in items.by_ref().take(self.limit) {
            last = Some(name);
            page.push(item);
        }
        let mut answer = json!({"items": page});
        if let Some(last) = last
            && items.next().is_some()
        {
            answer["next"] = json!(last);
        }
        answer
    }

    /// Where the page begins: behind the item that `after` names, as `read` understands it; at the start without one.
    pub(crate) fn behind<T>(
        &self,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Refused> {
        let Some(after) = &self.after else {
            return Ok(None);
        };
        match read(after) {
            Some(place) => Ok(Some(place)),
            None => Err(Refused::invalid(format!(
                "`after` is the `next` of a page of this list, not `{}`",
                after.escape_debug()
            ))),
        }
    }

    /// The number that `after` names, in front of which there may be a letter; 0 before the first page.
    pub(crate) fn number(&self, letter: &str) -> Result<u64, Refused> {
        let number = self.behind(|after| {
            let digits = after.strip_prefix(letter).unwrap_or(after);
            number(digits)
        })?;
        Ok(number.unwrap_or(0))
    }

    /// The id that `after` is, empty before the first page. Whose item is gone is as good a place as another; what can be
    /// nobody's id is refused.
    pub(crate) fn id(&self) -> Result<&str, Refused> {
        let id = self.behind(|after| {
            let may_be =
                after.len() <= LONGEST && after.bytes().all(|byte| byte.is_ascii_graphic());
            may_be.then_some(())
        })?;
        Ok(id.and(self.after.as_deref()).unwrap_or_default())
    }
}

/// A number as lists write it: `07` and `+7` are none.
pub(crate) fn number(digits: &str) -> Option<u64> {
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

/// A body in which nothing may stand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// What was asked.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Parts of the path by their names.
    pub(crate) path: BTreeMap<String, String>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Request {
    /// A part of the path; the route has it.
    pub(crate) fn part(&self, name: &str) -> &str {
        self.path.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Which page of its list.
    pub(crate) fn page(&self) -> Result<Page, Refused> {
        Page::of(&self.query)
    }

    /// The body as the route takes it.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        typed(self.body.clone())
    }
}

/// A route that changes the world, as a command.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) route: String,
    pub(crate) request: Request,
}

impl Command for Ask {
    const NAME: &'static str = "kernel.ask";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        let house = turn.world.house;
        let route = house
            .routes()
            .find(|route| route.method == self.method && route.path == self.route);
        match route.map(|route| route.run) {
            Some(Handler::Change(run)) => run(turn, &self.request),
            _ => Err(Refused::unknown("route", &self.route)),
        }
    }
}
