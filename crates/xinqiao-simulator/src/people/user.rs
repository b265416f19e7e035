//! People with a phone.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::CONTACTS;
use crate::{
    accounts::ACCOUNTS,
    kernel::{Id, World},
};

/// One person; who it is says the key of the table, a number from 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    /// Nickname.
    pub(crate) nickname: Box<str>,
    /// 0 unknown, 1 male, 2 female.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) sex: i64,
    /// Where the person says to live, and their number; few have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<Box<About>>,
}

/// What few people tell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct About {
    pub(crate) province: String,
    pub(crate) city: String,
    pub(crate) country: String,
    pub(crate) phone: String,
    /// Bound to the person's WeChat.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) email: String,
    /// The language of the phone; Chinese where it is empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) language: String,
    /// What the phone runs on.
    pub(crate) platform: Platform,
}

/// What a phone runs on, as menus ask for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Platform {
    Ios,
    Android,
    /// A phone that nobody said anything of.
    #[default]
    Other,
}

impl Platform {
    /// The platform's number of it.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Ios => 1,
            Self::Android => 2,
            Self::Other => 3,
        }
    }
}

impl About {
    pub(crate) fn language(&self) -> &str {
        match &*self.language {
            "" => "zh_CN",
            language => language,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// `u7`, as the control interface calls a person.
pub(crate) fn name(number: u64) -> String {
    format!("u{number}")
}

/// The number behind such a name.
pub(crate) fn number(name: &str) -> Option<u64> {
    let number = name.strip_prefix('u')?.parse().ok()?;
    // `u07` is nobody.
    (self::name(number) == name).then_some(number)
}

/// The ids of a person by account.
pub(crate) fn openids(world: &World, user: u64) -> impl Iterator<Item = (&Id, &Id)> {
    ACCOUNTS.all(world).filter_map(move |(appid, _)| {
        let contact = CONTACTS.get(world, &(appid.clone(), user))?;
        Some((appid, &contact.openid))
    })
}

/// The id of a person over all accounts of one open-platform account.
pub(crate) fn unionid(world: &World, user: u64, open_account: &str) -> String {
    let who = format!("{open_account}/{}", name(user));
    world.named("unionid", &who).unionid()
}

/// The object of the control interface.
pub(crate) fn view(world: &World, number: u64, user: &User) -> Value {
    let none = About::default();
    let about = user.about.as_deref().unwrap_or(&none);
    let mut ids = Map::new();
    let mut unions = Map::new();
    for (appid, openid) in openids(world, number) {
        ids.insert(appid.to_string(), json!(&**openid));
        if let Some(open) = ACCOUNTS
            .get(world, &**appid)
            .and_then(|account| account.open_account.as_deref())
        {
            unions.insert(open.to_owned(), json!(unionid(world, number, open)));
        }
    }
    json!({
        "id": name(number),
        "nickname": user.nickname,
        "sex": user.sex,
        "province": about.province,
        "city": about.city,
        "country": about.country,
        "phone": about.phone,
        "email": about.email,
        "language": about.language(),
        "platform": about.platform,
        "openids": ids,
        "unionids": unions,
    })
}

/// Who a contact of an account is, and what they are called.
pub(crate) fn behind(world: &World, appid: &Id, openid: &Id) -> Option<(u64, String)> {
    let user = super::person(world, appid, openid)?;
    let known = super::USERS.get(world, &user)?;
    Some((user, known.nickname.to_string()))
}
