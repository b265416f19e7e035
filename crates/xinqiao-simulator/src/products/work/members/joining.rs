//! How people become members: in the control interface they join, as they do on their phone.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::id::work as wecom;

use super::{Member, USERID, fits, in_corp, is_userid, member, of_person, put};
use crate::{
    kernel::{Command, Effect, Id, Refused, Turn, command::typed, route::Request},
    people::{
        self,
        phone::{self, NewUser},
        user,
    },
    products::work::{
        corps::{known, named},
        departments::ROOT,
    },
};

/// `POST /corps/{corpid}/members`, and `corp` of `POST /users`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NewMember {
    /// Read where the path does not say it.
    corpid: Option<String>,
    userid: Option<String>,
    /// The person who joins; a new one if nothing is said.
    user: Option<String>,
    name: Option<String>,
    mobile: Option<String>,
    email: Option<String>,
    gender: Option<i64>,
    position: Option<String>,
    department: Option<Vec<u64>>,
}

/// Makes a member out of what is known, or lets a person join as one who is there already. Nothing changes if it fails.
fn joined(
    turn: &mut Turn<'_>,
    corp: &Id,
    new: NewMember,
    person: Option<u64>,
) -> Result<Member, Refused> {
    let userid = match new.userid {
        Some(userid) => userid,
        None => format!("user{}", turn.world.serial("work.member")),
    };
    if !is_userid(&userid) {
        return Err(Refused::invalid(format!(
            "`userid` must be 1 to {USERID} letters, digits or `_-@.`, the first a letter or digit"
        )));
    }
    if let Some(other) = person.and_then(|person| of_person(turn.world, corp, person)) {
        let other = &other.userid;
        return Err(Refused::conflict(format!(
            "the person is a member of the corporation already: `{other}`"
        )));
    }
    let before = member(turn.world, corp, &userid).cloned();
    if before
        .as_ref()
        .is_some_and(|before| before.person.is_some())
    {
        return Err(Refused::conflict(format!(
            "the userid `{userid}` is another person's"
        )));
    }
    let mut member = before.unwrap_or_else(|| Member {
        name: userid.clone(),
        userid: userid.into(),
        department: vec![ROOT],
        ..Member::default()
    });
    member.department = new.department.unwrap_or(member.department);
    member.order.resize(member.department.len(), 0);
    let leads = &mut member.is_leader_in_dept;
    leads.resize(member.department.len(), 0);
    if !member.department.contains(&member.main_department) {
        member.main_department = member.department.first().copied().unwrap_or_default();
    }
    member.name = new.name.unwrap_or(member.name);
    member.mobile = new.mobile.map_or(member.mobile, Into::into);
    member.email = new.email.map_or(member.email, Into::into);
    member.gender = new.gender.unwrap_or(member.gender);
    if let Some(position) = new.position {
        member.plain.insert("position".to_owned(), json!(position));
    }
    fits(turn.world, corp, &member).map_err(|code| {
        Refused::unwilling(format!(
            "the member is refused with {code}, as {} would be",
            wecom::user::CREATE
        ))
    })?;
    Ok(member)
}

fn employ(
    turn: &mut Turn<'_>,
    corp: &Id,
    mut new: NewMember,
    person: NewUser,
) -> Result<Member, Refused> {
    let known = match new.user.take() {
        Some(user) => Some(people::find(turn.world, &user)?),
        None => None,
    };
    let nickname = match known {
        Some(number) => Some(people::user(turn.world, number)?.nickname.to_string()),
        None => person.nickname.clone(),
    };
    new.name = new.name.or(nickname);
    let mut member = joined(turn, corp, new, known)?;
    let number = known.unwrap_or_else(|| {
        let nickname = person.nickname.clone();
        let person = NewUser {
            nickname: nickname.or_else(|| Some(member.name.clone())),
            ..person
        };
        phone::add(turn.world, person)
    });
    member.person = Some(number);
    put(turn.world, corp, member.clone());
    turn.effects.push(Effect::Users);
    Ok(member)
}

/// Lets a person join in the seeded world.
pub(in crate::products::work) fn seed(turn: &mut Turn<'_>, corp: &Id, person: u64, userid: &str) {
    let new = NewMember {
        userid: Some(userid.to_owned()),
        user: Some(user::name(person)),
        ..NewMember::default()
    };
    // The seeded world is made of what fits.
    let _ = employ(turn, corp, new, NewUser::default());
}

pub(super) fn hire(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let corp = named(turn.world, request)?;
    let new: NewMember = typed(request.body.clone())?;
    if new.corpid.as_ref().is_some_and(|other| **other != *corp) {
        return Err(Refused::invalid("`corpid` and the path differ"));
    }
    let member = employ(turn, &corp, new, NewUser::default())?;
    Ok(in_corp(&corp, &member))
}

/// `POST /users` with `corp`: makes a person who works somewhere.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Employ(pub(crate) NewUser);

impl Command for Employ {
    const NAME: &'static str = "work.employ";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        let mut person = self.0;
        let new: NewMember = typed(person.corp.take().unwrap_or_default())?;
        let Some(corpid) = &new.corpid else {
            return Err(Refused::invalid("`corp` must have a `corpid`"));
        };
        let corp = known(turn.world, corpid)?;
        phone::check_email(turn.world, &person)?;
        let member = employ(turn, &corp, new, person)?;
        let number = member.person.unwrap_or_default();
        let mut view = user::view(turn.world, number, people::user(turn.world, number)?);
        view["corp"] = json!({"corpid": &*corp, "userid": &*member.userid});
        Ok(view)
    }
}
