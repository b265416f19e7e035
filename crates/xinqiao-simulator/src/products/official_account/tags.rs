//! Tags of an account's followers (标签), and its blacklist (黑名单).
//!
//! A tag that is deleted is gone at once; who wore it is freed piece by piece, since it may be a hundred thousand.
//! Who unfollows wears no tag any more.
//!
//! Source: doc pages "用户标签管理", "黑名单管理", error codes 45056 to 45059 and 45157 to 45159.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa};

use super::{
    KINDS,
    custom_message::TO_WRITE,
    fans::{self, FAN_VIEW},
};
use crate::{
    accounts,
    door::{Asked, Refusal, Reply, Verdict, asked::whole, stateful},
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Card, Holds, Shown, field, said, text},
        feature::id_in,
        route::{self, Handler, Request, Route},
    },
    people::{self, phone::UNFOLLOWED},
    products::Feature,
};

/// Tags of an account by number.
static TAGS: Table<(Id, u64), Tag> = Table::new("official_account.tags", 1);
/// The tags that a person wears, in the order of tagging, by account and openid.
static WORN: Table<(Id, Id), Vec<u64>> = Table::new("official_account.tags_worn", 1);
/// Who is on the blacklist of an account, and since when.
static BLACKLIST: Table<(Id, Id), i64> = Table::new("official_account.blacklist", 1);
/// Who wears a tag of an account.
static WEARERS: Table<((Id, u64), Id), ()> = Table::memory("official_account.tag_wearers");
/// How many wear any tag of an account.
static TAGGED: Table<Id, u64> = Table::memory("official_account.tagged");
/// How many wear it.
static COUNTS: Table<(Id, u64), u64> = Table::memory("official_account.tag_counts");

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&TAGS, &WORN, &BLACKLIST],
    behaviours: &[
        stateful(oa::tags::CREATE, MADE, create),
        stateful(oa::tags::GET, MADE, get),
        stateful(oa::tags::UPDATE, MADE, update),
        stateful(oa::tags::DELETE, FREED, delete),
        stateful(oa::tags::GET_ID_LIST, WEAR, of_person),
        stateful(oa::tags::members::BATCH_TAGGING, WEAR, tag),
        stateful(oa::tags::members::BATCH_UNTAGGING, WEAR, untag),
        stateful(oa::user::TAG_GET, WEAR, wearers),
        stateful(oa::tags::members::BATCH_BLACKLIST, BLACK, blacklist),
        stateful(oa::tags::members::BATCH_UNBLACKLIST, BLACK, unblacklist),
        stateful(oa::tags::members::GET_BLACKLIST, BLACK, blacklisted),
    ],
    routes: &[Route {
        method: "GET",
        path: PATH,
        run: Handler::Look(in_control),
    }],
    shows: &[Shown::Card(&CARD)],
    views: &[(FAN_VIEW, in_fan)],
    objections: &[(TO_WRITE, not_to_the_blacklisted)],
    due: Some(free_some),
    topics: &[
        (UNFOLLOWED, unfollowed),
        (accounts::DELETED, account_deleted),
    ],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "official_account.tags";
const PATH: &str = "/accounts/{appid}/tags";

static CARD: Card = Card {
    name: "tags",
    title: said("用户标签", "Tags"),
    kinds: KINDS,
    path: PATH,
    fields: &[
        field("id", "编号", "id", Holds::Number),
        text("name", "标签", "Tag"),
        field("count", "人数", "People", Holds::Number),
    ],
};
const MADE: &str = "a_tag_is_made_renamed_and_told";
const WEAR: &str = "people_wear_tags_and_show_them";
const FREED: &str = "a_deleted_tag_is_gone_from_everybody";
const BLACK: &str = "who_is_on_the_blacklist_is_not_written_to";

