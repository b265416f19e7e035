//! One user as one account knows them: openid, whether they follow, what they said to each other.

use std::{borrow::Cow, cell::RefCell};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use xinqiao_catalog::rules::interaction::{Allowances, Relation};

use crate::kernel::{Id, key::shared};

/// A user's relation to an account; exists from the first contact on and survives unfollowing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Contact {
    /// The person as this account sees them.
    pub(crate) openid: Id,
    /// Place in the order of following.
    pub(crate) order: u64,
    /// Whether the user follows.
    pub(crate) followed: bool,
    /// Since when.
    pub(crate) subscribe_time: i64,
    /// How the user found the account (`ADD_SCENE_…`).
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "one_of_few"
    )]
    pub(crate) scene: Option<Id>,
    /// Remark of the account about the user.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) remark: Box<str>,
    /// The user switched off messages.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) refuses: bool,
    /// What the user's acts allow to be sent.
    #[serde(skip_serializing_if = "is_none")]
    pub(crate) allowances: Allowances,
    /// Items that the user has not seen.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) unread: u32,
    /// Until when the account shows that it is typing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) typing_until: Option<i64>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// There are a dozen scenes, and many contacts.
fn one_of_few<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Id>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    thread_local! {
        static LAST: RefCell<Id> = RefCell::new("".into());
    }
    let text: Option<Text<'_>> = Option::deserialize(from)?;
    Ok(text.map(|text| shared(&LAST, &text.0)))
}

fn is_none(allowances: &Allowances) -> bool {
    *allowances == Allowances::default()
}

/// One bubble; its number is the key of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChatItem {
    /// When.
    pub(crate) time: i64,
    /// Who said it.
    pub(crate) from: Speaker,
    /// How it came: `user`, `reply`, `custom`, `mass`, `template`, `subscribe`, `system`.
    pub(crate) via: String,
    /// `text`, `image`, `news` …
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The message's own fields, with flat names.
    #[serde(flatten)]
    pub(crate) fields: Map<String, Value>,
}

/// A bubble that was said just now.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) number: u64,
    pub(crate) item: ChatItem,
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Speaker {
    /// The person with the phone.
    User,
    /// The account.
    Account,
    /// The platform.
    System,
}

impl Contact {
    /// How the user stands to the account, as the interaction rules ask.
    pub(crate) fn relation(&self) -> Relation {
        match (self.followed, self.refuses) {
            (false, _) => Relation::DoesNotFollow,
            (true, true) => Relation::RefusesMessages,
            (true, false) => Relation::Follows,
        }
    }
}

/// The id of an item in the control interface.
pub(crate) fn item_name(number: u64) -> String {
    format!("i{number}")
}

impl ChatItem {
    /// The object of the control interface; media get an address to load them from.
    pub(crate) fn view(&self, number: u64) -> Value {
        let mut view = json!({
            "id": item_name(number), "time": self.time, "from": self.from, "via": self.via, "type": self.kind,
        });
        for (name, value) in &self.fields {
            view[name] = value.clone();
        }
        if let Some(media_id) = self.fields.get("media_id").and_then(Value::as_str) {
            view["media_url"] = json!(format!("/_sim/v1/media/{media_id}"));
        }
        view
    }
}
