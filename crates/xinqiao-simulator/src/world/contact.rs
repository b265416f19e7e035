//! One user as one account knows them: openid, whether they follow, what they said to each other.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use xinqiao_catalog::rules::interaction::{Allowances, Relation};

/// A user's relation to an account; exists from the first contact on and survives unfollowing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Contact {
    /// The user's id in the world.
    pub user: String,
    /// The user as this account sees them.
    pub openid: String,
    /// Place in the order of following.
    pub order: u64,
    /// Whether the user follows.
    pub followed: bool,
    /// Since when.
    #[serde(default)]
    pub subscribe_time: i64,
    /// How the user found the account (`ADD_SCENE_…`).
    #[serde(default)]
    pub scene: String,
    /// Remark of the account about the user.
    #[serde(default)]
    pub remark: String,
    /// The user switched off messages.
    #[serde(default)]
    pub refuses: bool,
    /// What the user's acts allow to be sent.
    #[serde(default)]
    pub allowances: Allowances,
    /// What stands in the chat, oldest first.
    #[serde(default)]
    pub chat: Vec<ChatItem>,
    /// Items that the user has not seen.
    #[serde(default)]
    pub unread: u32,
    /// Until when the account shows that it is typing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typing_until: Option<i64>,
}

/// One bubble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatItem {
    /// `i…`, unique in the world.
    pub id: String,
    /// When.
    pub time: i64,
    /// Who said it.
    pub from: Speaker,
    /// How it came: `user`, `reply`, `custom`, `mass`, `template`, `subscribe`, `system`.
    pub via: String,
    /// `text`, `image`, `news` …
    #[serde(rename = "type")]
    pub kind: String,
    /// The message's own fields, with flat names.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The person with the phone.
    User,
    /// The account.
    Account,
    /// The platform.
    System,
}

impl Contact {
    pub(crate) fn new(user: &str, openid: String, order: u64) -> Self {
        Self {
            user: user.to_owned(),
            openid,
            order,
            followed: false,
            subscribe_time: 0,
            scene: String::new(),
            remark: String::new(),
            refuses: false,
            allowances: Allowances::default(),
            chat: Vec::new(),
            unread: 0,
            typing_until: None,
        }
    }

    /// How the user stands to the account, as the interaction rules ask.
    pub fn relation(&self) -> Relation {
        match (self.followed, self.refuses) {
            (false, _) => Relation::DoesNotFollow,
            (true, true) => Relation::RefusesMessages,
            (true, false) => Relation::Follows,
        }
    }
}

impl ChatItem {
    /// The object of the control interface; media get an address to load them from.
    pub fn view(&self) -> Value {
        let mut view = json!({
            "id": self.id, "time": self.time, "from": self.from, "via": self.via, "type": self.kind,
        });
        for (name, value) in &self.fields {
            view[name] = value.clone();
        }
        if let Some(media_id) = self.fields.get("media_id").and_then(Value::as_str) {
            view["media_url"] = json!(format!("/_sim/v1/media/{media_id}"));
        }
        view
    }

    /// One line for a list of chats.
    pub fn preview(&self) -> String {
        let field = |name: &str| {
            self.fields
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let text = match self.kind.as_str() {
            "text" => field("content").to_owned(),
            "image" => "[图片]".to_owned(),
            "voice" => "[语音]".to_owned(),
            "video" | "shortvideo" => "[视频]".to_owned(),
            "music" => format!("[音乐] {}", field("title")),
            "location" => format!("[位置] {}", field("label")),
            "link" => format!("[链接] {}", field("title")),
            "msgmenu" => field("head_content").to_owned(),
            "miniprogrampage" => format!("[小程序] {}", field("title")),
            "wxcard" => "[卡券]".to_owned(),
            "news" => {
                let first = self.fields.get("articles").and_then(|list| list.get(0));
                let title = first
                    .and_then(|article| article.get("title"))
                    .and_then(Value::as_str);
                format!("[图文] {}", title.unwrap_or_default())
            }
            "mpnews" | "mpnewsarticle" => "[图文]".to_owned(),
            other => format!("[{other}]"),
        };
        text.chars().take(40).collect()
    }
}