/// The number that stands for no tag.
pub(super) const UNTAGGED: u64 = 0;
/// Tags 0, 1 and 2 are the platform's; the last of them exists in every account.
const RESERVED: u64 = 2;
const STARS: (u64, &str) = (2, "星标组");
/// The number of an account's first tag.
const FIRST: u64 = 100;
/// Most tags of an account.
const TAGS_MOST: usize = 100;
/// Most bytes of a name.
const NAME_BYTES: usize = 30;
/// Most tags that a person wears.
const WORN_MOST: usize = 20;
/// Most people in one call.
const BATCH: usize = 50;
/// Most people in one call about the blacklist.
const BLACK_BATCH: usize = 20;
/// A tag that so many wear is not deleted.
const TOO_MANY: u64 = 100_000;
/// Most openids a page.
const PAGE: usize = 10_000;
/// So many are freed of a deleted tag at once, every second.
const PIECE: usize = 2000;

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Tag {
    name: String,
}

/// How many wear a tag.
pub(super) fn count(world: &World, appid: &Id, tag: u64) -> u64 {
    { COUNTS.get(world, &(appid.clone(), tag)) }
        .copied()
        .unwrap_or(0)
}

/// Whether an account has this tag.
pub(super) fn exists(world: &World, appid: &Id, tag: u64) -> bool {
    tag == STARS.0 || TAGS.has(world, &(appid.clone(), tag))
}

/// An account's tags with how many wear them, the platform's first.
pub(super) fn listed<'w>(
    world: &'w World,
    appid: &Id,
) -> impl Iterator<Item = (u64, Value)> + use<'w> {
    let appid = appid.clone();
    let own = TAGS.under(world, &appid).map(|(id, tag)| (*id, &*tag.name));
    std::iter::once(STARS).chain(own).map(move |(id, name)| {
        (
            id,
            json!({"id": id, "name": name, "count": count(world, &appid, id)}),
        )
    })
}

/// Refuses a name that the account cannot give a tag.
///
/// WECHAT: names are unique in an account; the limit counts bytes, as its error says, though pages say characters.
fn check_name(world: &World, appid: &Id, name: &str, own: Option<u64>) -> Result<(), Refusal> {
    if name.len() > NAME_BYTES {
        return Err(Refusal::code(code::TAG_NAME_TOO_LONG));
    }
    let taken = TAGS
        .under(world, appid)
        .any(|(id, tag)| tag.name == name && Some(*id) != own);
    if name.is_empty() || name == STARS.1 || taken {
        return Err(Refusal::code(code::TAG_NAME_TAKEN));
    }
    Ok(())
}

fn given_name(asked: &Asked) -> Result<&str, Refusal> {
    let name = asked.group("tag")?.get("name").and_then(Value::as_str);
    Ok(name.unwrap_or_default())
}

/// The tag of the account that a call is to change.
fn own_tag(world: &World, asked: &Asked) -> Result<u64, Refusal> {
    let id = asked.group("tag")?.get("id").and_then(whole);
    changeable(world, &asked.appid, id, code::INVALID_TAG_ID)
}

/// A tag of the account's own, which alone can be changed; `unknown` where there is none.
pub(super) fn changeable(
    world: &World,
    appid: &Id,
    id: Option<i64>,
    unknown: i64,
) -> Result<u64, Refusal> {
    match id.and_then(|id| u64::try_from(id).ok()) {
        Some(id) if id <= RESERVED => Err(Refusal::code(code::SYSTEM_TAG)),
        Some(id) if exists(world, appid, id) => Ok(id),
        _ => Err(Refusal::code(unknown)),
    }
}

/// A new tag of the account.
pub(super) fn make(turn: &mut Turn<'_>, appid: &Id, name: &str) -> Result<(u64, String), Refusal> {
    check_name(turn.world, appid, name, None)?;
    if TAGS.under(turn.world, appid).count() >= TAGS_MOST {
        return Err(Refusal::code(code::TOO_MANY_TAGS));
    }
    let made = turn.world.serial(&format!("{NAME} {appid}"));
    let (id, name) = (FIRST - 1 + made, name.to_owned());
    let tag = Tag { name: name.clone() };
    TAGS.put(turn.world, (appid.clone(), id), tag);
    Ok((id, name))
}

/// `tags/create`.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (id, name) = make(turn, &asked.appid, given_name(asked)?)?;
    Ok(Reply::Json(json!({"tag": {"id": id, "name": name}})))
}

