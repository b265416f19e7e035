//! Articles that people read, shared and kept: in all, and of each that was sent to many.
//!
//! An act on the phone says where a reader came from. What the pages call the original (阅读原文) is opened by the same act.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use xinqiao_catalog::id::official_account as oa;
use xinqiao_types::{UnixSeconds, shanghai};

use super::{days, forget_all, forget_old, hour, hourly, hours, written};
use crate::{
    accounts::{
        self,
        rules::{Preset, Rule},
    },
    door::{Asked, Reply, Verdict, stateful},
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Choice, Field, Holds, choice, field, said},
        feature::id_in,
        row::Words,
    },
    people::{
        act::{Input, Scene},
        phone::contact,
    },
    products::{
        Feature,
        official_account::{
            articles::{self, ARTICLE},
            phone,
        },
    },
};

/// Account and hour, the article's place, person and deed.
type Key = ((Id, i64), (u64, (u64, u64)));
/// How often a person did something with an article in an hour.
static ACTED: Table<Key, u64> = Table::new("official_account.data_reads", 1);

pub(in super::super) static FEATURE: Feature = Feature {
    name: "official_account.data_reads",
    tables: &[&ACTED],
    behaviours: &[
        stateful(oa::data_cube::GET_ARTICLE_SUMMARY, SENT, of_articles),
        stateful(oa::data_cube::GET_ARTICLE_TOTAL, SENT, totals),
        stateful(oa::data_cube::GET_USER_READ, COUNTED, read_by_day),
        stateful(oa::data_cube::GET_USER_READ_HOUR, COUNTED, read_by_hour),
        stateful(oa::data_cube::GET_USER_SHARE, COUNTED, shared_by_day),
        stateful(oa::data_cube::GET_USER_SHARE_HOUR, COUNTED, shared_by_hour),
    ],
    acts: &[
        phone::act(
            "read_article",
            said("读文章", "Read an article"),
            READS,
            read,
        ),
        phone::act(
            "share_article",
            said("分享文章", "Share an article"),
            SHARES,
            share,
        ),
        phone::act(
            "keep_article",
            said("收藏文章", "Add an article to favourites"),
            KEEPS,
            keep,
        ),
    ],
    rules: &[&FEWEST],
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const SENT: &str = "a_mass_article_is_counted_from_its_day_on";
const COUNTED: &str = "reads_and_shares_are_counted_by_where_they_came_from";

/// The fewest deeds that put an article into a day's list.
static FEWEST: Rule = Rule {
    name: "data_cube.article_fewest",
    default: Preset::Number(3, 1_000_000),
    about: (
        "getarticlesummary 里一篇文章当天至少有多少次阅读、分享、收藏才列出",
        "how many reads, shares and keeps of a day an article needs at least to be listed by getarticlesummary",
    ),
    source: "doc page 图文分析数据接口: readers, shares and keeps together are three or more",
};

/// Most days of one call.
const READ_SPAN: i64 = 3;
const SHARE_SPAN: i64 = 7;
const ONE_DAY: i64 = 1;
/// So many days a sent article is counted.
const DAYS_COUNTED: i64 = 7;
/// `user_source` of all together.
const ALL: u64 = 99_999_999;

const FROM: Field = field("from", "从哪里读到", "Read from", Holds::Choice(SOURCES)).optional();
const SOURCES: &[Choice] = &[
    choice("session", "会话", "Chat"),
    choice("friend", "好友", "Friend"),
    choice("moments", "朋友圈", "Moments"),
    choice("history", "历史消息", "History"),
    choice("other", "其他", "Elsewhere"),
];
const ENDS: &[Choice] = &[
    choice("friend", "好友", "Friend"),
    choice("moments", "朋友圈", "Moments"),
    choice("other", "其他", "Elsewhere"),
];
const READS: &[Field] = &[
    ARTICLE,
    FROM,
    field("original", "阅读原文", "Opens the original", Holds::Flag).optional(),
];
const SHARES: &[Field] = &[
    ARTICLE,
    FROM,
    field("to", "分享到", "Shared to", Holds::Choice(ENDS)).optional(),
];
const KEEPS: &[Field] = &[ARTICLE];

/// Where a reader comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum From {
    #[default]
    Session,
    Friend,
    Moments,
    History,
    Other,
}

