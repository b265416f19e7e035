//! What endpoints do once a call has passed the door, and what an endpoint without a behaviour answers.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;
use xinqiao_catalog::{Content, Endpoint, Product};

use super::{
    Asked, Reply, Verdict,
    credential::{Finder, Proof},
    dialect::{Dialect, errcode_json},
};
use crate::{accounts::files::PICTURE, kernel::Turn};

/// How true an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fidelity {
    Stateful,
    Modelled,
    Fallback,
}

impl Fidelity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stateful => "stateful",
            Self::Modelled => "modelled",
            Self::Fallback => "fallback",
        }
    }
}

/// What an endpoint does once a call has passed the door.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Behaviour {
    pub(crate) id: &'static str,
    pub(crate) fidelity: Fidelity,
    /// The test that shows another call changing its answer, or, of a modelled one, that looks at it.
    #[expect(dead_code, reason = "`cargo xtask check` reads it in the source")]
    pub(crate) proof: &'static str,
    pub(crate) run: Run,
}

/// A behaviour's function.
pub(crate) type Run = fn(&mut Turn<'_>, &Asked) -> Verdict;

/// Another call changes its answer, as this test shows.
pub(crate) const fn stateful(id: &'static str, proof: &'static str, run: Run) -> Behaviour {
    Behaviour {
        id,
        fidelity: Fidelity::Stateful,
        proof,
        run,
    }
}

/// It is checked and computed without state.
pub(crate) const fn modelled(id: &'static str, proof: &'static str, run: Run) -> Behaviour {
    Behaviour {
        id,
        fidelity: Fidelity::Modelled,
        proof,
        run,
    }
}

/// What features declared for the door.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) behaviours: BTreeMap<&'static str, &'static Behaviour>,
    pub(crate) finders: Vec<&'static Finder>,
    pub(crate) dialects: Vec<(&'static [Product], &'static Dialect)>,
}

impl Desk {
    pub(crate) fn behaviour(&self, endpoint: &Endpoint) -> Option<&'static Behaviour> {
        self.behaviours.get(endpoint.id).copied()
    }

    pub(crate) fn fidelity(&self, endpoint: &Endpoint) -> Fidelity {
        self.behaviour(endpoint)
            .map_or(Fidelity::Fallback, |known| known.fidelity)
    }

    pub(crate) fn finder(&self, proof: Proof, product: Product) -> Option<&'static Finder> {
        let fits = |finder: &&&Finder| finder.proof == proof && finder.products.contains(&product);
        self.finders.iter().find(fits).copied()
    }

    pub(crate) fn dialect(&self, product: Product) -> &'static Dialect {
        let own = self.dialects.iter().find(|(of, _)| of.contains(&product));
        own.map_or(&errcode_json::DIALECT, |(_, dialect)| *dialect)
    }
}

/// An answer made from the endpoint's schema.
pub(crate) fn from_schema(turn: &mut Turn<'_>, asked: &Asked) -> Reply {
    // Bytes say nothing about themselves in a schema: nearly all of them are codes to scan.
    if asked.endpoint.answer == Content::Binary {
        return Reply::File {
            content_type: "image/png".to_owned(),
            filename: "fallback.png".to_owned(),
            bytes: Bytes::from_static(PICTURE),
        };
    }
    let number = turn.world.serial("mock");
    let seed = turn
        .world
        .seed
        .wrapping_mul(0x9e37_79b9)
        .wrapping_add(number);
    let mut value = xinqiao_catalog::mock(asked.endpoint, seed, &asked.body);
    let empty = value.as_object().is_none_or(|fields| {
        fields
            .keys()
            .all(|name| name == "errcode" || name == "errmsg")
    });
    if empty {
        return Reply::Acknowledged;
    }
    // WECHAT: an answer that says something must not carry a bare code 0 alone, but may carry it first.
    if let Value::Object(fields) = &mut value {
        fields.retain(|name, field| name != "errcode" || field.as_i64() == Some(0));
    }
    Reply::Json(value)
}