/// `tags/get`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let tags: Vec<Value> = { listed(turn.world, &asked.appid) }
        .map(|(_, view)| view)
        .collect();
    Ok(Reply::Json(json!({"tags": tags})))
}

/// Another name for a tag of the account's own.
pub(super) fn rename(turn: &mut Turn<'_>, appid: &Id, id: u64, name: &str) -> Result<(), Refusal> {
    check_name(turn.world, appid, name, Some(id))?;
    let name = name.to_owned();
    TAGS.put(turn.world, (appid.clone(), id), Tag { name });
    Ok(())
}

/// `tags/update`.
fn update(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let id = own_tag(turn.world, asked)?;
    rename(turn, &asked.appid, id, given_name(asked)?)?;
    Ok(Reply::Acknowledged)
}

/// A tag goes.
///
/// WECHAT: a tag that more than 100,000 wear must be taken off first (45057).
pub(super) fn drop(turn: &mut Turn<'_>, appid: &Id, id: u64) -> Result<(), Refusal> {
    if count(turn.world, appid, id) > TOO_MANY {
        return Err(Refusal::code(code::TAG_HAS_TOO_MANY_FANS));
    }
    TAGS.remove(turn.world, &(appid.clone(), id));
    free_some(turn, &json!({"account": &**appid, "tag": id}));
    Ok(())
}

/// `tags/delete`.
fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let id = own_tag(turn.world, asked)?;
    drop(turn, &asked.appid, id)?;
    Ok(Reply::Acknowledged)
}

/// Frees people of a tag that is no more, some now and the others later.
fn free_some(turn: &mut Turn<'_>, what: &Value) {
    let (Some(appid), Some(tag)) = (id_in(what, "account"), what["tag"].as_u64()) else {
        return;
    };
    let some: Vec<Id> = WEARERS
        .under(turn.world, &(appid.clone(), tag))
        .take(PIECE)
        .map(|(openid, ())| openid.clone())
        .collect();
    for openid in &some {
        take_off(turn.world, &appid, openid, tag);
    }
    if some.len() == PIECE {
        turn.later(turn.now.0 + 1, NAME, what.clone());
    }
}

fn put_on(world: &mut World, appid: &Id, openid: &Id, tag: u64) {
    let worn = WORN.or_default(world, (appid.clone(), openid.clone()));
    if worn.contains(&tag) {
        return;
    }
    worn.push(tag);
    let first = worn.len() == 1;
    note(world, appid, openid, tag);
    if first {
        *TAGGED.or_default(world, appid.clone()) += 1;
    }
}

/// This tag and no other; none at all for [`UNTAGGED`].
pub(super) fn wear_only(world: &mut World, appid: &Id, openid: &Id, tag: u64) {
    let worn = WORN.get(world, &(appid.clone(), openid.clone()));
    for other in worn.cloned().unwrap_or_default() {
        take_off(world, appid, openid, other);
    }
    if tag != UNTAGGED {
        put_on(world, appid, openid, tag);
    }
}

/// How many followers wear no tag and are not on the blacklist.
pub(super) fn untagged(world: &World, appid: &Id) -> u64 {
    let tagged = TAGGED.get(world, appid).copied().unwrap_or(0);
    let follows = |openid: &Id| {
        let contact = people::contact(world, appid, openid);
        contact.is_some_and(|contact| contact.followed)
    };
    let black = { BLACKLIST.under(world, appid) }
        .filter(|(openid, _)| follows(openid) && worn(world, appid, openid).is_empty());
    let others = tagged + black.count() as u64;
    people::follower_count(world, appid).saturating_sub(others)
}

fn take_off(world: &mut World, appid: &Id, openid: &Id, tag: u64) {
    let key = (appid.clone(), openid.clone());
    let Some(worn) = WORN.get_mut(world, &key) else {
        return;
    };
    let before = worn.len();
    worn.retain(|own| *own != tag);
    let (after, empty) = (worn.len(), worn.is_empty());
    if empty {
        WORN.remove(world, &key);
        *TAGGED.or_default(world, appid.clone()) -= 1;
    }
    if after < before {
        WEARERS.remove(world, &((appid.clone(), tag), openid.clone()));
        *COUNTS.or_default(world, (appid.clone(), tag)) -= 1;
    }
}

