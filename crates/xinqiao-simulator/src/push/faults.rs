//! Failures of callbacks that a test orders: this account, this kind of push, so many times.
//!
//! One attempt meets at most one fault, the oldest that fits. What is done to the bytes is the envelope's
//! ([`super::envelope::harmed`]), what is done to time and order the attempts' ([`super::attempts`]).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    CALLBACK, Kinds,
    deliveries::{DELIVERIES, is_any_held},
    order::PushOrder,
};
use crate::{
    accounts,
    kernel::{
        Command, Refused, Table, Turn, World,
        row::{RowState, Words, diagnose},
    },
};

/// Faults by number; calls and callbacks count theirs together.
pub(crate) static FAULTS: Table<u64, PushFault> = Table::new("push.faults", 1);

/// `POST /faults` with `push`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PushFault {
    /// Given by the world.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) id: String,
    /// What happens to the push.
    pub(crate) push: Harm,
    /// Only pushes of this account or merchant, or those that it receives in another's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// Only messages of this type: `text`, `event` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) msg_type: Option<String>,
    /// Only this event, by its name on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<String>,
    /// How many attempts; without end if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u32>,
    /// Of `late`: real milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    /// Of `late`: seconds of the world's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delay_seconds: Option<u32>,
}

/// What a fault does to a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Harm {
    /// Sent once more though it was answered.
    Duplicate,
    /// The attempt never leaves: for the platform it failed.
    Drop,
    /// It leaves later than it should.
    Late,
    /// Held back until a later push of the same account has gone.
    Reorder,
    /// Signed wrongly.
    WrongSignature,
    /// Half of the body is missing.
    TornBody,
}

impl Harm {
    fn words(self) -> Words {
        let (zh, en) = match self {
            Self::Duplicate => (
                "推送得到回答后再推一次",
                "the push is sent again though it is answered",
            ),
            Self::Drop => ("这次推送没有发出", "this attempt never leaves"),
            Self::Late => ("推送晚到", "the push leaves late"),
            Self::Reorder => (
                "压到同一账号的下一次推送之后",
                "the push is held back until the next one of the account has gone",
            ),
            Self::WrongSignature => ("签名是错的", "the signature is wrong"),
            Self::TornBody => ("正文只有前一半", "half of the body is missing"),
        };
        Words::new(format!("故障：{zh}"), format!("Fault: {en}"))
    }
}

/// Orders a fault of callbacks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Add(pub(crate) PushFault);

impl Command for Add {
    const NAME: &'static str = "push.add_fault";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        let mut fault = self.0;
        check(turn.world, &fault)?;
        let number = turn.world.serial("fault");
        fault.id = format!("f{number}");
        let answer = json!({"id": fault.id});
        FAULTS.put(turn.world, number, fault);
        Ok(answer)
    }
}

fn check(world: &World, fault: &PushFault) -> Result<(), Refused> {
    if let Some(id) = &fault.account {
        accounts::account_or_merchant(world, id)?;
    }
    let delays = usize::from(fault.delay_ms.is_some()) + usize::from(fault.delay_seconds.is_some());
    match (fault.push, delays) {
        (Harm::Late, 1) => {}
        (Harm::Late, _) => {
            return Err(Refused::invalid(
                "give one of `delay_ms`, `delay_seconds` with `late`",
            ));
        }
        (_, 0) => {}
        _ => {
            return Err(Refused::invalid(
                "`delay_ms` and `delay_seconds` belong to `late`",
            ));
        }
    }
    if fault.times == Some(0) {
        return Err(Refused::invalid("`times` must be at least 1"));
    }
    Ok(())
}

/// Ends a fault of callbacks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Delete {
    pub(crate) number: u64,
}

impl Command for Delete {
    const NAME: &'static str = "push.delete_fault";
    type Answer = ();

    fn run(self, turn: &mut Turn<'_>) -> Result<(), Refused> {
        FAULTS
            .remove(turn.world, &self.number)
            .map(|_| ())
            .ok_or_else(|| Refused::unknown("fault", &format!("f{}", self.number)))
    }
}

impl PushFault {
    /// Whether it is for this push, whose envelope is signed or not. Two pushes of an account cannot each wait for the
    /// other, and what is not signed cannot be signed wrongly.
    fn fits(&self, world: &World, order: &PushOrder, signed: bool) -> bool {
        let whose = [Some(&order.appid), order.receiver.as_ref()];
        let is = |wanted: Option<&String>, own: Option<&str>| {
            wanted.is_none_or(|wanted| own == Some(wanted.as_str()))
        };
        let owned = |account: &String| whose.iter().flatten().any(|id| ***id == **account);
        self.account.as_ref().is_none_or(owned)
            && is(self.msg_type.as_ref(), Some(&order.msg_type))
            && is(self.event.as_ref(), order.event.as_deref())
            && match self.push {
                Harm::WrongSignature => signed,
                Harm::Reorder => !is_any_held(world, &order.appid),
                _ => true,
            }
    }
}

/// The fault that the attempt meets which is about to begin, if there is one: it is used up by one, written into the
/// order, and told in a row. An order that has one already keeps it.
pub(super) fn hit(turn: &mut Turn<'_>, delivery: u64) -> Option<PushFault> {
    let order = &DELIVERIES.get(turn.world, &delivery)?.order;
    if order.fault.is_some() {
        return order.fault.clone();
    }
    let kind = turn.world.house.part::<Kinds>().of(order)?;
    let number = FAULTS
        .all(turn.world)
        .find(|(_, fault)| kind.to_server && fault.fits(turn.world, order, kind.envelope.signed))
        .map(|(number, _)| *number)?;
    let fault = FAULTS.get(turn.world, &number)?.clone();
    if fault.times == Some(1) {
        FAULTS.remove(turn.world, &number);
    } else if let Some(left) = FAULTS.get_mut(turn.world, &number)
        && let Some(times) = &mut left.times
    {
        *times -= 1;
    }
    let order = &mut DELIVERIES.get_mut(turn.world, &delivery)?.order;
    order.fault = Some(fault.clone());
    let order = order.clone();
    show(turn, &order, fault.push);
    Some(fault)
}

fn show(turn: &mut Turn<'_>, order: &PushOrder, harm: Harm) {
    let mut row = turn.row(&CALLBACK, RowState::Warn);
    row.cause.clone_from(&order.cause);
    row.account = Some(order.appid.to_string());
    row.account_name = Some(order.account_name.clone());
    row.user.clone_from(&order.user);
    row.user_name.clone_from(&order.user_name);
    row.title = harm.words();
    row.subtitle = Words::same(
        order
            .event
            .clone()
            .unwrap_or_else(|| order.msg_type.clone()),
    );
    row.label = Words::new("故障", "fault");
    row.diagnosis = Some(diagnose("fault.injected", None, None));
    turn.show(row);
}
