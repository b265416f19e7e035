//! Nested objects become named types: equal shapes once, named after the field that holds them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{flag, text};
use crate::names::{TAKEN, camel, singular, snake};
use crate::sensitive;
use crate::source::{FieldSpec, Fields, File, Ordered};

/// Field names that say nothing: the type is named after what is around them.
const VAGUE: &[&str] = &[
    "list", "data", "info", "item", "detail", "result", "content", "value", "param", "object",
    "record", "resp", "body", "extra", "ext", "attr", "option", "config", "base", "items",
];

/// Collects the types of one file.
#[derive(Default)]
pub(crate) struct Types {
    by_shape: BTreeMap<String, Vec<String>>,
    used: BTreeSet<String>,
    named: Vec<(String, Fields)>,
    enums: Vec<(String, Vec<String>)>,
}

/// Where a field stands, for names and recursion.
#[derive(Clone)]
pub(crate) struct Around {
    /// Camel-cased names from the outside in: verb first.
    pub(crate) names: Vec<String>,
    /// Wire path from the request's root, with the type of each ancestor.
    pub(crate) ancestors: Vec<(String, String)>,
}

impl Types {
    /// Continues with what a file has; `reserved` are names that types may not take.
    pub(crate) fn of(file: &mut File, reserved: impl IntoIterator<Item = String>) -> Types {
        let types = std::mem::take(&mut file.types).0;
        let enums = std::mem::take(&mut file.enums).0;
        let mut used: BTreeSet<String> = TAKEN.iter().map(|name| (*name).to_owned()).collect();
        used.extend(reserved);
        used.extend(types.iter().map(|(name, _)| name.clone()));
        used.extend(file.union.0.iter().map(|(name, _)| name.clone()));
        Types {
            by_shape: BTreeMap::new(),
            used,
            named: types,
            enums,
        }
    }

    /// Gives everything back to the file.
    pub(crate) fn into_file(self, file: &mut File) {
        file.types = Ordered(self.named);
        file.enums = Ordered(self.enums);
    }

    /// Converts a list of facts.
    pub(crate) fn fields(&mut self, facts: Option<&Value>, around: &Around) -> Fields {
        let mut out: Vec<(String, FieldSpec)> = Vec::new();
        for fact in facts.and_then(Value::as_array).into_iter().flatten() {
            let name = text(fact, "name");
            if out.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let spec = self.field(fact, around);
            out.push((name, spec));
        }
        Fields(out)
    }

