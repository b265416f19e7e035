//! Holds an answer against what its endpoint answers by its schema, and says all that differs.
//!
//! A request is looked at leniently, as the platform does it ([`crate::violations`]); an answer is not: whoever plays the
//! platform must write each value as the schema spells it, leave out nothing that is always there, and say nothing that
//! the schema does not have. The values of enumerations count as closed: one that the platform added belongs into the
//! catalog before somebody answers it.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::lookup::{type_def, values};
use crate::model::{Content, Endpoint, Field, Product, Shape, Spelling, TypeRef, Union};
use crate::validate::join;

mod spelled;

/// One difference between an answer and its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Where: `tag.id`, `list[0].name`; empty = the whole answer.
    pub path: String,
    /// What, in English: `is missing`, `must be a whole number`.
    pub reason: Cow<'static, str>,
    /// Of what sort it is.
    pub kind: MisfitKind,
}

/// Of what sort a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MisfitKind {
    /// The whole answer has another form, or says that it is a failure.
    Form,
    /// Something is missing.
    Missing,
    /// Something is there that the schema does not have.
    Unknown,
    /// Something is there, with another type, spelling, size or value.
    Value,
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = match self.path.as_str() {
            "" => "the answer",
            path => path,
        };
        write!(f, "{path} {}", self.reason)
    }
}

/// An answer in the form in which it is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer<'a> {
    /// No body.
    Nothing,
    /// A file, or text that is no object.
    Bytes,
    /// JSON.
    Json(&'a Value),
    /// XML: what is in the root element. Texts are strings, repeated elements lists, elements with elements objects.
    Xml(&'a Value),
}

impl Answer<'_> {
    /// Whether the endpoint answers in this form at all.
    ///
    /// WECHAT: what answers with bytes may say something else instead, where its schema has fields for that (the address
    /// of a film); and the payment interface's third generation says nothing where there is nothing to say.
    #[must_use]
    pub fn suits(&self, endpoint: &Endpoint) -> bool {
        let forms = || std::iter::once(endpoint.answer).chain(endpoint.answer_alt);
        let bytes = |form| matches!(form, Content::Binary | Content::Csv | Content::Raw);
        let spoken = !endpoint.response.is_empty() && forms().all(bytes);
        match self {
            Answer::Nothing => forms().any(|form| form == Content::None) || may_be_silent(endpoint),
            Answer::Bytes => forms().any(bytes),
            Answer::Json(_) => forms().any(|form| form == Content::Json) || spoken,
            Answer::Xml(_) => forms().any(|form| form == Content::Xml),
        }
    }
}

fn may_be_silent(endpoint: &Endpoint) -> bool {
    let by_status = matches!(
        endpoint.product,
        Product::PayV3 | Product::PayGlobal | Product::PayBusiness
    );
    by_status && endpoint.response.is_empty() && endpoint.answer == Content::Json
}

/// All that an answer to a call that succeeded says otherwise than its schema.
#[must_use]
pub fn misfits(endpoint: &Endpoint, answer: Answer<'_>) -> Vec<Misfit> {
    if !answer.suits(endpoint) {
        let form = format!("{:?}", endpoint.answer).to_ascii_lowercase();
        let reason = format!("has another form than {form}");
        return vec![misfit(MisfitKind::Form, "", reason)];
    }
    let (value, xml) = match answer {
        Answer::Nothing | Answer::Bytes => return Vec::new(),
        Answer::Json(value) => (value, false),
        Answer::Xml(value) => (value, true),
    };
    let Some(answer) = value.as_object() else {
        return vec![misfit(MisfitKind::Form, "", "must be an object")];
    };
    let read = |variant: Option<&[&str]>| {
        let mut check = Check {
            product: endpoint.product,
            xml,
            found: Vec::new(),
        };
        check.envelope(endpoint, answer);
        if !endpoint.partial {
            check.whole(endpoint, answer, variant);
        }
        check.found
    };
    // Where one path has several shapes, the one that fits best counts.
    let shapes = endpoint.variants.iter().map(|variant| &*variant.response);
    shapes
        .filter(|fields| !fields.is_empty())
        .map(|fields| read(Some(fields)))
        .min_by_key(Vec::len)
        .unwrap_or_else(|| read(None))
}

/// Whether a value may stand in a field of an answer in JSON.
#[must_use]
pub fn fits(product: Product, field: &Field, value: &Value) -> bool {
    let mut check = Check {
        product,
        xml: false,
        found: Vec::new(),
    };
    check.value(field, value, field.name);
    check.found.is_empty()
}

/// Names that answers of a product have beside the fields of their endpoint, each with what it says of success.
fn envelope(endpoint: &Endpoint) -> &'static [(&'static str, &'static [&'static str])] {
    match endpoint.product {
        Product::PayV3 | Product::PayGlobal | Product::PayBusiness => &[],
        Product::PayV2 => &[
            ("return_code", &["SUCCESS"]),
            ("return_msg", &[]),
            ("result_code", &["SUCCESS"]),
            ("appid", &[]),
            ("mch_id", &[]),
            ("nonce_str", &[]),
            ("sign", &[]),
        ],
        _ => &[("errcode", &["0"]), ("errmsg", &[])],
    }
}

