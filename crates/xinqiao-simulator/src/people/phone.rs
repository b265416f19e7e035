//! What is on a phone: contacts with accounts, chats with bubbles.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use xinqiao_catalog::rules::limit;

use super::{
    BY_OPENID, CHAT, CHAT_LENGTHS, CONTACTS, FOLLOWER_COUNTS, FOLLOWERS, USERS, broadcast, bubbles,
    contact::{ChatItem, Contact, Said, Speaker},
    fingerprint,
    user::{self, About, Platform, User},
};
use crate::{
    accounts::{
        self, ACCOUNTS,
        emails::{self, Holder},
    },
    kernel::{Command, Effect, Id, Refused, Turn, World},
};

/// So many users one command makes: more are made in several, so that nobody waits long.
const AT_ONCE: u64 = 20;
/// Most users that one call makes.
pub(crate) const MOST_IN_ALL: u64 = 1_000_000;
/// Most items that a chat remembers.
const CHAT_ITEMS: usize = 2000;

/// `POST /users`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NewUser {
    /// Given or made up.
    pub(crate) nickname: Option<String>,
    /// 0 unknown, 1 male, 2 female.
    pub(crate) sex: Option<i64>,
    pub(crate) province: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) country: Option<String>,
    /// Telephone number.
    pub(crate) phone: Option<String>,
    /// The e-mail that is bound to the person's WeChat.
    pub(crate) email: Option<String>,
    /// `zh_CN`, `en` …
    pub(crate) language: Option<String>,
    pub(crate) platform: Option<Platform>,
    /// Where the user works. Whoever knows corporations takes it out before.
    pub(crate) corp: Option<Value>,
}

/// Makes a user.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Create(pub(crate) NewUser);

impl Command for Create {
    const NAME: &'static str = "people.create";
    const WAS: &'static str = "create_user";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        if self.0.corp.is_some() {
            return Err(Refused::invalid(
                "`corp` makes a member: nobody here knows corporations",
            ));
        }
        check_email(turn.world, &self.0)?;
        let number = add(turn.world, self.0);
        turn.effects.push(Effect::Users);
        let user = super::user(turn.world, number)?;
        Ok(user::view(turn.world, number, user))
    }
}

/// Whether the e-mail of a new person is free.
pub(crate) fn check_email(world: &World, new: &NewUser) -> Result<(), Refused> {
    match &new.email {
        Some(email) => emails::check(world, email, None),
        None => Ok(()),
    }
}

/// Makes many users.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CreateMany {
    pub(crate) count: u64,
    /// Which accounts each follows.
    pub(crate) follow: Vec<String>,
    /// More are to come: pages are told with the last.
    #[serde(default)]
    pub(crate) more: bool,
}

impl CreateMany {
    /// So many users, in commands that are short each.
    pub(crate) fn in_pieces(count: u64, follow: Vec<String>) -> impl Iterator<Item = Self> + Send {
        let mut left = count;
        std::iter::from_fn(move || {
            let count = left.min(AT_ONCE);
            left -= count;
            (count > 0).then(|| Self {
                count,
                follow: follow.clone(),
                more: left > 0,
            })
        })
    }
}

impl Command for CreateMany {
    const NAME: &'static str = "people.create_many";
    const WAS: &'static str = "create_users";
    type Answer = ();

    fn run(self, turn: &mut Turn<'_>) -> Result<(), Refused> {
        let accounts = { self.follow.iter() }
            .map(|account| followed(turn.world, account))
            .collect::<Result<BTreeSet<_>, _>>()?;
        if self.count == 0 {
            return Ok(());
        }
        for appid in &accounts {
            may_follow(turn.world, appid, self.count)?;
        }
        let people = turn.world.serials("user", self.count);
        for number in people.clone() {
            put(turn.world, number, NewUser::default());
        }
        let scene: Id = "ADD_SCENE_OTHERS".into();
        for appid in &accounts {
            follow_at_once(turn, people.clone(), appid, &scene);
        }
        if !self.more {
            turn.effects.push(Effect::Users);
        }
        Ok(())
    }
}