fn note(world: &mut World, appid: &Id, openid: &Id, tag: u64) {
    WEARERS.put(world, ((appid.clone(), tag), openid.clone()), ());
    *COUNTS.or_default(world, (appid.clone(), tag)) += 1;
}

/// The tags that a person wears and that still exist.
fn worn(world: &World, appid: &Id, openid: &Id) -> Vec<u64> {
    let worn = WORN.get(world, &(appid.clone(), openid.clone()));
    worn.into_iter()
        .flatten()
        .copied()
        .filter(|tag| exists(world, appid, *tag))
        .collect()
}

/// The tag that was put on a person last; 0 without one.
pub(super) fn last_worn(world: &World, appid: &Id, openid: &Id) -> u64 {
    worn(world, appid, openid).last().copied().unwrap_or(0)
}

/// The people of a call; all of them, or it is refused as a whole.
fn people_named(world: &World, asked: &Asked, most: usize) -> Result<Vec<Id>, Refusal> {
    let list = asked.texts("openid_list")?;
    if list.is_empty() || list.len() > most {
        return Err(Refusal::code(code::INVALID_OPENID_LIST_SIZE));
    }
    list.into_iter()
        .map(|openid| Ok(fans::contact(world, &asked.appid, openid)?.openid.clone()))
        .collect()
}

/// The tag that a call names.
fn named(world: &World, asked: &Asked) -> Result<u64, Refusal> {
    let id = u64::try_from(asked.number("tagid")?).unwrap_or_default();
    if exists(world, &asked.appid, id) {
        Ok(id)
    } else {
        Err(Refusal::code(code::INVALID_TAG_ID))
    }
}

/// `tags/members/batchtagging`.
fn tag(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (people, tag) = (
        people_named(turn.world, asked, BATCH)?,
        named(turn.world, asked)?,
    );
    for openid in &people {
        if !fans::contact(turn.world, &asked.appid, openid)?.followed {
            return Err(Refusal::code(code::NOT_FOLLOWING));
        }
        let worn = worn(turn.world, &asked.appid, openid);
        if worn.len() >= WORN_MOST && !worn.contains(&tag) {
            return Err(Refusal::code(code::TOO_MANY_TAGS_PER_USER));
        }
    }
    for openid in &people {
        put_on(turn.world, &asked.appid, openid, tag);
    }
    Ok(Reply::Acknowledged)
}

/// `tags/members/batchuntagging`.
fn untag(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (people, tag) = (
        people_named(turn.world, asked, BATCH)?,
        named(turn.world, asked)?,
    );
    for openid in &people {
        take_off(turn.world, &asked.appid, openid, tag);
    }
    Ok(Reply::Acknowledged)
}

/// `tags/getidlist`.
fn of_person(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let contact = fans::contact(turn.world, &asked.appid, asked.text("openid")?)?;
    let worn = worn(turn.world, &asked.appid, &contact.openid);
    Ok(Reply::Json(json!({"tagid_list": worn})))
}

/// Who wears a tag, by openid, from behind this one on.
pub(super) fn wearers_after<'w>(
    world: &'w World,
    appid: &Id,
    tag: u64,
    after: Id,
) -> impl Iterator<Item = &'w Id> + use<'w> {
    { WEARERS.after(world, ((appid.clone(), tag), after)) }.map(|(openid, ())| openid)
}

/// Whether an account has somebody on its blacklist.
pub(super) fn is_blacklisted(world: &World, appid: &Id, openid: &Id) -> bool {
    BLACKLIST.has(world, &(appid.clone(), openid.clone()))
}

/// `user/tag/get`: ten thousand a page.
fn wearers(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let tag = named(turn.world, asked)?;
    let after: Id = asked.given("next_openid").unwrap_or_default().into();
    let page: Vec<&str> = wearers_after(turn.world, &asked.appid, tag, after)
        .take(PAGE)
        .map(|openid| &**openid)
        .collect();
    let last = page.last().copied().unwrap_or_default();
    Ok(Reply::Json(json!({
        "count": page.len(), "data": {"openid": page}, "next_openid": last,
    })))
}

