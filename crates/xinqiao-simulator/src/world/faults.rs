//! Failures that a test orders: this path, this account, so many times.

use serde_json::json;

use super::{
    Turn,
    command::{Answer, Fault, PlatformCall, Refused},
};

pub(super) fn add(turn: &mut Turn<'_>, mut fault: Fault) -> Result<Answer, Refused> {
    if !fault.path.starts_with('/') {
        return Err(Refused::invalid(
            "`path` must begin with `/`, like `/cgi-bin/menu/get`",
        ));
    }
    if let Some(appid) = &fault.account {
        turn.world.account(appid)?;
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
    fault.id = format!("f{}", turn.world.chance.serial("fault"));
    let id = fault.id.clone();
    turn.world.faults.insert(id.clone(), fault);
    Turn::json(json!({"id": id}))
}

pub(super) fn delete(turn: &mut Turn<'_>, id: &str) -> Result<Answer, Refused> {
    turn.world
        .faults
        .remove(id)
        .ok_or_else(|| Refused::unknown("fault", id))?;
    Ok(Answer::Done)
}

/// The fault that hits this call, if one does; it is used up by one.
pub(crate) fn hit(turn: &mut Turn<'_>, call: &PlatformCall, appid: Option<&str>) -> Option<Fault> {
    let matches = |fault: &Fault| {
        fault.path == call.path && (fault.account.is_none() || fault.account.as_deref() == appid)
    };
    let id = turn
        .world
        .faults
        .values()
        .find(|fault| matches(fault))?
        .id
        .clone();
    let fault = turn.world.faults.get_mut(&id)?;
    let hit = fault.clone();
    if let Some(times) = &mut fault.times {
        *times -= 1;
        if *times == 0 {
            turn.world.faults.remove(&id);
        }
    }
    Some(hit)
}