fn misfit(kind: MisfitKind, path: &str, reason: impl Into<Cow<'static, str>>) -> Misfit {
    Misfit {
        path: path.to_owned(),
        reason: reason.into(),
        kind,
    }
}

struct Check {
    product: Product,
    xml: bool,
    found: Vec<Misfit>,
}

impl Check {
    fn note(&mut self, path: &str, reason: impl Into<Cow<'static, str>>) {
        self.found.push(misfit(MisfitKind::Value, path, reason));
    }

    fn missing(&mut self, path: &str) {
        self.found
            .push(misfit(MisfitKind::Missing, path, "is missing"));
    }

    /// A success says so, if it says anything about it.
    fn envelope(&mut self, endpoint: &Endpoint, answer: &Map<String, Value>) {
        let own = endpoint.envelope.map(|[code, _]| (code, &["0"][..]));
        let known = own.into_iter().chain(match own {
            Some(_) => [].iter().copied(),
            None => envelope(endpoint).iter().copied(),
        });
        for (name, success) in known {
            let Some(value) = answer.get(name) else {
                continue;
            };
            let said = match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            let fits = said.is_some_and(|said| success.is_empty() || success.contains(&&*said));
            if !fits {
                let reason = "is not what a success says";
                self.found.push(misfit(MisfitKind::Form, name, reason));
            }
        }
    }

    fn whole(
        &mut self,
        endpoint: &Endpoint,
        answer: &Map<String, Value>,
        variant: Option<&[&str]>,
    ) {
        let shape = &endpoint.response;
        // A field that stands in no variant may stand in each.
        let somewhere = |name: &str| {
            let mut variants = endpoint.variants.iter();
            variants.any(|other| other.response.contains(&name))
        };
        let counts = |field: &Field| {
            variant.is_none_or(|names| names.contains(&field.name) || !somewhere(field.name))
        };
        let beside = |name: &str| match endpoint.envelope {
            Some(own) => own.contains(&name),
            None => envelope(endpoint).iter().any(|(known, _)| *known == name),
        };
        self.fields(shape, answer, "", &counts, &beside);
    }

    fn fields(
        &mut self,
        shape: &Shape,
        map: &Map<String, Value>,
        path: &str,
        counts: &dyn Fn(&Field) -> bool,
        beside: &dyn Fn(&str) -> bool,
    ) {
        let xml = self.xml;
        let sent =
            |field: &&Field| counts(field) && !(if xml { field.json_only } else { field.xml_only });
        let fields: Vec<&Field> = shape.fields.iter().filter(sent).collect();
        for field in fields
            .iter()
            .filter(|field| field.required && !field.numbered)
        {
            if !map.contains_key(self.name(field)) {
                self.missing(&join(path, self.name(field)));
            }
        }
        for (name, value) in map {
            let here = join(path, name);
            let of_union = shape.union.as_ref().is_some_and(|union| {
                union.tag == name || union.cases.iter().any(|case| case.field == name)
            });
            let known = fields.iter().find(|field| {
                let own = self.name(field);
                own == name || field.numbered && spelled::numbered(own, name)
            });
            match (known, &shape.open) {
                (Some(field), _) => self.value(field, value, &here),
                (None, _) if of_union || beside(name) => {}
                (None, Some(ty)) => self.typed(None, ty, value, &here),
                (None, None) => {
                    let reason = "is not in the schema";
                    self.found.push(misfit(MisfitKind::Unknown, &here, reason));
                }
            }
        }
        if let Some(union) = &shape.union {
            self.union(union, map, path);
        }
    }

