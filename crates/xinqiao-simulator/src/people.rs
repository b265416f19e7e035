//! People, and how they and accounts see each other: openid, unionid, following, chats, acts on the phone.

pub(crate) mod act;
pub(crate) mod broadcast;
pub(crate) mod bubbles;
pub(crate) mod causes;
pub(crate) mod contact;
pub(crate) mod phone;
pub(crate) mod user;

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Bound,
};

use serde_json::{Value, json};
use xinqiao_types::AccountKind;

use crate::{
    accounts::{
        self,
        emails::{self, Holder},
    },
    kernel::{
        Feature, Id, Refused, Table, Turn, World,
        command::verb,
        declared::{Card, Holds, Shown, field, said},
        feature::id_in,
    },
};

use self::{
    contact::{ChatItem, Contact},
    user::{About, User},
};

/// People by number.
pub(crate) static USERS: Table<u64, User> = Table::new("people.users", 1);
/// Contacts by account and person: the order in which they are made is the order on disk.
pub(crate) static CONTACTS: Table<(Id, u64), Contact> = Table::new("people.contacts", 1);
/// Who may stand behind an openid of an account, by its [`fingerprint`].
static BY_OPENID: Table<(Id, u64, u64), ()> = Table::memory("people.by_openid");
/// Bubbles by account, openid and number.
pub(crate) static CHAT: Table<(Id, Id, u64), ChatItem> = Table::new("people.chat", 1);
/// Followers of an account in the order of following.
pub(crate) static FOLLOWERS: Table<(Id, u64), Id> = Table::memory("people.followers");
/// How many there are.
pub(crate) static FOLLOWER_COUNTS: Table<Id, u64> = Table::memory("people.follower_counts");
/// How many bubbles a chat has.
static CHAT_LENGTHS: Table<(Id, Id), usize> = Table::memory("people.chat_lengths");

pub(crate) const FEATURE: Feature = Feature {
    name: "people",
    tables: &[
        &USERS,
        &CONTACTS,
        &CHAT,
        &broadcast::SHARED,
        &broadcast::REACHED,
    ],
    verbs: &[
        verb::<phone::Create>(),
        verb::<phone::CreateMany>(),
        verb::<phone::MarkRead>(),
        verb::<act::Perform>(),
    ],
    topics: &[(accounts::DELETED, account_deleted)],
    index: Some(index),
    views: &[(accounts::VIEW, followers)],
    earlier: Some(earlier),
    shows: &[
        Shown::Bubble(&bubbles::TEXT),
        Shown::Bubble(&bubbles::IMAGE),
        Shown::Bubble(&bubbles::VOICE),
        Shown::Bubble(&bubbles::VIDEO),
        Shown::Bubble(&bubbles::SHORT_VIDEO),
        Shown::Bubble(&bubbles::LOCATION),
        Shown::Bubble(&bubbles::LINK),
        Shown::Bubble(&bubbles::NEWS),
        Shown::Card(&FOLLOWING),
    ],
    ..Feature::EMPTY
};

/// People who follow it.
static FOLLOWING: Card = Card {
    name: "followers",
    title: said("粉丝", "Followers"),
    kinds: &[AccountKind::Subscription, AccountKind::Service],
    path: "",
    fields: &[field(
        "followers",
        "关注人数",
        "People who follow",
        Holds::Number,
    )],
};

/// The number of a person that exists.
pub(crate) fn find(world: &World, name: &str) -> Result<u64, Refused> {
    user::number(name)
        .filter(|number| USERS.has(world, number))
        .ok_or_else(|| Refused::unknown("user", name))
}

pub(crate) fn user(world: &World, number: u64) -> Result<&User, Refused> {
    USERS
        .get(world, &number)
        .ok_or_else(|| Refused::unknown("user", &user::name(number)))
}

/// Who stands behind an openid of an account.
pub(crate) fn person(world: &World, appid: &Id, openid: &str) -> Option<u64> {
    found(world, appid, openid).map(|(user, _)| user)
}

/// A contact of an account, by openid.
pub(crate) fn contact<'w>(world: &'w World, appid: &Id, openid: &str) -> Option<&'w Contact> {
    found(world, appid, openid).map(|(_, contact)| contact)
}

/// The same, to change.
pub(crate) fn contact_mut<'w>(
    world: &'w mut World,
    appid: &Id,
    openid: &Id,
) -> Option<&'w mut Contact> {
    let user = person(world, appid, openid)?;
    CONTACTS.get_mut(world, &(appid.clone(), user))
}

/// Who a person is to an account, once they have met.
pub(crate) fn openid<'w>(world: &'w World, user: u64, appid: &Id) -> Option<&'w Id> {
    let contact = CONTACTS.get(world, &(appid.clone(), user))?;
    Some(&contact.openid)
}

fn found<'w>(world: &'w World, appid: &Id, openid: &str) -> Option<(u64, &'w Contact)> {
    let print = fingerprint(openid);
    let (first, last) = ((appid.clone(), print, 0), (appid.clone(), print, u64::MAX));
    BY_OPENID
        .range(world, first..=last)
        .filter_map(|((appid, _, user), ())| {
            let contact = CONTACTS.get(world, &(appid.clone(), *user))?;
            Some((*user, contact))
        })
        .find(|(_, contact)| *contact.openid == *openid)
}

