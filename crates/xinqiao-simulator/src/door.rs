//! Judges a call of an app to the platform, step by step, each step with the platform's own code and text.
//!
//! 1. host and path → endpoint (unknown: 404 with the nearest path, never passed on);
//! 2. faults that a test set;
//! 3. the caller, as the endpoint's `auth` in the catalog demands ([`credential`]); of no known kind: refused;
//! 4. permission: kind × verified (48001);
//! 5. quota: minute, day, month (45009);
//! 6. parameters by schema;
//! 7. state: the endpoint's behaviour ([`behaviour`]); without one the schema answers ([`fallback`]);
//! 8. the answer is written by the product's dialect ([`dialect`]), and held against the catalog ([`fitting`]).
//!
//! Every answer carries `x-xinqiao-fidelity`, and a trace id by which the call is found again ([`traced`]); a refusal
//! says in `x-xinqiao-diagnosis` which rule it is, why, and what to do, as its row does.
//!
//! Pages that people open in a browser are no calls: [`pages`].
//!
//! The door knows no product: what callers, behaviours and dialects there are is declared by the products' features.

mod answered;
pub(crate) mod asked;
pub(crate) mod behaviour;
mod body;
pub(crate) mod call;
pub(crate) mod credential;
pub(crate) mod dialect;
pub(crate) mod fallback;
pub(crate) mod faults;
mod fitting;
pub(crate) mod masking;
pub(crate) mod pages;
mod row;
pub(crate) mod traced;

use std::{collections::BTreeMap, sync::Arc};

use http::HeaderValue;

use serde_json::Value;
use xinqiao_catalog::{
    AuthKind, Code, Endpoint, Method, Product, code,
    rules::{
        permission::{self, Denied},
        quota::Exceeded,
    },
    surface,
};
use xinqiao_types::{Rid, percent};

use crate::{
    accounts::{self, ACCOUNTS, QUOTAS},
    kernel::{
        Feature, Id, Turn, World,
        command::verb,
        declared::Shown,
        files::Content,
        row::{Diagnosed, Words, diagnose},
    },
};

pub use self::body::read_multipart;
use self::{
    answered::Answered,
    call::{PlatformAnswer, PlatformCall},
    credential::{Asking, Caller, proof},
    dialect::{Saying, Written},
    faults::Fault,
};
pub(crate) use self::{
    asked::Asked,
    behaviour::{Behaviour, Desk, modelled, stateful},
    body::FilePart,
};

pub(crate) const FEATURE: Feature = Feature {
    name: "door",
    tables: &[&faults::FAULTS, &fallback::made::MADE],
    verbs: &[
        verb::<Box<PlatformCall>>(),
        verb::<faults::Add>(),
        verb::<faults::Delete>(),
    ],
    topics: &[(accounts::DELETED, fallback::made::forget)],
    retired: &[traced::KEPT_ONCE],
    index: Some(index),
    earlier: Some(earlier),
    shows: &[
        Shown::Row(&row::CALL),
        Shown::Facts(&row::FACTS),
        Shown::Diagnosis(&row::DIAGNOSIS),
    ],
    ..Feature::EMPTY
};

fn index(world: &mut World) {
    fallback::made::index(world);
    faults::index(world);
}

fn earlier(world: &mut World, kept: &Value) -> Result<(), String> {
    let read: BTreeMap<String, Fault> = serde_json::from_value(kept["world"]["faults"].clone())
        .map_err(|error| error.to_string())?;
    for (id, fault) in read {
        let number = id.strip_prefix('f').and_then(|digits| digits.parse().ok());
        faults::insert(world, number.ok_or("a fault has no number")?, fault);
    }
    Ok(())
}

/// What a behaviour answers.
#[derive(Debug)]
pub(crate) enum Reply {
    /// It worked, and there is nothing to say.
    Acknowledged,
    /// A JSON object as it is.
    Json(Value),
    /// A file.
    File {
        content_type: String,
        filename: String,
        content: Content,
    },
    /// Nothing at all: 204.
    Nothing,
    /// The browser is led elsewhere.
    #[expect(dead_code, reason = "no behaviour leads a browser yet")]
    Redirect(String),
    /// A page for a browser.
    #[expect(dead_code, reason = "no behaviour shows a page yet")]
    Page(String),
}

