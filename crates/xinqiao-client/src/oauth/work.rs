//! WeCom's log-in: the code is exchanged with the agent's or the application's token.

use serde_json::{Value, json};
use xinqiao_catalog::id::work;
use xinqiao_types::{AppSecret, OpenId};

use crate::{client::Client, error::Error};

/// Who came to a WeCom page.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Visitor {
    /// A member of the corp.
    Member {
        /// The member.
        userid: String,
        /// The member's corp, where an application serves several.
        corpid: Option<String>,
        /// What private data can be read with, for half an hour; only with consent.
        user_ticket: Option<AppSecret>,
    },
    /// Somebody else.
    Outsider {
        /// The person, for this corp.
        openid: OpenId,
        /// The external contact, if the person is one.
        external_userid: Option<String>,
    },
}

/// Exchanges the code of a WeCom page. A client of a suite uses the application's token.
pub async fn visitor(client: &Client, code: &str) -> Result<Visitor, Error> {
    let endpoint = if client.is_suite() {
        work::service::auth::GETUSERINFO3RD
    } else {
        work::auth::GETUSERINFO
    };
    let answer = client.call(endpoint, json!({"code": code})).await?;
    // WECHAT: the old form of these answers writes `UserId`, `OpenId`, `CorpId`.
    let of = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| answer.get(*name)?.as_str());
        found.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    if let Some(userid) = of(["userid", "UserId"]) {
        let ticket = answer.get("user_ticket").and_then(Value::as_str);
        return Ok(Visitor::Member {
            userid,
            corpid: of(["corpid", "CorpId"]),
            user_ticket: ticket.map(AppSecret::new),
        });
    }
    let openid = of(["openid", "OpenId"]).ok_or_else(|| Error::Decode {
        endpoint,
        path: "userid".into(),
        source: "the answer names neither a member nor an outsider".into(),
    })?;
    Ok(Visitor::Outsider {
        openid: OpenId::from(openid),
        external_userid: of(["external_userid", "ExternalUserId"]),
    })
}
