//! People with a phone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// `u…`.
    pub id: String,
    /// Place in the order of making.
    pub order: u64,
    /// Nickname.
    pub nickname: String,
    /// 0 unknown, 1 male, 2 female.
    #[serde(default)]
    pub sex: i64,
    /// Province.
    #[serde(default)]
    pub province: String,
    /// City.
    #[serde(default)]
    pub city: String,
    /// Country.
    #[serde(default)]
    pub country: String,
    /// Telephone number.
    #[serde(default)]
    pub phone: String,
    /// Ids by account.
    #[serde(default)]
    pub openids: BTreeMap<String, String>,
    /// Ids by open-platform account.
    #[serde(default)]
    pub unionids: BTreeMap<String, String>,
}

impl User {
    /// The object of the control interface.
    pub fn view(&self) -> Value {
        json!({
            "id": self.id,
            "nickname": self.nickname,
            "sex": self.sex,
            "province": self.province,
            "city": self.city,
            "country": self.country,
            "phone": self.phone,
            "openids": self.openids,
            "unionids": self.unionids,
        })
    }
}
