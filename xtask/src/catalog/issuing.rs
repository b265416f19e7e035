//! Is every endpoint that hands out a credential, or takes a secret, in the list of issuing endpoints?
//!
//! The gateway trusts the list: what is missing there would hand an app with an issued key the real thing.

use std::collections::{BTreeMap, HashSet};

use xinqiao_catalog::{AuthKind, Bearing, Endpoint, IssuedKey, Shape, TypeDef, TypeRef};

use crate::pack::Catalog;

pub(super) fn check(catalog: &Catalog, complaints: &mut Vec<String>) {
    let mut listed = BTreeMap::new();
    for issuing in &catalog.rules.issuing {
        if listed.insert(issuing.id, issuing).is_some() {
            complaints.push(format!("issuing.toml: {} stands twice", issuing.id));
        }
    }
    for section in catalog.sections.values() {
        for endpoint in &section.endpoints {
            let answer = names(&endpoint.response, &section.types);
            let request: HashSet<&str> = [&endpoint.query, &endpoint.request, &endpoint.headers]
                .into_iter()
                .flat_map(|shape| names(shape, &section.types))
                .collect();
            let Some(issuing) = listed.remove(endpoint.id) else {
                if let Some(why) = belongs(endpoint, &request, &answer) {
                    complaints.push(format!(
                        "{}: {why}; say in issuing.toml what an issued key gets there",
                        endpoint.id
                    ));
                }
                continue;
            };
            let mut complain = |what: &str, field: &str| {
                complaints.push(format!("issuing.toml: {}: {what} `{field}`", endpoint.id));
            };
            for (field, _) in &issuing.seals {
                if !answer.contains(field) {
                    complain("the answer has no field", field);
                }
            }
            for field in &issuing.opens {
                if !request.contains(field) {
                    complain("the request has no field", field);
                }
            }
            // What is answered here is passed on where the ticket is unknown: it must be sealed, too.
            let passes = issuing.issued_key == IssuedKey::Swapped || !issuing.seals.is_empty();
            if passes {
                let sealed: HashSet<&str> = issuing.seals.iter().map(|(field, _)| *field).collect();
                for field in answer.iter().filter(|field| opens_calls(field)) {
                    if issuing.gives != "user" && !sealed.contains(field) {
                        complain("an issued key would get the real", field);
                    }
                }
                if endpoint.auth.kind == AuthKind::None
                    && !request.iter().any(|name| is_own_secret(endpoint, name))
                {
                    complain("nothing can be swapped in", endpoint.path);
                }
            }
            if (issuing.seals.iter()).any(|(field, bearing)| {
                field.ends_with("refresh_token") && *bearing != Bearing::Carried
            }) {
                complain("a refresh token is `carried`, not", "a bearer");
            }
        }
    }
    for id in listed.keys() {
        complaints.push(format!("issuing.toml: there is no endpoint {id}"));
    }
}

/// Why an endpoint has to be in the list.
fn belongs(endpoint: &Endpoint, request: &HashSet<&str>, answer: &HashSet<&str>) -> Option<String> {
    // Calls that a merchant signs carry nothing of the gateway's.
    if endpoint.auth.kind == AuthKind::Merchant {
        return None;
    }
    let told = endpoint
        .path
        .split('/')
        .filter(|segment| !segment.contains('{'))
        .map(str::to_ascii_lowercase)
        .find(|segment| {
            ["token", "secret", "code2session"]
                .into_iter()
                .any(|word| segment.contains(word))
                || segment.ends_with("ticket") && segment.starts_with("get")
        });
    if let Some(segment) = told {
        return Some(format!("`{segment}` is in its path"));
    }
    if let Some(name) = request.iter().find(|name| {
        is_own_secret(endpoint, name)
            || matches!(**name, "permanent_code" | "authorizer_refresh_token")
    }) {
        return Some(format!("its request has `{name}`"));
    }
    answer
        .iter()
        .find(|name| is_credential(name))
        .map(|name| format!("its answer has `{name}`"))
}

/// A secret that proves who calls, not one of what is called about.
fn is_own_secret(endpoint: &Endpoint, name: &str) -> bool {
    let fields = endpoint.query.fields.iter().chain(&endpoint.request.fields);
    fields
        .filter(|field| field.name == name)
        .any(|field| field.credential.ends_with("secret"))
        || name.ends_with("secret") && !name.starts_with("image_")
}

/// Whether a name of an answer's field sounds like a credential.
fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let about = ["expire", "_time", "page_token", "_count", "_class"];
    [
        "token",
        "secret",
        "ticket",
        "session_key",
        "sessionkey",
        "permanent_code",
        "auth_code",
    ]
    .into_iter()
    .any(|word| name.contains(word))
        && !about.into_iter().any(|word| name.contains(word))
}

/// Whether whoever has such a value may call the platform in the account's name.
fn opens_calls(name: &str) -> bool {
    name.ends_with("access_token") || name.ends_with("refresh_token") || name == "permanent_code"
}

/// The names of all fields of a shape, at any depth.
fn names<'a>(shape: &'a Shape, types: &'a [TypeDef]) -> HashSet<&'a str> {
    let mut names = HashSet::new();
    let mut seen = HashSet::new();
    let mut todo = vec![shape];
    while let Some(shape) = todo.pop() {
        names.extend(shape.fields.iter().map(|field| field.name));
        let fields = shape.fields.iter().map(|field| &field.ty);
        let cases = shape.union.iter().flat_map(|union| &union.cases);
        let cases = cases.filter_map(|case| case.ty.as_ref());
        for id in fields
            .chain(cases)
            .chain(&shape.open)
            .filter_map(TypeRef::named)
        {
            if seen.insert(id.0)
                && let Some(ty) = types.get(id.0 as usize)
            {
                todo.push(&ty.shape);
            }
        }
    }
    names
}
