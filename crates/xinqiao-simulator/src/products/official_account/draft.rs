//! Drafts of an account (草稿箱): articles that are written, changed and listed before they are published.
//!
//! A draft holds one article or several, each known by its place. The list tells the draft that was changed last first.
//!
//! Of articles the kind `news` is known, as in the catalog. A cover is permanent material when the article is written; a
//! draft outlives it. A draft that is published is no draft any more.
//!
//! Source: doc pages "新增草稿", "更新草稿", "获取草稿详情", "获取草稿列表", "获取草稿的总数", "删除草稿".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa};

use super::{articles, material};
use crate::{
    accounts::{
        self, files,
        rules::{Preset, Rule},
    },
    door::{Asked, Refusal, Reply, Verdict, asked::whole, stateful},
    kernel::{Id, Table, Turn, World, feature::id_in},
    products::Feature,
};

/// Drafts by account and media id.
static DRAFTS: Table<(Id, Id), Draft> = Table::new("official_account.drafts", 1);
/// An account's drafts in the order of their last change.
static CHANGED: Table<(Id, u64), Id> = Table::memory("official_account.drafts_changed");

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&DRAFTS],
    behaviours: &[
        stateful(oa::draft::ADD, KEPT, add),
        stateful(oa::draft::GET, KEPT, get),
        stateful(oa::draft::UPDATE, CHANGES, update),
        stateful(oa::draft::DELETE, GONE, delete),
        stateful(oa::draft::COUNT, LISTED, count),
        stateful(oa::draft::BATCH_GET, LISTED, batch_get),
    ],
    rules: &[&COVER],
    topics: &[(accounts::DELETED, account_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};

/// What may be the cover of an article.
static COVER: Rule = Rule {
    name: "draft.cover",
    default: Preset::Word("permanent", &["permanent", "any"]),
    about: (
        "图文封面可以用哪些图片：permanent 只能用永久素材，any 也能用三天内的临时素材",
        "which pictures are covers of articles: `permanent` material only, or `any` that can be fetched, temporary ones too",
    ),
    source: "doc page \"新增草稿\": thumb_media_id is a permanent media id",
};
const NAME: &str = "official_account.draft";
const KEPT: &str = "a_draft_keeps_its_articles";
const CHANGES: &str = "one_article_of_a_draft_is_changed";
const GONE: &str = "a_deleted_draft_is_gone";
const LISTED: &str = "drafts_are_counted_and_listed_the_last_changed_first";

/// Most drafts in one answer.
const PAGE: i64 = 20;
/// Most characters of a title.
const TITLE: usize = 32;
/// Most characters of an author's name.
const AUTHOR: usize = 16;
/// Most characters of a digest.
const DIGEST: usize = 128;
/// So many characters of the text are the digest where none was written.
const DIGEST_OF_TEXT: usize = 54;
/// A content has fewer characters.
const CONTENT: usize = 20_000;
/// And fewer bytes.
const CONTENT_BYTES: usize = 1024 * 1024;
/// Most bytes of the address of the original.
const SOURCE_URL_BYTES: usize = 1024;
/// "author size out of limit": no page tells it, and the catalog does not have it.
const AUTHOR_TOO_LONG: i64 = 45110;

/// A draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Draft {
    articles: Vec<Article>,
    updated_at: i64,
    /// Higher than that of every draft of the account that was changed before.
    change: u64,
}

/// One article of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Article {
    thumb_media_id: String,
    title: String,
    author: String,
    digest: String,
    content_source_url: String,
    content: String,
    show_cover_pic: bool,
    need_open_comment: bool,
    only_fans_can_comment: bool,
}

impl Article {
    /// As people read it at this address from this second on.
    pub(super) fn put_out(&self, url: String, message: u64, at: i64) -> articles::Article {
        articles::Article {
            title: self.title.clone(),
            url,
            message,
            receivers: None,
            at,
            comments: self.need_open_comment,
            fans_only: self.only_fans_can_comment,
            gone: false,
        }
    }
}

/// Whether a field that is 0 or 1 on the wire is on.
pub(super) fn is_on(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value.as_bool().or_else(|| Some(whole(value)? == 1)) == Some(true))
}

/// WECHAT: scripts are taken out of a content.
fn without_scripts(html: &str) -> String {
    const END: &str = "</script>";
    // The lower case of ASCII has its bytes in the same places.
    let lower = html.to_ascii_lowercase();
    let (mut kept, mut at) = (String::with_capacity(html.len()), 0);
    while let Some(length) = lower[at..].find("<script") {
        let start = at + length;
        kept.push_str(&html[at..start]);
        at = { lower[start..].find(END) }.map_or(html.len(), |end| start + end + END.len());
    }
    kept.push_str(&html[at..]);
    kept
}