/// An account that people can follow.
fn followed(world: &World, reference: &str) -> Result<Id, Refused> {
    if accounts::account(world, reference)?.of_corp().is_some() {
        return Err(Refused::unwilling(format!(
            "`{reference}` is an application of a corporation: nobody follows it, members have it"
        )));
    }
    accounts::id(world, reference)
}

/// The catalog's limit of followers of a test account.
pub(crate) const TEST_FOLLOWERS: &str = "test_account.followers";

/// Whether so many more people may follow an account.
///
/// WECHAT: a test account of the sandbox page has a hundred followers at most; who scans its code then is told so.
pub(crate) fn may_follow(world: &World, appid: &Id, many: u64) -> Result<(), Refused> {
    let test = ACCOUNTS.get(world, &**appid).is_some_and(|own| own.test);
    let have = FOLLOWER_COUNTS.get(world, appid).copied().unwrap_or(0);
    let most = limit::count(TEST_FOLLOWERS) as u64;
    if test && have + many > most {
        return Err(Refused::unwilling(format!(
            "`{appid}` is a test account, and those have {most} followers at most: it has {have}"
        )));
    }
    Ok(())
}

/// A user with what was given, and the rest made up.
pub(crate) fn add(world: &mut World, new: NewUser) -> u64 {
    let number = world.serial("user");
    put(world, number, new);
    number
}

fn put(world: &mut World, number: u64, new: NewUser) {
    let about = About {
        province: new.province.unwrap_or_default(),
        city: new.city.unwrap_or_default(),
        country: new.country.unwrap_or_default(),
        phone: new.phone.unwrap_or_default(),
        email: new.email.unwrap_or_default(),
        language: new.language.unwrap_or_default(),
        platform: new.platform.unwrap_or_default(),
    };
    let bound = Some(&*about.email).filter(|email| !email.is_empty());
    emails::give(world, bound, Holder::Person(number));
    let user = User {
        nickname: new
            .nickname
            .unwrap_or_else(|| format!("用户{number}"))
            .into(),
        sex: new.sex.unwrap_or(0),
        about: (about != About::default()).then(|| Box::new(about)),
    };
    USERS.put(world, number, user);
}

/// New people follow an account: what [`mark_following`] does to each, with numbers drawn for all.
fn follow_at_once(turn: &mut Turn<'_>, people: RangeInclusive<u64>, appid: &Id, scene: &Id) {
    let world = &mut *turn.world;
    let many = people.end() - people.start() + 1;
    world.serials("contact", many);
    let orders = world.serials("follow", many);
    for (user, order) in people.zip(orders) {
        let openid = openid(world, user, appid);
        let contact = Contact {
            openid: openid.clone(),
            order,
            followed: true,
            subscribe_time: turn.now.0,
            scene: Some(scene.clone()),
            ..Contact::default()
        };
        meet(world, user, appid, contact);
        FOLLOWERS.put(world, (appid.clone(), order), openid);
    }
    *FOLLOWER_COUNTS.or_default(world, appid.clone()) += many;
    let what = json!({"account": &**appid, "scene": &**scene, "many": many});
    turn.publish(FOLLOWED, &what);
}

fn openid(world: &World, user: u64, appid: &Id) -> Id {
    let who = format!("{appid}/{}", user::name(user));
    world.named("openid", &who).openid().into()
}

/// From here on account and person know each other.
fn meet(world: &mut World, user: u64, appid: &Id, contact: Contact) {
    let print = fingerprint(&contact.openid);
    BY_OPENID.put(world, (appid.clone(), print, user), ());
    CONTACTS.put(world, (appid.clone(), user), contact);
}

/// The openid of a user with an account, made at the first contact. Both must exist.
pub(crate) fn contact(world: &mut World, user: u64, appid: &Id) -> Id {
    if let Some(openid) = super::openid(world, user, appid) {
        return openid.clone();
    }
    let openid = openid(world, user, appid);
    make_contact(world, user, appid, &openid);
    openid
}

/// The contact of a user with an account where somebody else says who the user is there; replaces any of before.
pub(crate) fn contact_as(world: &mut World, user: u64, appid: &Id, openid: &Id) {
    if super::openid(world, user, appid) == Some(openid) {
        return;
    }
    forget(world, user, appid);
    make_contact(world, user, appid, openid);
}

