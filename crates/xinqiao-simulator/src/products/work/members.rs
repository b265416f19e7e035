//! Members (成员) of a corporation: made by the contacts' secret or in the control interface.
//!
//! A member who was made by a call has not joined yet (status 4); with the control interface a person joins, and then
//! has the corporation's applications on the phone.
//!
//! Source: doc pages 90195 to 90201. Not built: avatars, changing a userid, importing.

mod joining;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use xinqiao_catalog::{code::work as code, id::work as wecom};

pub(crate) use self::joining::Employ;
pub(super) use self::joining::seed;
use super::{
    corps::{DISSOLVED, agents, called, called_by_contacts, named, route},
    departments::{self, ROOT},
};
use crate::{
    door::{Asked, Refusal, Reply, Verdict, asked::whole, credential::Caller, stateful},
    kernel::{
        Effect, Id, Refused, Table, Turn, World,
        command::verb,
        feature::id_in,
        route::{Handler, Request},
    },
    people::{phone, user},
    products::Feature,
};

/// Members by corporation and userid in small letters.
static MEMBERS: Table<(Id, Id), Member> = Table::new("work.members", 1);
/// Which member a person is.
static BY_PERSON: Table<(Id, u64), Id> = Table::memory("work.members_by_person");
/// Who has a mobile number.
static BY_MOBILE: Table<(Id, Id), Id> = Table::memory("work.members_by_mobile");
/// Who has an e-mail address, in small letters.
static BY_EMAIL: Table<(Id, Id), Id> = Table::memory("work.members_by_email");
/// Who is in a department.
static BY_DEPARTMENT: Table<((Id, u64), Id), ()> = Table::memory("work.members_by_department");

pub(super) static FEATURE: Feature = Feature {
    name: "work.members",
    tables: &[&MEMBERS],
    verbs: &[verb::<Employ>()],
    behaviours: &[
        stateful(wecom::user::CREATE, MADE, create),
        stateful(wecom::user::UPDATE, CHANGED, update),
        stateful(wecom::user::DELETE, LEFT, delete),
        stateful(wecom::user::GET, MADE, get),
        stateful(wecom::user::LIST, LISTED, list),
        stateful(wecom::user::SIMPLE_LIST, LISTED, simple_list),
    ],
    routes: &[
        route("GET", "/corps/{corpid}/members", Handler::Look(in_control)),
        route(
            "POST",
            "/corps/{corpid}/members",
            Handler::Change(joining::hire),
        ),
        route(
            "DELETE",
            "/corps/{corpid}/members/{userid}",
            Handler::Change(dismiss),
        ),
    ],
    topics: &[(DISSOLVED, dissolved)],
    index: Some(index),
    ..Feature::EMPTY
};
const MADE: &str = "a_member_is_made_by_the_contacts_secret_and_told";
const CHANGED: &str = "a_member_is_changed_and_what_is_not_given_stays";
const LEFT: &str = "who_is_deleted_is_gone_from_everywhere";
const LISTED: &str = "a_department_lists_its_members_and_those_below";

/// Most characters of a name.
const NAME: usize = 64;
/// Most bytes of a userid.
const USERID: usize = 64;
/// Most departments that a member is in.
const DEPARTMENTS: usize = 100;

/// What is kept as it is given.
const PLAIN: &[&str] = &[
    "alias",
    "biz_mail",
    "telephone",
    "address",
    "position",
    "direct_leader",
    "extattr",
    "external_position",
    "external_profile",
];
/// WECHAT: since 2022-06-20 an application is not told these; the contacts' secret still is, from addresses that it was
/// used from before, and the simulator takes every address for one of those.
const ONLY_FOR_CONTACTS: &[&str] = &[
    "mobile",
    "email",
    "biz_mail",
    "gender",
    "address",
    "avatar",
    "thumb_avatar",
    "qr_code",
];

/// A member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Member {
    /// As it was given; letters count alike whatever their case.
    pub(super) userid: Id,
    /// The person, once joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) person: Option<u64>,
    pub(super) name: String,
    mobile: Id,
    email: Id,
    /// 0 unknown, 1 male, 2 female.
    gender: i64,
    disabled: bool,
    department: Vec<u64>,
    order: Vec<i64>,
    is_leader_in_dept: Vec<i64>,
    main_department: u64,
    #[serde(skip_serializing_if = "Map::is_empty")]
    plain: Map<String, Value>,
}

fn key(userid: &str) -> Id {
    userid.to_ascii_lowercase().into()
}

