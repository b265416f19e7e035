//! A call with its answer, as they were: what its row and `rid/get` are made from when somebody asks.

use std::{borrow::Cow, net::IpAddr};

use http::{HeaderMap, Method};
use xinqiao_catalog::Endpoint;
use xinqiao_types::Rid;

use super::{Progress, call::PlatformCall, credential::Caller, dialect::Written};
use crate::{
    accounts::{ACCOUNTS, merchant::MERCHANTS},
    kernel::{
        Id, Turn,
        row::{Diagnosed, Excerpt},
    },
    people,
};

/// A call with its answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(super) method: Method,
    pub(super) host: Cow<'static, str>,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Excerpt,
    pub(super) peer: IpAddr,
    pub(super) endpoint: Option<&'static Endpoint>,
    pub(super) fidelity: &'static str,
    /// Whose call it was, where that is known.
    pub(super) asked_by: Option<Id>,
    /// The account or merchant of its row, with its name.
    pub(super) account: Option<(Id, String)>,
    /// Whom it was about.
    pub(super) person: Option<Person>,
    /// Simulated second.
    pub(super) time: i64,
    /// Real millisecond.
    pub(super) wall_ms: i64,
    /// What it followed from.
    pub(super) cause: String,
    pub(super) rid: Rid,
    pub(super) status: u16,
    /// Whether the answer was never said.
    pub(super) dropped: bool,
    pub(super) answer_headers: HeaderMap,
    pub(super) answer_body: Excerpt,
    pub(super) errcode: Option<i64>,
    pub(super) diagnosis: Option<Diagnosed>,
    /// What its row explains although it was not refused.
    pub(super) remark: Option<&'static str>,
}

/// A person as an account knows them.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) openid: Id,
    pub(super) number: u64,
    pub(super) nickname: String,
}

impl Answered {
    pub(super) fn of(
        turn: &Turn<'_>,
        call: PlatformCall,
        progress: &Progress,
        written: &Written,
        rid: Rid,
    ) -> Self {
        let asked_by = progress.account();
        let account = asked_by.and_then(|appid| ACCOUNTS.get(turn.world, &**appid));
        let person = account.and_then(|account| {
            let openid = progress.named.openid.as_ref()?;
            let (number, nickname) = people::user::behind(turn.world, &account.appid, openid)?;
            Some(Person {
                openid: openid.clone(),
                number,
                nickname,
            })
        });
        let merchant = match &progress.caller {
            Some(Caller::Merchant { mchid, .. }) => MERCHANTS.get(turn.world, &**mchid),
            _ => None,
        };
        let answer = &written.answer;
        Self {
            method: call.method,
            host: call.host,
            path: call.path,
            query: call.query,
            headers: call.headers,
            body: Excerpt::of(call.body),
            peer: call.peer,
            endpoint: progress.endpoint,
            fidelity: progress.fidelity(),
            asked_by: asked_by.cloned(),
            account: { merchant.map(|merchant| (merchant.mchid.clone(), merchant.name.clone())) }
                .or_else(|| account.map(|account| (account.appid.clone(), account.name.clone()))),
            person,
            time: turn.now.0,
            wall_ms: turn.wall_ms,
            cause: turn.cause.clone(),
            rid,
            status: answer.status,
            dropped: answer.drop,
            answer_headers: answer.headers.clone(),
            answer_body: Excerpt::of_content(&answer.body),
            errcode: written.errcode,
            diagnosis: written.diagnosis.clone(),
            remark: turn.remark,
        }
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        self.path.len() + self.query.len() + self.body.size() + self.answer_body.size()
    }
}