    fn field(&mut self, fact: &Value, around: &Around) -> FieldSpec {
        let name = text(fact, "name");
        let wire = text(fact, "wire");
        let lower = snake(&name);
        let constant = text(fact, "const");
        let encrypted = flag(fact, "sensitive");
        let mut spec = FieldSpec {
            ty: self.type_of(fact, &text(fact, "type"), around),
            required: flag(fact, "required"),
            required_doc: flag(fact, "required_doc") && !flag(fact, "required"),
            wire: match wire.as_str() {
                "\"true\"|\"false\"" => "true|false".into(),
                other => other.replace("-joined string", "-joined"),
            },
            format: text(fact, "format"),
            unit: text(fact, "unit"),
            constant,
            credential: text(fact, "credential"),
            auto: flag(fact, "auto") || fact.get("auto").is_some_and(Value::is_string),
            encrypted,
            secret: sensitive::is_secret(&lower),
            pii: encrypted || sensitive::is_personal(&lower),
            ..FieldSpec::default()
        };
        if flag(fact, "polymorphic") {
            spec.also = vec!["any".into()];
        }
        for alternative in super::texts(fact, "alt_types") {
            spec.also.push(alternative);
        }
        spec.xml_only = flag(fact, "xml_only");
        spec.json_only = flag(fact, "json_only");
        spec.no_cdata = flag(fact, "no_cdata");
        spec.xml_name = text(fact, "xml_name");
        if spec.xml_name == name {
            spec.xml_name.clear();
        }
        let allowed: Vec<String> = fact
            .get("enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            })
            .collect();
        if !allowed.is_empty() {
            spec.allowed = self.enumeration(&name, allowed, around);
        }
        spec
    }

    fn enumeration(&mut self, field: &str, values: Vec<String>, around: &Around) -> String {
        if let Some((name, _)) = self.enums.iter().find(|(_, known)| *known == values) {
            return name.clone();
        }
        let parent = around.names.last().cloned().unwrap_or_default();
        let mut candidates = vec![camel(field), format!("{parent}{}", camel(field))];
        candidates.push(format!("{}{}", around.names.concat(), camel(field)));
        let taken = |name: &str| self.enums.iter().any(|(known, _)| known == name);
        let name = candidates.iter().find(|name| !taken(name)).cloned();
        let name = name.unwrap_or_else(|| {
            let mut name = format!("{}{}", around.names.concat(), camel(field));
            while taken(&name) {
                name.push('X');
            }
            name
        });
        self.enums.push((name.clone(), values));
        name
    }

    fn type_of(&mut self, fact: &Value, ty: &str, around: &Around) -> String {
        if let Some(inner) = ty
            .strip_prefix("list<")
            .and_then(|rest| rest.strip_suffix('>'))
        {
            return format!("[{}]", self.type_of(fact, inner, around));
        }
        if let Some(rest) = ty
            .strip_prefix("map<")
            .and_then(|rest| rest.strip_suffix('>'))
        {
            let inner = rest.split_once(',').map_or(rest, |(_, value)| value.trim());
            return format!("{{{}}}", self.type_of(fact, inner, around));
        }
        if ty != "object" {
            return ty.to_owned();
        }
        if let Some(target) = fact.get("same_as").and_then(Value::as_str) {
            let found = around
                .ancestors
                .iter()
                .rev()
                .find(|(path, _)| path == target);
            return found.map_or_else(|| "any".to_owned(), |(_, name)| name.clone());
        }
        let Some(children) = fact.get("fields").and_then(Value::as_array) else {
            return "any".into();
        };
        let free: Vec<&Value> = children
            .iter()
            .filter(|child| text(child, "name") == "*")
            .collect();
        if free.len() == children.len() {
            return match children.first() {
                Some(child) => format!("{{{}}}", self.type_of(child, &text(child, "type"), around)),
                None => "any".into(),
            };
        }
        self.named(fact, children, around)
    }

    fn named(&mut self, fact: &Value, children: &[Value], around: &Around) -> String {
        let field = text(fact, "name");
        let shape = canonical(children);
        let own = camel(&singular(&field));
        if let Some(known) = self.by_shape.get(&shape) {
            let same = known.iter().find(|name| **name == own);
            if let Some(name) = same.or_else(|| known.first().filter(|_| children.len() > 1)) {
                return name.clone();
            }
        }
        let name = self.name(&own, &field, around);
        self.used.insert(name.clone());
        self.by_shape.entry(shape).or_default().push(name.clone());
        let at = self.named.len();
        self.named.push((name.clone(), Fields::default()));
        let parent = around
            .ancestors
            .last()
            .map_or("", |(path, _)| path.as_str());
        let path = if parent.is_empty() {
            field
        } else {
            format!("{parent}.{field}")
        };
        let mut inner = around.clone();
        inner.names.push(own);
        inner.ancestors.push((path, name.clone()));
        let fields = self.fields(Some(&Value::Array(children.to_vec())), &inner);
        self.named[at].1 = fields;
        name
    }

    fn name(&self, own: &str, field: &str, around: &Around) -> String {
        let mut candidates = Vec::new();
        let mut tail = own.to_owned();
        if own.ends_with(|character: char| character.is_ascii_digit()) || own.is_empty() {
            tail = format!("{own}Item");
        }
        if !VAGUE.contains(&singular(field).as_str()) && tail.len() > 1 {
            candidates.push(tail.clone());
        }
        for parent in around.names.iter().skip(1).rev() {
            candidates.push(format!("{parent}{tail}"));
        }
        if let Some(verb) = around.names.first() {
            candidates.push(format!("{verb}{tail}"));
            for parent in around.names.iter().skip(1).rev() {
                candidates.push(format!("{verb}{parent}{tail}"));
            }
        }
        candidates.push(format!("{}{tail}", around.names.concat()));
        for suffix in [
            "Item", "Detail", "Info", "Entry", "Part", "Content", "Member",
        ] {
            candidates.push(format!("{tail}{suffix}"));
            if let Some(parent) = around.names.last() {
                candidates.push(format!("{parent}{tail}{suffix}"));
            }
        }
        let fits = |name: &&String| {
            name.len() <= 40
                && !self.used.contains(*name)
                && name.starts_with(|character: char| character.is_ascii_uppercase())
                && !name.ends_with(|character: char| character.is_ascii_digit())
        };
        if let Some(name) = candidates.iter().find(fits) {
            return name.clone();
        }
        let mut letter = b'B';
        let stem: String = tail.chars().take(34).collect();
        loop {
            let name = format!("{stem}{}", letter as char);
            if !self.used.contains(&name) || letter == b'Z' {
                return name;
            }
            letter += 1;
        }
    }
}

/// A shape as text: field names and types in order, without names of types.
fn canonical(children: &[Value]) -> String {
    let mut out = String::new();
    for child in children {
        let mut kept = Map::new();
        for (key, value) in child.as_object().into_iter().flatten() {
            if !matches!(
                key.as_str(),
                "src" | "fields" | "deprecated" | "required_client"
            ) {
                kept.insert(key.clone(), value.clone());
            }
        }
        out.push_str(&Value::Object(kept).to_string());
        if let Some(fields) = child.get("fields").and_then(Value::as_array) {
            out.push('(');
            out.push_str(&canonical(fields));
            out.push(')');
        }
    }
    out
}
