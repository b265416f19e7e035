//! What endpoints do once a call has passed the door.

use std::collections::BTreeMap;

use xinqiao_catalog::{Endpoint, Product, surface::Credential};

use super::{
    Asked, Verdict,
    credential::{Finder, Proof},
    dialect::{Dialect, errcode_json},
    pages::Shows,
};
use crate::kernel::{Turn, World};

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
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "`cargo xtask check` and the page of fidelity read it"
        )
    )]
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
    pub(crate) pages: Vec<&'static Shows>,
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

    /// Who finds the caller: a finder meant for this endpoint alone; or the one that knows the credential; or the first,
    /// which says what is wrong with it.
    pub(crate) fn finder(
        &self,
        world: &World,
        proof: Proof,
        endpoint: &Endpoint,
        credential: &Credential,
    ) -> Option<&'static Finder> {
        let fitting = |proof| {
            let product = endpoint.product;
            let fits =
                move |finder: &&Finder| finder.proof == proof && finder.products.contains(&product);
            self.finders.iter().copied().filter(fits)
        };
        let own = match proof {
            Proof::Secret => fitting(Proof::SecretAt(endpoint.id)).next(),
            _ => None,
        };
        let knows = |finder: &&Finder| (finder.claimed)(world, credential).is_some();
        own.or_else(|| fitting(proof).find(knows))
            .or_else(|| fitting(proof).next())
    }

    pub(crate) fn dialect(&self, product: Product) -> &'static Dialect {
        let own = self.dialects.iter().find(|(of, _)| of.contains(&product));
        own.map_or(&errcode_json::DIALECT, |(_, dialect)| *dialect)
    }
}