/// Why a call is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// A number, or a word in products whose codes are words.
    pub(crate) code: Code<'static>,
    /// Text on the wire, where it is not the catalog's.
    pub(crate) text: Option<String>,
    /// What a server in front of the platform says in place of the platform itself.
    pub(crate) front: Option<Front>,
    /// Further fields of the answer.
    pub(crate) extra: Vec<(&'static str, Value)>,
    pub(crate) diagnosis: Option<Box<Diagnosed>>,
}

/// A page of a server in front of the platform, which has not read the call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Front {
    pub(crate) status: u16,
    pub(crate) html: &'static str,
}

pub(crate) type Verdict = Result<Reply, Refusal>;

impl Refusal {
    /// Refuses with the catalog's text.
    pub(crate) fn code(code: impl Into<Code<'static>>) -> Self {
        Self {
            code: code.into(),
            text: None,
            front: None,
            extra: Vec::new(),
            diagnosis: None,
        }
    }

    /// Refuses with a text of the case.
    pub(crate) fn text(code: impl Into<Code<'static>>, text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::code(code)
        }
    }

    /// Refuses before the platform reads the call.
    pub(crate) fn in_front(front: Front) -> Self {
        Self {
            front: Some(front),
            ..Self::code("")
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
            Some(format!(
                "{} / {}",
                usage.used.saturating_add(1),
                usage.limit.max
            )),
            Some(exceeded.to_string()),
        )
    }

    pub(crate) fn permission(denied: &Denied) -> Self {
        Self {
            diagnosis: Some(Box::new(denied_right(denied))),
            ..Self::code(denied.code)
        }
    }
}

/// Why a right is missing, and what to do about it.
pub(crate) fn denied_right(denied: &Denied) -> Diagnosed {
    let mut diagnosis = diagnose(Denied::RULE, Some(denied.right.to_owned()), None);
    diagnosis.cause = Words::new(&*denied.cause_zh, &*denied.cause_en);
    diagnosis.remedy = serde_json::json!({"zh": [denied.remedy_zh], "en": [denied.remedy_en]});
    diagnosis
}

/// What is known of a call, for its answer's form and its row.
#[derive(Debug)]
struct Progress {
    endpoint: Option<&'static Endpoint>,
    caller: Option<Caller>,
    fidelity: Option<behaviour::Fidelity>,
    product: Product,
    /// Whom it names, for its row.
    named: body::Named,
}

impl Progress {
    fn account(&self) -> Option<&Id> {
        self.caller.as_ref()?.account()
    }

    fn fidelity(&self) -> &'static str {
        self.fidelity.map_or("none", behaviour::Fidelity::name)
    }
}

/// Answers a call, and shows its row.
pub(crate) fn answer(turn: &mut Turn<'_>, call: PlatformCall) -> PlatformAnswer {
    let desk = turn.world.house.part::<Desk>();
    if let Some(page) = desk.page(&call) {
        return pages::answer(turn, &call, page);
    }
    let seen = recognise(&call);
    let draw = turn.world.next("rid");
    let trace = surface::trace(seen.product, turn.now, draw.entropy());
    let endpoint = seen.endpoint();
    let claimed = endpoint
        .and_then(|endpoint| {
            let proof = proof(&seen, endpoint);
            desk.finder(turn.world, proof, endpoint, &seen.credential)
        })
        .and_then(|finder| (finder.claimed)(turn.world, &seen.credential));
    let mut progress = Progress {
        endpoint,
        caller: claimed,
        fidelity: endpoint.map(|endpoint| desk.fidelity(endpoint)),
        product: seen.product,
        named: body::named_in(&call),
    };
    follow(turn, &progress);
    let fault = faults::hit(turn, &call, progress.account().map(|id| &**id));
    let verdict = match &fault {
        Some(Fault {
            errcode: Some(errcode),
            ..
        }) => Err(Refusal::code(*errcode)
            .because("fault.injected", None, None)
            .into()),
        Some(fault) if fault.http_status.is_some() || fault.drop == Some(true) => {
            Err(Failure::Unanswered)
        }
        _ => judge(turn, desk, &call, &seen, &mut progress),
    };
    let mut written = write(turn, desk, &call, &progress, verdict, &trace);
    if let Some(fault) = fault {
        written.answer.delay_ms = fault.delay_ms.unwrap_or(0);
        written.answer.drop = fault.drop == Some(true);
        written.answer.status = fault.http_status.unwrap_or(written.answer.status);
    }
    let answered = Arc::new(Answered::of(turn, call, &progress, &written, trace));
    if answered.asked_by.is_some() {
        traced::remember(turn.world, answered.clone());
    }
    turn.show_late(row::of(answered));
    written.answer
}

