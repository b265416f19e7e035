//! Endpoints and events with all their fields.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;
use xinqiao_catalog::{Endpoint, Event, Product, Shape, TypeDef, TypeRef};

use super::Report;
use super::overrides::Overrides;
use crate::import::{flag, jsonl, text, texts};
use crate::pack::{Catalog, auth_kind};

/// What is compared of a product, and where differences go.
struct Walk<'a> {
    id: &'static str,
    types: &'a [TypeDef],
    corrected: &'a mut Overrides,
    complaints: &'a mut Vec<String>,
    fields: usize,
}

fn family(product: Product) -> String {
    product.name().replace('_', "-")
}

/// Every endpoint of the facts by method and path, every field by name, type and duty.
pub(super) fn endpoints(
    catalog: &Catalog,
    facts: &Path,
    corrected: &mut Overrides,
    report: &mut Report,
) -> Result<()> {
    let (mut rows, mut fields) = (0, 0);
    for (product, section) in &catalog.sections {
        let by_path = index(&section.endpoints, str::to_owned);
        // The facts may name a path's parameters otherwise: `/return-orders/{out_order_no}` is `{out_return_no}`.
        let by_form = index(&section.endpoints, unnamed);
        for fact in jsonl(&facts.join(format!("api/{}.jsonl", family(*product))))? {
            rows += 1;
            let (method, path) = (text(&fact, "method"), text(&fact, "path"));
            let found = by_path
                .get(&(method.clone(), path.clone()))
                .and_then(|candidates| choose(&fact, candidates));
            if found.is_none() && is_another_route(&section.endpoints, &fact) {
                continue;
            }
            let found = found.or_else(|| {
                let candidates = by_form.get(&(method.clone(), unnamed(&path)))?;
                choose(&fact, candidates)
            });
            let Some(endpoint) = found else {
                let id = text(&fact, "id");
                let line = format!("{product}: {method} {path} ({id}) is missing");
                report.complaints.push(line);
                continue;
            };
            added(endpoint, &section.types, &fact, corrected);
            let partial = flag(&fact, "partial");
            if endpoint.partial != partial {
                let (id, now) = (endpoint.id, endpoint.partial.to_string());
                if !corrected.allows(id, "partial", &partial.to_string(), &now) {
                    report.complaints.push(format!("{id}: partial is {now}"));
                }
            }
            let mut walk = Walk {
                id: endpoint.id,
                types: &section.types,
                corrected,
                complaints: &mut report.complaints,
                fields: 0,
            };
            let token = text(&fact, "token");
            if !token.is_empty() && auth_kind(&token)? != endpoint.auth.kind {
                let kind = serde_json::to_value(endpoint.auth.kind)?;
                walk.differ("auth", &token, kind.as_str().unwrap_or_default());
            }
            for (key, shape) in [
                ("query", &endpoint.query),
                ("headers", &endpoint.headers),
                ("request", &endpoint.request),
                ("response", &endpoint.response),
            ] {
                walk.fields(fact.get(key), shape, key, 0);
            }
            fields += walk.fields;
        }
    }
    report.rows("endpoints", rows);
    report.rows("fields of endpoints", fields);
    Ok(())
}

/// An older path, or a method that was guessed, of an endpoint that has its shape under its own route.
fn is_another_route(endpoints: &[Endpoint], fact: &Value) -> bool {
    let (method, path) = (text(fact, "method"), text(fact, "path"));
    let guessed = flag(fact, "method_guessed");
    endpoints.iter().any(|endpoint| {
        endpoint
            .routes()
            .skip(1)
            .any(|(own, other)| other == path && (guessed || own.to_string() == method))
    })
}

/// Corrections that add a field: the catalog has it as they say, and the fact lacks it.
fn added(endpoint: &Endpoint, types: &[TypeDef], fact: &Value, corrected: &mut Overrides) {
    for (place, what) in corrected.added(endpoint.id) {
        let (part, rest) = place.split_once('.').unwrap_or((&place, ""));
        let found = part_of(endpoint, part).and_then(|shape| find(types, shape, rest));
        let known = rest.split('.').try_fold(fact.get(part), |fields, name| {
            let mut fields = fields.and_then(Value::as_array)?.iter();
            let field = fields.find(|field| text(field, "name") == name)?;
            Some(field.get("fields"))
        });
        if known.is_none() && found.is_some_and(|(duty, _)| duty == what) {
            corrected.allows(endpoint.id, &place, "absent", &what);
        }
    }
}

fn part_of<'a>(endpoint: &'a Endpoint, part: &str) -> Option<&'a Shape> {
    let found = endpoint
        .shapes()
        .into_iter()
        .find(|(name, _)| *name == part);
    found.map(|(_, shape)| shape)
}

