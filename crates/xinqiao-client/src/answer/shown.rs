//! What `Debug` shows of an answer: the fields that the catalog knows, with secrets and personal data masked.
//!
//! Invariant: a value that the catalog does not know is not shown, because nobody knows what it is.

use serde_json::{Map, Value};
use xinqiao_catalog::{Endpoint, Field, Product, Shape, TypeRef, type_def};

const MASK: &str = "***";
const UNKNOWN: &str = "…";

/// An answer's fields as they may be shown.
pub(super) fn masked(endpoint: &Endpoint, answer: &Value) -> Value {
    object(endpoint.product, &endpoint.response, answer)
}

fn object(product: Product, shape: &Shape, value: &Value) -> Value {
    let Value::Object(fields) = value else {
        return unknown(value);
    };
    let shown = fields.iter().map(|(name, value)| {
        let shown = match (shape.field(name), name.as_str()) {
            (Some(field), _) => known(product, field, value),
            (None, "errcode" | "errmsg") => value.clone(),
            (None, _) => unknown(value),
        };
        (name.clone(), shown)
    });
    Value::Object(shown.collect::<Map<_, _>>())
}

fn known(product: Product, field: &Field, value: &Value) -> Value {
    if field.secret || field.pii || field.encrypted {
        return MASK.into();
    }
    typed(product, &field.ty, value)
}

fn typed(product: Product, ty: &TypeRef, value: &Value) -> Value {
    match (ty, value) {
        (TypeRef::List(item), Value::Array(items)) => items
            .iter()
            .map(|value| typed(product, item, value))
            .collect(),
        (TypeRef::List(item), one) => typed(product, item, one),
        (TypeRef::Named(id), value) => match type_def(product, *id) {
            Some(ty) => object(product, &ty.shape, value),
            None => unknown(value),
        },
        (TypeRef::Map(_) | TypeRef::Any, value) => unknown(value),
        (_, Value::Object(_) | Value::Array(_)) => unknown(value),
        (_, plain) => plain.clone(),
    }
}

/// Truth tells nothing of a person; everything else may.
fn unknown(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        _ => UNKNOWN.into(),
    }
}