/// Where an article is shared to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum To {
    #[default]
    Friend,
    Moments,
    Other,
}

impl From {
    /// `user_source` of statistics of reading.
    fn number(self) -> u64 {
        match self {
            Self::Session => 0,
            Self::Friend => 1,
            Self::Moments => 2,
            Self::History => 4,
            Self::Other => 5,
        }
    }
}

impl To {
    /// `share_scene`.
    fn number(self) -> u64 {
        match self {
            Self::Friend => 1,
            Self::Moments => 2,
            Self::Other => 255,
        }
    }
}

/// What somebody did, as it stands in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Read { from: u64 },
    Original,
    Shared { to: u64, from: u64 },
    Kept,
}

/// Sources are below this.
const SOURCE: u64 = 8;
const ORIGINAL: u64 = SOURCE;
const KEPT: u64 = SOURCE + 1;
const SHARED: u64 = 2 * SOURCE;

impl Deed {
    fn number(self) -> u64 {
        match self {
            Self::Read { from } => from,
            Self::Original => ORIGINAL,
            Self::Kept => KEPT,
            Self::Shared { to, from } => SHARED + to * SOURCE + from,
        }
    }

    fn of(number: u64) -> Self {
        match number {
            from if from < SOURCE => Self::Read { from },
            ORIGINAL => Self::Original,
            KEPT => Self::Kept,
            shared => {
                let shared = shared.saturating_sub(SHARED);
                Self::Shared {
                    to: shared / SOURCE,
                    from: shared % SOURCE,
                }
            }
        }
    }
}

/// A person does something with the article at an address.
fn act(
    turn: &mut Turn<'_>,
    scene: &Scene,
    input: &Input,
    deeds: &[Deed],
    (zh, en): (&str, &str),
) -> Result<Value, Refused> {
    let (place, article) = articles::opened(turn.world, scene, input)?;
    let title = article.title.clone();
    let openid = contact(turn.world, scene.user, &scene.appid);
    let now = hour(turn.now);
    forget_old(turn.world, &ACTED, &scene.appid, now);
    for deed in deeds {
        let key = (
            (scene.appid.clone(), now),
            (place, (scene.user, deed.number())),
        );
        *ACTED.or_default(turn.world, key) += 1;
    }
    let words = Words::new(
        format!("{} {zh}《{title}》", scene.nickname),
        format!("{} {en} “{title}”", scene.nickname),
    );
    Ok(phone::happen(turn, scene, &openid, words, &[]))
}

fn read(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let from: From = input.field("from")?.unwrap_or_default();
    let original = input.field::<bool>("original")? == Some(true);
    let read = Deed::Read {
        from: from.number(),
    };
    let deeds: &[Deed] = if original {
        &[read, Deed::Original]
    } else {
        &[read]
    };
    act(turn, scene, input, deeds, ("读了", "reads"))
}

fn share(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let from: From = input.field("from")?.unwrap_or_default();
    let to: To = input.field("to")?.unwrap_or_default();
    let shared = Deed::Shared {
        to: to.number(),
        from: from.number(),
    };
    act(turn, scene, input, &[shared], ("分享了", "shares"))
}

fn keep(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    act(turn, scene, input, &[Deed::Kept], ("收藏了", "keeps"))
}

/// What was done: by whom, and how often.
#[derive(Debug, Default)]
struct Done(Vec<(u64, Deed, u64)>);

impl Done {
    /// People and times of some deeds.
    fn count(&self, wanted: impl Fn(Deed) -> bool) -> (usize, u64) {
        let mut people = BTreeSet::new();
        let mut times = 0;
        for (person, _, many) in self.0.iter().filter(|(_, deed, _)| wanted(*deed)) {
            people.insert(*person);
            times += many;
        }
        (people.len(), times)
    }

