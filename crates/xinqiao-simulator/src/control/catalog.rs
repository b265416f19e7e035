//! What can be called: the catalog's endpoints with the meaning of their fields, for forms and search.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::{Path, State};
use serde_json::{Map, Value, json};
use xinqiao_catalog::{
    Endpoint, Field, Product, Shape, Text, TypeId, TypeRef, mock, rules::permission,
};

use super::{Reply, ok};
use crate::{door::behaviour::Desk, kernel::Refused, products, shell::Shared};

/// How deep groups inside groups are told.
const DEPTH: usize = 6;

pub(super) async fn all() -> Reply {
    let items: Vec<Value> = { Product::ALL.iter() }
        .map(|product| json!({"product": product, "title": said(product.title())}))
        .collect();
    ok(json!({"items": items}))
}

/// The endpoints of a product, without their fields.
pub(super) async fn list(Path(product): Path<String>) -> Reply {
    let product = Product::parse(&product).ok_or_else(|| Refused::unknown("product", &product))?;
    let items: Vec<Value> = { xinqiao_catalog::endpoints(product).iter() }
        .map(line)
        .collect();
    ok(json!({"items": items}))
}

pub(super) async fn one(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Reply {
    let endpoint = find(&id)?;
    let mut view = line(endpoint);
    let meanings = Told(endpoint.product);
    view["about"] = said(endpoint.about);
    view["origin"] = json!(shared.endpoints.get(endpoint.host));
    view["auth_param"] = json!(endpoint.auth.param);
    view["content"] = json!(endpoint.content);
    view["answer"] = json!(endpoint.answer);
    view["partial"] = json!(endpoint.partial);
    view["bare"] = json!(endpoint.request_bare);
    view["client_cert"] = json!(endpoint.client_cert);
    view["roles"] = json!(endpoint.roles);
    view["doc"] = json!(endpoint.doc);
    for (name, shape) in endpoint.shapes() {
        // `path` is the template, as in the list.
        let name = if name == "path" { "parameters" } else { name };
        view[name] = meanings.fields(shape);
    }
    let sample = mock::sample(endpoint.product, &endpoint.request, 1);
    view["sample"] = match { sample.as_object() }.and_then(|fields| fields.values().next()) {
        Some(only) if endpoint.request_bare => only.clone(),
        _ => sample,
    };
    view["permissions"] = permission::rows(&endpoint.permissions)
        .into_iter()
        .map(|row| json!({"id": row.id, "title": said(row.title)}))
        .collect();
    view["errors"] = { endpoint.errors.iter() }
        .filter_map(|code| xinqiao_catalog::error(endpoint.product, *code))
        .map(|known| json!({"code": known.code.to_string(), "meaning": said(known.meaning)}))
        .collect();
    ok(view)
}

/// The endpoint of an id.
pub(super) fn find(id: &str) -> Result<&'static Endpoint, Refused> {
    xinqiao_catalog::endpoint(id).ok_or_else(|| Refused::unknown("endpoint", id))
}

fn line(endpoint: &Endpoint) -> Value {
    let desk = products::house().part::<Desk>();
    json!({
        "id": endpoint.id,
        "product": endpoint.product,
        "module": endpoint.module,
        "title": said(endpoint.title),
        "method": endpoint.method.name(),
        "host": endpoint.host,
        "path": endpoint.path,
        "auth": endpoint.auth.kind,
        "fidelity": desk.fidelity(endpoint).name(),
        "deprecated": endpoint.deprecated,
    })
}

fn said(text: Text) -> Value {
    json!({"zh": text.get(true), "en": text.get(false)})
}

/// Fields of a product with what they mean.
struct Told(Product);

impl Told {
    fn fields(&self, shape: &Shape) -> Value {
        self.shape(shape, &mut BTreeSet::new(), 0)
    }

    fn shape(&self, shape: &Shape, within: &mut BTreeSet<TypeId>, depth: usize) -> Value {
        let mut fields: Vec<Value> = { shape.fields.iter() }
            .map(|field| self.field(field, within, depth))
            .collect();
        if let Some(union) = &shape.union {
            let values: Vec<Value> = { union.cases.iter() }
                .map(|case| json!({"value": case.value, "meaning": said(case.title)}))
                .collect();
            fields.push(json!({
                "name": union.tag, "type": "string", "required": true, "values": values,
                "meaning": said(self.meaning(union.meaning).text),
            }));
            for case in &union.cases {
                if let Some(ty) = &case.ty {
                    let mut view = self.ty(ty, within, depth);
                    view["name"] = json!(case.field);
                    view["required"] = json!(false);
                    view["case"] = json!({"tag": union.tag, "value": case.value});
                    view["meaning"] = said(case.title);
                    fields.push(view);
                }
            }
        }
        Value::Array(fields)
    }

    fn field(&self, field: &Field, within: &mut BTreeSet<TypeId>, depth: usize) -> Value {
        let meaning = self.meaning(field.meaning);
        let mut view = self.ty(&field.ty, within, depth);
        view["name"] = json!(field.name);
        view["required"] = json!(field.required);
        view["meaning"] = said(meaning.text);
        let texts = [
            ("example", meaning.example),
            (
                "unit",
                if field.unit.is_empty() {
                    meaning.unit
                } else {
                    field.unit
                },
            ),
            (
                "format",
                if field.format.is_empty() {
                    meaning.format
                } else {
                    field.format
                },
            ),
            ("constant", field.constant),
        ];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            view[name] = json!(text);
        }
        if !meaning.from.is_empty() {
            view["from"] = said(meaning.from);
        }
        if field.max > 0 {
            view["max"] = json!(field.max);
        }
        if !matches!(field.origin, xinqiao_catalog::Origin::Caller) {
            view["origin"] = json!(field.origin);
        }
        let values: Vec<Value> = { xinqiao_catalog::values(self.0, field).iter() }
            .map(|known| {
                let meaning = self.meaning(known.meaning);
                json!({"value": known.value, "meaning": said(meaning.text)})
            })
            .collect();
        if !values.is_empty() {
            view["values"] = json!(values);
        }
        view
    }

    /// The type, with the fields of a group unless it lies within itself.
    fn ty(&self, ty: &TypeRef, within: &mut BTreeSet<TypeId>, depth: usize) -> Value {
        let (name, inner) = match ty {
            TypeRef::List(inner) => ("list", Some(&**inner)),
            TypeRef::Map(inner) => ("map", Some(&**inner)),
            TypeRef::Named(_) => ("group", Some(ty)),
            TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64 => ("integer", None),
            TypeRef::Float => ("number", None),
            TypeRef::Bool => ("flag", None),
            TypeRef::Timestamp => ("time", None),
            TypeRef::File => ("file", None),
            TypeRef::Any | TypeRef::Bytes => ("any", None),
            TypeRef::String => ("string", None),
        };
        let mut view = Map::new();
        view.insert("type".to_owned(), json!(name));
        if let Some(id) = inner.and_then(TypeRef::named)
            && depth < DEPTH
            && within.insert(id)
        {
            if let Some(known) = xinqiao_catalog::type_def(self.0, id) {
                let fields = self.shape(&known.shape, within, depth + 1);
                view.insert("fields".to_owned(), fields);
            }
            within.remove(&id);
        }
        Value::Object(view)
    }

    fn meaning(&self, number: u32) -> &'static xinqiao_catalog::Meaning {
        xinqiao_catalog::meaning(self.0, number)
    }
}
