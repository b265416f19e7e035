//! What can be asked of the world, and why it may say no.
//!
//! A command is a type of its own in memory. On the wire it is a body of the control interface or a call of an app,
//! which its room reads. In a journal it is an [`Entry`]: feature, verb, version and input.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::turn::Turn;

/// Something that changes the world.
pub(crate) trait Command: Serialize + DeserializeOwned + Send + 'static {
    /// What it is called in a journal: `feature.verb`.
    const NAME: &'static str;
    /// Grows when its input changes its form.
    const VERSION: u32 = 1;
    /// What it was called in the journals of format 1.
    const WAS: &'static str = "";
    /// What it answers.
    type Answer: Send + 'static;

    /// Does it.
    fn run(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Refused>;
}

/// A command as a feature declares it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verb {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) was: &'static str,
    run: fn(&mut Turn<'_>, &Value) -> Result<(), String>,
}

/// A command as a journal holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) input: Value,
}

/// Declares a command.
pub(crate) const fn verb<C: Command>() -> Verb {
    Verb {
        name: C::NAME,
        version: C::VERSION,
        was: C::WAS,
        run: |turn, input| {
            let command = C::deserialize(input).map_err(|error| error.to_string())?;
            // What was refused then is refused again: only the world's state counts.
            let _ = command.run(turn);
            Ok(())
        },
    }
}

impl Entry {
    /// A command, written down.
    #[cfg(test)]
    pub(crate) fn of<C: Command>(command: &C) -> Result<Self, serde_json::Error> {
        Ok(Self {
            name: C::NAME.to_owned(),
            version: C::VERSION,
            input: serde_json::to_value(command)?,
        })
    }
}

impl Verb {
    /// Carries out an entry of a journal.
    pub(crate) fn replay(&self, turn: &mut Turn<'_>, entry: &Entry) -> Result<(), String> {
        if entry.version != self.version {
            return Err(format!(
                "`{}` was written in version {}, this program reads {}",
                self.name, entry.version, self.version
            ));
        }
        (self.run)(turn, &entry.input)
            .map_err(|error| format!("`{}` cannot be read: {error}", self.name))
    }
}

/// Why the world did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// As the control interface says it: 404 for what does not exist, 422 for what was understood and is not done.
    pub(crate) status: u16,
    /// Name.
    pub(crate) code: &'static str,
    /// The platform's rule that forbids it, where there is one.
    pub(crate) rule: Option<&'static str>,
    /// What is the matter and what to do.
    pub(crate) message: String,
}

impl Refused {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            rule: None,
            message: message.into(),
        }
    }

    /// Names the rule.
    pub(crate) fn by(mut self, rule: &'static str) -> Self {
        self.rule = Some(rule);
        self
    }

    pub(crate) fn unknown(what: &str, id: &str) -> Self {
        Self::new(404, "unknown", format!("there is no {what} `{id}`"))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid", message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "conflict", message)
    }

    pub(crate) fn unwilling(message: impl Into<String>) -> Self {
        Self::new(422, "refused", message)
    }

    pub(crate) fn not_built(what: &str) -> Self {
        Self::new(501, "not_built", format!("{what} is not built yet"))
    }
}

/// Reads a body into what its command takes.
pub(crate) fn typed<T: DeserializeOwned>(body: Value) -> Result<T, Refused> {
    serde_json::from_value(body)
        .map_err(|error| Refused::invalid(format!("the body is not as it should be: {error}")))
}

/// Refuses a field that is not among the known ones, and names these.
pub(crate) fn no_other_fields<'f>(
    found: impl Iterator<Item = &'f String>,
    known: &[&str],
) -> Result<(), Refused> {
    match { found }.find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Refused::invalid(format!(
            "unknown field `{name}`, known are {}",
            known.join(", ")
        ))),
    }
}
