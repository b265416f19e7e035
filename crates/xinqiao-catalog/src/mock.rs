//! Answers made from the schema alone, the same for the same seed.
//!
//! Ids look real in shape and are marked (`xq…`), addresses end in `.invalid`: nobody can take them for real ones.

use serde_json::{Map, Number, Value};

use crate::lookup::{type_def, values};
use crate::misfit::fits;
use crate::model::{Content, Endpoint, Field, Product, Shape, Spelling, TypeRef};

const MAX_DEPTH: usize = 6;
/// 2026-01-01 00:00:00 in Shanghai: times in made-up answers are a little later.
const EPOCH: u64 = 1_767_196_800;

/// A successful answer of `endpoint` to `request`: its example, or values by type; scalars that the request named
/// come back as they were.
#[must_use]
pub fn mock(endpoint: &Endpoint, seed: u64, request: &Value) -> Value {
    let mut out = Map::new();
    let classic = !matches!(
        endpoint.product,
        Product::PayV2 | Product::PayV3 | Product::PayGlobal | Product::PayBusiness
    );
    if classic && endpoint.envelope.is_none() && endpoint.answer == Content::Json {
        out.insert("errcode".into(), 0.into());
        out.insert("errmsg".into(), "ok".into());
    }
    let example = endpoint
        .examples
        .iter()
        .find_map(|example| serde_json::from_str::<Map<String, Value>>(example.response).ok());
    if let Some(example) = example {
        out.extend(example);
        return Value::Object(out);
    }
    let maker = Maker {
        product: endpoint.product,
        seed,
    };
    if let Value::Object(made) = maker.object(&endpoint.response, endpoint.id, 0) {
        out.extend(made);
    }
    // Of several shapes it is the first.
    let mut shapes = { endpoint.variants.iter() }.filter(|shape| !shape.response.is_empty());
    if let Some(first) = shapes.next() {
        let other = |name: &str| !first.response.contains(&name);
        let others: Vec<&str> = { shapes.flat_map(|shape| &shape.response) }
            .copied()
            .filter(|name| other(name))
            .collect();
        out.retain(|name, _| !others.contains(&name.as_str()));
    }
    for field in &endpoint.response.fields {
        let given = request.get(field.name);
        if let Some(given) = given.filter(|value| value.is_string() || value.is_number())
            && out.contains_key(field.name)
            && fits(endpoint.product, field, given)
        {
            out.insert(field.name.to_owned(), given.clone());
        }
    }
    Value::Object(out)
}

/// A made-up value of a shape: for examples of requests too.
#[must_use]
pub fn sample(product: Product, shape: &Shape, seed: u64) -> Value {
    Maker { product, seed }.object(shape, "sample", 0)
}

struct Maker {
    product: Product,
    seed: u64,
}

