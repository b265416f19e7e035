//! Who has an e-mail address: one address is one holder's, be it an account, an open-platform account or the WeChat of a
//! person.
//!
//! Source: kf.qq.com/faq/120911VrYVrA140428naUJVv.html.

use serde::{Deserialize, Serialize};

use super::{ACCOUNTS, open_accounts::OPEN_ACCOUNTS};
use crate::kernel::{Id, Refused, Table, World};

/// Who holds an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Holder {
    Account(Id),
    OpenAccount(Id),
    Person(u64),
}

/// By the address in lower case.
static HOLDERS: Table<Id, Holder> = Table::memory("accounts.emails");

/// The rule's name.
const RULE: &str = "registration.email";

impl Holder {
    fn words(&self, world: &World) -> String {
        match self {
            Self::Account(appid) => {
                let name = ACCOUNTS.get(world, &**appid).map(|own| &*own.name);
                format!("the account `{}`", name.unwrap_or(appid))
            }
            Self::OpenAccount(id) => {
                let name = OPEN_ACCOUNTS.get(world, &**id).map(|own| &*own.name);
                format!("the open-platform account `{}`", name.unwrap_or(id))
            }
            Self::Person(number) => format!("the WeChat of u{number}"),
        }
    }
}

/// Whether an address may be held by this one, or by somebody new.
pub(crate) fn check(world: &World, email: &str, own: Option<&Holder>) -> Result<(), Refused> {
    let fine = email.len() <= 254
        && !email.contains(|c: char| c.is_whitespace() || c.is_control())
        && { email.split_once('@') }
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if !fine {
        return Err(Refused::invalid(
            "`email` is an address like `someone@example.com`",
        ));
    }
    match HOLDERS.get(world, &*key(email)) {
        Some(holder) if Some(holder) != own => {
            let words = holder.words(world);
            Err(Refused::conflict(format!(
                "the e-mail `{email}` is in use by {words}; one address is good for one account, open-platform account or \
                 WeChat"
            ))
            .by(RULE))
        }
        _ => Ok(()),
    }
}

/// Notes who holds an address, if there is one.
pub(crate) fn give(world: &mut World, email: Option<&str>, holder: Holder) {
    if let Some(email) = email {
        HOLDERS.put(world, key(email), holder);
    }
}

/// An address is free again.
pub(crate) fn take(world: &mut World, email: Option<&str>) {
    if let Some(email) = email {
        HOLDERS.remove(world, &*key(email));
    }
}

fn key(email: &str) -> Id {
    email.to_ascii_lowercase().into()
}