/// A member by userid, with the key of its row.
pub(super) fn member<'w>(world: &'w World, corp: &Id, userid: &str) -> Option<&'w Member> {
    MEMBERS.get(world, &(corp.clone(), key(userid)))
}

/// The member that a person is.
pub(super) fn of_person<'w>(world: &'w World, corp: &Id, person: u64) -> Option<&'w Member> {
    let userid = BY_PERSON.get(world, &(corp.clone(), person))?;
    MEMBERS.get(world, &(corp.clone(), userid.clone()))
}

/// All members of a corporation.
pub(super) fn all<'w>(world: &'w World, corp: &Id) -> impl Iterator<Item = &'w Member> {
    MEMBERS.under(world, corp).map(|(_, member)| member)
}

/// The members of one department, without those below it.
pub(super) fn inside<'w>(
    world: &'w World,
    corp: &Id,
    department: u64,
) -> impl Iterator<Item = &'w Member> {
    let corp = corp.clone();
    BY_DEPARTMENT
        .under(world, &(corp.clone(), department))
        .filter_map(move |(userid, ())| MEMBERS.get(world, &(corp.clone(), userid.clone())))
}

pub(super) fn has_some(world: &World, corp: &Id, department: u64) -> bool {
    inside(world, corp, department).next().is_some()
}

impl Member {
    /// Whether messages reach the member.
    pub(super) fn is_reached(&self) -> bool {
        !self.disabled
    }

    /// 1 joined, 2 disabled, 4 not joined.
    fn status(&self) -> i64 {
        match (self.disabled, self.person) {
            (true, _) => 2,
            (false, Some(_)) => 1,
            (false, None) => 4,
        }
    }

    fn view(&self) -> Value {
        let mut view = json!({
            "userid": &*self.userid,
            "name": self.name,
            "department": self.department,
            "order": self.order,
            "is_leader_in_dept": self.is_leader_in_dept,
            "main_department": self.main_department,
            "mobile": &*self.mobile,
            "email": &*self.email,
            // WECHAT: a text here, though a number where a member is made.
            "gender": self.gender.to_string(),
            "avatar": "",
            "thumb_avatar": "",
            "qr_code": "",
            "status": self.status(),
            "alias": "", "biz_mail": "", "telephone": "", "address": "", "position": "",
            "direct_leader": [],
            "extattr": {"attrs": []},
        });
        for (name, value) in &self.plain {
            view[name] = value.clone();
        }
        // WxJava sends a profile with nothing in it.
        if let Some(profile) = view.get_mut("external_profile")
            && let Some(profile) = profile.as_object_mut()
        {
            let attributes = profile.entry("external_attr");
            attributes.or_insert_with(|| json!([]));
        }
        view
    }

    /// What this caller may know of the member.
    fn told(&self, caller: &Caller) -> Value {
        let mut view = self.view();
        if let (Caller::CorpApp { .. }, Some(fields)) = (caller, view.as_object_mut()) {
            for name in ONLY_FOR_CONTACTS {
                fields.shift_remove(*name);
            }
        }
        view
    }

    fn note(&self, world: &mut World, corp: &Id) {
        let own = key(&self.userid);
        if let Some(person) = self.person {
            BY_PERSON.put(world, (corp.clone(), person), own.clone());
        }
        if !self.mobile.is_empty() {
            BY_MOBILE.put(world, (corp.clone(), self.mobile.clone()), own.clone());
        }
        if !self.email.is_empty() {
            BY_EMAIL.put(world, (corp.clone(), key(&self.email)), own.clone());
        }
        for department in &self.department {
            BY_DEPARTMENT.put(world, ((corp.clone(), *department), own.clone()), ());
        }
    }

    fn unnote(&self, world: &mut World, corp: &Id) {
        if let Some(person) = self.person {
            BY_PERSON.remove(world, &(corp.clone(), person));
        }
        BY_MOBILE.remove(world, &(corp.clone(), self.mobile.clone()));
        BY_EMAIL.remove(world, &(corp.clone(), key(&self.email)));
        for department in &self.department {
            BY_DEPARTMENT.remove(world, &((corp.clone(), *department), key(&self.userid)));
        }
    }
}

fn put(world: &mut World, corp: &Id, member: Member) {
    let row = (corp.clone(), key(&member.userid));
    if let Some(before) = MEMBERS.get(world, &row).cloned() {
        before.unnote(world, corp);
    }
    member.note(world, corp);
    MEMBERS.put(world, row, member);
}

