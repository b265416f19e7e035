//! WeCom's log-in: the code is exchanged with the agent's or the application's token, and the ticket that
//! comes with it for what the member agreed to show.

use std::fmt;

use serde_json::{Value, json};
use xinqiao_catalog::id::work;
use xinqiao_types::{AppSecret, OpenId};

use crate::{client::Client, error::Error, token::text};

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
        work::service::auth::GET_USER_INFO_3RD
    } else {
        work::auth::GET_USER_INFO
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

/// What a member agreed to show. Fields that the agent may not see, or that are not set, are empty.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// The member.
    pub userid: String,
    /// The member's corp, where an application serves several.
    pub corpid: String,
    /// Name, where an application serves several corps.
    pub name: String,
    /// `1` male, `2` female, `0` not set.
    pub gender: String,
    /// Address of the picture.
    pub avatar: String,
    /// Address of the personal QR code.
    pub qr_code: String,
    /// Phone number.
    pub mobile: String,
    /// Mail address.
    pub email: String,
    /// Mail address of the corp.
    pub biz_mail: String,
    /// Address.
    pub address: String,
}

impl fmt::Debug for Member {
    /// Shows who it is and nothing that is private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("userid", &self.userid)
            .finish_non_exhaustive()
    }
}

/// Exchanges the ticket of a log-in with consent ([`Visitor::Member`]'s `user_ticket`) for what the member
/// shows. A client of a suite uses the application's token.
///
/// # Errors
/// 40080 or the like: the ticket is older than half an hour, or belongs to another application.
pub async fn member(client: &Client, user_ticket: &AppSecret) -> Result<Member, Error> {
    let endpoint = if client.is_suite() {
        work::service::auth::GET_USER_DETAIL_3RD
    } else {
        work::auth::GET_USER_DETAIL
    };
    let fields = json!({"user_ticket": user_ticket.expose()});
    let answer = client.call(endpoint, fields).await?;
    // WECHAT: the gender is a number in some answers.
    let of = |name: &str| match answer.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    Ok(Member {
        userid: text(endpoint, &answer, "userid")?.to_owned(),
        corpid: of("corpid"),
        name: of("name"),
        gender: of("gender"),
        avatar: of("avatar"),
        qr_code: of("qr_code"),
        mobile: of("mobile"),
        email: of("email"),
        biz_mail: of("biz_mail"),
        address: of("address"),
    })
}