    /// The figures that most answers have.
    fn figures(&self) -> Value {
        let mut told = Map::new();
        let mut tell = |name: &str, times: &str, wanted: &dyn Fn(Deed) -> bool| {
            let (people, many) = self.count(wanted);
            told.insert(format!("{name}_user"), json!(people));
            told.insert(format!("{name}_{times}"), json!(many));
        };
        tell("int_page_read", "count", &|deed| {
            matches!(deed, Deed::Read { .. })
        });
        tell("ori_page_read", "count", &|deed| deed == Deed::Original);
        tell("share", "count", &|deed| {
            matches!(deed, Deed::Shared { .. })
        });
        tell("add_to_fav", "count", &|deed| deed == Deed::Kept);
        Value::Object(told)
    }

    /// Where readers came from, and from where they shared to Moments.
    fn ways(&self) -> Value {
        let mut told = Map::new();
        let session = From::Session.number();
        let read = [
            ("session", From::Session),
            ("hist_msg", From::History),
            ("feed", From::Moments),
            ("friends", From::Friend),
            ("other", From::Other),
        ];
        for (name, way) in read {
            let from = way.number();
            let (people, many) = self.count(|deed| deed == Deed::Read { from });
            told.insert(format!("int_page_from_{name}_read_user"), json!(people));
            told.insert(format!("int_page_from_{name}_read_count"), json!(many));
        }
        let (to, moments) = (To::Moments.number(), From::Moments.number());
        let shared = [("session", session), ("feed", moments)];
        for (name, from) in shared {
            let (people, many) = self.count(|deed| deed == Deed::Shared { to, from });
            told.insert(format!("feed_share_from_{name}_user"), json!(people));
            told.insert(format!("feed_share_from_{name}_cnt"), json!(many));
        }
        let elsewhere = |deed| match deed {
            Deed::Shared { to: own, from } => own == to && from != session && from != moments,
            _ => false,
        };
        let (people, many) = self.count(elsewhere);
        told.insert("feed_share_from_other_user".to_owned(), json!(people));
        told.insert("feed_share_from_other_cnt".to_owned(), json!(many));
        Value::Object(told)
    }
}

fn joined(mut row: Value, more: Value) -> Value {
    if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
        row.extend(more);
    }
    row
}

/// What was done in some hours, by article.
fn by_article(world: &World, appid: &Id, hours: Range<i64>) -> BTreeMap<u64, Done> {
    let (first, last) = (
        ((appid.clone(), hours.start), (0, (0, 0))),
        ((appid.clone(), hours.end), (0, (0, 0))),
    );
    let mut all: BTreeMap<u64, Done> = BTreeMap::new();
    for ((_, (place, (person, deed))), many) in ACTED.range(world, first..last) {
        let done = all.entry(*place).or_default();
        done.0.push((*person, Deed::of(*deed), *many));
    }
    all
}

fn in_all(world: &World, appid: &Id, hours: Range<i64>) -> Done {
    let all = by_article(world, appid, hours).into_values();
    Done(all.flat_map(|done| done.0).collect())
}

/// Rows of reading: one for all ways, which alone has originals and keeps, and one for each way that somebody came.
fn read_rows(world: &World, appid: &Id, day: i64, hours: Range<i64>) -> Vec<Value> {
    let all = in_all(world, appid, hours);
    if all.0.is_empty() {
        return Vec::new();
    }
    let row = |source: u64, done: &Done| {
        let head = json!({"ref_date": written(day), "user_source": source});
        joined(head, done.figures())
    };
    let mut ways: BTreeMap<u64, Done> = BTreeMap::new();
    for (person, deed, many) in &all.0 {
        if let Deed::Read { from } | Deed::Shared { from, .. } = deed {
            let way = ways.entry(*from).or_default();
            way.0.push((*person, *deed, *many));
        }
    }
    let mut rows: Vec<Value> = { ways.iter() }.map(|(from, own)| row(*from, own)).collect();
    rows.push(row(ALL, &all));
    rows
}

/// Rows of sharing, one for each end.
fn share_rows(world: &World, appid: &Id, day: i64, hours: Range<i64>) -> Vec<Value> {
    let all = in_all(world, appid, hours);
    let ends: BTreeSet<u64> = { all.0.iter() }
        .filter_map(|(_, deed, _)| match deed {
            Deed::Shared { to, .. } => Some(*to),
            _ => None,
        })
        .collect();
    { ends.into_iter() }
        .map(|end| {
            let (people, many) =
                all.count(|deed| matches!(deed, Deed::Shared { to, .. } if to == end));
            json!({
                "ref_date": written(day), "share_scene": end, "share_user": people,
                "share_count": many,
            })
        })
        .collect()
}

