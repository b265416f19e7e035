//! Articles that people can read: sent to many or published, by the number of their message's data and their place in it.
//!
//! Comments and statistics name them so; people by the address.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    accounts,
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Field, text},
        feature::id_in,
    },
    people::act::{Input, Scene},
    products::Feature,
};

/// Articles by account and place.
static ARTICLES: Table<(Id, u64), Article> = Table::new("official_account.articles", 1);
/// The places of an account's articles, by address.
static BY_URL: Table<(Id, Id), u64> = Table::memory("official_account.articles_by_url");

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.articles",
    tables: &[&ARTICLES],
    topics: &[(accounts::DELETED, account_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};

/// How acts name an article: what [`opened`] reads.
pub(super) const ARTICLE: Field = text("url", "文章的地址", "Address of the article");

/// So many articles a draft, and so a message, has at most. Places are counted in it: kept worlds have them.
pub(super) const EACH: u64 = 8;

/// An article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Article {
    pub(super) title: String,
    pub(super) url: String,
    /// By which statistics name its message.
    pub(super) message: u64,
    /// How many people it was sent to; none where it was only published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) receivers: Option<u64>,
    /// When.
    pub(super) at: i64,
    /// Whether people comment it.
    pub(super) comments: bool,
    pub(super) fans_only: bool,
    /// Deleted, but for what is remembered of it.
    #[serde(default)]
    pub(super) gone: bool,
}

/// Where an article stands, from 0, in the data of a message.
pub(super) fn place(data: u64, at: u64) -> Option<u64> {
    (at < EACH).then(|| data.saturating_mul(EACH).saturating_add(at))
}

/// The number of the data, and which of its articles.
pub(super) fn of_place(place: u64) -> (u64, u64) {
    (place / EACH, place % EACH)
}

/// From now on people can read these.
pub(super) fn put_out(world: &mut World, appid: &Id, data: u64, articles: Vec<Article>) {
    for (article, at) in articles.into_iter().zip(0..) {
        if let Some(place) = place(data, at) {
            let url: Id = article.url.as_str().into();
            BY_URL.put(world, (appid.clone(), url), place);
            ARTICLES.put(world, (appid.clone(), place), article);
        }
    }
}

/// One of them, or all, cannot be read any more.
pub(super) fn take_back(world: &mut World, appid: &Id, data: u64, at: Option<u64>) {
    for place in { 0..EACH }.filter_map(|at| place(data, at)) {
        let meant = at.is_none_or(|at| of_place(place).1 == at);
        if meant && let Some(article) = ARTICLES.get_mut(world, &(appid.clone(), place)) {
            article.gone = true;
        }
    }
}

/// An article of the account, by its place.
pub(super) fn get<'w>(world: &'w World, appid: &Id, place: u64) -> Option<&'w Article> {
    ARTICLES.get(world, &(appid.clone(), place))
}

pub(super) fn get_mut<'w>(world: &'w mut World, appid: &Id, place: u64) -> Option<&'w mut Article> {
    ARTICLES.get_mut(world, &(appid.clone(), place))
}

/// The articles of an account, in the order of their data.
pub(super) fn all<'w>(
    world: &'w World,
    appid: &Id,
) -> impl Iterator<Item = (u64, &'w Article)> + use<'w> {
    { ARTICLES.under(world, appid) }.map(|(place, article)| (*place, article))
}

/// The article that is read at an address.
pub(super) fn at<'w>(world: &'w World, appid: &Id, url: &str) -> Option<(u64, &'w Article)> {
    let place = *BY_URL.get(world, &(appid.clone(), url.into()))?;
    let article = get(world, appid, place)?;
    (!article.gone).then_some((place, article))
}

/// The article at the address that an act gives.
pub(super) fn opened<'w>(
    world: &'w World,
    scene: &Scene,
    input: &Input,
) -> Result<(u64, &'w Article), Refused> {
    let url = input.field::<String>("url")?;
    let url = url.ok_or_else(|| Refused::invalid("`url` is missing"))?;
    at(world, &scene.appid, &url).ok_or_else(|| {
        Refused::unwilling(
            "the account has no article at this address: it was deleted, or never was",
        )
    })
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        ARTICLES.remove_under(turn.world, &appid);
        BY_URL.remove_under(turn.world, &appid);
    }
}

fn index(world: &mut World) {
    let all: Vec<((Id, Id), u64)> = ARTICLES
        .all(world)
        .map(|((appid, place), article)| ((appid.clone(), article.url.as_str().into()), *place))
        .collect();
    for (key, place) in all {
        BY_URL.put(world, key, place);
    }
}