/// Endpoints by method and path, the latter in the form that is asked for.
fn index(
    endpoints: &[Endpoint],
    form: fn(&str) -> String,
) -> BTreeMap<(String, String), Vec<&Endpoint>> {
    let mut out: BTreeMap<(String, String), Vec<&Endpoint>> = BTreeMap::new();
    for endpoint in endpoints {
        let key = (endpoint.method.to_string(), form(endpoint.path));
        out.entry(key).or_default().push(endpoint);
    }
    out
}

/// A path without the names of its parameters: `/orders/{id}` is `/orders/{}`.
fn unnamed(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for letter in path.chars() {
        inside = inside && letter != '}';
        if !inside {
            out.push(letter);
        }
        inside = inside || letter == '{';
    }
    out
}

/// Of several on one path the one whose telling value is the fact's.
fn choose<'a>(fact: &Value, candidates: &[&'a Endpoint]) -> Option<&'a Endpoint> {
    if let [only] = candidates {
        return Some(only);
    }
    let constants: Vec<(String, String)> = ["query", "request"]
        .iter()
        .filter_map(|key| fact.get(*key).and_then(Value::as_array))
        .flatten()
        .map(|field| (text(field, "name"), text(field, "const")))
        .collect();
    let told = candidates.iter().find(|candidate| {
        candidate.when.is_some_and(|when| {
            constants
                .iter()
                .any(|(name, value)| name == when.name && value == when.value)
        })
    });
    let host = text(fact, "host");
    // Addresses that an earlier answer gave share one template: their ids tell what is fetched.
    let id = crate::names::snake(text(fact, "id").rsplit('.').next().unwrap_or_default());
    let named = candidates
        .iter()
        .find(|candidate| candidate.absolute_url && id.starts_with(candidate.verb));
    told.or(named)
        .or_else(|| {
            candidates
                .iter()
                .find(|c| c.when.is_none() && c.host == host)
        })
        .or_else(|| candidates.iter().find(|c| c.when.is_none()))
        .copied()
}

/// A field of a shape, in whatever form: duty and type.
fn find(types: &[TypeDef], shape: &Shape, place: &str) -> Option<(String, TypeRef)> {
    let (name, rest) = place.split_once('.').unwrap_or((place, ""));
    let (found, duty) = field_of(shape, name)?;
    if rest.is_empty() {
        return Some((duty.to_owned(), found));
    }
    let def = types.get(found.named()?.0 as usize)?;
    find(types, &def.shape, rest)
}

/// Type of a field or of a union's body; the duty: `required`, `optional`, `tag` or `body`.
fn field_of(shape: &Shape, name: &str) -> Option<(TypeRef, &'static str)> {
    if let Some(field) = shape.field(name) {
        let duty = if field.required {
            "required"
        } else {
            "optional"
        };
        return Some((field.ty.clone(), duty));
    }
    if let Some(union) = &shape.union {
        if union.tag == name {
            return Some((TypeRef::String, "tag"));
        }
        let case = union.cases.iter().find(|case| case.field == name)?;
        return Some((case.ty.clone()?, "body"));
    }
    None
}

