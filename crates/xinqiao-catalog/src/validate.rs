//! Checks a request against its schema and answers with the platform's own code.
//!
//! The platform is lenient between scalars (a number as text and the reverse), so this is too; it refuses what is
//! missing, what has the wrong structure, what is too long or too many, and what is not among the allowed values.
//! Rules that need state (does this openid follow?) are the simulator's, not ours.

use std::cell::RefCell;

use serde_json::Value;

use crate::code;
use crate::lookup::{type_def, values};
use crate::model::{Endpoint, Field, Origin, Product, Shape, Spelling, TypeRef, Union};

/// What is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where: `button[0].name`; empty = the whole body.
    pub path: String,
    /// The platform's error code; in the pay products, whose codes are words, 0 (their word is `PARAM_ERROR`).
    pub code: i64,
    /// What, in English: `is required`, `must be a list`.
    pub reason: String,
    /// Of what sort it is.
    pub kind: ViolationKind,
}

/// Of what sort a violation is: who looks at one may leave others to somebody who knows more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ViolationKind {
    /// Something is not there.
    Missing,
    /// Something is a list, an object or a plain value where another of them belongs.
    Structure,
    /// Something is there and in its place, but too long, too many, or not among the allowed values.
    Value,
}

/// WeCom's code for a parameter that is wrong.
const WORK_INVALID_PARAMETER: i64 = 40058;
const MAX_DEPTH: usize = 24;

/// Checks a JSON body, up to the first violation.
///
/// # Errors
/// The first violation of [`violations`].
pub fn validate(endpoint: &Endpoint, body: &Value) -> Result<(), Violation> {
    violations(endpoint, body)
        .into_iter()
        .next()
        .map_or(Ok(()), Err)
}

/// Checks query parameters, up to the first violation.
///
/// # Errors
/// The first violation of [`query_violations`].
pub fn validate_query(endpoint: &Endpoint, query: &[(String, String)]) -> Result<(), Violation> {
    query_violations(endpoint, query)
        .into_iter()
        .next()
        .map_or(Ok(()), Err)
}

/// All that is wrong with a JSON body, in the order of the schema.
pub fn violations(endpoint: &Endpoint, body: &Value) -> Vec<Violation> {
    if endpoint.partial || endpoint.request.is_empty() {
        return Vec::new();
    }
    let check = Check::new(endpoint.product);
    check.object(&endpoint.request, body, "", 0);
    check.found.into_inner()
}

/// All that is wrong with query parameters. The credential and the value that tells endpoints apart are not asked
/// for.
pub fn query_violations(endpoint: &Endpoint, query: &[(String, String)]) -> Vec<Violation> {
    let check = Check::new(endpoint.product);
    for field in &endpoint.query.fields {
        let fixed = endpoint
            .when
            .is_some_and(|when| !when.in_body && when.name == field.name);
        if fixed {
            continue;
        }
        let value = query
            .iter()
            .find(|(name, _)| name == field.name)
            .map(|(_, value)| value);
        match value.filter(|value| !value.is_empty()) {
            None if field.required => check.note(check.missing(field, field.name)),
            None => {}
            Some(value) => check.value(field, &Value::String(value.clone()), field.name, 0),
        }
    }
    check.found.into_inner()
}

/// What is wrong where a field of the query or the body is missing, or is not what it must be.
pub fn missing(endpoint: &Endpoint, name: &str) -> Violation {
    let check = Check::new(endpoint.product);
    let known = endpoint
        .query
        .field(name)
        .or_else(|| endpoint.request.field(name));
    match known {
        Some(field) => check.missing(field, name),
        None => Violation {
            path: name.to_owned(),
            code: check.default_code(),
            reason: "is required".to_owned(),
            kind: ViolationKind::Missing,
        },
    }
}

struct Check {
    product: Product,
    found: RefCell<Vec<Violation>>,
}

impl Check {
    fn new(product: Product) -> Self {
        Self {
            product,
            found: RefCell::default(),
        }
    }

    fn note(&self, violation: Violation) {
        self.found.borrow_mut().push(violation);
    }

    fn default_code(&self) -> i64 {
        match self.product {
            Product::Work => WORK_INVALID_PARAMETER,
            Product::PayV2 | Product::PayV3 | Product::PayBusiness | Product::PayGlobal => 0,
            _ => code::INVALID_ARGUMENT,
        }
    }

