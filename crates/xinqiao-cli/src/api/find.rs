//! From what a person types to endpoints and callbacks.
//!
//! An id is one thing. A route (method and path, a path alone, a whole URL, parameters filled in or not) is every
//! endpoint that it can mean: several hosts have the same path, and some endpoints are told apart by a parameter only.
//! Anything else finds nothing, and says what is near.

use xinqiao_catalog as catalog;
use xinqiao_types::percent;

use crate::fail::Fail;
use crate::lang::Lang;

/// What was meant.
#[derive(Debug)]
pub(crate) enum Found {
    /// These endpoints, at least one.
    Endpoints(Vec<&'static catalog::Endpoint>),
    /// This callback.
    Event(&'static catalog::Event),
}

/// How many near ones are named.
const NEAR: usize = 6;

/// What `text` means: an id of an endpoint or callback, or a route.
pub(super) fn find(text: &str, lang: Lang) -> Result<Found, Fail> {
    let text = text.trim();
    if let Some(endpoint) = catalog::endpoint(text) {
        return Ok(Found::Endpoints(vec![endpoint]));
    }
    if let Some(event) = catalog::event(text) {
        return Ok(Found::Event(event));
    }
    if text.contains('/') {
        return by_route(text, lang).map(Found::Endpoints);
    }
    Err(unknown(text, lang))
}

/// The same where the text may be something else: no refusal, and nothing near is looked for.
pub(crate) fn exactly(text: &str) -> Option<Found> {
    if let Some(endpoint) = catalog::endpoint(text) {
        return Some(Found::Endpoints(vec![endpoint]));
    }
    if let Some(event) = catalog::event(text) {
        return Some(Found::Event(event));
    }
    if !text.contains('/')
        || text.contains(['{', '<'])
        || on_path(None, typed(text).path).is_empty()
    {
        return None;
    }
    by_route(text, Lang::En).ok().map(Found::Endpoints)
}

/// One endpoint; several are refused by name.
pub(super) fn one(text: &str, lang: Lang) -> Result<&'static catalog::Endpoint, Fail> {
    match find(text, lang)? {
        Found::Event(event) => Err(Fail::usage(match lang {
            Lang::Zh => format!(
                "{0} 是平台的推送，不能调用；xinqiao trigger {0} 让模拟器推送它",
                event.id
            ),
            Lang::En => format!(
                "{0} is what the platform sends and cannot be called; `xinqiao trigger {0}` makes the simulator send it",
                event.id
            ),
        })),
        Found::Endpoints(found) => match found.as_slice() {
            [only] => Ok(*only),
            several => {
                let ids: Vec<&str> = several.iter().map(|one| one.id).collect();
                let ids = ids.join(", ");
                Err(Fail::usage(match lang {
                    Lang::Zh => format!("这个路径有几个接口，请写 id：{ids}"),
                    Lang::En => format!("several endpoints share this route, name one: {ids}"),
                }))
            }
        },
    }
}

/// A route as typed.
#[derive(Debug, PartialEq)]
struct Typed<'a> {
    method: Option<&'a str>,
    host: &'a str,
    path: &'a str,
    query: &'a str,
}

fn typed(text: &str) -> Typed<'_> {
    let (method, rest) = match text.split_once(char::is_whitespace) {
        Some((method, rest)) => (Some(method), rest.trim()),
        None => (None, text),
    };
    let rest = rest.split('#').next().unwrap_or(rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let bare = rest.split_once("://").map_or(rest, |(_, bare)| bare);
    let (host, path) = match bare.find('/') {
        // `api.weixin.qq.com/cgi-bin/…` without a scheme, but not `cgi-bin/…`.
        Some(at) if at > 0 && (bare.len() < rest.len() || bare[..at].contains('.')) => {
            bare.split_at(at)
        }
        _ => ("", bare),
    };
    Typed {
        method,
        host,
        path,
        query,
    }
}

/// All endpoints on a route; a host or a telling parameter narrows it where it can.
fn by_route(text: &str, lang: Lang) -> Result<Vec<&'static catalog::Endpoint>, Fail> {
    let typed = typed(text);
    let method = match typed.method {
        None => None,
        Some(name) => Some(
            catalog::Method::parse(&name.to_ascii_uppercase()).ok_or_else(|| {
                Fail::usage(match lang {
                    Lang::Zh => format!("{name} 不是 GET、POST、PUT、PATCH、DELETE 之一"),
                    Lang::En => format!("{name} is none of GET, POST, PUT, PATCH, DELETE"),
                })
            })?,
        ),
    };
    let mut found = on_path(method, typed.path);
    if found.is_empty() {
        let all = on_path(None, typed.path);
        return Err(if all.is_empty() {
            no_route(&typed, lang)
        } else {
            other_method(typed.path, &all, lang)
        });
    }
    let host = typed.host.split(':').next().unwrap_or_default();
    let canonical = catalog::host(typed.host).map_or(host, |known| known.canonical);
    narrow(&mut found, |endpoint| endpoint.host == canonical);
    let pairs: Vec<_> = percent::pairs(typed.query).collect();
    narrow(&mut found, |endpoint| {
        endpoint.when.is_some_and(|when| {
            pairs
                .iter()
                .any(|(name, value)| name == when.name && value == when.value)
        })
    });
    Ok(found)
}

/// Keeps those that fit, if any do.
fn narrow(found: &mut Vec<&'static catalog::Endpoint>, fits: impl Fn(&catalog::Endpoint) -> bool) {
    if found.iter().any(|endpoint| fits(endpoint)) {
        found.retain(|endpoint| fits(endpoint));
    }
}