impl Walk<'_> {
    fn differ(&mut self, place: &str, facts: &str, catalog: &str) {
        if !self.corrected.allows(self.id, place, facts, catalog) {
            self.complaints.push(format!(
                "{} {place}: the facts say `{facts}`, the catalog `{catalog}`",
                self.id
            ));
        }
    }

    fn fields(&mut self, facts: Option<&Value>, shape: &Shape, place: &str, depth: usize) {
        let all: Vec<&Value> = facts
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .collect();
        for (at, fact) in all.iter().enumerate() {
            let name = text(fact, "name");
            // A name that stands twice is two spellings of one field: the first counts.
            if all.iter().take(at).any(|other| text(other, "name") == name) {
                continue;
            }
            self.fields += 1;
            let here = format!("{place}.{name}");
            if name == "*" {
                if shape.open.is_none() {
                    self.differ(&here, "free keys", "absent");
                }
                continue;
            }
            let wanted = if flag(fact, "required") {
                "required"
            } else {
                "optional"
            };
            let Some((ty, duty)) = field_of(shape, &name) else {
                self.differ(&here, wanted, "absent");
                continue;
            };
            // A union says more than duties can: its tag is required, and one body.
            if duty != wanted && !matches!(duty, "tag" | "body") {
                self.differ(&here, wanted, duty);
            }
            self.kind(fact, &text(fact, "type"), &ty, &here, depth);
        }
    }

    fn kind(&mut self, fact: &Value, wanted: &str, ty: &TypeRef, here: &str, depth: usize) {
        let inner = |open: &str| {
            wanted
                .strip_prefix(open)
                .and_then(|rest| rest.strip_suffix('>'))
        };
        if let (Some(item), TypeRef::List(ty)) = (inner("list<"), ty) {
            return self.kind(fact, item, ty, here, depth);
        }
        if let (Some(item), TypeRef::Map(ty)) = (inner("map<"), ty) {
            let item = item.split_once(',').map_or(item, |(_, value)| value.trim());
            return self.kind(fact, item, ty, here, depth);
        }
        let children = fact.get("fields").and_then(Value::as_array);
        let children = children.filter(|children| !children.is_empty());
        match (wanted, ty) {
            ("object", TypeRef::Named(id)) => {
                let types = self.types;
                let def = types.get(id.0 as usize);
                if let (Some(def), Some(_)) = (def, children)
                    && depth < 16
                {
                    self.fields(fact.get("fields"), &def.shape, here, depth + 1);
                }
            }
            // Free keys only, or nothing known of it.
            ("object", TypeRef::Map(_))
                if children
                    .is_some_and(|all| all.iter().all(|child| text(child, "name") == "*")) => {}
            ("object", TypeRef::Any) if children.is_none() => {}
            _ => {
                let known = word(ty);
                if known != wanted {
                    self.differ(here, wanted, known);
                }
            }
        }
    }
}

fn word(ty: &TypeRef) -> &'static str {
    match ty {
        TypeRef::String => "string",
        TypeRef::Int32 => "int32",
        TypeRef::Int64 => "int64",
        TypeRef::Uint64 => "uint64",
        TypeRef::Float => "float",
        TypeRef::Bool => "bool",
        TypeRef::Timestamp => "timestamp",
        TypeRef::File => "file",
        TypeRef::Bytes => "bytes",
        TypeRef::Any => "any",
        TypeRef::Named(_) => "object",
        TypeRef::List(_) => "list",
        TypeRef::Map(_) => "map",
    }
}

/// Every callback of both descriptions, with the union of their elements; the order is that of the rules.
pub(super) fn events(
    catalog: &Catalog,
    facts: &Path,
    corrected: &mut Overrides,
    report: &mut Report,
) -> Result<()> {
    let (mut rows, mut fields) = (0, 0);
    for fact in jsonl(&facts.join("api/events.jsonl"))? {
        rows += 1;
        let name = text(&fact, "product").replace('-', "_");
        let product = Product::parse(&name);
        let section = product.and_then(|product| {
            let events = catalog.events.get(&product)?;
            Some((events, &catalog.sections.get(&product)?.types))
        });
        let found = section.and_then(|(events, types)| {
            let event = (events.events.iter()).find(|event| same(event, &fact, corrected))?;
            Some((event, types))
        });
        let Some((event, types)) = found else {
            let id = text(&fact, "id");
            report.complaints.push(format!("event {id} is missing"));
            continue;
        };
        let mut walk = Walk {
            id: event.id,
            types,
            corrected,
            complaints: &mut report.complaints,
            fields: 0,
        };
        for key in ["fields", "decrypted_fields"] {
            walk.named_only(fact.get(key), &event.shape, key);
        }
        fields += walk.fields;
    }
    for (file, pushed) in [("events", true), ("messages", false)] {
        for rule in jsonl(&facts.join(format!("rules/{file}.jsonl")))? {
            rows += 1;
            rule_event(catalog, &rule, pushed, &mut fields, report);
        }
    }
    report.rows("events and messages", rows);
    report.rows("elements of events", fields);
    Ok(())
}

/// Whether an event is that of the facts. A correction may say that they know it by another `event`.
fn same(event: &Event, fact: &Value, corrected: &mut Overrides) -> bool {
    let constants = fact.get("fields").and_then(Value::as_array);
    let told = event.when.is_none_or(|(name, value)| {
        let mut fields = constants.into_iter().flatten();
        value == "*"
            || fields.any(|field| text(field, "name") == name && text(field, "const") == value)
    });
    let event_type = match fact.get("event_type") {
        Some(Value::Array(_)) => texts(fact, "event_type").join(" "),
        _ => text(fact, "event_type"),
    };
    let kind = event.id.split('.').nth(1).unwrap_or_default();
    // The parts of the fact's id, a repeated one once: what the catalog's id is made of.
    let id = text(fact, "id");
    let mut parts: Vec<String> = id.split('.').skip(2).map(crate::names::snake).collect();
    parts.dedup();
    told && kind == text(fact, "kind")
        && event.id.split('.').skip(2).collect::<Vec<_>>().join(".") == parts.join("_")
        && event.event_type == event_type
        && event.info_type == text(fact, "info_type")
        && {
            let known = text(fact, "event");
            event.event == known || corrected.allows(event.id, "event", &known, event.event)
        }
}