    fn structure_code(&self) -> i64 {
        match self.product {
            Product::Work => WORK_INVALID_PARAMETER,
            Product::PayV2 | Product::PayV3 | Product::PayBusiness | Product::PayGlobal => 0,
            _ => code::DATA_FORMAT_ERROR,
        }
    }

    /// WECHAT: some names have a code of their own when they are missing.
    fn missing(&self, field: &Field, path: &str) -> Violation {
        let code = match (field.code, self.default_code()) {
            (own, _) if own != 0 => own,
            (_, code::INVALID_ARGUMENT) => match field.name {
                "media_id" => code::INVALID_MEDIA_ID,
                "touser" | "openid" => code::INVALID_OPENID,
                "url" => code::URL_MISSING,
                "code" => code::CODE_MISSING,
                "appid" => code::APPID_MISSING,
                "secret" => code::SECRET_MISSING,
                "refresh_token" => code::REFRESH_TOKEN_MISSING,
                "grant_type" => code::INVALID_GRANT_TYPE,
                _ => code::INVALID_ARGUMENT,
            },
            (_, other) => other,
        };
        Violation {
            path: path.to_owned(),
            code,
            reason: "is required".to_owned(),
            kind: ViolationKind::Missing,
        }
    }

    fn wrong(&self, field: &Field, path: &str, reason: impl Into<String>) -> Violation {
        let code = if field.code == 0 {
            self.default_code()
        } else {
            field.code
        };
        Violation {
            path: path.to_owned(),
            code,
            reason: reason.into(),
            kind: ViolationKind::Value,
        }
    }

    fn structure(&self, path: &str, reason: &str) -> Violation {
        Violation {
            path: path.to_owned(),
            code: self.structure_code(),
            reason: reason.to_owned(),
            kind: ViolationKind::Structure,
        }
    }

    fn object(&self, shape: &Shape, value: &Value, path: &str, depth: usize) {
        let Value::Object(map) = value else {
            // WECHAT: an empty object may come as an empty list.
            let empty = value.as_array().is_some_and(Vec::is_empty);
            let needs = shape.fields.iter().find(|field| field.required);
            return match needs {
                Some(field) if empty => self.note(self.missing(field, &join(path, field.name))),
                None if empty || value.is_null() => {}
                _ => self.note(self.structure(path, "must be an object")),
            };
        };
        if depth > MAX_DEPTH {
            return self.note(self.structure(path, "is nested too deeply"));
        }
        for field in &shape.fields {
            let here = join(path, field.name);
            match map.get(field.name) {
                None | Some(Value::Null) => {
                    let asked = field.required && field.origin == Origin::Caller;
                    if asked && !field.numbered {
                        self.note(self.missing(field, &here));
                    }
                }
                Some(value) => {
                    let empty = value.as_str() == Some("");
                    if field.required && empty && field.ty == TypeRef::String && field.code != 0 {
                        self.note(self.missing(field, &here));
                    }
                    self.value(field, value, &here, depth);
                }
            }
        }
        if let Some(union) = &shape.union {
            self.union(union, map, path, depth);
        }
    }

    fn union(&self, union: &Union, map: &serde_json::Map<String, Value>, path: &str, depth: usize) {
        let here = join(path, union.tag);
        let message_type = |reason: String, kind| Violation {
            kind,
            path: here.clone(),
            code: match (self.default_code(), union.tag) {
                (code::INVALID_ARGUMENT, _) | (WORK_INVALID_PARAMETER, "msgtype") => {
                    code::INVALID_MESSAGE_TYPE
                }
                (other, _) => other,
            },
            reason,
        };
        let Some(tag) = map.get(union.tag).and_then(Value::as_str) else {
            return self.note(message_type(
                "is required".to_owned(),
                ViolationKind::Missing,
            ));
        };
        let Some(case) = union.cases.iter().find(|case| case.value == tag) else {
            let known: Vec<&str> = union.cases.iter().map(|case| case.value).collect();
            return self.note(message_type(
                format!("must be one of {}", known.join(", ")),
                ViolationKind::Value,
            ));
        };
        let Some(ty) = &case.ty else { return };
        let at = join(path, case.field);
        match map.get(case.field) {
            None | Some(Value::Null) => self.note(Violation {
                path: at,
                code: self.default_code(),
                reason: "is required".into(),
                kind: ViolationKind::Missing,
            }),
            Some(body) => {
                if let Some(def) = ty.named().and_then(|id| type_def(self.product, id)) {
                    self.object(&def.shape, body, &at, depth + 1);
                }
            }
        }
    }