/// `tags/members/batchblacklist`.
fn blacklist(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    for openid in people_named(turn.world, asked, BLACK_BATCH)? {
        put_on_blacklist(turn, &asked.appid, &openid);
    }
    Ok(Reply::Acknowledged)
}

pub(super) fn put_on_blacklist(turn: &mut Turn<'_>, appid: &Id, openid: &Id) {
    let key = (appid.clone(), openid.clone());
    if !BLACKLIST.has(turn.world, &key) {
        let since = turn.now.0;
        BLACKLIST.put(turn.world, key, since);
    }
}

pub(super) fn take_off_blacklist(world: &mut World, appid: &Id, openid: &Id) {
    BLACKLIST.remove(world, &(appid.clone(), openid.clone()));
}

pub(super) fn blacklist_length(world: &World, appid: &Id) -> u64 {
    BLACKLIST.under(world, appid).count() as u64
}

/// `tags/members/batchunblacklist`.
fn unblacklist(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    for openid in people_named(turn.world, asked, BLACK_BATCH)? {
        take_off_blacklist(turn.world, &asked.appid, &openid);
    }
    Ok(Reply::Acknowledged)
}

/// `tags/members/getblacklist`: ten thousand a page.
fn blacklisted(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let after: Id = asked.given("begin_openid").unwrap_or_default().into();
    let page: Vec<&str> = BLACKLIST
        .after(turn.world, (asked.appid.clone(), after))
        .take(PAGE)
        .map(|(openid, _)| &**openid)
        .collect();
    let total = blacklist_length(turn.world, &asked.appid);
    let last = page.last().copied().unwrap_or_default();
    Ok(Reply::Json(json!({
        "total": total, "count": page.len(), "data": {"openid": page}, "next_openid": last,
    })))
}

/// WECHAT: writing to a person on the blacklist is 43019.
fn not_to_the_blacklisted(world: &World, what: &Value) -> Option<i64> {
    let (appid, openid) = (id_in(what, "account")?, id_in(what, "openid")?);
    is_blacklisted(world, &appid, &openid).then_some(code::USER_BLACKLISTED)
}

fn in_fan(world: &World, id: &str, view: &mut Value) {
    if let Some((appid, openid)) = id.split_once(' ') {
        view["tagid_list"] = json!(worn(world, &appid.into(), &openid.into()));
    }
}

fn in_control(world: &World, request: &Request) -> Result<Value, Refused> {
    let appid = accounts::id(world, request.part("appid"))?;
    let page = request.page()?;
    let after = page.behind(route::number)?;
    let tags = listed(world, &appid)
        .filter(|(id, _)| after.is_none_or(|after| *id > after))
        .map(|(id, view)| (id.to_string(), view));
    Ok(page.answer(tags))
}

fn unfollowed(turn: &mut Turn<'_>, what: &Value) {
    let (Some(appid), Some(openid)) = (id_in(what, "account"), id_in(what, "openid")) else {
        return;
    };
    let worn = WORN.get(turn.world, &(appid.clone(), openid.clone()));
    for tag in worn.cloned().unwrap_or_default() {
        take_off(turn.world, &appid, &openid, tag);
    }
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(appid) = id_in(what, "account") else {
        return;
    };
    TAGS.remove_under(turn.world, &appid);
    BLACKLIST.remove_under(turn.world, &appid);
    for (openid, worn) in WORN.remove_under(turn.world, &appid) {
        for tag in worn {
            WEARERS.remove(turn.world, &((appid.clone(), tag), openid.clone()));
        }
    }
    COUNTS.remove_under(turn.world, &appid);
    TAGGED.remove(turn.world, &*appid);
}

fn index(world: &mut World) {
    let all: Vec<((Id, Id), Vec<u64>)> = WORN
        .all(world)
        .map(|(key, worn)| (key.clone(), worn.clone()))
        .collect();
    for ((appid, openid), worn) in all {
        *TAGGED.or_default(world, appid.clone()) += 1;
        for tag in worn {
            note(world, &appid, &openid, tag);
        }
    }
}
