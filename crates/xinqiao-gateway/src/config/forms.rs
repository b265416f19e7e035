//! Values that a configuration writes as one text and code has as one of several things.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{AdminListen, StoreAt, Upstream, secret};

impl<'de> Deserialize<'de> for StoreAt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = secret::text(deserializer)?;
        match text.as_str() {
            "" => Err(D::Error::custom(
                "invalid value: store is a path, `:memory:`, or an address `postgres://…`",
            )),
            ":memory:" => Ok(Self::Memory),
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Self::Postgres(text.into()))
            }
            path => Ok(Self::File(path.into())),
        }
    }
}

impl<'de> Deserialize<'de> for AdminListen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let allowed = "allowed are an address like `127.0.0.1:8615` and `unix:/path`";
        match text.strip_prefix("unix:") {
            Some("") => Err(D::Error::custom(format!("invalid value: {allowed}"))),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                D::Error::custom(format!("invalid value: `{text}` is no address; {allowed}"))
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Upstream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "\"wechat\", or a table { \"api.weixin.qq.com\" = \"http://…\" }"
        )]
        enum Form {
            Name(String),
            Hosts(BTreeMap<String, String>),
        }
        match Form::deserialize(deserializer)? {
            Form::Name(name) if name == "wechat" => Ok(Self::Wechat),
            Form::Name(name) => Err(D::Error::custom(format!(
                "invalid value: upstream `{name}` is not known; allowed are `\"wechat\"` and a table of host = origin"
            ))),
            Form::Hosts(hosts) => Ok(Self::Hosts(hosts)),
        }
    }
}