/// `getuserread`.
fn read_by_day(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let rows: Vec<Value> = days(turn, asked, READ_SPAN)?
        .flat_map(|day| read_rows(turn.world, &asked.appid, day, hours(day..day + 1)))
        .collect();
    Ok(Reply::Json(json!({"list": rows})))
}

/// `getuserreadhour`.
fn read_by_hour(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let rows = hourly(turn, asked, ONE_DAY, read_rows)?;
    Ok(Reply::Json(json!({"list": rows})))
}

/// `getusershare`.
fn shared_by_day(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let rows: Vec<Value> = days(turn, asked, SHARE_SPAN)?
        .flat_map(|day| share_rows(turn.world, &asked.appid, day, hours(day..day + 1)))
        .collect();
    Ok(Reply::Json(json!({"list": rows})))
}

/// `getusersharehour`.
fn shared_by_hour(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let rows = hourly(turn, asked, ONE_DAY, share_rows)?;
    Ok(Reply::Json(json!({"list": rows})))
}

/// By which statistics name an article: its message, and its place from 1.
fn msgid(place: u64, message: u64) -> String {
    format!("{message}_{}", articles::of_place(place).1 + 1)
}

/// `getarticlesummary`: what was done on one day with articles that were sent to many.
///
/// WECHAT: an article with which hardly anything happened is not listed.
fn of_articles(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let fewest = FEWEST.number(&asked.account(turn.world)?.rules);
    let mut rows = Vec::new();
    for day in days(turn, asked, ONE_DAY)? {
        for (place, done) in by_article(turn.world, &asked.appid, hours(day..day + 1)) {
            let article = articles::get(turn.world, &asked.appid, place);
            let Some(article) = article.filter(|article| article.receivers.is_some()) else {
                continue;
            };
            let figures = done.figures();
            let counted = [
                "int_page_read_user",
                "ori_page_read_user",
                "share_user",
                "share_count",
                "add_to_fav_count",
            ];
            let sum: i64 = { counted.iter() }
                .filter_map(|name| figures[*name].as_i64())
                .sum();
            if sum >= fewest {
                let head = json!({
                    "ref_date": written(day), "user_source": 0,
                    "msgid": msgid(place, article.message), "title": article.title,
                });
                rows.push(joined(head, figures));
            }
        }
    }
    Ok(Reply::Json(json!({"list": rows})))
}

/// `getarticletotal`: of what was sent on one day, everything that was done up to each of the days after it.
fn totals(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let today = shanghai::day(turn.now);
    let mut rows = Vec::new();
    for day in days(turn, asked, ONE_DAY)? {
        let mut of_day: Vec<(u64, Value, u64)> = Vec::new();
        for (place, article) in articles::all(turn.world, &asked.appid) {
            let sent = shanghai::day(UnixSeconds(article.at)) == day;
            if let Some(receivers) = article.receivers.filter(|_| sent) {
                let row = json!({
                    "ref_date": written(day), "msgid": msgid(place, article.message),
                    "title": article.title,
                });
                of_day.push((place, row, receivers));
            }
        }
        let last = today.min(day + DAYS_COUNTED);
        let so_far: Vec<(i64, BTreeMap<u64, Done>)> = (day..last)
            .map(|stat| {
                (
                    stat,
                    by_article(turn.world, &asked.appid, hours(day..stat + 1)),
                )
            })
            .collect();
        for (place, mut row, receivers) in of_day {
            let none = Done::default();
            let details: Vec<Value> = { so_far.iter() }
                .map(|(stat, all)| {
                    let done = all.get(&place).unwrap_or(&none);
                    let head = json!({"stat_date": written(*stat), "target_user": receivers});
                    joined(joined(head, done.figures()), done.ways())
                })
                .collect();
            row["details"] = json!(details);
            rows.push(row);
        }
    }
    Ok(Reply::Json(json!({"list": rows})))
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        forget_all(turn.world, &ACTED, &appid);
    }
}
