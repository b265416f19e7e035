//! Where an endpoint belongs: module and verb from its path.
//!
//! The fixed prefix of the family goes; a first segment with something below it is a module; a deeper segment is
//! one if at least two endpoints lie below it and none lies on it. The rest of the path is the verb.

use std::collections::BTreeMap;

use serde_json::Value;
use xinqiao_catalog::Product;

use super::text;
use crate::names::snake;

/// The place of one endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) module: String,
    pub(crate) verb: String,
    pub(crate) file: String,
    /// Path prefix that stands for the module.
    pub(crate) prefix: String,
    /// Query value that tells it apart, with its name.
    pub(crate) when: Option<(String, String)>,
}

impl Placed {
    /// Id without the product.
    pub(crate) fn id(&self) -> String {
        format!("{}.{}", self.module, self.verb)
    }
}

fn strip(product: Product) -> &'static [&'static str] {
    match product {
        Product::OfficialAccount | Product::MiniProgram | Product::OpenPlatform => &["cgi-bin"],
        Product::Work => &["cgi-bin"],
        Product::Channels => &["channels/ec", "channels"],
        Product::PayV3 => &["v3"],
        Product::PayGlobal => &["v3/global", "global/v3", "hk/v3", "v3"],
        Product::PayBusiness => &["v3/mse-pay", "v3"],
        Product::PayV2 => &["cgi-bin"],
        Product::Ads => &["marketing"],
        Product::Chatbot => &["openapi"],
    }
}

/// Segments of the path without the family's prefix, in snake case.
fn segments(product: Product, path: &str) -> (String, Vec<String>) {
    let path = path.trim_matches('/');
    let mut prefix = "";
    for candidate in strip(product) {
        if path
            .strip_prefix(candidate)
            .is_some_and(|rest| rest.starts_with('/'))
        {
            prefix = candidate;
            break;
        }
    }
    let rest = path[prefix.len()..].trim_matches('/');
    let mut out: Vec<String> = Vec::new();
    for segment in rest.split('/') {
        if let Some(name) = segment
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            let name = snake(name);
            if out.last() == Some(&name) && out.len() > 1 {
                out.pop();
            }
            out.push(format!("by_{name}"));
        } else {
            out.push(snake(&segment.replace(['{', '}', '.'], "_")));
        }
    }
    (prefix.to_owned(), out)
}

#[derive(Default)]
struct Node {
    here: usize,
    below: usize,
    children: BTreeMap<String, Node>,
}

/// Places all endpoints of a family.
pub(crate) fn place(product: Product, facts: &[Value]) -> Vec<Placed> {
    let mut routes: BTreeMap<(String, String), usize> = BTreeMap::new();
    for fact in facts {
        *routes
            .entry((text(fact, "method"), text(fact, "path")))
            .or_default() += 1;
    }
    let mut root = Node::default();
    let mut all = Vec::new();
    for fact in facts {
        let (path, method) = (text(fact, "path"), text(fact, "method"));
        let (prefix, mut segments) = segments(product, &path);
        let mut when = None;
        if routes
            .get(&(method.clone(), path))
            .is_some_and(|count| *count > 1)
        {
            for field in fact
                .get("query")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                let value = text(field, "const");
                if !value.is_empty() {
                    segments.push(snake(&value));
                    when = Some((format!("query.{}", text(field, "name")), value));
                    break;
                }
            }
            for field in fact
                .get("request")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                let value = text(field, "const");
                if when.is_none() && !value.is_empty() {
                    segments.push(snake(&value));
                    when = Some((format!("body.{}", text(field, "name")), value));
                }
            }
            if when.is_none() {
                let id = text(fact, "id");
                let tail = id.rsplit('.').next().unwrap_or_default();
                if product == Product::PayV3 && !tail.is_empty() {
                    segments.push(snake(tail));
                }
            }
        }
        let mut node = &mut root;
        node.below += 1;
        for (at, segment) in segments.iter().enumerate() {
            node = node.children.entry(segment.clone()).or_default();
            if at + 1 < segments.len() {
                node.below += 1;
            }
        }
        node.here += 1;
        all.push((prefix, segments, when, method));
    }
    let mut placed: Vec<Placed> = all
        .iter()
        .map(|(prefix, segments, when, _)| {
            let depth = depth(&root, segments);
            let module = if depth == 0 {
                "base".into()
            } else {
                segments[..depth].join(".")
            };
            let mut path = if prefix.is_empty() {
                String::new()
            } else {
                format!("/{prefix}")
            };
            for segment in &segments[..depth] {
                path.push('/');
                path.push_str(segment);
            }
            Placed {
                verb: verb(&segments[depth..]),
                file: String::new(),
                module,
                prefix: if path.is_empty() { "/".into() } else { path },
                when: when.clone(),
            }
        })
        .collect();
    let methods: Vec<&str> = all.iter().map(|entry| entry.3.as_str()).collect();
    distinguish(&mut placed, &methods, facts);
    shorten(
        &mut placed,
        &all.iter()
            .map(|entry| entry.1.as_slice())
            .collect::<Vec<_>>(),
    );
    files(&mut placed);
    placed
}

