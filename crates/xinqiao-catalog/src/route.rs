//! From a request line to an endpoint, through a segment trie. Literal segments win over parameters.

use std::collections::HashMap;
use std::sync::OnceLock;

use xinqiao_types::percent;

use crate::blob;
use crate::lookup::{endpoints, hosts, routes};
use crate::model::{Endpoint, Method, Route, When};

/// What is known of a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct RouteQuery<'a> {
    /// Host, with or without a port; an alias of the canonical one is fine. Empty = any host.
    pub host: &'a str,
    /// Method, upper case.
    pub method: &'a str,
    /// Path, percent-encoded as it came.
    pub path: &'a str,
    /// Raw query without `?`.
    pub query: &'a str,
    /// Body; only read where endpoints on one route are told apart by a field of it.
    pub body: &'a [u8],
}

/// What it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Routed {
    /// This endpoint.
    Found {
        /// The endpoint.
        endpoint: &'static Endpoint,
        /// Values of the path parameters, decoded, by name.
        path_params: Vec<(&'static str, String)>,
    },
    /// The path exists with other methods.
    WrongMethod {
        /// Which ones.
        allowed: Vec<Method>,
    },
    /// No such path.
    Unknown {
        /// The most similar path of the same host.
        nearest: Option<&'static str>,
    },
}

#[derive(Debug, Default)]
struct Node {
    literal: HashMap<&'static str, Node>,
    /// Segments with a literal prefix or suffix around the parameter: `{id}.json`.
    mixed: Vec<(&'static str, &'static str, Node)>,
    parameter: Option<Box<Node>>,
    routes: Vec<&'static Route>,
}

#[derive(Debug, Default)]
struct Router {
    hosts: HashMap<&'static str, Node>,
    aliases: HashMap<&'static str, &'static str>,
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

impl Node {
    fn insert(&mut self, route: &'static Route) {
        let mut node = self;
        for segment in segments(route.path) {
            node = match (segment.find('{'), segment.rfind('}')) {
                (Some(0), Some(end)) if end + 1 == segment.len() => {
                    node.parameter.get_or_insert_default()
                }
                (Some(start), Some(end)) => {
                    let (prefix, suffix) = (&segment[..start], &segment[end + 1..]);
                    let at = node
                        .mixed
                        .iter()
                        .position(|(p, s, _)| *p == prefix && *s == suffix);
                    let at = at.unwrap_or_else(|| {
                        node.mixed.push((prefix, suffix, Node::default()));
                        node.mixed.len() - 1
                    });
                    &mut node.mixed[at].2
                }
                _ => node.literal.entry(segment).or_default(),
            };
        }
        node.routes.push(route);
    }

    fn find<'a>(&'a self, path: &[&str]) -> Option<&'a Node> {
        let Some((segment, rest)) = path.split_first() else {
            return (!self.routes.is_empty()).then_some(self);
        };
        if let Some(found) = self.literal.get(*segment).and_then(|node| node.find(rest)) {
            return Some(found);
        }
        let mixed = self.mixed.iter().find_map(|(prefix, suffix, node)| {
            let fits = segment.len() > prefix.len() + suffix.len()
                && segment.starts_with(prefix)
                && segment.ends_with(suffix);
            if fits { node.find(rest) } else { None }
        });
        mixed.or_else(|| self.parameter.as_ref().and_then(|node| node.find(rest)))
    }
}

fn router() -> &'static Router {
    static CELL: OnceLock<Router> = OnceLock::new();
    CELL.get_or_init(|| {
        let mut router = Router::default();
        for host in hosts() {
            router.aliases.insert(host.name, host.canonical);
        }
        for route in routes() {
            router.hosts.entry(route.host).or_default().insert(route);
        }
        router
    })
}

/// Finds the endpoint that a request is for.
#[must_use]
pub fn route(query: &RouteQuery<'_>) -> Routed {
    match route_known(query) {
        Routed::Unknown { nearest: None } => {
            let name = query.host.split(':').next().unwrap_or_default();
            let canonical = router().aliases.get(name).copied().unwrap_or(name);
            let nearest = nearest(canonical, query.path);
            Routed::Unknown { nearest }
        }
        routed => routed,
    }
}