/// What happens now follows from what the call follows from, as soon as anybody is known to make it: some only are when
/// their proof has been looked at.
fn follow(turn: &mut Turn<'_>, progress: &Progress) {
    if turn.cause.is_empty()
        && let Some(cause) = row::cause(turn, progress)
    {
        turn.cause = cause;
    }
}

/// Why there is no ordinary answer.
#[derive(Debug)]
pub(crate) enum Failure {
    Refused(Refusal),
    /// No such path on this host.
    Unknown {
        nearest: Option<&'static str>,
    },
    /// Nobody can prove to be a caller of this endpoint.
    NoSuchCallers {
        auth: AuthKind,
    },
    /// A fault took the answer away.
    Unanswered,
}

impl From<Refusal> for Failure {
    fn from(refuse: Refusal) -> Self {
        Self::Refused(refuse)
    }
}

fn recognise(call: &PlatformCall) -> surface::Call {
    surface::recognise(&surface::Request {
        host: &call.host,
        method: call.method.as_str(),
        path: &call.path,
        query: &call.query,
        content_type: call.header("content-type").unwrap_or_default(),
        authorization: call.header("authorization").unwrap_or_default(),
        body: &call.body,
    })
}

fn judge(
    turn: &mut Turn<'_>,
    desk: &Desk,
    call: &PlatformCall,
    seen: &surface::Call,
    progress: &mut Progress,
) -> Result<Reply, Failure> {
    let (endpoint, path) = match &seen.target {
        surface::Target::Endpoint {
            endpoint,
            path_params,
        } => (*endpoint, path_params),
        surface::Target::WrongMethod { allowed } => {
            // WECHAT: the platform names the method that it wants in the code: 43001 GET, 43002 POST.
            let wants_get = allowed.contains(&Method::Get);
            let code = if wants_get {
                code::REQUIRE_GET
            } else {
                code::REQUIRE_POST
            };
            return Err(Refusal::code(code).into());
        }
        surface::Target::Unknown { nearest } => return Err(Failure::Unknown { nearest: *nearest }),
    };
    let behaviour = desk.behaviour(endpoint);
    let query: BTreeMap<String, String> = percent::pairs(&call.query).collect();
    let mut asking = Asking {
        call,
        seen,
        endpoint,
        query: &query,
        parsed: None,
    };
    let proof = proof(seen, endpoint);
    let by_secret = matches!(
        proof,
        credential::Proof::Secret | credential::Proof::SecretOf(_)
    );
    let rights = |turn: &Turn<'_>, caller: &Caller| {
        check_rights(turn.world, turn.now.0, endpoint, caller, &query)
    };
    let (caller, parsed) = if by_secret {
        // The secret may stand in the body, so the body is read before the credential is looked at.
        let parsed = body::parse(endpoint, call)?;
        asking.parsed = Some(&parsed);
        let caller = find(turn, desk, proof, &asking, progress)?;
        rights(turn, &caller)?;
        (caller, parsed)
    } else {
        let caller = find(turn, desk, proof, &asking, progress)?;
        rights(turn, &caller)?;
        (caller, body::parse(endpoint, call)?)
    };
    progress.caller = Some(caller.clone());
    follow(turn, progress);
    spend_quota(turn, endpoint, &caller)?;
    if endpoint.client_cert && call.arrival.is_plain() {
        turn.remark = Some("pay.certificate.plain");
    }
    let missing = match behaviour {
        Some(_) => body::Missing::BehaviourDecides,
        None => body::Missing::SchemaRefuses,
    };
    body::check(endpoint, &call.query, &parsed, missing)?;
    let asked = Asked {
        endpoint,
        appid: caller.account().cloned().unwrap_or_default(),
        caller,
        path: path.clone(),
        query,
        body: parsed.value,
        files: parsed.files,
        origin: call.origin(),
    };
    match behaviour {
        Some(known) => Ok((known.run)(turn, &asked)?),
        None => Ok(fallback::answer(turn, &asked)),
    }
}

