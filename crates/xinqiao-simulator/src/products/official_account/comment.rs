//! Comments on articles (图文留言): people write them on the phone, the account features, answers and deletes them.
//!
//! Whether an article takes comments, and of followers only, is written in its draft; calls open and close them later.
//!
//! Source: doc pages "图文消息留言管理接口", "查看指定文章的评论数据"; error codes 88000 to 88010.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa, rules::limit};

use super::{
    KINDS,
    articles::{self, ARTICLE},
    phone,
};
use crate::{
    accounts,
    door::{Asked, Refusal, Reply, Verdict, asked::whole, stateful},
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Card, Field, Holds, Shown, field, said, text},
        feature::id_in,
        route::{Handler, Request, Route},
        row::Words,
    },
    people::{
        self,
        act::{Input, Scene},
        phone::contact,
    },
    products::Feature,
};

/// An account, and the article's place and the comment's own number.
type Key = (Id, (u64, u64));
/// Comments by account, and by the article's place and their own number.
static COMMENTS: Table<Key, Comment> = Table::new("official_account.comments", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&COMMENTS],
    behaviours: &[
        stateful(oa::comment::OPEN, WRITTEN, open),
        stateful(oa::comment::CLOSE, WRITTEN, close),
        stateful(oa::comment::LIST, WRITTEN, list),
        stateful(oa::comment::MARK_ELECT, FEATURED, mark),
        stateful(oa::comment::UNMARK_ELECT, FEATURED, unmark),
        stateful(oa::comment::DELETE, ANSWERED, delete),
        stateful(oa::comment::reply::ADD, ANSWERED, answer),
        stateful(oa::comment::reply::DELETE, ANSWERED, take_answer_back),
    ],
    acts: &[
        phone::act("comment", said("留言", "Comment"), WRITES, write),
        phone::act(
            "delete_comment",
            said("删除留言", "Delete a comment"),
            TAKES_BACK,
            take_back,
        ),
    ],
    routes: &[Route {
        method: "GET",
        path: PATH,
        run: Handler::Look(in_control),
    }],
    shows: &[Shown::Card(&CARD)],
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const NAME: &str = "official_account.comments";
const PATH: &str = "/accounts/{appid}/comments";
const WRITTEN: &str = "people_comment_an_article_that_takes_comments";
const FEATURED: &str = "comments_are_featured_and_listed_so";
const ANSWERED: &str = "a_comment_is_answered_once_and_deleted";

static CARD: Card = Card {
    name: "comments",
    title: said("留言", "Comments"),
    kinds: KINDS,
    path: PATH,
    fields: &[
        text("article", "文章", "Article"),
        text("user_name", "谁", "Who"),
        text("content", "留言", "Comment"),
        field("featured", "精选", "Featured", Holds::Flag),
        text("reply", "回复", "Answer").optional(),
        field("create_time", "时间", "When", Holds::Time),
    ],
};

const WRITES: &[Field] = &[ARTICLE, text("content", "留言", "Comment")];
const TAKES_BACK: &[Field] = &[
    ARTICLE,
    field(
        "comment",
        "留言的编号",
        "Number of the comment",
        Holds::Number,
    ),
];

/// The catalog's limit of the characters of a comment and of its answer, of comments in one answer, and of featured comments
/// of an article.
pub(super) const TEXT: &str = "comment.text";
pub(super) const PAGE: &str = "comment.page";
pub(super) const FEATURED_MOST: &str = "comment.featured";

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Comment {
    openid: Id,
    content: String,
    at: i64,
    #[serde(default)]
    featured: bool,
    /// What the account answered, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply: Option<(String, i64)>,
    /// The person took it back.
    #[serde(default)]
    taken_back: bool,
}

/// The article of the account that a call names.
fn article(world: &World, asked: &Asked) -> Result<u64, Refusal> {
    let data = u64::try_from(asked.number("msg_data_id")?).unwrap_or_default();
    let at = asked.body.get("index").and_then(whole).unwrap_or(0);
    let place = u64::try_from(at)
        .ok()
        .and_then(|at| articles::place(data, at));
    let readable = |place: &u64| {
        articles::get(world, &asked.appid, *place).is_some_and(|article| !article.gone)
    };
    place.filter(readable).ok_or_else(|| {
        Refusal::code(code::COMMENT_ARTICLE_NOT_FOUND).because(
            "comment.article",
            Some(format!("msg_data_id {data}, index {at}")),
            None,
        )
    })
}

