//! What merchants gave to people: shared money, transfers, red packets. What people pay comes from their banks, so
//! nothing leaves here.

use serde_json::{Value, json};

use crate::{
    kernel::{
        Refused, Table, Turn, World,
        route::{Handler, Request, Route},
    },
    people,
    products::Feature,
};

/// What each person got, in fen.
static WALLETS: Table<u64, i64> = Table::new("pay.wallets", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "pay.wallet",
    tables: &[&WALLETS],
    routes: &[Route {
        method: "GET",
        path: "/users/{id}/wallet",
        run: Handler::Look(one),
    }],
    ..Feature::EMPTY
};

/// A person gets so many fen.
pub(super) fn receive(turn: &mut Turn<'_>, user: u64, amount: i64) {
    let held = WALLETS.or_default(turn.world, user);
    *held = held.saturating_add(amount);
}

fn one(world: &World, request: &Request) -> Result<Value, Refused> {
    let user = people::find(world, request.part("id"))?;
    let received = WALLETS.get(world, &user).copied().unwrap_or(0);
    Ok(json!({"user": people::user::name(user), "received": received}))
}
