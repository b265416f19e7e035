//! Publishing (发布): a draft becomes articles with addresses of their own, which reach no follower.
//!
//! A call only orders it: the job ends a little later, the account's server is told, and the draft is gone. Where the
//! platform refuses the articles, the draft stays.
//!
//! Source: doc pages "发布接口", "发布状态轮询接口", "事件推送发布结果", "删除发布", "通过 article_id 获取已发布文章",
//! "获取成功发布列表".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa};
use xinqiao_message::names::event;
use xinqiao_types::shanghai::DAY;

use super::{
    articles,
    draft::{self, Article},
    message,
    push_xml::{Draft, elements},
};
use crate::{
    accounts::{
        self, ACCOUNTS,
        rules::{Preset, Rule},
    },
    door::{Asked, Refusal, Reply, Verdict, asked::whole, stateful},
    kernel::{Id, Table, Turn, World, feature::id_in},
    products::Feature,
};

/// Jobs by account and number.
static JOBS: Table<(Id, u64), Job> = Table::new("official_account.publish_jobs", 1);
/// What was published, by the article's id.
static ARTICLES: Table<(Id, Id), u64> = Table::memory("official_account.publish_articles");
/// Jobs of an account that published something, in their order.
static PUBLISHED: Table<(Id, u64), ()> = Table::memory("official_account.publish_published");

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&JOBS],
    behaviours: &[
        stateful(oa::free_publish::SUBMIT, ENDS, submit),
        stateful(oa::free_publish::GET, ENDS, get),
        stateful(oa::free_publish::GET_ARTICLE, ENDS, get_article),
        stateful(oa::free_publish::BATCH_GET, LISTED, batch_get),
        stateful(oa::free_publish::DELETE, GONE, delete),
    ],
    rules: &[&OUTCOME, &SECONDS],
    due: Some(due),
    topics: &[(accounts::DELETED, account_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "official_account.publish";
const ENDS: &str = "a_draft_is_published_and_the_app_is_told";
const LISTED: &str = "published_articles_are_listed_the_newest_first";
const GONE: &str = "a_published_article_is_deleted";

/// How a job ends.
static OUTCOME: Rule = Rule {
    name: "publish.outcome",
    default: Preset::Word(
        "published",
        &["published", "not_original", "failed", "refused"],
    ),
    about: (
        "发布任务的结果：published 成功，not_original 原创失败，failed 常规失败，refused 平台审核不通过",
        "how a publishing job ends: `published`, `not_original`, `failed` or `refused` by the platform's review",
    ),
    source: "doc page \"发布状态轮询接口\", publish_status; which of them is the account's choice",
};
/// How long a job takes.
static SECONDS: Rule = Rule {
    name: "publish.seconds",
    default: Preset::Number(2, 365 * DAY),
    about: ("发布任务要几秒", "how many seconds a publishing job takes"),
    source: "inferred: the page only says that it takes a while",
};

/// The number before an account's first job.
const JOB: u64 = 100_000_000;
/// The number before the first data of a message, by which comments name it.
const DATA: u64 = 2_240_000_000;
/// Most of them in one answer.
const PAGE: i64 = 20;

const DONE: u8 = 0;
const RUNNING: u8 = 1;
const NOT_ORIGINAL: u8 = 2;
const FAILED: u8 = 3;
const REFUSED: u8 = 4;
const DELETED: u8 = 5;

/// An order to publish, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Job {
    draft: Id,
    articles: Vec<Article>,
    /// Which of them were deleted since.
    deleted: Vec<bool>,
    status: u8,
    /// Empty until they are published.
    article_id: Id,
    ended_at: i64,
}

impl Job {
    fn is_published(&self) -> bool {
        matches!(self.status, DONE | DELETED)
    }

    /// Result, and where the articles are or which of them failed, as answer and event tell it.
    fn result(&self, world: &World, number: u64) -> Value {
        let mut told = json!({"publish_id": number, "publish_status": self.status});
        if self.is_published() {
            let items: Vec<Value> = (1..=self.articles.len())
                .map(|place| json!({"idx": place, "article_url": self.url(world, place)}))
                .collect();
            told["article_id"] = json!(&*self.article_id);
            told["article_detail"] = json!({"count": items.len(), "item": items});
        } else if self.status != RUNNING {
            let places: Vec<usize> = (1..=self.articles.len()).collect();
            told["fail_idx"] = json!(places);
        }
        told
    }

    fn url(&self, world: &World, place: usize) -> String {
        format!("{}/s/{}-{place}", world.origins.pages, self.article_id)
    }

    fn told(&self, world: &World, with_content: bool) -> Value {
        let articles = self.articles.iter().zip(&self.deleted).zip(1..);
        articles
            .map(|((article, deleted), place)| {
                let mut item = draft::view(article, &self.url(world, place), with_content);
                item["is_deleted"] = json!(deleted);
                item
            })
            .collect()
    }
}

/// `freepublish/submit`.
fn submit(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let draft: Id = asked.text("media_id")?.into();
    let Some(articles) = draft::articles(turn.world, &asked.appid, &draft) else {
        return Err(Refusal::code(code::INVALID_DRAFT).because(
            "media.unknown",
            Some(draft.to_string()),
            None,
        ));
    };
    let seconds = SECONDS.number(&asked.account(turn.world)?.rules);
    let number = JOB + turn.world.serial("publish");
    let job = Job {
        draft,
        deleted: vec![false; articles.len()],
        articles,
        status: RUNNING,
        article_id: "".into(),
        ended_at: 0,
    };
    JOBS.put(turn.world, (asked.appid.clone(), number), job);
    let what = json!({"account": &*asked.appid, "job": number});
    turn.later(turn.now.0 + seconds, NAME, what);
    Ok(Reply::Json(
        json!({"publish_id": number, "msg_data_id": data(number)}),
    ))
}

/// The number of a job's data.
fn data(number: u64) -> u64 {
    DATA + number.saturating_sub(JOB)
}

/// A job ends.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let (Some(appid), Some(number)) = (id_in(what, "account"), what["job"].as_u64()) else {
        return;
    };
    let rules = ACCOUNTS.get(turn.world, &*appid).map(|own| &own.rules);
    let status = match OUTCOME.word(rules) {
        "not_original" => NOT_ORIGINAL,
        "failed" => FAILED,
        "refused" => REFUSED,
        _ => DONE,
    };
    let mut article_id = turn.world.next("article").media_id();
    article_id.truncate(43);
    let key = (appid.clone(), number);
    let Some(job) = JOBS.get_mut(turn.world, &key) else {
        return;
    };
    job.status = status;
    job.ended_at = turn.now.0;
    if status == DONE {
        job.article_id = article_id.into();
    }
    let job = job.clone();
    if status == DONE {
        draft::use_up(turn.world, &appid, &job.draft);
        let out = { job.articles.iter().zip(1..) }
            .map(|(article, place)| article.put_out(job.url(turn.world, place), number, turn.now.0))
            .collect();
        articles::put_out(turn.world, &appid, data(number), out);
        enter(turn.world, key, &job);
    }
    let info = job.result(turn.world, number);
    let fields = elements([("PublishEventInfo", info)]);
    let draft = Draft::event(event::PUBLISH_JOB_FINISH, fields).quiet();
    // WECHAT: the event is about no user: it comes from an openid of the platform's own.
    let from: Id = turn.world.named("openid", "platform").openid().into();
    message::push(turn, &appid, &from, &draft);
}

