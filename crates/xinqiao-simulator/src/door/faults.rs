//! Failures that a test orders: this path, this account, so many times.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::PlatformCall;
use crate::{
    accounts,
    kernel::{Command, Id, Refused, Table, Turn, World},
};

/// Faults by number.
pub(crate) static FAULTS: Table<u64, Fault> = Table::new("door.faults", 1);
/// Which faults a path has.
static BY_PATH: Table<(Id, u64), ()> = Table::memory("door.faults_by_path");

/// `POST /faults`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Fault {
    /// Given by the world.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) id: String,
    /// Only calls of this account or merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// Only calls of this path.
    pub(crate) path: String,
    /// How many calls; without end if missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u32>,
    /// Answer with this code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errcode: Option<i64>,
    /// Answer with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_status: Option<u16>,
    /// Answer late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    /// Close the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drop: Option<bool>,
}

/// Orders a fault.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Add(pub(crate) Fault);

impl Command for Add {
    const NAME: &'static str = "door.add_fault";
    const WAS: &'static str = "add_fault";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        let mut fault = self.0;
        check(turn.world, &fault)?;
        let number = turn.world.serial("fault");
        fault.id = format!("f{number}");
        let answer = json!({"id": fault.id});
        insert(turn.world, number, fault);
        Ok(answer)
    }
}

fn check(world: &World, fault: &Fault) -> Result<(), Refused> {
    if !fault.path.starts_with('/') {
        return Err(Refused::invalid(
            "`path` must begin with `/`, like `/cgi-bin/menu/get`",
        ));
    }
    if let Some(appid) = &fault.account {
        accounts::account_or_merchant(world, appid)?;
    }
    let kinds = [
        fault.errcode.is_some(),
        fault.http_status.is_some(),
        fault.delay_ms.is_some(),
        fault.drop == Some(true),
    ];
    if kinds.iter().filter(|given| **given).count() != 1 {
        return Err(Refused::invalid(
            "give one of `errcode`, `http_status`, `delay_ms`, `drop`",
        ));
    }
    if fault.times == Some(0) {
        return Err(Refused::invalid("`times` must be at least 1"));
    }
    if fault
        .http_status
        .is_some_and(|status| !(100..=599).contains(&status))
    {
        return Err(Refused::invalid(
            "`http_status` must be between 100 and 599",
        ));
    }
    Ok(())
}

pub(crate) fn insert(world: &mut World, number: u64, fault: Fault) {
    BY_PATH.put(world, (fault.path.as_str().into(), number), ());
    FAULTS.put(world, number, fault);
}

fn remove(world: &mut World, number: u64) -> Option<Fault> {
    let fault = FAULTS.remove(world, &number)?;
    BY_PATH.remove(world, &(fault.path.as_str().into(), number));
    Some(fault)
}

/// Ends a fault.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Delete {
    pub(crate) id: String,
}

impl Command for Delete {
    const NAME: &'static str = "door.delete_fault";
    const WAS: &'static str = "delete_fault";
    type Answer = ();

    fn run(self, turn: &mut Turn<'_>) -> Result<(), Refused> {
        let number = self
            .id
            .strip_prefix('f')
            .and_then(|digits| digits.parse().ok());
        number
            .and_then(|number| remove(turn.world, number))
            .map(|_| ())
            .ok_or_else(|| Refused::unknown("fault", &self.id))
    }
}

pub(crate) fn index(world: &mut World) {
    let paths: Vec<(Id, u64)> = FAULTS
        .all(world)
        .map(|(number, fault)| (fault.path.as_str().into(), *number))
        .collect();
    for at in paths {
        BY_PATH.put(world, at, ());
    }
}

/// The fault that hits this call, if one does; it is used up by one.
pub(crate) fn hit(
    turn: &mut Turn<'_>,
    call: &PlatformCall,
    account: Option<&str>,
) -> Option<Fault> {
    let number = BY_PATH
        .under(turn.world, &call.path.as_str().into())
        .map(|(number, ())| *number)
        .find(|number| {
            FAULTS
                .get(turn.world, number)
                .is_some_and(|fault| fault.account.is_none() || fault.account.as_deref() == account)
        })?;
    let hit = FAULTS.get(turn.world, &number)?.clone();
    if hit.times == Some(1) {
        remove(turn.world, number);
    } else if let Some(fault) = FAULTS.get_mut(turn.world, &number)
        && let Some(times) = &mut fault.times
    {
        *times -= 1;
    }
    Some(hit)
}