fn fits(world: &World, corp: &Id, member: &Member) -> Result<(), i64> {
    let own = key(&member.userid);
    let length = member.name.chars().count();
    if length == 0 || length > NAME {
        return Err(code::INVALID_NAME);
    }
    if !member.mobile.is_empty() && !is_mobile(&member.mobile) {
        return Err(code::INVALID_MOBILE);
    }
    let other = |holder: Option<&Id>| holder.is_some_and(|holder| *holder != own);
    if other(BY_MOBILE.get(world, &(corp.clone(), member.mobile.clone()))) {
        return Err(code::MOBILE_TAKEN);
    }
    let parts = member.email.split_once('@');
    let whole = parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if !member.email.is_empty() && !whole {
        return Err(code::INVALID_EMAIL);
    }
    if other(BY_EMAIL.get(world, &(corp.clone(), key(&member.email)))) {
        return Err(code::EMAIL_TAKEN);
    }
    if member.department.len() > DEPARTMENTS {
        return Err(code::TOO_MANY_DEPARTMENTS);
    }
    if !{ member.department.iter() }.all(|id| departments::exists(world, corp, *id)) {
        return Err(code::DEPARTMENT_NOT_FOUND);
    }
    let many = member.department.len();
    if member.is_leader_in_dept.len() != many {
        return Err(code::LEADERS_DO_NOT_FIT);
    }
    let main = member.department.contains(&member.main_department);
    if member.order.len() != many || !main || !(0..=2).contains(&member.gender) {
        return Err(code::INVALID_PARAMETER);
    }
    Ok(())
}

/// Digits, with a country's code and spaces perhaps.
fn is_mobile(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let known = |byte: u8| byte.is_ascii_digit() || b"+- ".contains(&byte);
    (5..=20).contains(&digits) && text.bytes().all(known)
}

/// Letters, digits and `_-@.`, the first a letter or digit.
fn is_userid(text: &str) -> bool {
    let first = text.bytes().next();
    text.len() <= USERID
        && first.is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-@.".contains(&byte))
}

fn numbers(asked: &Asked, name: &str) -> Option<Vec<i64>> {
    let list = asked.body.get(name)?.as_array()?;
    list.iter().map(whole).collect()
}

/// The member with what a call gives.
fn with_given(mut member: Member, asked: &Asked) -> Member {
    if let Some(name) = asked.given("name") {
        name.clone_into(&mut member.name);
    }
    if let Some(mobile) = asked.given("mobile") {
        member.mobile = mobile.into();
    }
    if let Some(email) = asked.given("email") {
        member.email = email.into();
    }
    if let Some(gender) = asked.body.get("gender").and_then(whole) {
        member.gender = gender;
    }
    if let Some(enable) = asked.body.get("enable") {
        member.disabled = whole(enable) == Some(0) || *enable == json!(false);
    }
    if let Some(list) = numbers(asked, "department") {
        member.department = { list.into_iter() }
            .map(|id| u64::try_from(id).unwrap_or_default())
            .collect();
        member.order = vec![0; member.department.len()];
        member.is_leader_in_dept = vec![0; member.department.len()];
        member.main_department = member.department.first().copied().unwrap_or_default();
    }
    if let Some(list) = numbers(asked, "order") {
        member.order = list;
    }
    if let Some(list) = numbers(asked, "is_leader_in_dept") {
        member.is_leader_in_dept = list;
    }
    if let Some(id) = asked.body.get("main_department").and_then(whole) {
        member.main_department = u64::try_from(id).unwrap_or_default();
    }
    for name in PLAIN {
        if let Some(value) = asked.body.get(*name).filter(|value| !value.is_null()) {
            member.plain.insert((*name).to_owned(), value.clone());
        }
    }
    member
}

/// WECHAT: one of mobile number and e-mail address must be there, for the invitation (60129).
fn check(world: &World, corp: &Id, member: &Member) -> Result<(), Refusal> {
    if member.mobile.is_empty() && member.email.is_empty() {
        return Err(Refusal::code(code::MOBILE_AND_EMAIL_MISSING));
    }
    fits(world, corp, member).map_err(Refusal::code)
}

/// `user/create`.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let corp = called_by_contacts(asked)?;
    let userid = asked.text("userid")?;
    asked.text("name")?;
    if !is_userid(userid) {
        return Err(Refusal::code(code::INVALID_USERID));
    }
    if member(turn.world, corp, userid).is_some() {
        return Err(Refusal::code(code::USERID_TAKEN));
    }
    let empty = Member {
        userid: userid.into(),
        department: vec![ROOT],
        order: vec![0],
        is_leader_in_dept: vec![0],
        main_department: ROOT,
        ..Member::default()
    };
    let member = with_given(empty, asked);
    check(turn.world, corp, &member)?;
    put(turn.world, corp, member);
    Ok(Reply::Json(json!({"errmsg": "created"})))
}

