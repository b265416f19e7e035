//! Named switches for behaviour that sources dispute or do not tell: what one is, and how the house finds them all.
//!
//! Each switch is a static of the feature, or the room, that asks it, and stands in its list of `rules`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::kernel::{Refused, World};

/// One switch.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Its name.
    pub(crate) name: &'static str,
    /// What holds if nobody switches it.
    pub(crate) default: Preset,
    /// What it means.
    pub(crate) about: (&'static str, &'static str),
    /// Where the default comes from.
    pub(crate) source: &'static str,
}

/// The default of a switch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Preset {
    /// A whole number, and the greatest that may be set.
    Number(i64, i64),
    /// One of several words.
    Word(&'static str, &'static [&'static str]),
}

/// What is switched on an account or a merchant, by name.
pub(crate) type Switched = BTreeMap<String, Value>;

/// Every switch, by name.
#[derive(Debug)]
pub(crate) struct Rules(BTreeMap<&'static str, &'static Rule>);

impl Rule {
    fn default_value(&self) -> Value {
        match self.default {
            Preset::Number(number, _) => json!(number),
            Preset::Word(word, _) => json!(word),
        }
    }

    fn takes(&self, value: &Value) -> bool {
        match self.default {
            Preset::Number(_, most) => {
                { value.as_i64() }.is_some_and(|number| (0..=most).contains(&number))
            }
            Preset::Word(_, words) => value.as_str().is_some_and(|word| words.contains(&word)),
        }
    }

    /// What it takes, in words.
    fn range(&self) -> String {
        match self.default {
            Preset::Number(_, most) => format!("a whole number from 0 to {most}"),
            Preset::Word(_, words) => words.join(", "),
        }
    }

    fn view(&self) -> Value {
        let allowed = match self.default {
            Preset::Number(..) => json!("number"),
            Preset::Word(_, words) => json!(words),
        };
        let mut view = json!({
            "name": self.name,
            "default": self.default_value(),
            "allowed": allowed,
            "about": {"zh": self.about.0, "en": self.about.1},
            "source": self.source,
        });
        if let Preset::Number(_, most) = self.default {
            view["most"] = json!(most);
        }
        view
    }

    /// The number that holds where these are switched.
    pub(crate) fn number(&self, switched: &Switched) -> i64 {
        let value = switched.get(self.name).and_then(Value::as_i64);
        match self.default {
            // A world that was kept or brought along may hold more than is taken today.
            Preset::Number(number, most) => value.unwrap_or(number).clamp(0, most),
            Preset::Word(..) => 0,
        }
    }

    /// The word that holds where these are switched; the default where there is nobody to switch it.
    pub(crate) fn word<'s>(&self, switched: Option<&'s Switched>) -> &'s str {
        let value = switched.and_then(|switched| switched.get(self.name)?.as_str());
        match self.default {
            Preset::Number(..) => "",
            Preset::Word(word, _) => value.unwrap_or(word),
        }
    }
}

impl Rules {
    pub(crate) fn new(rules: impl Iterator<Item = &'static Rule>) -> Self {
        Self(rules.map(|rule| (rule.name, rule)).collect())
    }

    /// The list for the control interface.
    pub(crate) fn view(&self) -> Value {
        let items: Vec<Value> = self.0.values().map(|rule| rule.view()).collect();
        json!({"items": items})
    }
}

/// Whether all of these are switches, and take their values.
pub(crate) fn check(world: &World, switched: &Switched) -> Result<(), Refused> {
    let Rules(rules) = world.house.part();
    for (name, value) in switched {
        let Some(rule) = rules.get(name.as_str()) else {
            let known: Vec<&str> = rules.keys().copied().collect();
            return Err(Refused::invalid(format!(
                "no rule `{name}`; there are {}",
                known.join(", ")
            )));
        };
        if !rule.takes(value) {
            return Err(Refused::invalid(format!(
                "rule `{name}` does not take {value}; it takes {}",
                rule.range()
            )));
        }
    }
    Ok(())
}
