//! Judges a call of an app to the platform, step by step, each step with the platform's own code and text.
//!
//! 1. faults that a test set;
//! 2. host and path → endpoint (unknown: 404 with the nearest path, never passed on);
//! 3. issuing endpoints: appid → secret → list of addresses; all others: the token (41001, 40014, 40001, 42001);
//! 4. permission: kind × verified (48001);
//! 5. quota: minute, day, month (45009);
//! 6. parameters by schema;
//! 7. state: the endpoint's behaviour ([`registry`]); without one the schema answers, marked `fallback`.
//!
//! Every answer carries `x-xinqiao-fidelity`, and a trace id that `rid/get` finds again.

use std::collections::BTreeMap;

use serde_json::Value;
use xinqiao_catalog::{
    Endpoint, Method, Product, code,
    rules::{permission::Denied, quota::Exceeded},
    surface,
};
use xinqiao_types::{ErrCode, Rid};

use crate::world::{
    Turn,
    account::Account,
    command::{Answer, Fault, PlatformAnswer, PlatformCall},
    faults,
    row::{CallFacts, Diagnosed, Exchange, RowKind, RowState, Words, diagnose, shown},
    traffic::Traced,
};

mod body;
mod credential;
mod masking;
pub(crate) mod registry;

pub(crate) use self::body::FilePart;
pub use self::body::read_multipart;

/// What a behaviour works on: a call that passed the door.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) endpoint: &'static Endpoint,
    /// The account whose credential came.
    pub(crate) appid: String,
    pub(crate) query: BTreeMap<String, String>,
    /// The JSON body; for a form its fields; otherwise null.
    pub(crate) body: Value,
    /// Parts of a multipart body that have a file name.
    pub(crate) files: Vec<FilePart>,
}

/// What a behaviour answers.
#[derive(Debug)]
pub(crate) enum Reply {
    /// `{"errcode":0,"errmsg":"ok"}`.
    Acknowledged,
    /// A JSON object as it is.
    Json(Value),
    /// A file.
    File {
        content_type: String,
        filename: String,
        bytes: Vec<u8>,
    },
}

/// Why a call is refused.
#[derive(Debug)]
pub(crate) struct Refuse {
    pub(crate) code: ErrCode,
    /// Text on the wire, where it is not the catalog's.
    pub(crate) text: Option<String>,
    /// Further fields of the answer.
    pub(crate) extra: Vec<(&'static str, Value)>,
    pub(crate) diagnosis: Option<Box<Diagnosed>>,
}

pub(crate) type Verdict = Result<Reply, Refuse>;

impl Refuse {
    /// Refuses with the catalog's text.
    pub(crate) fn code(code: impl Into<ErrCode>) -> Self {
        Self {
            code: code.into(),
            text: None,
            extra: Vec::new(),
            diagnosis: None,
        }
    }

    /// Refuses with a text of the case.
    pub(crate) fn text(code: impl Into<ErrCode>, text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::code(code)
        }
    }

    /// Adds the rule that explains it.
    pub(crate) fn because(
        mut self,
        rule: &str,
        received: Option<String>,
        expected: Option<String>,
    ) -> Self {
        self.diagnosis = Some(Box::new(diagnose(rule, received, expected)));
        self
    }

    pub(crate) fn quota(exceeded: &Exceeded) -> Self {
        let usage = &exceeded.0;
        Self::code(exceeded.code()).because(
            Exceeded::RULE,
            Some(format!("{} / {}", usage.used + 1, usage.limit.max)),
            Some(exceeded.to_string()),
        )
    }

    fn permission(denied: &Denied) -> Self {
        let mut refuse = Self::code(denied.code);
        let mut diagnosis = diagnose(Denied::RULE, Some(denied.right.to_owned()), None);
        diagnosis.cause = Words::new(&*denied.cause_zh, &*denied.cause_en);
        diagnosis.remedy = serde_json::json!({"zh": [denied.remedy_zh], "en": [denied.remedy_en]});
        refuse.diagnosis = Some(Box::new(diagnosis));
        refuse
    }
}

impl Request {
    pub(crate) fn account<'t>(&self, turn: &'t Turn<'_>) -> Result<&'t Account, Refuse> {
        turn.world
            .accounts
            .get(&self.appid)
            .ok_or_else(|| Refuse::code(code::INVALID_APPID))
    }