fn find(
    turn: &Turn<'_>,
    desk: &Desk,
    proof: credential::Proof,
    asking: &Asking<'_>,
    progress: &mut Progress,
) -> Result<Caller, Failure> {
    let auth = asking.endpoint.auth.kind;
    let credential = &asking.seen.credential;
    match desk.finder(turn.world, proof, asking.endpoint, credential) {
        Some(finder) => Ok((finder.find)(turn, asking, &mut progress.caller)?),
        None if proof == credential::Proof::Auth(AuthKind::None) => Ok(Caller::Nobody),
        None => Err(Failure::NoSuchCallers { auth }),
    }
}

fn check_rights(
    world: &World,
    now: i64,
    endpoint: &'static Endpoint,
    caller: &Caller,
    query: &BTreeMap<String, String>,
) -> Result<(), Refusal> {
    let Some(account) = caller.account().and_then(|id| ACCOUNTS.get(world, &**id)) else {
        return Ok(());
    };
    let mut facts = account.facts(now);
    facts.via_component = matches!(caller, Caller::Authorizer { .. });
    permission::check_call(endpoint, &facts, |name| query.get(name).map(String::as_str))
        .map_err(|denied| Refusal::permission(&denied))
}

fn spend_quota(
    turn: &mut Turn<'_>,
    endpoint: &'static Endpoint,
    caller: &Caller,
) -> Result<(), Refusal> {
    let now = turn.now;
    let Some(id) = caller.account() else {
        return Ok(());
    };
    let Some(account) = ACCOUNTS.get(turn.world, &**id) else {
        return Ok(());
    };
    let facts = account.facts(now.0);
    QUOTAS
        .or_default(turn.world, id.clone())
        .spend(endpoint, &facts, now)
        .map_err(|exceeded| Refusal::quota(&exceeded))
}

fn write(
    turn: &Turn<'_>,
    desk: &Desk,
    call: &PlatformCall,
    progress: &Progress,
    verdict: Result<Reply, Failure>,
    trace: &Rid,
) -> Written {
    let saying = Saying {
        world: turn.world,
        product: progress.product,
        endpoint: progress.endpoint,
        call,
        caller: progress.caller.as_ref(),
        trace,
        wall_ms: turn.wall_ms,
    };
    let mut written = match verdict {
        Ok(reply) => desk.dialect(progress.product).answer(&saying, reply),
        Err(Failure::Refused(refuse)) => {
            let explained = || match refuse.code {
                Code::Word(_) => explain_code(progress.product, refuse.code),
                Code::Number(_) => None,
            };
            let diagnosis = refuse.diagnosis.as_deref().cloned().or_else(explained);
            let mut written = desk.dialect(progress.product).refuse(&saying, refuse);
            written.diagnosis = diagnosis;
            written
        }
        Err(Failure::Unknown { nearest }) => dialect::unknown_path(&saying, nearest),
        Err(Failure::NoSuchCallers { auth }) => dialect::no_such_callers(&saying, auth),
        Err(Failure::Unanswered) => Written {
            diagnosis: Some(diagnose("fault.injected", None, None)),
            ..Written::new(200)
        },
    };
    written = written
        .header(
            "x-xinqiao-fidelity",
            HeaderValue::from_static(progress.fidelity()),
        )
        .header("x-xinqiao-rid", trace.as_str());
    if let Some(code) = written.errcode.filter(|code| *code != 0)
        && written.diagnosis.is_none()
    {
        written.diagnosis = explain_code(progress.product, code.into());
    }
    match &written.diagnosis {
        Some(diagnosis) => {
            let line = diagnosis.line();
            written.header("x-xinqiao-diagnosis", line)
        }
        None => written,
    }
}

/// What the catalog says about a code, as a diagnosis.
pub(crate) fn explain_code(product: Product, code: Code<'_>) -> Option<Diagnosed> {
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
