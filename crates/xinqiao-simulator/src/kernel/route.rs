//! What a feature offers to people and tests, whatever carries the question.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    command::{Command, Refused},
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
    /// The world changes.
    Change(fn(&mut Turn<'_>, &Request) -> Result<Value, Refused>),
}

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
