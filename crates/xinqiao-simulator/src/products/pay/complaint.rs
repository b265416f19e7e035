//! Complaints of people about what they paid (消费者投诉): made in the phone, answered by the merchant, completed, taken up again.
//!
//! A complaint is pending until the merchant says something, then in work until the merchant says that it is done; only the
//! person takes it up again.
//!
//! Source: doc pages "查询投诉单详情", "查询投诉协商历史", "提交回复", "反馈处理完成", "更新退款审批结果".

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use xinqiao_types::{AccountKind, UnixSeconds, shanghai};

use super::order::{self, State};
use crate::{
    accounts::{self, merchant, merchant::MERCHANTS},
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Choice, Facts, Holds, Sheet, Shown, choice, field, said, text},
        feature::id_in,
        route::{Handler, Request, Route},
        row::Words,
    },
    people::{
        act::{Act, Input, Scene},
        causes, phone,
    },
    products::Feature,
};

/// By merchant and number, which begins with the day: the earliest stand first.
static COMPLAINTS: Table<(Id, Id), Complaint> = Table::new("pay.complaints", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "pay.complaint",
    tables: &[&COMPLAINTS],
    acts: &[Act {
        verb: "complain",
        title: said("投诉", "Complain"),
        kinds: WHERE,
        about: None,
        fields: &[
            text("out_trade_no", "商户订单号", "out_trade_no").optional(),
            text(
                "merchant",
                "商户号，几个商户有此单号时",
                "Merchant, where several have the number",
            )
            .optional(),
            text(
                "complaint_id",
                "要补充的投诉单号",
                "Complaint to take up again",
            )
            .optional(),
            text("detail", "投诉内容", "What is wrong"),
            field("problem_type", "问题类型", "Kind", Holds::Choice(KINDS)).optional(),
            field(
                "refund",
                "申请退款金额",
                "What is wanted back",
                Holds::Money,
            )
            .optional(),
        ],
        check: Some(check),
        run: complain,
    }],
    routes: &[Route {
        method: "GET",
        path: "/merchants/{mchid}/complaints",
        run: Handler::Look(list),
    }],
    shows: &[Shown::Sheet(&SHEET), Shown::Facts(&COMPLAINT)],
    topics: &[(accounts::DELETED, merchant_deleted)],
    ..Feature::EMPTY
};

/// Something was said about a complaint: `{"merchant", "complaint_id", "action"}`; the first of all is `CREATE_COMPLAINT`.
pub(super) const SAID: &str = "pay.complaint_said";

/// How numbers begin; the day and which one it is follow.
const BEGINS: &str = "200000020";

/// In which accounts' pages people complain.
const WHERE: &[AccountKind] = &[
    AccountKind::Service,
    AccountKind::Subscription,
    AccountKind::MiniProgram,
    AccountKind::MobileApp,
    AccountKind::Website,
];
const KINDS: &[Choice] = &[
    choice("REFUND", "申请退款", "Wants money back"),
    choice("SERVICE_NOT_WORK", "服务权益未生效", "Did not get it"),
    choice("OTHERS", "其他", "Something else"),
];

static SHEET: Sheet = Sheet {
    name: "complaint",
    title: said("投诉商家", "Complain"),
    kinds: WHERE,
    tray: true,
    fields: &[],
};
/// Of the row of a person who complains.
static COMPLAINT: Facts = Facts {
    name: "complaint",
    title: said("投诉", "Complaint"),
    fields: &[
        text("merchant", "商户号", "Merchant"),
        text("complaint_id", "投诉单号", "Number"),
        text("detail", "投诉内容", "What is wrong"),
    ],
};

/// What a person complains about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Complaint {
    /// Who complains.
    pub(super) user: u64,
    pub(super) openid: Id,
    pub(super) out_trade_no: Id,
    pub(super) transaction_id: Id,
    /// Of the order, in fen.
    pub(super) total: i64,
    pub(super) detail: String,
    pub(super) kind: String,
    /// What is wanted back, in fen.
    pub(super) refund: Option<i64>,
    pub(super) created_at: i64,
    pub(super) stage: Stage,
    /// How often the person complained.
    pub(super) times: usize,
    /// Whether the person has said something that the merchant has not answered.
    pub(super) unanswered: bool,
    pub(super) history: Vec<Record>,
}

/// How far a complaint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Stage {
    Pending,
    Processing,
    Processed,
}