fn enter(world: &mut World, key: (Id, u64), job: &Job) {
    let article = (key.0.clone(), job.article_id.clone());
    ARTICLES.put(world, article, key.1);
    PUBLISHED.put(world, key, ());
}

/// `freepublish/get`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let number = u64::try_from(asked.number("publish_id")?).unwrap_or_default();
    let job = JOBS.get(turn.world, &(asked.appid.clone(), number));
    let job = job.ok_or_else(|| Refusal::code(code::INVALID_ARGUMENT))?;
    Ok(Reply::Json(job.result(turn.world, number)))
}

/// The job that published what a call names.
fn named(world: &World, asked: &Asked) -> Result<(Id, u64), Refusal> {
    let article: Id = asked.text("article_id")?.into();
    let number = ARTICLES.get(world, &(asked.appid.clone(), article));
    let number = number.ok_or_else(|| Refusal::code(code::INVALID_ARTICLE_ID))?;
    Ok((asked.appid.clone(), *number))
}

/// `freepublish/getarticle`.
fn get_article(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let key = named(turn.world, asked)?;
    let job = JOBS.get(turn.world, &key);
    let items = job.map(|job| job.told(turn.world, true));
    Ok(Reply::Json(json!({"news_item": items})))
}

/// `freepublish/delete`: one article by its place from 1, or all.
fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let key = named(turn.world, asked)?;
    let place = asked.body.get("index").and_then(whole).unwrap_or_default();
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    let job = JOBS.get_mut(turn.world, &key);
    let job = job.ok_or_else(|| Refusal::code(code::INVALID_ARTICLE_ID))?;
    match place.checked_sub(1) {
        None => job.deleted.fill(true),
        Some(at) if at < job.deleted.len() => job.deleted[at] = true,
        Some(_) => return Err(Refusal::code(code::INVALID_ARTICLE_INDEX)),
    }
    if job.deleted.iter().all(|deleted| *deleted) {
        job.status = DELETED;
    }
    let at = place.checked_sub(1).map(|at| at as u64);
    articles::take_back(turn.world, &key.0, data(key.1), at);
    Ok(Reply::Acknowledged)
}

/// `freepublish/batchget`: twenty a page at most.
fn batch_get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (offset, most) = (asked.number("offset")?, asked.number("count")?);
    let (Ok(offset), 1..=PAGE) = (usize::try_from(offset), most) else {
        return Err(Refusal::code(code::INVALID_ARGUMENT));
    };
    let with_content = !draft::is_on(asked.body.get("no_content"));
    let (world, appid) = (&*turn.world, &asked.appid);
    let items: Vec<Value> = PUBLISHED
        .range(world, (appid.clone(), 0)..=(appid.clone(), u64::MAX))
        .rev()
        .skip(offset)
        .take(usize::try_from(most).unwrap_or_default())
        .filter_map(|(key, ())| {
            let job = JOBS.get(world, key)?;
            Some(json!({
                "article_id": &*job.article_id,
                "content": {"news_item": job.told(world, with_content)},
                "update_time": job.ended_at,
            }))
        })
        .collect();
    let total = PUBLISHED.under(world, appid).count();
    Ok(Reply::Json(json!({
        "total_count": total, "item_count": items.len(), "item": items,
    })))
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        JOBS.remove_under(turn.world, &appid);
        ARTICLES.remove_under(turn.world, &appid);
        PUBLISHED.remove_under(turn.world, &appid);
    }
}

fn index(world: &mut World) {
    let all: Vec<((Id, u64), Job)> = JOBS
        .all(world)
        .filter(|(_, job)| job.is_published())
        .map(|(key, job)| (key.clone(), job.clone()))
        .collect();
    for (key, job) in all {
        enter(world, key, &job);
    }
}