impl Maker {
    /// A number that depends on the seed and the place only.
    fn chance(&self, path: &str) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ self.seed;
        for byte in path.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash ^= hash >> 30;
        hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash ^ (hash >> 27)
    }

    fn object(&self, shape: &Shape, path: &str, depth: usize) -> Value {
        let mut out = Map::new();
        for field in &shape.fields {
            if field.xml_only || (depth >= 2 && !field.required) {
                continue;
            }
            let here = format!("{path}.{}", field.name);
            if field.numbered {
                let name = field.name.replace("$n", "0").replace("$m", "0");
                out.insert(name, self.value(field, &here, depth));
                continue;
            }
            out.insert(field.name.to_owned(), self.value(field, &here, depth));
        }
        if let Some(union) = &shape.union
            && let Some(case) = union.cases.first()
        {
            out.insert(union.tag.to_owned(), case.value.into());
            if let Some(def) = case
                .ty
                .as_ref()
                .and_then(TypeRef::named)
                .and_then(|id| type_def(self.product, id))
            {
                let body = self.object(&def.shape, &format!("{path}.{}", case.field), depth + 1);
                out.insert(case.field.to_owned(), body);
            }
        }
        Value::Object(out)
    }

    fn value(&self, field: &Field, path: &str, depth: usize) -> Value {
        let plain = self.typed(field, &field.ty, path, depth);
        let joined = |separator: &str| match &plain {
            Value::Array(items) => {
                let texts: Vec<String> = items
                    .iter()
                    .map(|item| {
                        item.as_str()
                            .map_or_else(|| item.to_string(), str::to_owned)
                    })
                    .collect();
                Value::String(texts.join(separator))
            }
            other => other.clone(),
        };
        match field.wire {
            Spelling::BoolInt => Value::from(u8::from(plain == Value::Bool(true))),
            Spelling::BoolYn => (if plain == Value::Bool(true) { "Y" } else { "N" }).into(),
            Spelling::BoolText | Spelling::NumericText => Value::String(plain.to_string()),
            Spelling::JsonText => Value::String(plain.to_string()),
            Spelling::Comma => joined(","),
            Spelling::Pipe => joined("|"),
            Spelling::Semicolon => joined(";"),
            _ => plain,
        }
    }

    fn typed(&self, field: &Field, ty: &TypeRef, path: &str, depth: usize) -> Value {
        let chance = self.chance(path);
        match ty {
            TypeRef::String | TypeRef::Timestamp => Value::String(self.text(field, chance)),
            TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64 => self.whole(field, chance),
            TypeRef::Float => Number::from_f64((chance % 10_000) as f64 / 100.0)
                .map_or(Value::Null, Value::Number),
            TypeRef::Bool => Value::Bool(chance.is_multiple_of(2)),
            TypeRef::File | TypeRef::Bytes => Value::String("file".into()),
            TypeRef::Any => Value::Object(Map::new()),
            TypeRef::List(_) if depth >= MAX_DEPTH => Value::Array(Vec::new()),
            TypeRef::Map(_) if depth >= MAX_DEPTH => Value::Object(Map::new()),
            TypeRef::List(inner) => {
                let count = if depth > 2 { 1 } else { 1 + chance % 2 };
                let item = |at| self.typed(field, inner, &format!("{path}[{at}]"), depth + 1);
                Value::Array((0..count).map(item).collect())
            }
            TypeRef::Map(inner) => {
                let item = self.typed(field, inner, &format!("{path}.key"), depth + 1);
                Value::Object(Map::from_iter([("key".to_owned(), item)]))
            }
            TypeRef::Named(id) => match type_def(self.product, *id) {
                Some(def) => self.object(&def.shape, path, depth + 1),
                None => Value::Object(Map::new()),
            },
        }
    }

    fn whole(&self, field: &Field, chance: u64) -> Value {
        let allowed: Vec<i64> = values(self.product, field)
            .iter()
            .filter_map(|known| known.value.parse().ok())
            .collect();
        if !allowed.is_empty() {
            return allowed[chance as usize % allowed.len()].into();
        }
        let name = field.name;
        if field.format.starts_with("unix-ms") {
            return ((EPOCH + chance % 86_400) * 1000).into();
        }
        if field.format.starts_with("unix") || name.ends_with("_time") || name.ends_with("_at") {
            return (EPOCH + chance % 86_400).into();
        }
        if name.ends_with("_id") || name == "id" {
            return (100_000_000 + chance % 900_000_000).into();
        }
        match field.unit {
            "s" => 7200.into(),
            _ => (1 + chance % 100).into(),
        }
    }

    fn text(&self, field: &Field, chance: u64) -> String {
        if !field.constant.is_empty() {
            return field.constant.to_owned();
        }
        let allowed = values(self.product, field);
        if !allowed.is_empty() {
            return allowed[chance as usize % allowed.len()].value.to_owned();
        }
        let day = 1 + chance % 28;
        match field.format {
            "rfc3339" => return format!("2026-01-{day:02}T10:00:00+08:00"),
            "yyyy-MM-dd HH:mm:ss" => return format!("2026-01-{day:02} 10:00:00"),
            "yyyyMMddHHmmss" => return format!("202601{day:02}100000"),
            "yyyy-MM-dd" => return format!("2026-01-{day:02}"),
            "yyyyMMdd" => return format!("202601{day:02}"),
            "unix" => return (EPOCH + chance % 86_400).to_string(),
            _ => {}
        }
        let name = field.name.to_ascii_lowercase();
        let hex = format!("{chance:016x}");
        if name.contains("url") || name.contains("link") {
            format!("https://xinqiao.invalid/{hex}")
        } else if name == "openid" || name == "touser" {
            format!("oXQ{hex}{:09x}", chance >> 28)
        } else if name.ends_with("id") || name.ends_with("_no") || name.contains("ticket") {
            format!("xq{hex}")
        } else if name.ends_with("token") {
            format!("xqtoken{hex}{hex}")
        } else if name.contains("amount") || name.contains("fee") || name.contains("count") {
            (chance % 1000).to_string()
        } else {
            format!("{} {}", field.name, chance % 100)
        }
    }
}