/// Something that was said or done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) operator: String,
    /// `USER_CREATE_COMPLAINT`, `MERCHANT_RESPONSE` …
    pub(super) what: String,
    pub(super) details: String,
    pub(super) images: Vec<String>,
    pub(super) at: i64,
}

impl Stage {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Processing => "PROCESSING",
            Self::Processed => "PROCESSED",
        }
    }
}

pub(super) fn find<'w>(world: &'w World, mchid: &Id, id: &str) -> Option<&'w Complaint> {
    COMPLAINTS.get(world, &(mchid.clone(), Id::from(id)))
}

/// The complaints of days that are written as `20260201`, the first and the last among them.
pub(super) fn between<'w>(
    world: &'w World,
    mchid: &Id,
    (first, last): (&str, &str),
) -> impl Iterator<Item = (&'w Id, &'w Complaint)> {
    let from = (mchid.clone(), Id::from(format!("{BEGINS}{first}")));
    // A colon comes after every digit.
    let until = (mchid.clone(), Id::from(format!("{BEGINS}{last}:")));
    { COMPLAINTS.range(world, from..until) }.map(|((_, id), complaint)| (id, complaint))
}

fn check(fields: &Map<String, Value>) -> Result<(), Refused> {
    let given = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
    if given("out_trade_no") == given("complaint_id") {
        return Err(Refused::invalid(
            "give either `out_trade_no`, what the complaint is about, or the `complaint_id` of one to take up again",
        ));
    }
    let word = |name: &str| fields.get(name).and_then(Value::as_str);
    if word("detail").is_none_or(str::is_empty) {
        return Err(Refused::invalid("`detail` is missing"));
    }
    let kind = word("problem_type");
    if kind.is_some_and(|kind| KINDS.iter().all(|known| known.word != kind)) {
        return Err(Refused::invalid(
            "`problem_type` is REFUND, SERVICE_NOT_WORK or OTHERS",
        ));
    }
    Ok(())
}

/// A person complains, or takes a complaint up again.
fn complain(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    check(&input.fields)?;
    let detail: String = input.field("detail")?.unwrap_or_default();
    let openid = phone::contact(turn.world, scene.user, &scene.appid);
    let words = Words::new(
        format!("{} 投诉商家", scene.nickname),
        format!("{} complains", scene.nickname),
    );
    let mut row = scene.row(turn, &openid, words);
    let (key, action) = match input.field::<String>("complaint_id")? {
        Some(id) => (again(turn, scene, &id, &detail)?, "CONTINUE_COMPLAINT"),
        None => {
            let key = anew(turn, scene, input, &openid, &detail)?;
            (key, "CREATE_COMPLAINT")
        }
    };
    causes::acted(turn, &scene.appid, &openid);
    row.subtitle = Words::same(detail.clone());
    let facts = json!({"merchant": &*key.0, "complaint_id": &*key.1, "detail": detail});
    row.facts.insert(COMPLAINT.name.to_owned(), facts);
    turn.show(row);
    told(turn, &key, action);
    Ok(json!({"complaint_id": &*key.1, "merchant": &*key.0, "deliveries": []}))
}

fn told(turn: &mut Turn<'_>, key: &(Id, Id), action: &str) {
    let what = json!({"merchant": &*key.0, "complaint_id": &*key.1, "action": action});
    turn.publish(SAID, &what);
}

/// The merchant whose order this person paid in this account: the one that is named, where several have this number.
fn whose(
    world: &World,
    scene: &Scene,
    openid: &Id,
    number: &str,
    named: Option<&str>,
) -> Result<Id, Refused> {
    let paid = |mchid: &&Id| {
        order::find(world, mchid, number).is_some_and(|order| {
            order.appid == scene.appid
                && order.payer.as_ref() == Some(openid)
                && matches!(order.state, State::Paid { .. })
        })
    };
    let found: Vec<&Id> = { MERCHANTS.all(world) }
        .map(|(mchid, _)| mchid)
        .filter(|mchid| named.is_none_or(|named| named == &***mchid))
        .filter(paid)
        .collect();
    match found[..] {
        [mchid] => Ok(mchid.clone()),
        [] => Err(Refused::unwilling(format!(
            "没有这笔支付: this person paid no order {number} here"
        ))),
        _ => {
            let all: Vec<&str> = found.iter().map(|mchid| &***mchid).collect();
            Err(Refused::unwilling(format!(
                "几个商户有这个单号，请给出 merchant: several merchants have a paid order {number}, give `merchant`: {}",
                all.join(", ")
            )))
        }
    }
}