fn found<'w>(world: &'w World, corp: &Id, asked: &Asked) -> Result<&'w Member, Refusal> {
    let userid = asked.text("userid")?;
    member(world, corp, userid).ok_or_else(|| Refusal::code(code::USERID_NOT_FOUND))
}

/// `user/update`: what is not given stays. A userid that was given once cannot be changed.
fn update(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let corp = called_by_contacts(asked)?;
    let member = found(turn.world, corp, asked)?.clone();
    if asked.given("new_userid").is_some() {
        return Err(Refusal::code(code::INVALID_PARAMETER));
    }
    let member = with_given(member, asked);
    check(turn.world, corp, &member)?;
    put(turn.world, corp, member);
    Ok(Reply::Json(json!({"errmsg": "updated"})))
}

/// `user/delete`.
fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let corp = called_by_contacts(asked)?;
    let userid = found(turn.world, corp, asked)?.userid.clone();
    remove(turn, corp, &userid);
    Ok(Reply::Json(json!({"errmsg": "deleted"})))
}

/// A member leaves: chats with the corporation's applications are gone from the phone.
fn remove(turn: &mut Turn<'_>, corp: &Id, userid: &str) {
    let Some(member) = MEMBERS.remove(turn.world, &(corp.clone(), key(userid))) else {
        return;
    };
    member.unnote(turn.world, corp);
    let Some(person) = member.person else {
        return;
    };
    let own: Vec<Id> = { agents(turn.world, corp) }
        .map(|(id, _)| id.clone())
        .collect();
    for appid in own {
        phone::forget(turn.world, person, &appid);
    }
    turn.effects.push(Effect::Users);
}

/// `user/get`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let member = found(turn.world, called(asked)?, asked)?;
    Ok(Reply::Json(member.told(&asked.caller)))
}

/// The members of the call's department, with those below it if it asks; each once.
fn listed<'w>(world: &'w World, asked: &Asked) -> Result<Vec<&'w Member>, Refusal> {
    let corp = called(asked)?;
    let top = departments::named_in(world, corp, asked, "department_id")?;
    let all = match asked.given("fetch_child") {
        Some("1") => departments::tree(world, corp, top),
        _ => vec![top],
    };
    let mut seen = std::collections::BTreeSet::new();
    let members = { all.iter() }.flat_map(|department| inside(world, corp, *department));
    Ok(members
        .filter(|member| seen.insert(member.userid.clone()))
        .collect())
}

/// `user/list`.
fn list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let members = listed(turn.world, asked)?.into_iter();
    let views: Vec<Value> = members.map(|member| member.told(&asked.caller)).collect();
    Ok(Reply::Json(json!({"userlist": views})))
}

/// `user/simplelist`.
fn simple_list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let members = listed(turn.world, asked)?.into_iter();
    let views: Vec<Value> = members
        .map(|member| {
            json!({
                "userid": &*member.userid, "name": member.name, "department": member.department,
            })
        })
        .collect();
    Ok(Reply::Json(json!({"userlist": views})))
}

/// The object of the control interface.
fn in_corp(corp: &Id, member: &Member) -> Value {
    let mut view = member.view();
    view["corpid"] = json!(&**corp);
    view["user"] = json!(member.person.map(user::name));
    view
}

fn in_control(world: &World, request: &Request) -> Result<Value, Refused> {
    let corp = named(world, request)?;
    let page = request.page()?;
    let after = key(page.id()?);
    let members = MEMBERS.after(world, (corp.clone(), after));
    Ok(page.answer(members.map(|(key, member)| (key.to_string(), in_corp(&corp, member)))))
}

fn dismiss(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let corp = named(turn.world, request)?;
    let userid = request.part("userid");
    if member(turn.world, &corp, userid).is_none() {
        return Err(Refused::unknown("member", userid));
    }
    remove(turn, &corp, userid);
    Ok(json!({}))
}

fn dissolved(turn: &mut Turn<'_>, what: &Value) {
    let Some(corp) = id_in(what, "corp") else {
        return;
    };
    // The applications are gone by now, and chats with them.
    for (_, member) in MEMBERS.remove_under(turn.world, &corp) {
        member.unnote(turn.world, &corp);
    }
    turn.effects.push(Effect::Users);
}

fn index(world: &mut World) {
    let all: Vec<(Id, Member)> = MEMBERS
        .all(world)
        .map(|((corp, _), member)| (corp.clone(), member.clone()))
        .collect();
    for (corp, member) in all {
        member.note(world, &corp);
    }
}