/// The same, where it has comments: now, or some of when it took them.
fn commented(world: &World, asked: &Asked) -> Result<u64, Refusal> {
    let place = article(world, asked)?;
    let open = articles::get(world, &asked.appid, place).is_some_and(|article| article.comments);
    if open || under(world, &asked.appid, place).next().is_some() {
        Ok(place)
    } else {
        Err(Refusal::code(code::NO_COMMENT_PRIVILEGE))
    }
}

/// An article's comments that nobody took back, the newest first.
fn under<'w>(
    world: &'w World,
    appid: &Id,
    place: u64,
) -> impl Iterator<Item = (u64, &'w Comment)> + use<'w> {
    all_under(world, appid, place).filter(|(_, comment)| !comment.taken_back)
}

fn all_under<'w>(
    world: &'w World,
    appid: &Id,
    place: u64,
) -> impl Iterator<Item = (u64, &'w Comment)> + use<'w> {
    let (first, last) = (
        (appid.clone(), (place, 0)),
        (appid.clone(), (place, u64::MAX)),
    );
    { COMMENTS.range(world, first..=last).rev() }.map(|((_, (_, number)), own)| (*number, own))
}

/// The comment that a call names, to change.
fn named<'w>(world: &'w mut World, asked: &Asked) -> Result<(&'w mut Comment, Key), Refusal> {
    let place = commented(world, asked)?;
    let number = u64::try_from(asked.number("user_comment_id")?).unwrap_or_default();
    let key = (asked.appid.clone(), (place, number));
    let known = COMMENTS.get(world, &key);
    if known.is_some_and(|comment| comment.taken_back) {
        return Err(Refusal::code(code::COMMENT_DELETED));
    }
    let comment = COMMENTS.get_mut(world, &key);
    let comment = comment.ok_or_else(|| Refusal::code(code::COMMENT_NOT_FOUND))?;
    Ok((comment, key))
}

fn switch(turn: &mut Turn<'_>, asked: &Asked, comments: bool) -> Verdict {
    let place = article(turn.world, asked)?;
    if let Some(article) = articles::get_mut(turn.world, &asked.appid, place) {
        article.comments = comments;
    }
    Ok(Reply::Acknowledged)
}

/// `comment/open`.
fn open(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    switch(turn, asked, true)
}

/// `comment/close`: what was written stays.
fn close(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    switch(turn, asked, false)
}

/// `comment/list`: all (0), those that are not featured (1), those that are (2).
///
/// WECHAT: fewer than fifty at once (88010).
fn list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let place = commented(turn.world, asked)?;
    let (begin, count) = (asked.number("begin")?, asked.number("count")?);
    let wanted = asked.number("type")?;
    let (Ok(begin), Ok(count)) = (usize::try_from(begin), usize::try_from(count)) else {
        return Err(Refusal::code(code::COMMENT_COUNT_RANGE));
    };
    if !(1..=limit::count(PAGE)).contains(&count) {
        return Err(Refusal::code(code::COMMENT_COUNT_RANGE));
    }
    let fitting: Vec<(u64, &Comment)> = under(turn.world, &asked.appid, place)
        .filter(|(_, comment)| match wanted {
            1 => !comment.featured,
            2 => comment.featured,
            _ => true,
        })
        .collect();
    let page: Vec<Value> = { fitting.iter().skip(begin) }
        .take(count)
        .map(|(number, comment)| told(*number, comment))
        .collect();
    Ok(Reply::Json(json!({
        "errcode": 0, "errmsg": "ok", "total": fitting.len(), "comment": page,
    })))
}

fn told(number: u64, comment: &Comment) -> Value {
    let mut told = json!({
        "user_comment_id": number, "openid": &*comment.openid, "create_time": comment.at,
        "content": comment.content, "comment_type": u8::from(comment.featured),
    });
    if let Some((content, at)) = &comment.reply {
        told["reply"] = json!({"content": content, "create_time": at});
    }
    told
}

/// `comment/markelect`.
fn mark(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (_, (appid, (place, _))) = named(turn.world, asked)?;
    let featured = under(turn.world, &appid, place).filter(|(_, comment)| comment.featured);
    let full = featured.count() >= limit::count(FEATURED_MOST);
    let (comment, _) = named(turn.world, asked)?;
    if full && !comment.featured {
        return Err(Refusal::code(code::FEATURED_COMMENT_LIMIT));
    }
    comment.featured = true;
    Ok(Reply::Acknowledged)
}

/// `comment/unmarkelect`.
fn unmark(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    named(turn.world, asked)?.0.featured = false;
    Ok(Reply::Acknowledged)
}

/// `comment/delete`.
fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (_, key) = named(turn.world, asked)?;
    COMMENTS.remove(turn.world, &key);
    Ok(Reply::Acknowledged)
}