fn anew(
    turn: &mut Turn<'_>,
    scene: &Scene,
    input: &Input,
    openid: &Id,
    detail: &str,
) -> Result<(Id, Id), Refused> {
    let number: String = input.field("out_trade_no")?.unwrap_or_default();
    let named: Option<String> = input.field("merchant")?;
    let mchid = whose(turn.world, scene, openid, &number, named.as_deref())?;
    let order = order::find(turn.world, &mchid, &number);
    let order = order.ok_or_else(|| Refused::unknown("order", &number))?;
    let State::Paid { transaction_id, .. } = &order.state else {
        return Err(Refused::unknown("payment", &number));
    };
    let (transaction_id, total) = (transaction_id.clone(), order.total);
    let kind: Option<String> = input.field("problem_type")?;
    let refund: Option<i64> = input.field("refund")?;
    if refund.is_some_and(|fen| !(1..=total).contains(&fen)) {
        return Err(Refused::invalid(format!(
            "`refund` is fen, 1 to {total}: no more than was paid"
        )));
    }
    let complaint = Complaint {
        user: scene.user,
        openid: openid.clone(),
        out_trade_no: number.into(),
        transaction_id,
        total,
        detail: detail.to_owned(),
        kind: kind.unwrap_or_else(|| "OTHERS".to_owned()),
        refund,
        created_at: turn.now.0,
        stage: Stage::Pending,
        times: 1,
        unanswered: true,
        history: vec![Record {
            operator: "投诉人".to_owned(),
            what: "USER_CREATE_COMPLAINT".to_owned(),
            details: detail.to_owned(),
            images: Vec::new(),
            at: turn.now.0,
        }],
    };
    let serial = turn.world.serial("pay.complaint");
    let day = shanghai::written(turn.now, "%Y%m%d");
    let key = (mchid, Id::from(format!("{BEGINS}{day}{serial:011}")));
    COMPLAINTS.put(turn.world, key.clone(), complaint);
    Ok(key)
}

/// The person says more, and a complaint that was done is in work again.
fn again(turn: &mut Turn<'_>, scene: &Scene, id: &str, detail: &str) -> Result<(Id, Id), Refused> {
    let key = { MERCHANTS.all(turn.world) }
        .map(|(mchid, _)| (mchid.clone(), Id::from(id)))
        .find(|key| COMPLAINTS.has(turn.world, key));
    let key = key.ok_or_else(|| Refused::unknown("complaint", id))?;
    let now = turn.now.0;
    let complaint = COMPLAINTS.get_mut(turn.world, &key);
    let complaint = complaint.filter(|complaint| complaint.user == scene.user);
    let complaint = complaint.ok_or_else(|| Refused::unknown("complaint", id))?;
    complaint.times += 1;
    complaint.unanswered = true;
    if complaint.stage == Stage::Processed {
        complaint.stage = Stage::Processing;
    }
    complaint.history.push(Record {
        operator: "投诉人".to_owned(),
        what: "USER_CONTINUE_COMPLAINT".to_owned(),
        details: detail.to_owned(),
        images: Vec::new(),
        at: now,
    });
    Ok(key)
}

/// The merchant says or does something: how far the complaint is then, and what is told about it.
pub(super) fn answer(
    turn: &mut Turn<'_>,
    key: &(Id, Id),
    stage: Stage,
    record: Record,
    action: &str,
) -> bool {
    let Some(complaint) = COMPLAINTS.get_mut(turn.world, key) else {
        return false;
    };
    complaint.stage = stage;
    complaint.unanswered = false;
    complaint.history.push(record);
    told(turn, key, action);
    true
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        COMPLAINTS.remove_under(turn.world, &mchid);
    }
}

fn list(world: &World, request: &Request) -> Result<Value, Refused> {
    let merchant = merchant::merchant(world, request.part("mchid"))?;
    let page = request.page()?;
    let after = page.id()?;
    let complaints = COMPLAINTS.after(world, (merchant.mchid.clone(), after.into()));
    Ok(page.answer(complaints.map(|(id, complaint)| {
        let shown = json!({
            "complaint_id": &**id,
            "openid": &*complaint.openid,
            "out_trade_no": &*complaint.out_trade_no,
            "detail": complaint.detail,
            "state": complaint.stage.name(),
            "created_at": complaint.created_at,
        });
        (id.to_string(), shown)
    })))
}

/// A second of the world, as answers write it.
pub(super) fn time(at: i64) -> String {
    shanghai::rfc3339(UnixSeconds(at))
}