/// [`route`] for requests of strangers: an unknown path costs no more than a known one, because nothing like it is
/// looked for.
#[must_use]
pub fn route_known(query: &RouteQuery<'_>) -> Routed {
    let router = router();
    let name = query.host.split(':').next().unwrap_or_default();
    let canonical = router.aliases.get(name).copied().unwrap_or(name);
    let path: Vec<&str> = segments(query.path).collect();
    let nodes: Vec<&Node> = if name.is_empty() {
        router
            .hosts
            .values()
            .filter_map(|root| root.find(&path))
            .collect()
    } else {
        router
            .hosts
            .get(canonical)
            .and_then(|root| root.find(&path))
            .into_iter()
            .collect()
    };
    if nodes.is_empty() {
        return Routed::Unknown { nearest: None };
    }
    let candidates: Vec<&'static Route> = nodes
        .iter()
        .flat_map(|node| node.routes.iter().copied())
        .collect();
    let method = Method::parse(query.method);
    let mut allowed: Vec<Method> = candidates.iter().map(|route| route.method).collect();
    allowed.sort_unstable();
    allowed.dedup();
    let fitting = candidates
        .iter()
        .filter(|route| Some(route.method) == method);
    let mut plain = None;
    for route in fitting {
        match route.when {
            Some(when) if holds(when, query) => return found(route, &path),
            Some(_) => {}
            None => plain = plain.or(Some(*route)),
        }
    }
    match plain {
        Some(route) => found(route, &path),
        None if method.is_some_and(|method| allowed.contains(&method)) => Routed::Unknown {
            nearest: candidates.first().map(|route| route.path),
        },
        None => Routed::WrongMethod { allowed },
    }
}

/// All routes on a path, whatever the host; `method` narrows it.
#[must_use]
pub fn candidates(method: Option<Method>, path: &str) -> Vec<&'static Route> {
    let path: Vec<&str> = segments(path).collect();
    let mut all: Vec<&'static Route> = router()
        .hosts
        .values()
        .filter_map(|root| root.find(&path))
        .flat_map(|node| node.routes.iter().copied())
        .filter(|route| method.is_none_or(|method| method == route.method))
        .collect();
    all.sort_by_key(|route| route.id);
    all
}

fn found(route: &'static Route, path: &[&str]) -> Routed {
    let Some(endpoint) = endpoints(route.product).get(route.index as usize) else {
        return Routed::Unknown { nearest: None };
    };
    let mut path_params = Vec::new();
    for (template, value) in segments(route.path).zip(path) {
        if let (Some(start), Some(end)) = (template.find('{'), template.rfind('}')) {
            let tail = template.len() - end - 1;
            let value = value
                .get(start..value.len().saturating_sub(tail))
                .unwrap_or_default();
            path_params.push((
                &template[start + 1..end],
                percent::decode(value).into_owned(),
            ));
        }
    }
    Routed::Found {
        endpoint,
        path_params,
    }
}

fn holds(when: When, query: &RouteQuery<'_>) -> bool {
    if when.in_body {
        let body: Option<serde_json::Value> = serde_json::from_slice(query.body).ok();
        return body
            .as_ref()
            .and_then(|body| body.get(when.name))
            .is_some_and(|value| match value {
                serde_json::Value::String(text) => text == when.value,
                other => serde_json::from_str::<serde_json::Value>(when.value)
                    .is_ok_and(|want| want == *other),
            });
    }
    percent::pairs(query.query).any(|(name, value)| name == when.name && value == when.value)
}

/// The most similar path on that host (any host if it has none), or nothing if none is similar at all.
fn nearest(host: &str, path: &str) -> Option<&'static str> {
    let known = blob::index().routes.iter().any(|route| route.host == host);
    let best = routes()
        .iter()
        .filter(|route| !known || route.host == host)
        .map(|route| (distance(route.path, path), route.path))
        .min()?;
    (best.0 <= path.len().max(6) / 3).then_some(best.1)
}

/// Edit distance in bytes; cheap enough for a path that failed anyway.
fn distance(a: &str, b: &str) -> usize {
    if a.len().abs_diff(b.len()) > 24 {
        return usize::MAX;
    }
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let change = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