/// The beginning of what a reader sees of a content.
fn beginning(html: &str) -> String {
    let mut in_tag = false;
    html.chars()
        .filter(|letter| {
            let seen = !in_tag && *letter != '<';
            in_tag = *letter == '<' || (in_tag && *letter != '>');
            seen
        })
        .take(DIGEST_OF_TEXT)
        .collect()
}

/// The article that a call gives, alone in its draft or beside others.
///
/// WECHAT: an article without title or content is no article (44003); one without a picture that exists is 40007. Only
/// an article that is alone gets a digest from its text.
fn written(turn: &Turn<'_>, asked: &Asked, given: &Value, alone: bool) -> Result<Article, Refusal> {
    let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    let (title, author, digest) = (text("title"), text("author"), text("digest"));
    let (content, source) = (text("content"), text("content_source_url"));
    if title.is_empty() || content.is_empty() {
        return Err(Refusal::code(code::EMPTY_NEWS_DATA));
    }
    if title.chars().count() > TITLE {
        return Err(Refusal::code(code::TITLE_TOO_LONG));
    }
    if author.chars().count() > AUTHOR {
        return Err(Refusal::text(AUTHOR_TOO_LONG, "author size out of limit"));
    }
    if digest.chars().count() > DIGEST {
        return Err(Refusal::code(code::DESCRIPTION_TOO_LONG));
    }
    if content.len() >= CONTENT_BYTES || content.chars().count() >= CONTENT {
        return Err(Refusal::code(code::CONTENT_TOO_LONG));
    }
    if source.len() > SOURCE_URL_BYTES {
        return Err(Refusal::code(code::URL_TOO_LONG));
    }
    let thumb = text("thumb_media_id");
    let temporary = || {
        files::known(turn.world, thumb, turn.now.0).is_some_and(|file| {
            file.account == *asked.appid && matches!(&*file.kind, "image" | "thumb")
        })
    };
    let switched = &asked.account(turn.world)?.rules;
    let cover = material::is_picture(turn.world, &asked.appid, thumb)
        || (COVER.word(Some(switched)) == "any" && temporary());
    if !cover {
        return Err(unknown(thumb));
    }
    let content = without_scripts(content);
    let digest = match digest {
        "" if alone => beginning(&content),
        own => own.to_owned(),
    };
    Ok(Article {
        thumb_media_id: thumb.to_owned(),
        title: title.to_owned(),
        author: author.to_owned(),
        digest,
        content_source_url: source.to_owned(),
        content,
        show_cover_pic: is_on(given.get("show_cover_pic")),
        need_open_comment: is_on(given.get("need_open_comment")),
        only_fans_can_comment: is_on(given.get("only_fans_can_comment")),
    })
}

fn unknown(media_id: &str) -> Refusal {
    Refusal::code(code::INVALID_MEDIA_ID).because("media.unknown", Some(media_id.to_owned()), None)
}

/// The articles of a draft as a phone shows them in a message, and whether people comment them; none if the account has no
/// such draft.
pub(super) fn cards(world: &World, appid: &Id, media_id: &str) -> Option<Vec<Value>> {
    let draft = DRAFTS.get(world, &(appid.clone(), media_id.into()))?;
    let card = |article: &Article| {
        json!({
            "title": article.title,
            "description": article.digest,
            "picurl": format!("/_sim/v1/media/{}", article.thumb_media_id),
            "comments": article.need_open_comment,
            "fans_only": article.only_fans_can_comment,
        })
    };
    Some(draft.articles.iter().map(card).collect())
}

/// The draft of the account that a call names.
fn named<'w>(world: &'w World, asked: &Asked) -> Result<(Id, &'w Draft), Refusal> {
    let media_id: Id = asked.text("media_id")?.into();
    let draft = DRAFTS.get(world, &(asked.appid.clone(), media_id.clone()));
    let draft = draft.ok_or_else(|| unknown(&media_id))?;
    Ok((media_id, draft))
}

/// Puts a draft in front of the account's others.
fn put(turn: &mut Turn<'_>, appid: &Id, media_id: Id, articles: Vec<Article>) {
    let change = turn.world.serial(&format!("{NAME} {appid}"));
    let draft = Draft {
        articles,
        updated_at: turn.now.0,
        change,
    };
    let before = DRAFTS.put(turn.world, (appid.clone(), media_id.clone()), draft);
    if let Some(before) = before {
        CHANGED.remove(turn.world, &(appid.clone(), before.change));
    }
    CHANGED.put(turn.world, (appid.clone(), change), media_id);
}

/// An article as answers tell it, where it is read at this address.
pub(super) fn view(article: &Article, url: &str, with_content: bool) -> Value {
    let mut item = json!({
        "thumb_media_id": article.thumb_media_id,
        "title": article.title,
        "author": article.author,
        "digest": article.digest,
        "content_source_url": article.content_source_url,
        "url": url,
        "show_cover_pic": u8::from(article.show_cover_pic),
        "need_open_comment": u8::from(article.need_open_comment),
        "only_fans_can_comment": u8::from(article.only_fans_can_comment),
    });
    if with_content {
        item["content"] = json!(article.content);
    }
    item
}

