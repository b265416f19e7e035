//! Makes users, and knows how users and accounts see each other.

use serde_json::json;

use super::{
    Turn, World,
    command::{Answer, Effect, NewUser, Refused},
    contact::{ChatItem, Contact, Speaker},
    user::User,
};

/// Most users that one call makes.
const MOST_AT_ONCE: u64 = 1_000_000;
/// Most items that a chat remembers.
const CHAT_ITEMS: usize = 2000;

pub(super) fn create(turn: &mut Turn<'_>, new: NewUser) -> Result<Answer, Refused> {
    if new.corp.is_some() {
        return Err(Refused::not_built("a WeCom member (`corp`)"));
    }
    let user = build(turn.world, new);
    let view = user.view();
    insert(turn.world, user);
    turn.effects.push(Effect::Users);
    Turn::json(view)
}

pub(super) fn build(world: &mut World, new: NewUser) -> User {
    let order = world.chance.serial("user");
    User {
        id: format!("u{order}"),
        order,
        nickname: new.nickname.unwrap_or_else(|| format!("用户{order}")),
        sex: new.sex.unwrap_or(0),
        province: new.province.unwrap_or_default(),
        city: new.city.unwrap_or_default(),
        country: new.country.unwrap_or_default(),
        phone: new.phone.unwrap_or_default(),
        openids: std::collections::BTreeMap::new(),
        unionids: std::collections::BTreeMap::new(),
    }
}

pub(super) fn insert(world: &mut World, user: User) {
    world.user_order.insert(user.order, user.id.clone());
    world.users.insert(user.id.clone(), user);
}

pub(super) fn create_many(
    turn: &mut Turn<'_>,
    count: u64,
    follow: &[String],
) -> Result<Answer, Refused> {
    if count > MOST_AT_ONCE {
        return Err(Refused::invalid(format!(
            "at most {MOST_AT_ONCE} users at once"
        )));
    }
    for appid in follow {
        turn.world.account(appid)?;
    }
    for _ in 0..count {
        let user = build(turn.world, NewUser::default());
        let id = user.id.clone();
        insert(turn.world, user);
        for appid in follow {
            contact(turn.world, &id, appid);
            mark_following(turn.world, &id, appid, turn.now.0, "ADD_SCENE_OTHERS");
        }
    }
    turn.effects.push(Effect::Users);
    Turn::json(json!({"count": count}))
}

/// The openid of a user with an account, made at the first contact. Both must exist.
pub(crate) fn contact(world: &mut World, user_id: &str, appid: &str) -> String {
    if let Some(openid) = world
        .users
        .get(user_id)
        .and_then(|user| user.openids.get(appid))
    {
        return openid.clone();
    }
    let openid = world
        .chance
        .named("openid", &format!("{appid}/{user_id}"))
        .openid();
    let union = world
        .accounts
        .get(appid)
        .and_then(|account| account.open_account.clone());
    let union = union.map(|open| {
        let id = world
            .chance
            .named("unionid", &format!("{open}/{user_id}"))
            .unionid();
        (open, id)
    });
    let order = world.chance.serial("contact");
    if let Some(user) = world.users.get_mut(user_id) {
        user.openids.insert(appid.to_owned(), openid.clone());
        user.unionids.extend(union);
    }
    if let Some(account) = world.accounts.get_mut(appid) {
        account
            .contacts
            .insert(openid.clone(), Contact::new(user_id, openid.clone(), order));
    }
    openid
}

/// The user now follows the account. Says whether that is news.
pub(crate) fn mark_following(
    world: &mut World,
    user_id: &str,
    appid: &str,
    now: i64,
    scene: &str,
) -> bool {
    let openid = contact(world, user_id, appid);
    let order = world.chance.serial("follow");
    let Some(account) = world.accounts.get_mut(appid) else {
        return false;
    };
    let Some(contact) = account.contacts.get_mut(&openid) else {
        return false;
    };
    if contact.followed {
        return false;
    }
    contact.followed = true;
    contact.order = order;
    contact.subscribe_time = now;
    scene.clone_into(&mut contact.scene);
    account.followers.insert(order, openid);
    true
}

/// The user no longer follows the account. Says whether that is news.
pub(crate) fn mark_unfollowed(world: &mut World, openid: &str, appid: &str) -> bool {
    let Some(account) = world.accounts.get_mut(appid) else {
        return false;
    };
    let Some(contact) = account.contacts.get_mut(openid) else {
        return false;
    };
    if !contact.followed {
        return false;
    }
    contact.followed = false;
    contact.allowances.clear();
    account.followers.remove(&contact.order);
    true
}

impl Turn<'_> {
    /// Puts an item into a chat and tells the phone.
    pub(crate) fn say(
        &mut self,
        appid: &str,
        openid: &str,
        from: Speaker,
        via: &str,
        kind: &str,
        fields: serde_json::Map<String, serde_json::Value>,
    ) -> Option<ChatItem> {
        let id = format!("i{}", self.world.chance.serial("item"));
        let item = ChatItem {
            id,
            time: self.now.0,
            from,
            via: via.to_owned(),
            kind: kind.to_owned(),
            fields,
        };
        let account = self.world.accounts.get_mut(appid)?;
        let contact = account.contacts.get_mut(openid)?;
        contact.chat.push(item.clone());
        if contact.chat.len() > CHAT_ITEMS {
            contact.chat.drain(..CHAT_ITEMS / 4);
        }
        if from == Speaker::User {
            contact.unread = 0;
        } else {
            contact.unread += 1;
            contact.typing_until = None;
        }
        let user = contact.user.clone();
        self.effects.push(Effect::Chat {
            user,
            account: appid.to_owned(),
        });
        Some(item)
    }
}

pub(super) fn mark_read(turn: &mut Turn<'_>, user: &str, account: &str) -> Result<Answer, Refused> {
    turn.world.account(account)?;
    let openid = turn.world.user(user)?.openids.get(account).cloned();
    if let Some(openid) = openid {
        let account = turn.account_mut(account)?;
        if let Some(contact) = account.contacts.get_mut(&openid) {
            contact.unread = 0;
        }
    }
    turn.effects.push(Effect::Chat {
        user: user.to_owned(),
        account: account.to_owned(),
    });
    Ok(Answer::Done)
}
