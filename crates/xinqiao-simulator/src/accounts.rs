//! Accounts: their kinds, registration, verification, bindings, secrets, tokens, rights, quotas, server settings and files.
//!
//! Knows accounts as the platform registers them, whatever product they are used in.

pub(crate) mod account;
pub(crate) mod callback;
pub(crate) mod emails;
pub(crate) mod files;
pub(crate) mod merchant;
pub(crate) mod open_accounts;
pub(crate) mod registration;
pub(crate) mod rules;
pub(crate) mod subjects;
pub(crate) mod tokens;
pub(crate) mod verification;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use xinqiao_catalog::rules::quota::Ledger;

use crate::kernel::{
    Feature, Id, Refused, Table, Turn, World,
    command::verb,
    feature::id_in,
    time::{REBORN, SURVIVES, put_off},
};

use self::{
    account::{Account, Callback},
    emails::Holder,
    files::{FILES, File},
    open_accounts::OPEN_ACCOUNTS,
};

/// Accounts by appid.
pub(crate) static ACCOUNTS: Table<Id, Account> = Table::new("accounts.accounts", 1);
/// Counters of calls by account.
pub(crate) static QUOTAS: Table<Id, Ledger> = Table::new("accounts.quotas", 1);
/// Who has an original id.
pub(crate) static BY_ORIGINAL_ID: Table<Id, Id> = Table::memory("accounts.by_original_id");

/// An account or a merchant is gone: `{"account"}`. Whoever keeps something of it throws it away.
pub(crate) const DELETED: &str = "accounts.deleted";
/// An account's server settings were stored: `{"account"}`.
pub(crate) const CONNECTED: &str = "accounts.connected";
/// A third-party platform is about to let people log in to an account: `{"component", "account"}`.
pub(crate) const ON_BEHALF: &str = "accounts.on_behalf";
/// The kind of view for an account.
pub(crate) const VIEW: &str = "account";

pub(crate) const FEATURE: Feature = Feature {
    name: "accounts",
    tables: &[
        &ACCOUNTS,
        &QUOTAS,
        &FILES,
        &merchant::MERCHANTS,
        &OPEN_ACCOUNTS,
    ],
    verbs: &[
        verb::<registration::Create>(),
        verb::<registration::Patch>(),
        verb::<registration::Delete>(),
        verb::<registration::NewSecret>(),
        verb::<registration::SetQuotas>(),
        verb::<callback::SetCallback>(),
    ],
    routes: open_accounts::ROUTES,
    due: Some(due),
    topics: &[(DELETED, files::forget), (REBORN, reborn)],
    index: Some(index),
    views: &[(SURVIVES, survives)],
    earlier: Some(earlier),
    ..Feature::EMPTY
};

/// The account that a reference names.
pub(crate) fn account<'w>(world: &'w World, reference: &str) -> Result<&'w Account, Refused> {
    ACCOUNTS
        .get(world, reference)
        .ok_or_else(|| Refused::unknown("account", reference))
}

/// Whether there is an account or a merchant of this name.
pub(crate) fn account_or_merchant(world: &World, reference: &str) -> Result<(), Refused> {
    if merchant::MERCHANTS.has(world, reference) {
        return Ok(());
    }
    account(world, reference).map(|_| ())
}

/// The same, to change.
pub(crate) fn account_mut<'w>(
    world: &'w mut World,
    reference: &str,
) -> Result<&'w mut Account, Refused> {
    account(world, reference)?;
    ACCOUNTS
        .get_mut(world, reference)
        .ok_or_else(|| Refused::unknown("account", reference))
}

/// The id of an account as the tables keep it.
pub(crate) fn id(world: &World, reference: &str) -> Result<Id, Refused> {
    account(world, reference)?;
    ACCOUNTS
        .entry(world, reference)
        .map(|(id, _)| id.clone())
        .ok_or_else(|| Refused::unknown("account", reference))
}

/// The object of the control interface.
pub(crate) fn view(world: &World, account: &Account) -> Value {
    world.completed(VIEW, &account.appid, account.view())
}

/// Takes an account in.
pub(crate) fn insert(world: &mut World, account: Account) {
    note(world, &account);
    ACCOUNTS.put(world, account.appid.clone(), account);
}

/// Notes what an account is found by, and what it counts for.
fn note(world: &mut World, account: &Account) {
    let appid = account.appid.clone();
    BY_ORIGINAL_ID.put(world, account.original_id.clone(), appid.clone());
    emails::give(world, account.email.as_deref(), Holder::Account(appid));
    subjects::note(world, account);
    open_accounts::note(world, account);
}

/// The opposite.
fn forget(world: &mut World, account: &Account) {
    BY_ORIGINAL_ID.remove(world, &account.original_id);
    emails::take(world, account.email.as_deref());
    subjects::forget(world, account);
    open_accounts::forget(world, account);
}

fn index(world: &mut World) {
    let accounts: Vec<Account> = ACCOUNTS.all(world).map(|(_, own)| own.clone()).collect();
    for account in accounts {
        note(world, &account);
    }
    open_accounts::index(world);
}

fn due(turn: &mut Turn<'_>, what: &Value) {
    files::due(turn, what);
    verification::due(turn, what);
}

/// The settings of a connected app outlive a reset.
fn survives(world: &World, appid: &str, view: &mut Value) {
    if let Some(account) = ACCOUNTS.get(world, appid) {
        view["callback"] = json!(account.callback);
    }
}

fn reborn(turn: &mut Turn<'_>, what: &Value) {
    for kept in what["kept"].as_array().into_iter().flatten() {
        let callback = serde_json::from_value::<Callback>(kept["callback"].clone());
        let (Some(appid), Ok(mut callback)) = (id_in(kept, "account"), callback) else {
            continue;
        };
        callback.failures = 0;
        callback.paused_until = None;
        let Some(account) = ACCOUNTS.get_mut(turn.world, &appid) else {
            continue;
        };
        let connected = !callback.url.is_empty();
        account.callback = callback;
        if connected {
            turn.publish(CONNECTED, &json!({"account": &*appid}));
        }
    }
}

fn earlier(world: &mut World, kept: &Value) -> Result<(), String> {
    let document = &kept["world"];
    let accounts: BTreeMap<String, Value> =
        serde_json::from_value(document["accounts"].clone()).map_err(|error| error.to_string())?;
    for (appid, value) in accounts {
        let quotas = serde_json::from_value(value["quotas"].clone());
        if let Ok(ledger) = quotas {
            QUOTAS.put(world, appid.as_str().into(), ledger);
        }
        let account = serde_json::from_value(value).map_err(|error| error.to_string())?;
        ACCOUNTS.put(world, appid.into(), account);
    }
    let files: BTreeMap<String, Value> =
        serde_json::from_value(document["media"].clone()).map_err(|error| error.to_string())?;
    for (id, value) in files {
        let text = value["bytes"].as_str().unwrap_or_default();
        let bytes = base64_simd::STANDARD
            .decode_to_vec(text)
            .map_err(|_| format!("the file {id} is not base64"))?;
        let file: File = serde_json::from_value(value).map_err(|error| error.to_string())?;
        if let Some(at) = file.expires_at {
            put_off(world, at, FEATURE.name, json!({"file": id}));
        }
        files::keep(world, id.into(), file, bytes.into());
    }
    Ok(())
}