/// The articles of a draft; none if the account has no such draft.
pub(super) fn articles(world: &World, appid: &Id, media_id: &Id) -> Option<Vec<Article>> {
    let draft = DRAFTS.get(world, &(appid.clone(), media_id.clone()))?;
    Some(draft.articles.clone())
}

/// A draft that was sent to all, published or deleted is no draft any more.
pub(super) fn use_up(world: &mut World, appid: &Id, media_id: &str) {
    if let Some(draft) = DRAFTS.remove(world, &(appid.clone(), media_id.into())) {
        CHANGED.remove(world, &(appid.clone(), draft.change));
    }
}

/// A draft's articles as answers tell them.
fn told(world: &World, media_id: &str, draft: &Draft, with_content: bool) -> Value {
    let articles = draft.articles.iter().zip(1..).map(|(article, place)| {
        let url = format!("{}/s?tempkey={media_id}&idx={place}", world.origins.pages);
        view(article, &url, with_content)
    });
    articles.collect()
}

/// `draft/add`.
fn add(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let given = asked.body.get("articles").and_then(Value::as_array);
    let given = given.map(Vec::as_slice).unwrap_or_default();
    if given.is_empty() {
        return Err(Refusal::code(code::EMPTY_NEWS_DATA));
    }
    if given.len() as u64 > articles::EACH {
        return Err(Refusal::code(code::TOO_MANY_ARTICLES));
    }
    let articles = { given.iter() }
        .map(|article| written(turn, asked, article, given.len() == 1))
        .collect::<Result<_, _>>()?;
    let media_id: Id = turn.world.next("draft").media_id().into();
    put(turn, &asked.appid, media_id.clone(), articles);
    Ok(Reply::Json(json!({"media_id": &*media_id})))
}

/// `draft/get`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (media_id, draft) = named(turn.world, asked)?;
    let items = told(turn.world, &media_id, draft, true);
    Ok(Reply::Json(json!({"news_item": items})))
}

/// `draft/update`: one article, by its place from 0.
fn update(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (media_id, draft) = named(turn.world, asked)?;
    let place = usize::try_from(asked.number("index")?).ok();
    let mut articles = draft.articles.clone();
    let alone = articles.len() == 1;
    let Some(article) = place.and_then(|place| articles.get_mut(place)) else {
        return Err(Refusal::code(code::INVALID_ARTICLE_INDEX));
    };
    *article = written(turn, asked, asked.group("articles")?, alone)?;
    put(turn, &asked.appid, media_id, articles);
    Ok(Reply::Acknowledged)
}

/// `draft/delete`.
fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (media_id, _) = named(turn.world, asked)?;
    use_up(turn.world, &asked.appid, &media_id);
    Ok(Reply::Acknowledged)
}

/// `draft/count`.
fn count(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let total = DRAFTS.under(turn.world, &asked.appid).count();
    Ok(Reply::Json(json!({"total_count": total})))
}

/// `draft/batchget`: twenty a page at most.
fn batch_get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (offset, most) = (asked.number("offset")?, asked.number("count")?);
    let (Ok(offset), 1..=PAGE) = (usize::try_from(offset), most) else {
        return Err(Refusal::code(code::INVALID_ARGUMENT));
    };
    let with_content = !is_on(asked.body.get("no_content"));
    let (world, appid) = (&*turn.world, &asked.appid);
    let items: Vec<Value> = CHANGED
        .range(world, (appid.clone(), 0)..=(appid.clone(), u64::MAX))
        .rev()
        .skip(offset)
        .take(usize::try_from(most).unwrap_or_default())
        .filter_map(|(_, media_id)| {
            let draft = DRAFTS.get(world, &(appid.clone(), media_id.clone()))?;
            Some(json!({
                "media_id": &**media_id,
                "content": {"news_item": told(world, media_id, draft, with_content)},
                "update_time": draft.updated_at,
            }))
        })
        .collect();
    let total = DRAFTS.under(world, appid).count();
    Ok(Reply::Json(json!({
        "total_count": total, "item_count": items.len(), "item": items,
    })))
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        DRAFTS.remove_under(turn.world, &appid);
        CHANGED.remove_under(turn.world, &appid);
    }
}

fn index(world: &mut World) {
    let all: Vec<((Id, u64), Id)> = DRAFTS
        .all(world)
        .map(|((appid, media_id), draft)| ((appid.clone(), draft.change), media_id.clone()))
        .collect();
    for (key, media_id) in all {
        CHANGED.put(world, key, media_id);
    }
}
