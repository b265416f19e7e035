//! Which endpoint behaves how. What is not listed answers from its schema, and says so.
//!
//! `Stateful`: a named test shows another call changing its answer. `Modelled`: checked and computed without state.
//! `Fallback`: checked, answered from the schema.

use serde_json::Value;
use xinqiao_catalog::id::official_account as oa;

use super::{Reply, Request, Verdict};
use crate::world::{
    Turn,
    official_account::{
        custom_message, customer_service, fans, media, menu, network, quota, stable_token, token,
    },
};

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
#[derive(Clone, Copy)]
pub(crate) struct Behaviour {
    pub(crate) id: &'static str,
    pub(crate) fidelity: Fidelity,
    pub(crate) run: fn(&mut Turn<'_>, &Request) -> Verdict,
}

impl std::fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Behaviour")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

const fn stateful(id: &'static str, run: fn(&mut Turn<'_>, &Request) -> Verdict) -> Behaviour {
    Behaviour {
        id,
        fidelity: Fidelity::Stateful,
        run,
    }
}

const fn modelled(id: &'static str, run: fn(&mut Turn<'_>, &Request) -> Verdict) -> Behaviour {
    Behaviour {
        id,
        fidelity: Fidelity::Modelled,
        run,
    }
}

/// Every behaviour; few enough to be searched in order.
pub(crate) static BEHAVIOURS: &[Behaviour] = &[
    stateful(oa::base::TOKEN, token::get),
    stateful(oa::base::STABLE_TOKEN, stable_token::get),
    stateful(oa::base::CLEAR_QUOTA, quota::clear),
    stateful(oa::base::CLEAR_QUOTA_V2, quota::clear),
    stateful(oa::open_api::quota::CLEAR, quota::clear_one),
    stateful(oa::open_api::quota::GET, quota::get),
    stateful(oa::open_api::RID_GET, quota::rid),
    modelled(oa::base::GET_API_DOMAIN_IP, network::api_addresses),
    modelled(oa::base::GET_CALLBACK_IP, network::callback_addresses),
    modelled(oa::callback::CHECK, network::check),
    stateful(oa::menu::CREATE, menu::create),
    stateful(oa::menu::GET, menu::get),
    stateful(oa::menu::DELETE, menu::delete),
    stateful(oa::base::GET_CURRENT_SELF_MENU_INFO, menu::current),
    stateful(oa::message::custom::SEND, custom_message::send),
    stateful(oa::message::custom::TYPING, custom_message::typing),
    stateful(oa::custom_service::kf_account::ADD, customer_service::add),
    stateful(
        oa::custom_service::kf_account::UPDATE,
        customer_service::update,
    ),
    stateful(
        oa::custom_service::kf_account::DEL_GET,
        customer_service::delete,
    ),
    stateful(
        oa::custom_service::kf_account::DEL_POST,
        customer_service::delete,
    ),
    stateful(oa::custom_service::GET_KF_LIST, customer_service::list),
    stateful(
        oa::custom_service::GET_ONLINE_KF_LIST,
        customer_service::online,
    ),
    stateful(oa::user::GET, fans::list),
    stateful(oa::user::INFO, fans::info),
    stateful(oa::user::INFO_BATCH_GET, fans::batch),
    stateful(oa::user::INFO_UPDATE_REMARK, fans::remark),
    stateful(oa::media::UPLOAD, media::upload),
    stateful(oa::media::GET, media::get),
    stateful(oa::media::UPLOAD_IMG, media::upload_image),
];

pub(crate) fn behaviour(id: &str) -> Option<&'static Behaviour> {
    BEHAVIOURS.iter().find(|known| known.id == id)
}

pub(crate) fn fidelity(id: &str) -> Fidelity {
    behaviour(id).map_or(Fidelity::Fallback, |known| known.fidelity)
}

/// An answer made from the endpoint's schema.
pub(crate) fn from_schema(turn: &mut Turn<'_>, request: &Request) -> Reply {
    let number = turn.world.chance.serial("mock");
    let seed = turn
        .world
        .chance
        .seed()
        .wrapping_mul(0x9e37_79b9)
        .wrapping_add(number);
    let mut value = xinqiao_catalog::mock(request.endpoint, seed, &request.body);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_behaviour_belongs_to_an_endpoint() {
        for known in BEHAVIOURS {
            assert!(
                xinqiao_catalog::endpoint(known.id).is_some(),
                "{}",
                known.id
            );
        }
    }
}