    fn value(&self, field: &Field, value: &Value, path: &str, depth: usize) {
        if !field.alternatives.is_empty() || field.wire == Spelling::Other {
            return;
        }
        if field.wire == Spelling::JsonText {
            let Some(text) = value.as_str() else {
                return self.note(self.structure(path, "must be JSON in a string"));
            };
            return match serde_json::from_str::<Value>(text) {
                Ok(inner) => self.typed(field, &field.ty, &inner, path, depth),
                Err(_) => self.note(self.structure(path, "must be JSON in a string")),
            };
        }
        if matches!(
            field.wire,
            Spelling::Comma | Spelling::Pipe | Spelling::Semicolon
        ) {
            return;
        }
        self.typed(field, &field.ty, value, path, depth);
    }

    fn typed(&self, field: &Field, ty: &TypeRef, value: &Value, path: &str, depth: usize) {
        match ty {
            TypeRef::Any | TypeRef::File | TypeRef::Bytes => {}
            TypeRef::String | TypeRef::Timestamp => self.text(field, value, path),
            TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64 | TypeRef::Float => match value {
                Value::Number(_) | Value::Bool(_) => {}
                Value::String(text) if text.trim().is_empty() => {}
                Value::String(text) if text.trim().parse::<f64>().is_ok() => {}
                Value::String(_) => self.note(self.wrong(field, path, "must be a number")),
                _ => self.note(self.structure(path, "must be a number")),
            },
            TypeRef::Bool => match value {
                Value::Array(_) | Value::Object(_) => {
                    self.note(self.structure(path, "must be true or false"));
                }
                _ => {}
            },
            TypeRef::List(inner) => {
                let Value::Array(items) = value else {
                    return self.note(self.structure(path, "must be a list"));
                };
                if field.max > 0 && items.len() > field.max as usize {
                    let reason = format!("has {} items, at most {}", items.len(), field.max);
                    return self.note(self.wrong(field, path, reason));
                }
                if field.required && items.is_empty() && field.code != 0 {
                    return self.note(self.wrong(field, path, "must not be empty"));
                }
                for (at, item) in items.iter().enumerate() {
                    self.typed(field, inner, item, &format!("{path}[{at}]"), depth + 1);
                }
            }
            TypeRef::Map(inner) => {
                let Value::Object(map) = value else {
                    return self.note(self.structure(path, "must be an object"));
                };
                for (name, item) in map {
                    self.typed(field, inner, item, &join(path, name), depth + 1);
                }
            }
            TypeRef::Named(id) => {
                if let Some(def) = type_def(self.product, *id) {
                    self.object(&def.shape, value, path, depth + 1);
                }
            }
        }
    }

    fn text(&self, field: &Field, value: &Value, path: &str) {
        let text = match value {
            Value::String(text) => text.as_str(),
            Value::Number(_) | Value::Bool(_) | Value::Null => return,
            _ => return self.note(self.structure(path, "must be text")),
        };
        if field.max_bytes > 0 && text.len() > field.max_bytes as usize {
            let reason = format!("has {} bytes, at most {}", text.len(), field.max_bytes);
            return self.note(self.wrong(field, path, reason));
        }
        let list = matches!(field.ty, TypeRef::List(_));
        if !list && field.max > 0 && text.chars().count() > field.max as usize {
            return self.note(self.wrong(
                field,
                path,
                format!("has more than {} characters", field.max),
            ));
        }
        let values = values(self.product, field);
        if !values.is_empty() && !text.is_empty() && !values.iter().any(|known| known.value == text)
        {
            let known: Vec<&str> = values.iter().map(|known| known.value).collect();
            let reason = format!("must be one of {}", known.join(", "));
            self.note(self.wrong(field, path, reason));
        }
    }
}

/// Where a field of what stands at `path` stands.
pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests;