    pub(crate) fn account_mut<'t>(
        &self,
        turn: &'t mut Turn<'_>,
    ) -> Result<&'t mut Account, Refuse> {
        turn.world
            .accounts
            .get_mut(&self.appid)
            .ok_or_else(|| Refuse::code(code::INVALID_APPID))
    }

    /// A text of the query, or of the JSON body.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.query
            .get(name)
            .map(String::as_str)
            .or_else(|| self.body.get(name).and_then(Value::as_str))
    }
}

/// What is known of a call, for its answer's form and its row.
#[derive(Debug)]
struct Progress {
    endpoint: Option<&'static Endpoint>,
    appid: Option<String>,
    fidelity: Option<registry::Fidelity>,
    product: Product,
}

/// Answers a call, and shows its row.
pub(crate) fn answer(turn: &mut Turn<'_>, call: &PlatformCall) -> Answer {
    let seen = recognise(call);
    let draw = turn.world.chance.next("rid");
    let trace = surface::trace(seen.product, turn.now, draw.entropy());
    let endpoint = seen.endpoint();
    let mut progress = Progress {
        endpoint,
        appid: credential::claimed(turn, &seen),
        fidelity: endpoint.map(|endpoint| registry::fidelity(endpoint.id)),
        product: seen.product,
    };
    if let Some(act) = body::openid_in(call)
        .and_then(|openid| turn.world.traffic.latest_act(&openid).map(str::to_owned))
    {
        turn.cause = act;
    }
    let fault = faults::hit(turn, call, progress.appid.as_deref());
    let verdict = match &fault {
        Some(Fault {
            errcode: Some(errcode),
            ..
        }) => Err(Refuse::code(*errcode)
            .because("fault.injected", None, None)
            .into()),
        Some(fault) if fault.http_status.is_some() || fault.drop == Some(true) => {
            Err(Failure::Unanswered)
        }
        _ => judge(turn, call, &seen, &mut progress),
    };
    let mut written = write(call, &progress, verdict, &trace);
    if let Some(fault) = fault {
        written.answer.delay_ms = fault.delay_ms.unwrap_or(0);
        written.answer.drop = fault.drop == Some(true);
        written.answer.status = fault.http_status.unwrap_or(written.answer.status);
    }
    remember(turn, call, &progress, &written, &trace);
    show(turn, call, &progress, &mut written);
    Answer::Platform(Box::new(written.answer))
}

/// Why there is no ordinary answer.
#[derive(Debug)]
enum Failure {
    Refused(Refuse),
    /// No such path on this host.
    Unknown {
        nearest: Option<&'static str>,
    },
    /// A fault took the answer away.
    Unanswered,
}

impl From<Refuse> for Failure {
    fn from(refuse: Refuse) -> Self {
        Self::Refused(refuse)
    }
}

fn recognise(call: &PlatformCall) -> surface::Call {
    surface::recognise(&surface::Request {
        host: &call.host,
        method: &call.method,
        path: &call.path,
        query: &call.query,
        content_type: call.header("content-type").unwrap_or_default(),
        authorization: call.header("authorization").unwrap_or_default(),
        body: &call.body,
    })
}

fn judge(
    turn: &mut Turn<'_>,
    call: &PlatformCall,
    seen: &surface::Call,
    progress: &mut Progress,
) -> Result<Reply, Failure> {
    let endpoint = match &seen.target {
        surface::Target::Endpoint { endpoint, .. } => *endpoint,
        surface::Target::WrongMethod { allowed } => {
            // WECHAT: the platform names the method that it wants in the code: 43001 GET, 43002 POST.
            let wants_get = allowed.contains(&Method::Get);
            let code = if wants_get {
                code::REQUIRE_GET
            } else {
                code::REQUIRE_POST
            };
            return Err(Refuse::code(code).into());
        }
        surface::Target::Unknown { nearest } => return Err(Failure::Unknown { nearest: *nearest }),
    };
    let behaviour = registry::behaviour(endpoint.id);
    let query: BTreeMap<String, String> = body::pairs(&call.query).into_iter().collect();
    let (appid, parsed) = if seen.issues() {
        // The secret may stand in the body, so the body is read before the credential is looked at.
        let parsed = body::parse(endpoint, call)?;
        let appid = credential::secret(turn, seen, &query, &parsed, call, &mut progress.appid)?;
        (appid, parsed)
    } else {
        let appid = credential::token(turn, endpoint, seen, &mut progress.appid)?;
        check_rights(turn, endpoint, &appid)?;
        (appid, body::parse(endpoint, call)?)
    };
    spend_quota(turn, endpoint, &appid)?;
    let missing = match behaviour {
        Some(_) => body::Missing::BehaviourDecides,
        None => body::Missing::SchemaRefuses,
    };
    body::check(endpoint, &call.query, &parsed, missing)?;
    let request = Request {
        endpoint,
        appid,
        query,
        body: parsed.value,
        files: parsed.files,
    };
    match behaviour {
        Some(known) => Ok((known.run)(turn, &request)?),
        None => Ok(registry::from_schema(turn, &request)),
    }
}

