//! How a sample index calls endpoints and events, and what the catalog calls them.

use std::collections::BTreeMap;

use xinqiao_catalog::{Endpoint, Event, Method, Product, endpoints, events};

/// Names of the fact base → catalog ids.
pub(crate) struct Names {
    endpoints: BTreeMap<(String, String), &'static Endpoint>,
    /// By names without the path's parameters: the fact base may call those otherwise.
    unnamed: BTreeMap<(String, String), &'static Endpoint>,
    events: BTreeMap<(String, String), &'static Event>,
}

impl Names {
    pub(crate) fn new() -> Names {
        let mut names = Names {
            endpoints: BTreeMap::new(),
            unnamed: BTreeMap::new(),
            events: BTreeMap::new(),
        };
        for product in Product::ALL {
            let family = product.name().replace('_', "-");
            for endpoint in endpoints(product) {
                for name in fact_ids(endpoint) {
                    let unnamed = (family.clone(), unnamed(&name));
                    names.unnamed.entry(unnamed).or_insert(endpoint);
                    names
                        .endpoints
                        .entry((family.clone(), name))
                        .or_insert(endpoint);
                }
            }
        }
        for event in events() {
            let family = event.product.name().replace('_', "-");
            let rest = event.id.split_once('.').map_or(event.id, |(_, rest)| rest);
            names.events.insert((family, rest.to_owned()), event);
        }
        names
    }

    pub(crate) fn endpoint(&self, family: &str, id: &str) -> Option<&'static str> {
        self.known(family, id).map(|endpoint| endpoint.id)
    }

    fn known(&self, family: &str, id: &str) -> Option<&'static Endpoint> {
        let (family, id) = id.split_once(':').unwrap_or((family, id));
        let id = id.to_ascii_lowercase();
        let other = (family.to_owned(), unnamed(&id));
        let found = self.endpoints.get(&(family.to_owned(), id));
        found.or_else(|| self.unnamed.get(&other)).copied()
    }

    /// Names of the error envelope of an endpoint's answer.
    pub(crate) fn envelope(&self, family: &str, id: &str) -> &'static [&'static str] {
        if let Some(names) = self.known(family, id).and_then(|e| e.envelope.as_ref()) {
            return names;
        }
        match id.split_once(':').map_or(family, |(family, _)| family) {
            "pay-v2" => &[
                "return_code",
                "return_msg",
                "result_code",
                "err_code",
                "err_code_des",
            ],
            "pay-v3" | "pay-global" => &["code", "message", "detail"],
            "pay-business" => &["trace_id", "error"],
            _ => &["errcode", "errmsg"],
        }
    }

    pub(crate) fn event(&self, family: &str, id: &str) -> Option<&'static str> {
        let mut parts = id.split('.');
        let head = parts.next().unwrap_or_default();
        let family = if Product::parse(&head.replace('-', "_")).is_some() {
            head
        } else {
            family
        };
        let kind = parts.next().unwrap_or_default();
        let mut rest: Vec<String> = parts.map(snake).collect();
        rest.dedup();
        let name = format!("{kind}.{}", rest.join("_"));
        self.events
            .get(&(family.to_owned(), name))
            .map(|event| event.id)
    }
}

/// How the fact base may call an endpoint: its path with dots, the discriminating value or the method behind it.
fn fact_ids(endpoint: &Endpoint) -> Vec<String> {
    let path: Vec<String> = endpoint
        .path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| {
            match part
                .strip_prefix('{')
                .and_then(|name| name.strip_suffix('}'))
            {
                Some(name) => format!("by_{name}"),
                None => part.to_owned(),
            }
        })
        .collect();
    let path = path.join(".").to_ascii_lowercase();
    let mut out = Vec::new();
    for field in endpoint.query.fields.iter().chain(&endpoint.request.fields) {
        if !field.constant.is_empty() {
            out.push(format!("{path}.{}", field.constant.to_ascii_lowercase()));
        }
    }
    if let Some(when) = endpoint.when {
        out.push(format!("{path}.{}", when.value.to_ascii_lowercase()));
    }
    let method = match endpoint.method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Put => "put",
        Method::Patch => "patch",
        Method::Delete => "delete",
    };
    out.push(format!("{path}.{method}"));
    out.push(path);
    out
}

/// `v3.certificates.by_serial_no` as `v3.certificates.by_`.
fn unnamed(name: &str) -> String {
    let parts = name.split('.');
    let parts = parts.map(|part| if part.starts_with("by_") { "by_" } else { part });
    parts.collect::<Vec<_>>().join(".")
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            out.push(character.to_ascii_lowercase());
        } else if character.is_ascii_alphanumeric() {
            out.push(character);
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    out.trim_matches('_').to_owned()
}
