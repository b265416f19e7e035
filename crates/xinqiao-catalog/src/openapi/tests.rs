use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::*;

/// The document of all products.
fn whole() -> &'static Value {
    static CELL: OnceLock<Value> = OnceLock::new();
    CELL.get_or_init(|| document(&[]))
}

/// The operations of a document, by id.
fn operations(document: &Value) -> Vec<&Value> {
    let items = document["paths"].as_object().expect("paths").values();
    items
        .flat_map(|item| item.as_object().expect("an item").values())
        .filter(|value| value.get("operationId").is_some())
        .collect()
}

#[test]
fn every_endpoint_is_in_an_operation() {
    let document = whole();
    let ids: BTreeSet<&str> = operations(document)
        .iter()
        .flat_map(|operation| operation["x-xinqiao"]["ids"].as_array().expect("ids"))
        .filter_map(Value::as_str)
        .collect();
    for endpoint in Product::ALL.into_iter().flat_map(endpoints) {
        assert!(ids.contains(endpoint.id), "{}", endpoint.id);
    }
    assert_eq!(
        document["paths"]["/cgi-bin/draft/add"]["post"]["operationId"],
        "official_account.draft.add"
    );
}

#[test]
fn every_callback_is_a_webhook() {
    let document = whole();
    let webhooks = document["webhooks"].as_object().expect("webhooks");
    for event in events() {
        let named = document["components"]["schemas"].get(event.id).is_some();
        assert!(named, "{}", event.id);
        assert_eq!(
            webhooks.contains_key(event.id),
            event.kind != EventKind::Reply,
            "{}",
            event.id
        );
    }
}

#[test]
fn operation_ids_are_unique() {
    let document = whole();
    let mut seen = BTreeSet::new();
    let webhooks = document["webhooks"].as_object().expect("webhooks").values();
    let hooks = webhooks.map(|item| &item["post"]);
    for operation in operations(document).into_iter().chain(hooks) {
        let id = operation["operationId"].as_str().expect("an id");
        assert!(seen.insert(id), "{id}");
    }
}

#[test]
fn endpoints_that_share_a_route_all_keep_their_schemas() {
    let document = whole();
    let operation = &document["paths"]["/card/invoice/setbizattr"]["post"];
    let shared = operation["x-xinqiao"]["endpoints"]
        .as_array()
        .expect("the endpoints");
    assert_eq!(shared.len(), 6);
    let values = operation["parameters"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["name"] == "action"))
        .and_then(|action| action["schema"]["enum"].as_array())
        .expect("the values of the telling parameter");
    for endpoint in shared {
        assert!(values.contains(&endpoint["when"]["value"]), "{endpoint}");
        assert!(endpoint["response"].is_object(), "{endpoint}");
    }
    // Two hosts, one path: one operation with two servers, in the document of both only.
    let menu = &document["paths"]["/cgi-bin/menu/create"]["post"];
    assert_eq!(menu["servers"].as_array().map(Vec::len), Some(2));
    let alone = super::document(&[Product::OfficialAccount]);
    let menu = &alone["paths"]["/cgi-bin/menu/create"]["post"];
    assert!(menu.get("servers").is_none());
    assert_eq!(
        menu["requestBody"]["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/official_account.menu.create.Request"
    );
}

#[test]
fn no_two_paths_differ_in_the_names_of_parameters_only() {
    let document = whole();
    let mut seen = BTreeMap::new();
    for path in document["paths"].as_object().expect("paths").keys() {
        assert!(
            path.starts_with('/') && !path.contains(['?', '#']),
            "{path}"
        );
        if let Some(other) = seen.insert(anonymous(path), path) {
            panic!("{path} and {other}");
        }
    }
}

#[test]
fn parameters_of_a_path_are_those_of_its_template() {
    let document = whole();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let wanted: BTreeSet<&str> = path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect();
        for operation in item.as_object().expect("an item").values() {
            let named: BTreeSet<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .filter_map(|parameter| parameter["name"].as_str())
                .collect();
            assert_eq!(named, wanted, "{path}");
        }
    }
}

/// Calls `look` with every reference of the document.
fn references<'a>(value: &'a Value, look: &mut impl FnMut(&'a str)) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get("$ref") {
                look(target);
            }
            for value in map.values() {
                references(value, look);
            }
        }
        Value::Array(items) => {
            for value in items {
                references(value, look);
            }
        }
        _ => {}
    }
}

#[test]
fn references_lead_somewhere_and_no_component_is_left_over() {
    for products in [&[][..], &[Product::PayBusiness], &[Product::Chatbot]] {
        let document = &super::document(products);
        let mut used = BTreeSet::new();
        references(document, &mut |target| {
            let pointer = target.strip_prefix('#').expect("local");
            assert!(document.pointer(pointer).is_some(), "{target}");
            used.insert(pointer);
        });
        for part in ["schemas", "responses"] {
            let names = document["components"][part].as_object();
            for name in names.into_iter().flat_map(Map::keys) {
                let pointer = format!("/components/{part}/{name}");
                assert!(used.contains(pointer.as_str()), "{pointer}");
            }
        }
        let signed: BTreeSet<&str> = operations(document)
            .iter()
            .flat_map(|operation| operation["security"].as_array().expect("a list"))
            .flat_map(|one| one.as_object().expect("an object").keys())
            .map(String::as_str)
            .collect();
        let schemes: BTreeSet<&str> = document["components"]["securitySchemes"]
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect();
        assert_eq!(signed, schemes);
    }
}

#[test]
fn tags_are_described_and_used() {
    let document = &super::document(&[Product::Work]);
    let listed: BTreeSet<&str> = document["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .map(|tag| {
            assert!(
                tag["description"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty())
            );
            tag["name"].as_str().expect("a name")
        })
        .collect();
    let hooks = document["webhooks"].as_object().expect("webhooks").values();
    let used: BTreeSet<&str> = operations(document)
        .into_iter()
        .chain(hooks.map(|item| &item["post"]))
        .flat_map(|operation| operation["tags"].as_array().expect("tags"))
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(listed, used);
}

#[test]
fn numbered_fields_are_patterns() {
    let document = document(&[Product::PayV2]);
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    let patterns = schemas["pay_v2.notify.papay_order"]["patternProperties"]
        .as_object()
        .expect("patterns");
    assert!(patterns.contains_key("^coupon_id_[0-9]+$"));
}