/// A rule's event or message: all its elements, in its order.
fn rule_event(
    catalog: &Catalog,
    rule: &Value,
    pushed: bool,
    fields: &mut usize,
    report: &mut Report,
) {
    let products: &[Product] = match text(rule, "product").as_str() {
        "oa" => &[Product::OfficialAccount],
        "mini" => &[Product::MiniProgram],
        "channels" => &[Product::Channels],
        "component" | "open-app" => &[Product::OpenPlatform],
        "wecom" => &[Product::Work],
        _ => &[],
    };
    let name = if pushed {
        text(rule, "event")
    } else {
        text(rule, "msg_type")
    };
    let kind = match (
        pushed,
        text(rule, "kind").as_str(),
        text(rule, "channel").as_str(),
    ) {
        (true, _, "auth-event") => "info",
        (true, ..) => "event",
        (false, "inbound", _) => "message",
        (false, "passive_reply", _) => "reply",
        (false, kind, _) => return body(catalog, rule, kind, report),
    };
    let wanted: Vec<String> = rule
        .get("elements")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|element| text(element, "name"))
        .collect();
    *fields += wanted.len();
    let mut best: Option<String> = None;
    for product in products {
        let events = catalog.events.get(product).into_iter();
        for event in events.flat_map(|events| &events.events) {
            let own = match kind {
                "info" => event.info_type,
                "event" => event.event,
                _ => event.msg_type,
            };
            if !own.eq_ignore_ascii_case(&name) || event.id.split('.').nth(1) != Some(kind) {
                continue;
            }
            let known: Vec<&str> = event
                .shape
                .fields
                .iter()
                .flat_map(|f| [f.name, f.xml_name])
                .collect();
            let positions: Vec<Option<usize>> = wanted
                .iter()
                .map(|name| known.iter().position(|known| known == name))
                .collect();
            let fault = match positions.iter().position(Option::is_none) {
                Some(at) => format!("{}: element {} is missing", event.id, wanted[at]),
                None if !positions.is_sorted() => {
                    format!("{}: elements are not in the order of the rules", event.id)
                }
                None => return,
            };
            best = best.or(Some(fault));
        }
    }
    let product = text(rule, "product");
    let missing = || format!("{kind} {name} of {product} (rules) is missing");
    report.complaints.push(best.unwrap_or_else(missing));
}

/// A body of a customer service or mass message must be a case of the union.
fn body(catalog: &Catalog, rule: &Value, kind: &str, report: &mut Report) {
    let id = match kind {
        "custom_send" => "official_account.message.custom.send",
        _ => "official_account.message.mass.send_all",
    };
    let tag = rule
        .get("json")
        .map(|json| text(json, "msgtype"))
        .unwrap_or_default();
    let section = catalog.sections.get(&Product::OfficialAccount);
    let endpoint = section.and_then(|s| s.endpoints.iter().find(|endpoint| endpoint.id == id));
    let union = endpoint.and_then(|endpoint| endpoint.request.union.as_ref());
    let known = union.is_some_and(|union| union.cases.iter().any(|case| case.value == tag));
    if !known && !tag.is_empty() {
        report.complaints.push(format!("{id}: no body for {tag}"));
    }
}

impl Walk<'_> {
    /// Names only: types and duties of events are the union of two descriptions.
    fn named_only(&mut self, facts: Option<&Value>, shape: &Shape, place: &str) {
        for fact in facts.and_then(Value::as_array).into_iter().flatten() {
            self.fields += 1;
            let name = text(fact, "name");
            let here = format!("{place}.{name}");
            let xml = text(fact, "xml_name");
            let known = shape.fields.iter().find(|field| {
                field.name == name
                    || (!xml.is_empty() && [field.name, field.xml_name].contains(&xml.as_str()))
            });
            let ty = known
                .map(|field| field.ty.clone())
                .or_else(|| field_of(shape, &name).map(|(ty, _)| ty));
            let Some(ty) = ty else {
                if name != "*" || shape.open.is_none() {
                    self.differ(&here, "field", "absent");
                }
                continue;
            };
            let types = self.types;
            if let Some(def) = ty.named().and_then(|id| types.get(id.0 as usize))
                && fact.get("same_as").is_none()
            {
                self.named_only(fact.get("fields"), &def.shape, &here);
            }
        }
    }
}