/// `comment/reply/add`: one answer a comment.
fn answer(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let content = asked.given("content").unwrap_or_default().to_owned();
    let now = turn.now.0;
    let (comment, _) = named(turn.world, asked)?;
    if !limit::fits(TEXT, &content) {
        return Err(Refusal::code(code::REPLY_LENGTH));
    }
    if comment.reply.is_some() {
        return Err(Refusal::code(code::ALREADY_REPLIED));
    }
    comment.reply = Some((content, now));
    Ok(Reply::Acknowledged)
}

/// `comment/reply/delete`.
fn take_answer_back(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (comment, _) = named(turn.world, asked)?;
    match comment.reply.take() {
        Some(_) => Ok(Reply::Acknowledged),
        None => Err(Refusal::code(code::REPLY_NOT_FOUND)),
    }
}

/// A person comments an article.
fn write(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let (place, article) = articles::opened(turn.world, scene, input)?;
    let content = input.field::<String>("content")?;
    let content = { content.filter(|content| !content.is_empty()) }
        .ok_or_else(|| Refused::invalid("`content` is missing or empty"))?;
    if !limit::fits(TEXT, &content) {
        return Err(Refused::unwilling(
            "a phone does not send so long a comment",
        ));
    }
    let follows = { people::CONTACTS.get(turn.world, &(scene.appid.clone(), scene.user)) }
        .is_some_and(|contact| contact.followed);
    if !article.comments {
        return Err(Refused::unwilling(
            "the article takes no comments: write `need_open_comment` in its draft, or call comment/open",
        ));
    }
    if article.fans_only && !follows {
        return Err(Refused::unwilling("only followers comment this article"));
    }
    let title = article.title.clone();
    let openid = contact(turn.world, scene.user, &scene.appid);
    let number = turn.world.serial(&format!("{NAME} {}", scene.appid));
    let comment = Comment {
        openid: openid.clone(),
        content: content.clone(),
        at: turn.now.0,
        featured: false,
        reply: None,
        taken_back: false,
    };
    COMMENTS.put(turn.world, (scene.appid.clone(), (place, number)), comment);
    let words = Words::new(
        format!("{} 给《{title}》留言“{content}”", scene.nickname),
        format!("{} comments “{title}”: “{content}”", scene.nickname),
    );
    let mut done = phone::happen(turn, scene, &openid, words, &[]);
    let (data, at) = articles::of_place(place);
    done["comment"] = json!({"msg_data_id": data, "index": at, "user_comment_id": number});
    Ok(done)
}

/// A person takes an own comment back.
fn take_back(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let (place, _) = articles::opened(turn.world, scene, input)?;
    let number = input.field::<u64>("comment")?;
    let number = number.ok_or_else(|| Refused::invalid("`comment` is missing"))?;
    let own = people::openid(turn.world, scene.user, &scene.appid).cloned();
    let key = (scene.appid.clone(), (place, number));
    let comment = COMMENTS.get_mut(turn.world, &key);
    let Some(comment) = comment.filter(|comment| Some(&comment.openid) == own.as_ref()) else {
        return Err(Refused::unwilling("the person wrote no such comment"));
    };
    comment.taken_back = true;
    let openid = comment.openid.clone();
    let words = Words::new(
        format!("{} 删除了自己的留言", scene.nickname),
        format!("{} takes the comment back", scene.nickname),
    );
    Ok(phone::happen(turn, scene, &openid, words, &[]))
}

/// `GET /accounts/{appid}/comments`: in the order of articles, the oldest first.
fn in_control(world: &World, request: &Request) -> Result<Value, Refused> {
    let appid = accounts::id(world, request.part("appid"))?;
    let page = request.page()?;
    let after = page.behind(|after| {
        let (place, number) = after.split_once('-')?;
        Some((place.parse().ok()?, number.parse().ok()?))
    })?;
    let items = COMMENTS
        .after(world, (appid.clone(), after.unwrap_or_default()))
        .filter(|(_, comment)| !comment.taken_back)
        .map(|((place, number), comment)| {
            let article = articles::get(world, &appid, *place);
            let who = people::user::behind(world, &appid, &comment.openid);
            let (data, at) = articles::of_place(*place);
            let view = json!({
                "msg_data_id": data, "index": at, "user_comment_id": number,
                "article": article.map(|article| &article.title),
                "url": article.map(|article| &article.url),
                "user_name": who.map(|(_, name)| name), "openid": &*comment.openid,
                "content": comment.content, "featured": comment.featured,
                "reply": comment.reply.as_ref().map(|(content, _)| content),
                "create_time": comment.at,
            });
            (format!("{place}-{number}"), view)
        });
    Ok(page.answer(items))
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        COMMENTS.remove_under(turn.world, &appid);
    }
}
