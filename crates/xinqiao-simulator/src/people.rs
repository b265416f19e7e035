//! People, and how they and accounts see each other: openid, unionid, following, chats, acts on the phone.

pub(crate) mod act;
pub(crate) mod contact;
pub(crate) mod phone;
pub(crate) mod user;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    accounts,
    kernel::{Feature, Id, Refused, Table, Turn, World, command::verb, feature::id_in},
};

use self::{
    contact::{ChatItem, Contact},
    user::{About, User},
};

/// People by number.
pub(crate) static USERS: Table<u64, User> = Table::new("people.users", 1);
/// Contacts by account and person: the order in which they are made is the order on disk.
pub(crate) static CONTACTS: Table<(Id, u64), Contact> = Table::new("people.contacts", 1);
/// Who stands behind an openid of an account.
static BY_OPENID: Table<(Id, Id), u64> = Table::memory("people.by_openid");
/// Bubbles by account, openid and number.
pub(crate) static CHAT: Table<(Id, Id, u64), ChatItem> = Table::new("people.chat", 1);
/// Followers of an account in the order of following.
pub(crate) static FOLLOWERS: Table<(Id, u64), Id> = Table::memory("people.followers");
/// How many there are.
pub(crate) static FOLLOWER_COUNTS: Table<Id, u64> = Table::memory("people.follower_counts");
/// Openids of a person by account.
pub(crate) static OPENIDS: Table<(u64, Id), Id> = Table::memory("people.openids");
/// How many bubbles a chat has.
static CHAT_LENGTHS: Table<(Id, Id), usize> = Table::memory("people.chat_lengths");
/// The latest act of a person by their openid: what is done for this person afterwards follows from it.
static LATEST_ACTS: Table<Id, String> = Table::memory("people.latest_acts");
/// Most people whose latest act is remembered.
const ACTS: usize = 10_000;

pub(crate) const FEATURE: Feature = Feature {
    name: "people",
    tables: &[&USERS, &CONTACTS, &CHAT],
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
    ..Feature::EMPTY
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
pub(crate) fn person(world: &World, appid: &Id, openid: &Id) -> Option<u64> {
    BY_OPENID
        .get(world, &(appid.clone(), openid.clone()))
        .copied()
}

/// A contact of an account, by openid.
pub(crate) fn contact<'w>(world: &'w World, appid: &Id, openid: &str) -> Option<&'w Contact> {
    let user = *BY_OPENID.get(world, &(appid.clone(), openid.into()))?;
    CONTACTS.get(world, &(appid.clone(), user))
}

/// The same, to change.
pub(crate) fn contact_mut<'w>(
    world: &'w mut World,
    appid: &Id,
    openid: &Id,
) -> Option<&'w mut Contact> {
    let user = *BY_OPENID.get(world, &(appid.clone(), openid.clone()))?;
    CONTACTS.get_mut(world, &(appid.clone(), user))
}

/// How many people follow an account.
pub(crate) fn follower_count(world: &World, appid: &str) -> u64 {
    FOLLOWER_COUNTS.get(world, appid).copied().unwrap_or(0)
}

/// Remembers what a person did last.
pub(crate) fn acted(turn: &mut Turn<'_>, openid: &Id) {
    if LATEST_ACTS.len(turn.world) >= ACTS {
        LATEST_ACTS.clear(turn.world);
    }
    let act = turn.cause.clone();
    LATEST_ACTS.put(turn.world, openid.clone(), act);
}

/// The act that what is done for a person now follows from.
pub(crate) fn latest_act<'w>(world: &'w World, openid: &str) -> Option<&'w str> {
    LATEST_ACTS.get(world, openid).map(String::as_str)
}

fn followers(world: &World, appid: &str, view: &mut Value) {
    view["followers"] = json!(follower_count(world, appid));
}

fn index(world: &mut World) {
    let contacts: Vec<(Id, Id, u64, u64, bool)> = CONTACTS
        .all(world)
        .map(|((appid, user), own)| {
            (
                appid.clone(),
                own.openid.clone(),
                *user,
                own.order,
                own.followed,
            )
        })
        .collect();
    // The appid of a row is a text of its own after a load: the indexes share the account's.
    for (appid, openid, user, order, followed) in contacts {
        let appid = accounts::id(world, &appid).unwrap_or(appid);
        OPENIDS.put(world, (user, appid.clone()), openid.clone());
        BY_OPENID.put(world, (appid.clone(), openid.clone()), user);
        if followed {
            *FOLLOWER_COUNTS.or_default(world, appid.clone()) += 1;
            FOLLOWERS.put(world, (appid, order), openid);
        }
    }
    let chats: Vec<(Id, Id)> = CHAT
        .all(world)
        .map(|(key, _)| (key.0.clone(), key.1.clone()))
        .collect();
    for chat in chats {
        *CHAT_LENGTHS.or_default(world, chat) += 1;
    }
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