fn on_path(method: Option<catalog::Method>, path: &str) -> Vec<&'static catalog::Endpoint> {
    let mut found: Vec<&'static catalog::Endpoint> = Vec::new();
    for route in catalog::route::candidates(method, path) {
        if let Some(endpoint) = catalog::endpoint(route.id)
            && !found.iter().any(|known| known.id == endpoint.id)
        {
            found.push(endpoint);
        }
    }
    found
}

fn other_method(path: &str, all: &[&'static catalog::Endpoint], lang: Lang) -> Fail {
    let routes: Vec<String> = all
        .iter()
        .map(|endpoint| format!("{} {path} ({})", endpoint.method, endpoint.id))
        .collect();
    let routes = routes.join(", ");
    Fail::usage(match lang {
        Lang::Zh => format!("这个路径不接受该方法；有：{routes}"),
        Lang::En => format!("this path takes another method: {routes}"),
    })
}

fn no_route(typed: &Typed<'_>, lang: Lang) -> Fail {
    // The query is not repeated: it may hold a token.
    let shown = match typed.method {
        Some(method) => format!("{method} {}", typed.path),
        None => typed.path.to_owned(),
    };
    let mut near: Vec<(f64, &'static str)> = catalog::routes()
        .iter()
        .map(|route| {
            (
                strsim::normalized_damerau_levenshtein(route.path, typed.path),
                route.path,
            )
        })
        .filter(|(score, _)| *score > 0.6)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.dedup_by_key(|(_, path)| *path);
    let near: Vec<&str> = near.into_iter().take(NEAR).map(|(_, path)| path).collect();
    refuse(
        match lang {
            Lang::Zh => format!("目录里没有路径 {shown}"),
            Lang::En => format!("the catalog has no route {shown}"),
        },
        &near,
        lang,
    )
}

fn unknown(text: &str, lang: Lang) -> Fail {
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let mut near: Vec<&str> = endpoints(&words).map(|endpoint| endpoint.id).collect();
    near.extend(events(&words).map(|event| event.id));
    if near.is_empty() || near.len() > 40 {
        near = nearest(text);
    }
    near.truncate(NEAR);
    refuse(
        match lang {
            Lang::Zh => format!("目录里没有接口 {text}"),
            Lang::En => format!("the catalog has no endpoint {text}"),
        },
        &near,
        lang,
    )
}

fn refuse(what: String, near: &[&str], lang: Lang) -> Fail {
    Fail::usage(match (near.is_empty(), lang) {
        (true, Lang::Zh) => format!("{what}；xinqiao api ls 列出全部，后面可以跟要找的词"),
        (true, Lang::En) => {
            format!("{what}; `xinqiao api ls` lists everything, words behind it narrow it")
        }
        (false, Lang::Zh) => format!("{what}；相近的：{}", near.join(", ")),
        (false, Lang::En) => format!("{what}; near: {}", near.join(", ")),
    })
}

/// The ids that look most like the text.
fn nearest(text: &str) -> Vec<&'static str> {
    let text = text.to_ascii_lowercase();
    let last = text.rsplit('.').next().unwrap_or_default().to_owned();
    let ids = all()
        .map(|endpoint| endpoint.id)
        .chain(catalog::events().map(|event| event.id));
    let mut near: Vec<(f64, &'static str)> = ids
        .map(|id| {
            let same_verb = id.rsplit('.').next() == Some(last.as_str());
            let score = strsim::normalized_damerau_levenshtein(id, &text);
            (score + if same_verb { 0.2 } else { 0.0 }, id)
        })
        .filter(|(score, _)| *score > 0.55)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().map(|(_, id)| id).collect()
}

/// Every endpoint of the catalog.
pub(crate) fn all() -> impl Iterator<Item = &'static catalog::Endpoint> {
    catalog::Product::ALL
        .into_iter()
        .flat_map(catalog::endpoints)
}

/// The endpoints whose id, path or title contains each of the words.
pub(super) fn endpoints(words: &[String]) -> impl Iterator<Item = &'static catalog::Endpoint> {
    let words = lower(words);
    all().filter(move |endpoint| {
        let title = endpoint.title.en.to_ascii_lowercase();
        words.iter().all(|word| {
            endpoint.id.contains(word.as_str())
                || endpoint.path.to_ascii_lowercase().contains(word.as_str())
                || endpoint.title.zh.contains(word.as_str())
                || title.contains(word.as_str())
        })
    })
}

/// The callbacks whose id or title contains each of the words.
pub(super) fn events(words: &[String]) -> impl Iterator<Item = &'static catalog::Event> {
    let words = lower(words);
    catalog::events().filter(move |event| {
        let title = event.title.en.to_ascii_lowercase();
        words.iter().all(|word| {
            event.id.contains(word.as_str())
                || event.title.zh.contains(word.as_str())
                || title.contains(word.as_str())
        })
    })
}

fn lower(words: &[String]) -> Vec<String> {
    words
        .iter()
        .flat_map(|word| word.split_whitespace())
        .map(str::to_ascii_lowercase)
        .collect()
}

/// An endpoint in one line.
pub(super) fn line(endpoint: &catalog::Endpoint, lang: Lang) -> String {
    format!(
        "{:<48} {:<6} {}{}  {}",
        endpoint.id,
        endpoint.method.name(),
        endpoint.host,
        endpoint.path,
        endpoint.title.get(lang == Lang::Zh),
    )
}

#[cfg(test)]
mod tests;
