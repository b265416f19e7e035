//! What the timeline shows of a call: its row, and what it follows from.

use super::{Progress, call::PlatformCall, credential::Caller, dialect::Written, masking};
use crate::{
    accounts::{ACCOUNTS, merchant::MERCHANTS},
    kernel::{
        Turn,
        declared::{Choice, DiagnosisKind, Facts, Holds, RowKind, Side, choice, field, said, text},
        row::{CallFacts, Exchange, RowState, Words, shown},
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

/// Shows the row of a call that was answered.
pub(super) fn show(
    turn: &mut Turn<'_>,
    call: &PlatformCall,
    progress: &Progress,
    written: &mut Written,
) {
    let errcode = written.errcode.filter(|code| *code != 0);
    let failed = errcode.is_some() || written.answer.status >= 400 || written.answer.drop;
    let state = if failed {
        RowState::Error
    } else {
        RowState::Ok
    };
    let mut row = turn.row(&CALL, state);
    if let Some(account) = progress
        .account()
        .and_then(|appid| ACCOUNTS.get(turn.world, &**appid))
    {
        row.account = Some(account.appid.to_string());
        row.account_name = Some(account.name.clone());
        if let Some(openid) = &progress.named.openid
            && let Some((user, nickname)) = people::user::behind(turn.world, &account.appid, openid)
        {
            row.openid = Some(openid.to_string());
            row.user = Some(people::user::name(user));
            row.user_name = Some(nickname);
        }
    }
    if let Some(Caller::Merchant { mchid, .. }) = &progress.caller
        && let Some(merchant) = MERCHANTS.get(turn.world, &**mchid)
    {
        row.account = Some(merchant.mchid.to_string());
        row.account_name = Some(merchant.name.clone());
    }
    let title = progress.endpoint.map(|endpoint| endpoint.title);
    row.title = match title {
        Some(title) if !title.is_empty() => Words::new(
            format!("应用调用 {}", title.get(true)),
            format!("The app calls {}", title.get(false)),
        ),
        _ => Words::new(
            format!("应用调用 {}", call.path),
            format!("The app calls {}", call.path),
        ),
    };
    row.subtitle = Words::same(format!("{} {}", call.method, call.path));
    row.label = match (errcode, written.answer.status) {
        (Some(code), _) => Words::same(code.to_string()),
        (None, 200) => Words::same("ok"),
        (None, status) => Words::same(status.to_string()),
    };
    row.diagnosis = written.diagnosis.take();
    row.call = Some(CallFacts {
        endpoint: progress
            .endpoint
            .map_or_else(String::new, |endpoint| endpoint.id.to_owned()),
        method: call.method.clone(),
        host: call.host.clone(),
        path: call.path.clone(),
        fidelity: progress.fidelity().to_owned(),
        client: call.header("user-agent").unwrap_or_default().to_owned(),
        errcode: written.errcode,
    });
    let query = masking::query(&call.query);
    row.request = Some(Exchange {
        method: call.method.clone(),
        url: if query.is_empty() {
            format!("https://{}{}", call.host, call.path)
        } else {
            format!("https://{}{}?{query}", call.host, call.path)
        },
        headers: masking::headers(&call.headers),
        body: masking::body(&shown(&call.body)),
        ..Exchange::default()
    });
    row.response = Some(Exchange {
        status: Some(written.answer.status),
        headers: written.answer.headers.clone(),
        body: masking::body(&written.text),
        ..Exchange::default()
    });
    turn.show(row);
}