fn make_contact(world: &mut World, user: u64, appid: &Id, openid: &Id) {
    let contact = Contact {
        openid: openid.clone(),
        order: world.serial("contact"),
        ..Contact::default()
    };
    meet(world, user, appid, contact);
}

/// A user and an account know each other no more, and their chat is gone. Who followed has unfollowed before.
pub(crate) fn forget(world: &mut World, user: u64, appid: &Id) {
    let Some(Contact { openid, .. }) = CONTACTS.remove(world, &(appid.clone(), user)) else {
        return;
    };
    BY_OPENID.remove(world, &(appid.clone(), fingerprint(&openid), user));
    CHAT_LENGTHS.remove(world, &(appid.clone(), openid.clone()));
    broadcast::forget(world, appid, user);
    let bubbles: Vec<u64> = own_after(world, appid, &openid, 0)
        .map(|(number, _)| number)
        .collect();
    for number in bubbles {
        CHAT.remove(world, &(appid.clone(), openid.clone(), number));
    }
}

/// The user now follows the account. Says whether that is news.
pub(crate) fn mark_following(
    world: &mut World,
    user: u64,
    appid: &Id,
    now: i64,
    scene: &Id,
) -> bool {
    let openid = contact(world, user, appid);
    let order = world.serial("follow");
    let key = (appid.clone(), user);
    if CONTACTS.get(world, &key).is_none_or(|own| own.followed) {
        return false;
    }
    let Some(contact) = CONTACTS.get_mut(world, &key) else {
        return false;
    };
    contact.followed = true;
    contact.order = order;
    contact.subscribe_time = now;
    contact.scene = Some(scene.clone());
    *FOLLOWER_COUNTS.or_default(world, appid.clone()) += 1;
    FOLLOWERS.put(world, (appid.clone(), order), openid);
    true
}

/// So many users follow an account from now on, found in this way: `{"account", "scene", "many"}`.
pub(crate) const FOLLOWED: &str = "people.followed";

/// The user now follows the account, and whoever hears of it is told. Says whether that is news.
pub(crate) fn follows(turn: &mut Turn<'_>, user: u64, appid: &Id, scene: &Id) -> bool {
    let news = mark_following(turn.world, user, appid, turn.now.0, scene);
    if news {
        let what = json!({"account": &**appid, "scene": &**scene, "many": 1});
        turn.publish(FOLLOWED, &what);
    }
    news
}

/// A user no longer follows an account: `{"account", "openid"}`.
pub(crate) const UNFOLLOWED: &str = "people.unfollowed";

/// The user no longer follows the account. Says whether that is news.
pub(crate) fn mark_unfollowed(turn: &mut Turn<'_>, openid: &Id, appid: &Id) -> bool {
    let world = &mut *turn.world;
    if super::contact(world, appid, openid).is_none_or(|own| !own.followed) {
        return false;
    }
    let Some(contact) = super::contact_mut(world, appid, openid) else {
        return false;
    };
    contact.followed = false;
    contact.allowances.clear();
    let order = contact.order;
    FOLLOWERS.remove(world, &(appid.clone(), order));
    *FOLLOWER_COUNTS.or_default(world, appid.clone()) -= 1;
    turn.publish(
        UNFOLLOWED,
        &json!({"account": &**appid, "openid": &**openid}),
    );
    true
}