fn check_rights(turn: &Turn<'_>, endpoint: &'static Endpoint, appid: &str) -> Result<(), Refuse> {
    let Some(account) = turn.world.accounts.get(appid) else {
        return Ok(());
    };
    let facts = account.facts(turn.now.0);
    xinqiao_catalog::rules::permission::check(endpoint, &facts)
        .map_err(|denied| Refuse::permission(&denied))
}

fn spend_quota(
    turn: &mut Turn<'_>,
    endpoint: &'static Endpoint,
    appid: &str,
) -> Result<(), Refuse> {
    let now = turn.now;
    let Some(account) = turn.world.accounts.get_mut(appid) else {
        return Ok(());
    };
    let facts = account.facts(now.0);
    account
        .quotas
        .spend(endpoint, &facts, now)
        .map_err(|exceeded| Refuse::quota(&exceeded))
}

/// An answer with what its row says.
#[derive(Debug)]
struct Written {
    answer: PlatformAnswer,
    errcode: Option<i64>,
    diagnosis: Option<Diagnosed>,
    text: String,
}

fn write(
    call: &PlatformCall,
    progress: &Progress,
    verdict: Result<Reply, Failure>,
    rid: &Rid,
) -> Written {
    let fidelity = progress.fidelity.map_or("none", registry::Fidelity::name);
    let mut headers = vec![
        ("x-xinqiao-fidelity".to_owned(), fidelity.to_owned()),
        ("x-xinqiao-rid".to_owned(), rid.as_str().to_owned()),
    ];
    let json = "application/json; encoding=utf-8".to_owned();
    let mut written = Written {
        answer: PlatformAnswer {
            status: 200,
            ..PlatformAnswer::default()
        },
        errcode: None,
        diagnosis: None,
        text: String::new(),
    };
    match verdict {
        Ok(Reply::Acknowledged) => {
            headers.push(("content-type".to_owned(), json));
            written.answer.body = surface::ACKNOWLEDGED.into();
            written.errcode = Some(0);
        }
        Ok(Reply::Json(value)) => {
            headers.push(("content-type".to_owned(), json));
            written.errcode = value.get("errcode").and_then(Value::as_i64);
            written.answer.body = value.to_string().into_bytes();
        }
        Ok(Reply::File {
            content_type,
            filename,
            bytes,
        }) => {
            headers.push(("content-type".to_owned(), content_type));
            // WECHAT: WxJava takes a file only with a quoted name in exactly this header.
            let name = format!("attachment; filename=\"{filename}\"");
            headers.push(("content-disposition".to_owned(), name));
            written.answer.body = bytes;
        }
        Err(Failure::Refused(refuse)) => {
            let text = refuse.text.unwrap_or_default();
            let refusal = surface::refusal(&surface::Refusal {
                product: progress.product,
                path: &call.path,
                code: refuse.code.into(),
                text: &text,
                trace: rid,
                caller: "",
            });
            written.answer.status = refusal.status;
            headers.push(("content-type".to_owned(), refusal.content_type.to_owned()));
            written.answer.body = with_extra(refusal.body, &refuse.extra).into_bytes();
            written.errcode = Some(refuse.code.0);
            written.diagnosis = refuse.diagnosis.map(|diagnosis| *diagnosis);
        }
        Err(Failure::Unknown { nearest }) => {
            written.answer.status = 404;
            headers.push((
                "content-type".to_owned(),
                "application/json; charset=utf-8".to_owned(),
            ));
            let message = nearest.map_or_else(
                || format!("no path {} {} on {}", call.method, call.path, call.host),
                |nearest| {
                    format!(
                        "no path {} {} on {}; did you mean {nearest}?",
                        call.method, call.path, call.host
                    )
                },
            );
            let body = serde_json::json!({"error": {
                "code": "unknown_path", "message": message, "nearest": nearest,
            }});
            written.answer.body = body.to_string().into_bytes();
            written.diagnosis = Some(diagnose(
                "call.unknown_path",
                Some(format!("{} {}", call.method, call.path)),
                nearest.map(ToOwned::to_owned),
            ));
        }
        Err(Failure::Unanswered) => {
            written.diagnosis = Some(diagnose("fault.injected", None, None));
        }
    }
    written.answer.headers = headers;
    written.text = shown(&written.answer.body);
    written
}