/// A number that takes less room than an openid. Two openids may have the same: who looks one up compares.
fn fingerprint(openid: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    openid.hash(&mut hasher);
    hasher.finish()
}

/// How many people follow an account.
pub(crate) fn follower_count(world: &World, appid: &str) -> u64 {
    FOLLOWER_COUNTS.get(world, appid).copied().unwrap_or(0)
}

fn followers(world: &World, appid: &str, view: &mut Value) {
    view["followers"] = json!(follower_count(world, appid));
}

fn index(world: &mut World) {
    let (mut openids, mut followers) = (Vec::new(), Vec::new());
    for appid in accounts_met(world) {
        let (met, follows) = (openids.len(), followers.len());
        for (user, own) in CONTACTS.under(world, &appid) {
            openids.push(((appid.clone(), fingerprint(&own.openid), *user), ()));
            if own.followed {
                followers.push(((appid.clone(), own.order), own.openid.clone()));
            }
        }
        openids[met..].sort_unstable_by_key(|((_, print, user), ())| (*print, *user));
        followers[follows..].sort_unstable_by_key(|((_, order), _)| *order);
        let many = followers.len() - follows;
        FOLLOWER_COUNTS.put(world, appid, many as u64);
    }
    BY_OPENID.fill(world, openids);
    FOLLOWERS.fill(world, followers);
    let chats: Vec<(Id, Id)> = CHAT
        .all(world)
        .map(|(key, _)| (key.0.clone(), key.1.clone()))
        .collect();
    for chat in chats {
        *CHAT_LENGTHS.or_default(world, chat) += 1;
    }
    let emails: Vec<(u64, String)> = USERS
        .all(world)
        .filter_map(|(number, user)| Some((*number, user.about.as_ref()?.email.clone())))
        .filter(|(_, email)| !email.is_empty())
        .collect();
    for (number, email) in emails {
        emails::give(world, Some(&email), Holder::Person(number));
    }
}

/// The accounts that have contacts, in order. The text of a row is its own after a load: here it is the account's.
fn accounts_met(world: &World) -> Vec<Id> {
    let mut met: Vec<Id> = Vec::new();
    let mut next = CONTACTS.all(world).next();
    while let Some(((appid, _), _)) = next {
        met.push(accounts::id(world, appid).unwrap_or_else(|_| appid.clone()));
        let behind = Bound::Excluded((appid.clone(), u64::MAX));
        next = CONTACTS.range(world, (behind, Bound::Unbounded)).next();
    }
    met
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(appid) = id_in(what, "account") else {
        return;
    };
    let users: Vec<u64> = { CONTACTS.under(turn.world, &appid) }
        .map(|(user, _)| *user)
        .collect();
    for user in users {
        phone::forget(turn.world, user, &appid);
    }
    broadcast::forget_account(turn.world, &appid);
    FOLLOWERS.remove_under(turn.world, &appid);
    FOLLOWER_COUNTS.remove(turn.world, &*appid);
}

fn earlier(world: &mut World, kept: &Value) -> Result<(), String> {
    type Objects = BTreeMap<String, Value>;
    let read = |value: &Value| -> Result<Objects, String> {
        serde_json::from_value(value.clone()).map_err(|error| error.to_string())
    };
    let document = &kept["world"];
    for (name, value) in read(&document["users"])? {
        let number = user::number(&name).ok_or_else(|| format!("`{name}` is no user"))?;
        let about: About = serde_json::from_value(value.clone()).map_err(|e| e.to_string())?;
        let mut user: User = serde_json::from_value(value).map_err(|error| error.to_string())?;
        user.about = (about != About::default()).then(|| Box::new(about));
        USERS.put(world, number, user);
    }
    for (appid, account) in read(&document["accounts"])? {
        let appid: Id = appid.into();
        for (openid, mut value) in read(&account["contacts"])? {
            let openid: Id = openid.into();
            let name = value["user"].as_str().unwrap_or_default();
            let user = user::number(name).ok_or_else(|| format!("`{name}` is no user"))?;
            let chat = value["chat"].take();
            for mut item in chat.as_array().cloned().unwrap_or_default() {
                let id = item.as_object_mut().and_then(|item| item.remove("id"));
                let number = id.and_then(|id| id.as_str()?.strip_prefix('i')?.parse().ok());
                let number = number.ok_or("an item of a chat has no number")?;
                let item = serde_json::from_value(item).map_err(|error| error.to_string())?;
                CHAT.put(world, (appid.clone(), openid.clone(), number), item);
            }
            let contact = serde_json::from_value(value).map_err(|error| error.to_string())?;
            CONTACTS.put(world, (appid.clone(), user), contact);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::products;

    #[test]
    fn openids_with_one_fingerprint_are_told_apart() {
        let mut world = World::empty(1, products::house());
        let appid: Id = "wxtest".into();
        for (user, openid) in [(1, "o1"), (2, "o2")] {
            let contact = Contact {
                openid: openid.into(),
                ..Contact::default()
            };
            CONTACTS.put(&mut world, (appid.clone(), user), contact);
            for print in ["o1", "o2"].map(fingerprint) {
                BY_OPENID.put(&mut world, (appid.clone(), print, user), ());
            }
        }
        assert_eq!(person(&world, &appid, "o1"), Some(1));
        assert_eq!(person(&world, &appid, "o2"), Some(2));
        assert_eq!(person(&world, &appid, "o3"), None);
    }
}