/// A chat's bubbles, oldest first.
pub(crate) fn chat<'w>(
    world: &'w World,
    appid: &Id,
    openid: &Id,
) -> impl DoubleEndedIterator<Item = (u64, &'w ChatItem)> + use<'w> {
    chat_after(world, appid, openid, 0)
}

/// The same behind one of them; the first has the number 1. What the account said to many stands among the others.
pub(crate) fn chat_after<'w>(
    world: &'w World,
    appid: &Id,
    openid: &Id,
    after: u64,
) -> Box<dyn DoubleEndedIterator<Item = (u64, &'w ChatItem)> + 'w> {
    let shared = broadcast::in_chat(world, appid, openid, after);
    let own = own_after(world, appid, openid, after);
    if shared.is_empty() {
        return Box::new(own);
    }
    let mut all: Vec<_> = own.chain(shared).collect();
    all.sort_unstable_by_key(|(number, _)| *number);
    Box::new(all.into_iter())
}

/// The bubbles that are in this chat alone.
fn own_after<'w>(
    world: &'w World,
    appid: &Id,
    openid: &Id,
    after: u64,
) -> impl DoubleEndedIterator<Item = (u64, &'w ChatItem)> + use<'w> {
    let (first, last) = (
        (appid.clone(), openid.clone(), after.saturating_add(1)),
        (appid.clone(), openid.clone(), u64::MAX),
    );
    { CHAT.range(world, first..=last) }.map(|(key, item)| (key.2, item))
}

/// The bubbles of several chats behind one of them, in the order in which they were said.
pub(crate) fn merged<'w>(
    world: &'w World,
    chats: &[(Id, Id)],
    after: u64,
) -> impl Iterator<Item = (u64, &'w ChatItem)> + use<'w> {
    let mut streams: Vec<_> = { chats.iter() }
        .map(|(appid, openid)| chat_after(world, appid, openid, after))
        .collect();
    // Which stream has the next bubble: numbers are given once in a world.
    let mut next: BTreeMap<u64, (usize, &ChatItem)> = BTreeMap::new();
    for (at, stream) in streams.iter_mut().enumerate() {
        next.extend(stream.next().map(|(number, item)| (number, (at, item))));
    }
    std::iter::from_fn(move || {
        let (number, (at, item)) = next.pop_first()?;
        let following = streams[at].next();
        next.extend(following.map(|(number, item)| (number, (at, item))));
        Some((number, item))
    })
}

impl Turn<'_> {
    /// Puts an item into a chat and tells the phone.
    pub(crate) fn say(
        &mut self,
        appid: &Id,
        openid: &Id,
        from: Speaker,
        via: &str,
        kind: &str,
        fields: Map<String, Value>,
    ) -> Option<Said> {
        let number = self.world.serial("item");
        let item = ChatItem {
            time: self.now.0,
            from,
            via: via.to_owned(),
            kind: kind.to_owned(),
            fields: bubbles::fit(self.world.house, kind, fields),
        };
        let user = super::person(self.world, appid, openid)?;
        let contact = CONTACTS.get_mut(self.world, &(appid.clone(), user))?;
        if from == Speaker::User {
            contact.unread = 0;
            broadcast::seen(self.world, appid, user);
        } else {
            contact.unread += 1;
            contact.typing_until = None;
        }
        let user = user::name(user);
        CHAT.put(
            self.world,
            (appid.clone(), openid.clone(), number),
            item.clone(),
        );
        self.forget_oldest(appid, openid);
        self.effects.push(Effect::Chat {
            user,
            account: appid.to_string(),
        });
        Some(Said { number, item })
    }

    fn forget_oldest(&mut self, appid: &Id, openid: &Id) {
        let length = CHAT_LENGTHS.or_default(self.world, (appid.clone(), openid.clone()));
        *length += 1;
        if *length <= CHAT_ITEMS {
            return;
        }
        *length -= CHAT_ITEMS / 4;
        let oldest: Vec<u64> = own_after(self.world, appid, openid, 0)
            .take(CHAT_ITEMS / 4)
            .map(|(number, _)| number)
            .collect();
        for number in oldest {
            CHAT.remove(self.world, &(appid.clone(), openid.clone(), number));
        }
    }
}

/// The person has looked at the chat.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MarkRead {
    pub(crate) user: String,
    pub(crate) account: String,
}

impl Command for MarkRead {
    const NAME: &'static str = "people.mark_read";
    const WAS: &'static str = "mark_read";
    type Answer = ();

    fn run(self, turn: &mut Turn<'_>) -> Result<(), Refused> {
        let appid = accounts::id(turn.world, &self.account)?;
        let user = super::find(turn.world, &self.user)?;
        seen(turn, user, &appid);
        Ok(())
    }
}

/// Nothing in this chat is unread any more.
pub(crate) fn seen(turn: &mut Turn<'_>, user: u64, appid: &Id) {
    if let Some(contact) = CONTACTS.get_mut(turn.world, &(appid.clone(), user)) {
        contact.unread = 0;
    }
    broadcast::seen(turn.world, appid, user);
    turn.effects.push(Effect::Chat {
        user: user::name(user),
        account: appid.to_string(),
    });
}