fn with_extra(body: String, extra: &[(&'static str, Value)]) -> String {
    if extra.is_empty() {
        return body;
    }
    match serde_json::from_str::<Value>(&body) {
        Ok(mut value) => {
            for (name, field) in extra {
                value[*name] = field.clone();
            }
            value.to_string()
        }
        Err(_) => body,
    }
}

/// Keeps what `rid/get` will be asked for.
fn remember(
    turn: &mut Turn<'_>,
    call: &PlatformCall,
    progress: &Progress,
    written: &Written,
    rid: &Rid,
) {
    let Some(appid) = &progress.appid else { return };
    let traced = Traced {
        rid: rid.as_str().to_owned(),
        appid: appid.clone(),
        time: turn.now.0,
        url: format!("{}?{}", call.path, masking::query(&call.query)),
        request: shown(&call.body).chars().take(500).collect(),
        response: written.text.chars().take(500).collect(),
        client: call.peer.to_string(),
        ms: 1,
    };
    turn.world.traffic.trace(traced);
}

fn show(turn: &mut Turn<'_>, call: &PlatformCall, progress: &Progress, written: &mut Written) {
    let errcode = written.errcode.filter(|code| *code != 0);
    let failed = errcode.is_some() || written.answer.status >= 400 || written.answer.drop;
    let state = if failed {
        RowState::Error
    } else {
        RowState::Ok
    };
    let mut row = turn.row(RowKind::Call, state);
    if let Some(account) = progress
        .appid
        .as_ref()
        .and_then(|appid| turn.world.accounts.get(appid))
    {
        row.account = Some(account.appid.clone());
        row.account_name = Some(account.name.clone());
        let openid = body::openid_in(call);
        let contact = openid.and_then(|openid| account.contacts.get(&openid));
        if let Some(contact) = contact {
            row.openid = Some(contact.openid.clone());
            row.user = Some(contact.user.clone());
            row.user_name = turn
                .world
                .users
                .get(&contact.user)
                .map(|user| user.nickname.clone());
        }
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
    row.diagnosis = written
        .diagnosis
        .take()
        .or_else(|| errcode.and_then(|code| explain_code(progress.product, code)));
    row.call = Some(CallFacts {
        endpoint: progress
            .endpoint
            .map_or_else(String::new, |endpoint| endpoint.id.to_owned()),
        method: call.method.clone(),
        host: call.host.clone(),
        path: call.path.clone(),
        fidelity: progress
            .fidelity
            .map_or("none", registry::Fidelity::name)
            .to_owned(),
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

/// What the catalog says about a code, as a diagnosis.
fn explain_code(product: Product, code: i64) -> Option<Diagnosed> {
    let known = xinqiao_catalog::error(product, code)?;
    let remedy = |chinese: bool| -> Vec<&str> {
        let text = known.remedy.get(chinese);
        if text.is_empty() {
            Vec::new()
        } else {
            vec![text]
        }
    };
    Some(Diagnosed {
        rule: format!("errcode.{code}"),
        cause: Words::new(known.meaning.get(true), known.meaning.get(false)),
        remedy: serde_json::json!({"zh": remedy(true), "en": remedy(false)}),
        received: None,
        expected: None,
    })
}
