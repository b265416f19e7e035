//! What the timeline shows of a call: its row, and what it follows from.

use std::sync::Arc;

use xinqiao_types::percent;

use super::{Progress, answered::Answered, credential::Caller, masking};
use crate::{
    accounts::merchant::MERCHANTS,
    kernel::{
        Turn,
        declared::{Choice, DiagnosisKind, Facts, Holds, RowKind, Side, choice, field, said, text},
        row::{CallFacts, Exchange, LateRow, ROW_FRAME, Row, RowState, Words, diagnose},
    },
    people::{self, causes},
};

/// The app called the platform.
pub(super) static CALL: RowKind = RowKind {
    name: "call",
    title: said("接口调用", "Call"),
    sign: "←",
    side: Side::Call,
};
/// Of a call ([`CallFacts`]).
pub(super) static FACTS: Facts = Facts {
    name: "call",
    title: said("接口调用", "Call"),
    fields: &[
        text("endpoint", "接口", "Endpoint"),
        text("method", "方法", "Method"),
        text("host", "域名", "Host"),
        text("path", "路径", "Path"),
        field("fidelity", "仿真程度", "Fidelity", Holds::Choice(FIDELITY)),
        text("client", "调用者", "Client"),
        field("errcode", "错误码", "Error code", Holds::Number).optional(),
    ],
};
const FIDELITY: &[Choice] = &[
    choice("stateful", "有状态", "Stateful"),
    choice("modelled", "按规则计算", "Modelled"),
    choice("fallback", "只按结构回答", "From its schema only"),
    choice("none", "没有这个接口", "No such endpoint"),
];

pub(super) static DIAGNOSIS: DiagnosisKind = DiagnosisKind {
    name: "call",
    title: said("接口调用", "Call"),
    rules: &[
        "call",
        "credential",
        "errcode",
        "fault",
        "interaction",
        "media",
        "permission",
        "quota",
        "unionid",
    ],
    fields: &[
        text("received", "收到", "Received").optional(),
        text("expected", "应该是", "Should be").optional(),
    ],
};

/// What a call follows from, as far as can be told. Who claims to call is enough: a row explains, it proves nothing.
pub(super) fn cause(turn: &Turn<'_>, progress: &Progress) -> Option<String> {
    let (caller, named) = (progress.caller.as_ref()?, &progress.named);
    let (account, openid) = (caller.account()?, named.openid.as_ref());
    let own = causes::of_call(turn.world, account, openid, turn.now.0);
    own.or_else(|| {
        // A merchant does for an account's people what that account's page asks for.
        let merchant = matches!(caller, Caller::Merchant { .. }).then(|| &**account);
        let merchant = MERCHANTS.get(turn.world, merchant?)?;
        let appid = named.appid.as_ref()?;
        if !merchant.appids.contains(appid) {
            return None;
        }
        causes::latest(turn.world, appid, openid?, turn.now.0)
    })
}

/// The row of a call that was answered.
pub(super) fn of(answered: Arc<Answered>) -> LateRow {
    let person = answered.person.as_ref();
    LateRow {
        account: answered.account.as_ref().map(|(id, _)| id.clone()),
        user: person.map(|person| people::user::name(person.number)),
        size: answered.size() + ROW_FRAME,
        make: Box::new(move || made(&answered)),
    }
}

fn made(answered: &Answered) -> Row {
    let errcode = answered.errcode.filter(|code| *code != 0);
    let failed = errcode.is_some() || answered.status >= 400 || answered.dropped;
    let state = if failed {
        RowState::Error
    } else {
        RowState::Ok
    };
    let cause = answered.cause.clone();
    let mut row = Row::about(&CALL, state, answered.time, answered.wall_ms, cause);
    if let Some((account, name)) = &answered.account {
        row.account = Some(account.to_string());
        row.account_name = Some(name.clone());
    }
    if let Some(person) = &answered.person {
        row.openid = Some(person.openid.to_string());
        row.user = Some(people::user::name(person.number));
        row.user_name = Some(person.nickname.clone());
    }
    let (method, host, path) = (&answered.method, &answered.host, &answered.path);
    let title = answered.endpoint.map(|endpoint| endpoint.title);
    row.title = match title {
        Some(title) if !title.is_empty() => Words::new(
            format!("应用调用 {}", title.get(true)),
            format!("The app calls {}", title.get(false)),
        ),
        _ => Words::new(format!("应用调用 {path}"), format!("The app calls {path}")),
    };
    row.subtitle = Words::same(format!("{method} {path}"));
    row.label = match (errcode, answered.status) {
        (Some(code), _) => Words::same(code.to_string()),
        (None, 200) => Words::same("ok"),
        (None, status) => Words::same(status.to_string()),
    };
    let remark = || Some(diagnose(answered.remark?, None, None));
    row.diagnosis = answered.diagnosis.clone().or_else(remark);
    let client = answered.headers.get(http::header::USER_AGENT);
    let client = client.map_or_else(Default::default, |value| {
        String::from_utf8_lossy(value.as_bytes())
    });
    row.call = Some(CallFacts {
        endpoint: answered
            .endpoint
            .map_or_else(String::new, |endpoint| endpoint.id.to_owned()),
        method: method.to_string(),
        host: host.to_string(),
        path: path.clone(),
        fidelity: answered.fidelity.to_owned(),
        client: client.into_owned(),
        errcode: answered.errcode,
    });
    let query = masking::query(&answered.query);
    row.request = Some(Exchange {
        method: method.to_string(),
        url: format!("https://{host}{}", percent::with_query(path, &query)),
        headers: masking::headers(&answered.headers),
        body: masking::body(&answered.body.shown()),
        ..Exchange::default()
    });
    row.response = Some(Exchange {
        status: Some(answered.status),
        headers: masking::headers(&answered.answer_headers),
        body: masking::body(&answered.answer_body.shown()),
        ..Exchange::default()
    });
    row
}