    fn name(&self, field: &Field) -> &'static str {
        if self.xml && !field.xml_name.is_empty() {
            field.xml_name
        } else {
            field.name
        }
    }

    fn union(&mut self, union: &Union, map: &Map<String, Value>, path: &str) {
        let here = join(path, union.tag);
        let Some(tag) = map.get(union.tag) else {
            return self.missing(&here);
        };
        let case = { union.cases.iter() }.find(|case| tag.as_str() == Some(case.value));
        let Some(case) = case else {
            return self.note(&here, format!("is {tag}, none of its values"));
        };
        for other in union.cases.iter().filter(|other| other.field != case.field) {
            if map.contains_key(other.field) && other.field != union.tag {
                self.note(&join(path, other.field), "is the body of another case");
            }
        }
        if let Some(ty) = &case.ty {
            let at = join(path, case.field);
            match map.get(case.field) {
                Some(body) => self.typed(None, ty, body, &at),
                None => self.missing(&at),
            }
        }
    }

    fn value(&mut self, field: &Field, value: &Value, path: &str) {
        if field.wire == Spelling::Other {
            return;
        }
        if field.alternatives.is_empty() {
            return self.spelled(field, &field.ty, value, path);
        }
        let before = self.found.len();
        self.spelled(field, &field.ty, value, path);
        let first = self.found.split_off(before);
        for other in &field.alternatives {
            if first.is_empty() {
                return;
            }
            self.spelled(field, other, value, path);
            if self.found.split_off(before).is_empty() {
                return;
            }
        }
        self.found.extend(first);
    }

    fn spelled(&mut self, field: &Field, ty: &TypeRef, value: &Value, path: &str) {
        match field.wire {
            Spelling::JsonText | Spelling::JsonPart => {
                let inner =
                    { value.as_str() }.and_then(|text| serde_json::from_str::<Value>(text).ok());
                let Some(inner) = inner else {
                    return self.note(path, "must be JSON in a text");
                };
                // Inside the text it is JSON whatever is around it.
                let xml = std::mem::replace(&mut self.xml, false);
                self.typed(Some(field), ty, &inner, path);
                self.xml = xml;
            }
            Spelling::EncryptedXml => {
                if !value.is_string() {
                    self.note(path, "must be text");
                }
            }
            Spelling::Comma | Spelling::Pipe | Spelling::Semicolon => {
                let Some(text) = value.as_str() else {
                    return self.note(path, "must be a list in a text");
                };
                let separator = match field.wire {
                    Spelling::Comma => ',',
                    Spelling::Pipe => '|',
                    _ => ';',
                };
                let TypeRef::List(inner) = ty else { return };
                let items = text.split(separator).filter(|item| !item.is_empty());
                for (at, item) in items.enumerate() {
                    let scalar = spelled::Scalar {
                        spelling: Spelling::NumericText,
                        ..spelled::Scalar::of(Some(field), true)
                    };
                    let here = format!("{path}[{at}]");
                    self.scalar(scalar, inner, &Value::from(item), &here);
                }
            }
            _ => self.typed(Some(field), ty, value, path),
        }
    }

    fn typed(&mut self, field: Option<&Field>, ty: &TypeRef, value: &Value, path: &str) {
        match ty {
            TypeRef::Any => {}
            TypeRef::List(inner) => {
                let alone = [value.clone()];
                let items = match value {
                    Value::Array(items) => &items[..],
                    // In XML a list of one is one element.
                    _ if self.xml => &alone,
                    _ => return self.note(path, "must be a list"),
                };
                let most = field.map_or(0, |field| field.max as usize);
                if most > 0 && items.len() > most {
                    self.note(path, format!("has more than {most} items"));
                }
                for (at, item) in items.iter().enumerate() {
                    self.typed(field, inner, item, &format!("{path}[{at}]"));
                }
            }
            TypeRef::Map(inner) => {
                let Value::Object(map) = value else {
                    return self.note(path, "must be an object");
                };
                for (name, item) in map {
                    self.typed(field, inner, item, &join(path, name));
                }
            }
            TypeRef::Named(id) => match (value, type_def(self.product, *id)) {
                (Value::Object(map), Some(def)) => {
                    self.fields(&def.shape, map, path, &|_| true, &|_| false);
                }
                // In XML an object with nothing in it is an empty text.
                (Value::String(text), Some(def)) if self.xml && text.is_empty() => {
                    self.fields(&def.shape, &Map::new(), path, &|_| true, &|_| false);
                }
                (_, None) => {}
                _ => self.note(path, "must be an object"),
            },
            _ => self.scalar(spelled::Scalar::of(field, self.xml), ty, value, path),
        }
        if let Some(field) = field
            && !matches!(ty, TypeRef::List(_) | TypeRef::Map(_) | TypeRef::Named(_))
        {
            self.allowed(field, value, path);
        }
    }

    fn scalar(&mut self, scalar: spelled::Scalar, ty: &TypeRef, value: &Value, path: &str) {
        if let Err(reason) = scalar.check(ty, value) {
            self.note(path, reason);
        }
    }

    /// Limits of a text, and the values that it may have.
    fn allowed(&mut self, field: &Field, value: &Value, path: &str) {
        let text = match value {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            Value::Number(number) => Cow::Owned(number.to_string()),
            _ => return,
        };
        let known = values(self.product, field);
        if !known.is_empty() && !known.iter().any(|known| known.value == text) {
            self.note(path, format!("is `{text}`, none of its values"));
        }
        if !field.constant.is_empty() && field.constant != text {
            self.note(path, format!("must be `{}`", field.constant));
        }
        let list = matches!(field.ty, TypeRef::List(_));
        if field.max > 0 && !list && value.is_string() && text.chars().count() > field.max as usize
        {
            self.note(path, format!("has more than {} characters", field.max));
        }
        if field.max_bytes > 0 && text.len() > field.max_bytes as usize {
            self.note(path, format!("has more than {} bytes", field.max_bytes));
        }
    }
}

#[cfg(test)]
mod tests;