/// Long verbs lose parameters and words in the middle, as far as they stay unique.
fn shorten(placed: &mut [Placed], paths: &[&[String]]) {
    let long = |verb: &str| crate::names::camel(verb).len() > 32;
    let mut used: std::collections::BTreeSet<String> = placed.iter().map(Placed::id).collect();
    for (place, path) in placed.iter_mut().zip(paths) {
        let depth = if place.module == "base" {
            0
        } else {
            place.module.split('.').count()
        };
        let segments = path.get(depth..).unwrap_or_default();
        if !long(&place.verb) || verb(segments) != place.verb {
            continue;
        }
        let last = segments.len().saturating_sub(1);
        let words: Vec<&String> = segments
            .iter()
            .enumerate()
            .filter(|(at, segment)| *at == last || !segment.starts_with("by_"))
            .map(|(_, segment)| segment)
            .collect();
        let candidates = (0..words.len()).map(|skip| {
            words[skip..]
                .iter()
                .map(|word| word.as_str())
                .collect::<Vec<_>>()
                .join("_")
        });
        let mut fallback = None;
        for candidate in candidates {
            let id = format!("{}.{candidate}", place.module);
            if used.contains(&id) || candidate.starts_with("by_") {
                continue;
            }
            if long(&candidate) {
                fallback = fallback.or(Some(candidate));
            } else {
                fallback = Some(candidate);
                break;
            }
        }
        if let Some(verb) = fallback {
            place.verb = verb;
            used.insert(place.id());
        }
    }
}

fn depth(root: &Node, segments: &[String]) -> usize {
    let mut node = root;
    let mut depth = 0;
    for (at, segment) in segments.iter().enumerate() {
        let Some(child) = node.children.get(segment) else {
            break;
        };
        let last = at + 1 == segments.len();
        let fits = if at == 0 {
            child.below >= 1 && (child.here == 0 || child.below >= 4)
        } else {
            at < 3 && child.below >= 2 && child.here == 0
        };
        if last || !fits || segment.starts_with("by_") {
            break;
        }
        depth = at + 1;
        node = child;
    }
    depth
}

fn verb(segments: &[String]) -> String {
    let mut verb = segments.join("_");
    if verb.starts_with(|character: char| character.is_ascii_digit()) {
        verb.insert(0, 'n');
    }
    verb
}

/// Endpoints with one id: the only one that is fully known keeps it; else each gets its method behind it, and
/// where that is not enough its path prefix.
fn distinguish(placed: &mut [Placed], methods: &[&str], facts: &[Value]) {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, place) in placed.iter().enumerate() {
        groups.entry(place.id()).or_default().push(at);
    }
    for group in groups.into_values().filter(|group| group.len() > 1) {
        let full: Vec<usize> = group
            .iter()
            .copied()
            .filter(|at| !super::flag(&facts[*at], "partial"))
            .collect();
        let keeps = if full.len() == 1 {
            full.first().copied()
        } else {
            None
        };
        let mut names: Vec<&str> = group.iter().map(|at| methods[*at]).collect();
        names.sort_unstable();
        names.dedup();
        for at in group.iter().copied().filter(|at| Some(*at) != keeps) {
            let extra = if names.len() == group.len() && keeps.is_none() {
                methods[at].to_ascii_lowercase()
            } else {
                let prefix = placed[at]
                    .prefix
                    .trim_matches('/')
                    .replace(['/', '-', '.'], "_");
                let extra = prefix.trim_end_matches(placed[at].module.as_str());
                let extra = extra.trim_matches('_');
                if extra.is_empty() {
                    "direct".to_owned()
                } else {
                    extra.to_owned()
                }
            };
            placed[at].verb = format!("{}_{extra}", placed[at].verb);
        }
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (place, method) in placed.iter_mut().zip(methods) {
        let count = seen.entry(place.id()).or_default();
        *count += 1;
        if *count > 1 {
            place.verb = format!("{}_{}", place.verb, method.to_ascii_lowercase());
        }
    }
}

/// One file a top-level module; small ones share `base`; large ones give their larger parts a file each.
fn files(placed: &mut [Placed]) {
    let mut top: BTreeMap<String, usize> = BTreeMap::new();
    let mut second: BTreeMap<String, usize> = BTreeMap::new();
    let two = |module: &str| module.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
    for place in placed.iter() {
        let first = place
            .module
            .split('.')
            .next()
            .unwrap_or_default()
            .to_owned();
        *top.entry(first).or_default() += 1;
        *second.entry(two(&place.module)).or_default() += 1;
    }
    for place in placed.iter_mut() {
        let first = place
            .module
            .split('.')
            .next()
            .unwrap_or_default()
            .to_owned();
        let pair = two(&place.module);
        let size = top.get(&first).copied().unwrap_or_default();
        place.file = if size < 4 {
            "base".into()
        } else if size > 40 && pair != first && second.get(&pair).is_some_and(|size| *size >= 8) {
            pair
        } else {
            first
        };
    }
}
