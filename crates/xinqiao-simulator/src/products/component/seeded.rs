//! The platform that a seeded world has. Its ids and keys are drawn by its name, so that they depend on no other seed.

use xinqiao_types::AccountKind;

use crate::{
    accounts::{self, registration},
    kernel::Turn,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "component.seeded",
    seed: Some(populate),
    ..Feature::EMPTY
};

const NAME: &str = "信桥开放服务";
const ALIAS: &str = "xinqiao-open";

fn populate(turn: &mut Turn<'_>) {
    let draw = |kind: &str| turn.world.named(kind, NAME);
    let new = registration::NewAccount {
        kind: Some(AccountKind::Component),
        appid: Some(draw("component").appid()),
        secret: Some(draw("component_secret").secret()),
        token: Some(draw("component_keys").callback_token()),
        aes_key: Some(draw("component_keys").aes_key()),
        original_id: Some(draw("component").original_id()),
        name: Some(NAME.to_owned()),
        alias: Some(ALIAS.to_owned()),
        ..registration::NewAccount::default()
    };
    if let Ok(account) = registration::build(turn, new) {
        accounts::insert(turn.world, account);
    }
}
