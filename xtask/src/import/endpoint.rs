//! One endpoint fact → one endpoint entry.

use std::collections::BTreeMap;

use serde_json::Value;
use xinqiao_catalog::Product;

use super::ids::Placed;
use super::types::{Around, Types};
use super::{Titles, flag, text, texts};
use crate::names::camel;
use crate::source::{Defaults, EndpointSpec, File, Prose, VariantSpec};

/// Adds endpoints to a file.
pub(crate) fn add(product: Product, file: &mut File, facts: &[(&Value, &Placed)], titles: &Titles) {
    if file.endpoint.is_empty() {
        file.defaults = defaults(facts);
    }
    let verbs = facts.iter().map(|(_, place)| place.verb.clone());
    let old = file
        .endpoint
        .iter()
        .filter_map(|endpoint| endpoint.id.rsplit('.').next());
    let reserved: Vec<String> = verbs
        .chain(old.map(str::to_owned))
        .flat_map(|verb| [camel(&verb), format!("{}Response", camel(&verb))])
        .collect();
    let mut types = Types::of(file, reserved);
    let mut added = Vec::new();
    for (fact, place) in facts {
        added.push(endpoint(
            product,
            &file.defaults,
            fact,
            place,
            titles,
            &mut types,
        ));
    }
    types.into_file(file);
    file.endpoint.append(&mut added);
}

fn most_common(values: impl Iterator<Item = String>) -> String {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for value in values {
        *count.entry(value).or_default() += 1;
    }
    count
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map(|(value, _)| value)
        .unwrap_or_default()
}

fn defaults(facts: &[(&Value, &Placed)]) -> Defaults {
    let of = |key: &'static str| most_common(facts.iter().map(|(fact, _)| text(fact, key)));
    let docs: Vec<String> = facts
        .iter()
        .flat_map(|(fact, _)| texts(fact, "doc"))
        .collect();
    let base = most_common(docs.iter().filter_map(|url| {
        let parts: Vec<&str> = url.split('/').collect();
        (parts.len() > 5).then(|| format!("{}/", parts[..parts.len().min(6) - 1].join("/")))
    }));
    let roles: Vec<String> = facts
        .first()
        .map(|(fact, _)| texts(fact, "roles"))
        .unwrap_or_default();
    let shared = facts.iter().all(|(fact, _)| texts(fact, "roles") == roles);
    Defaults {
        host: of("host"),
        auth: of("token"),
        content: "json".into(),
        answer: of("response_content"),
        doc: base,
        roles: if shared { roles } else { Vec::new() },
    }
}

fn unless(value: String, default: &str) -> String {
    if value == default {
        String::new()
    } else {
        value
    }
}

fn endpoint(
    product: Product,
    defaults: &Defaults,
    fact: &Value,
    place: &Placed,
    titles: &Titles,
    types: &mut Types,
) -> EndpointSpec {
    let method = text(fact, "method");
    let id = place.id();
    let title = titles
        .get(&format!("{}.{id}", product.name()))
        .cloned()
        .unwrap_or_default();
    let token = text(fact, "token");
    let content = text(fact, "content");
    let body_default = if method == "GET" || method == "DELETE" {
        "none"
    } else {
        "json"
    };
    let usual = if token == "sns" {
        "access_token"
    } else if token == "webhook_key" {
        "key"
    } else {
        token.as_str()
    };
    let around = Around {
        names: vec![camel(&place.verb)],
        ancestors: vec![(String::new(), String::new())],
    };
    let mut encryption = Vec::new();
    for (key, name) in [
        ("request_encryption", "request"),
        ("response_encryption", "response"),
    ] {
        if flag(fact, key) {
            encryption.push(name.to_owned());
        }
    }
    if fact.get("body_encryption").is_some() {
        encryption.push("body".into());
    }
    let roles = texts(fact, "roles");
    let envelope = fact.get("envelope");
    let mut doc: Vec<String> = texts(fact, "doc");
    for url in &mut doc {
        if !defaults.doc.is_empty()
            && let Some(rest) = url.strip_prefix(&defaults.doc)
        {
            *url = rest.to_owned();
        }
    }
    let lines: Vec<String> = texts(fact, "products")
        .into_iter()
        .map(|line| line.replace('-', "_"))
        .filter(|line| line != product.name())
        .collect();
    let mut spec = EndpointSpec {
        title: Prose {
            zh: title.0,
            en: title.1,
        },
        http: format!("{method} {}", text(fact, "path")),
        host: unless(text(fact, "host"), &defaults.host),
        path_alt: Some(text(fact, "path_alt"))
            .filter(|alt| !alt.is_empty())
            .into_iter()
            .collect(),
        when: place.when.iter().cloned().collect(),
        method_assumed: flag(fact, "method_guessed"),
        absolute_url: flag(fact, "absolute_url"),
        auth: unless(token.clone(), &defaults.auth),
        auth_param: unless(text(fact, "token_param"), usual),
        content: unless(content, body_default),
        content_alt: text(fact, "content_alt"),
        answer: unless(text(fact, "response_content"), &defaults.answer),
        answer_alt: text(fact, "response_content_alt"),
        envelope: match envelope {
            Some(names) => vec![
                Some(text(names, "code"))
                    .filter(|name| !name.is_empty())
                    .unwrap_or("errcode".into()),
                Some(text(names, "message"))
                    .filter(|name| !name.is_empty())
                    .unwrap_or("errmsg".into()),
            ],
            None => Vec::new(),
        },
        client_cert: flag(fact, "client_cert"),
        encryption,
        roles: if roles == defaults.roles {
            Vec::new()
        } else {
            roles
        },
        lines,
        deprecated: text(fact, "deprecated"),
        partial: flag(fact, "partial"),
        doc,
        path: types.fields(fact.get("path_params"), &around),
        query: types.fields(fact.get("query"), &around),
        headers: types.fields(fact.get("headers"), &around),
        request: types.fields(fact.get("request"), &around),
        response: types.fields(fact.get("response"), &around),
        variant: fact
            .get("variants")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|variant| VariantSpec {
                audience: text(variant, "audience"),
                request: texts(variant, "request"),
                response: texts(variant, "response"),
            })
            .collect(),
        id,
        ..EndpointSpec::default()
    };
    spec.retry = retry(&method, &spec);
    spec
}

/// `safe` for reads, `keyed` where the request carries an idempotency key, else nothing (the method decides).
fn retry(method: &str, spec: &EndpointSpec) -> String {
    if method == "GET" {
        return String::new();
    }
    let verb = spec.id.rsplit('.').next().unwrap_or_default();
    let reads = [
        "get", "list", "query", "batchget", "search", "check", "count", "info", "download",
    ];
    if reads.iter().any(|read| {
        verb.starts_with(read)
            || verb.ends_with(&format!("_{read}"))
            || verb.ends_with(&format!("_get_{read}"))
    }) {
        return "safe".into();
    }
    let keys = [
        "client_msg_id",
        "clientmsgid",
        "out_trade_no",
        "out_refund_no",
        "out_batch_no",
        "out_bill_no",
        "out_request_no",
        "out_order_no",
        "partner_trade_no",
        "mch_billno",
        "idempotency_key",
        "Idempotency-Key",
        "out_business_no",
        "out_return_no",
    ];
    let keyed = spec
        .request
        .0
        .iter()
        .chain(&spec.headers.0)
        .any(|(name, _)| keys.contains(&name.as_str()));
    if keyed { "keyed".into() } else { String::new() }
}
