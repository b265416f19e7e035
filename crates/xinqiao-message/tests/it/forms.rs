//! Every push of the catalog in each of its forms.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use xinqiao_catalog::{Event, Field, Product, Shape, Spelling, TypeRef};

/// How many stand at each repeated place, and how that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// None: the place is not there.
    Absent,
    /// None: the place is there and empty.
    Empty,
    /// One, without the brackets of a list.
    Bare,
    /// As many, as a list.
    Many(usize),
}

impl Count {
    /// Ways to say the same, line by line.
    pub(crate) const SAME: [&'static [Self]; 4] = [
        &[Self::Absent, Self::Empty],
        &[Self::Bare, Self::Many(1)],
        &[Self::Many(2)],
        &[Self::Many(3)],
    ];

    /// How many stand there.
    const fn items(self) -> usize {
        match self {
            Self::Absent | Self::Empty => 0,
            Self::Bare => 1,
            Self::Many(count) => count,
        }
    }
}

/// The deepest group that is filled: some groups hold themselves.
const DEEPEST: usize = 5;

struct Form<'a> {
    event: &'a Event,
    count: Count,
}

impl Form<'_> {
    fn product(&self) -> Product {
        self.event.product
    }

    fn group(&self, field: &Field) -> Option<&'static Shape> {
        let known = match field.ty {
            TypeRef::Named(id) => xinqiao_catalog::type_def(self.product(), id),
            _ => None,
        };
        known.map(|known| &known.shape)
    }

    /// The fields that JSON writes beside the group that holds them in XML.
    fn beside(&self, shape: &Shape, group: &Field) -> bool {
        let fields = self.group(group).filter(|_| group.xml_only);
        let mut beside = shape.fields.iter().filter(|field| field.json_only);
        fields.is_some_and(|fields| beside.any(|field| fields.field(field.name).is_some()))
    }

    fn fields(&self, shape: &Shape, depth: usize) -> Map<String, Value> {
        let mut out = Map::new();
        for field in &shape.fields {
            let mut groups = shape
                .fields
                .iter()
                .filter(|group| self.beside(shape, group));
            let is_in_group = field.json_only
                && groups.any(|group| {
                    self.group(group)
                        .is_some_and(|group| group.field(field.name).is_some())
                });
            if is_in_group {
                continue;
            }
            let value = self.value(field, &field.ty, field.wire, depth);
            match value {
                // `coupon_id_$n`: one a coupon.
                Some(value) if field.numbered => out.extend((0..self.count.items()).map(|n| {
                    let name = field.name.replace("$n", &n.to_string());
                    (name, value.clone())
                })),
                Some(value) => {
                    out.insert(field.name.to_owned(), value);
                }
                None => {}
            }
        }
        out
    }

    /// The value as the platform writes it in JSON.
    fn value(
        &self,
        field: &Field,
        ty: &TypeRef,
        spelling: Spelling,
        depth: usize,
    ) -> Option<Value> {
        Some(match ty {
            TypeRef::List(inner) => {
                let separator = match spelling {
                    Spelling::Comma => Some(","),
                    Spelling::Pipe => Some("|"),
                    Spelling::Semicolon => Some(";"),
                    _ => None,
                };
                let items = (0..self.count.items())
                    .map_while(|_| self.value(field, inner, Spelling::Plain, depth))
                    .collect::<Vec<_>>();
                match (self.count, separator) {
                    (Count::Absent, _) => return None,
                    (_, Some(separator)) => {
                        let texts: Vec<_> = items.iter().map(text_of).collect();
                        texts.join(separator).into()
                    }
                    (Count::Bare, None) => items.into_iter().next()?,
                    _ => items.into(),
                }
            }
            TypeRef::Named(id) => {
                let known = xinqiao_catalog::type_def(self.product(), *id)?;
                if depth == DEEPEST {
                    return None;
                }
                // A group that is nothing but a list is not there without it.
                let list =
                    matches!(&*known.shape.fields, [list] if matches!(list.ty, TypeRef::List(_)));
                if list && self.count == Count::Absent {
                    return None;
                }
                Value::Object(self.fields(&known.shape, depth + 1))
            }
            TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64 => match spelling {
                Spelling::NumericText => "7".into(),
                _ => 7.into(),
            },
            TypeRef::Timestamp if field.format.starts_with("unix") => 1_700_000_000.into(),
            TypeRef::Float => json!(1.5),
            TypeRef::Bool => match spelling {
                Spelling::BoolInt => 1.into(),
                Spelling::BoolYn => "Y".into(),
                Spelling::BoolText => "true".into(),
                _ => true.into(),
            },
            TypeRef::Map(inner) => {
                json!({"key": self.value(field, inner, Spelling::Plain, depth + 1)?})
            }
            _ => format!("the {}", field.name).into(),
        })
    }
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The push as JSON.
pub(crate) fn json_of(event: &Event, count: Count) -> Map<String, Value> {
    let form = Form { event, count };
    let mut fields = fields_of(event, count);
    for group in &event.shape.fields {
        if form.beside(&event.shape, group)
            && let Some(Value::Object(inner)) = fields.remove(group.name)
        {
            fields.extend(inner);
        }
    }
    fields
}

/// The push as JSON, with all groups.
fn fields_of(event: &Event, count: Count) -> Map<String, Value> {
    let mut fields = Form { event, count }.fields(&event.shape, 0);
    let mut put = |name: &str, value: &str| {
        if !value.is_empty() {
            fields.insert(name.to_owned(), value.into());
        }
    };
    put("MsgType", event.msg_type);
    if event.msg_type.is_empty() && event.info_type.is_empty() {
        put("event", event.event);
    } else {
        put("Event", event.event);
    }
    if event.msg_type.is_empty() {
        put("InfoType", event.info_type);
    }
    if let Some((name, value)) = event.when.filter(|(_, value)| *value != "*") {
        put(name, value);
    }
    fields
}

/// The push as XML: lists as repeated elements, fields under their names in XML.
pub(crate) fn xml_of(event: &Event, count: Count) -> String {
    let mut out = String::from("<xml>");
    elements(
        event.product,
        &event.shape,
        &fields_of(event, count),
        &mut out,
    );
    out.push_str("</xml>");
    out
}

fn elements(product: Product, shape: &Shape, fields: &Map<String, Value>, out: &mut String) {
    for (name, value) in fields {
        let field = shape.field(name);
        let element = field.map_or("", |field| field.xml_name);
        let element = if element.is_empty() { name } else { element };
        let mut ty = field.map(|field| &field.ty);
        while let Some(TypeRef::List(inner) | TypeRef::Map(inner)) = ty {
            ty = Some(inner);
        }
        let inner = ty
            .and_then(TypeRef::named)
            .and_then(|id| xinqiao_catalog::type_def(product, id))
            .map(|known| &known.shape);
        let one = |value: &Value, out: &mut String| {
            let _ = write!(out, "<{element}>");
            match (value, inner) {
                (Value::Object(fields), Some(shape)) => elements(product, shape, fields, out),
                (Value::Object(fields), None) => {
                    elements(product, &Shape::default(), fields, out);
                }
                (Value::String(text), _) => {
                    let _ = write!(out, "<![CDATA[{text}]]>");
                }
                (other, _) => {
                    let _ = write!(out, "{other}");
                }
            }
            let _ = write!(out, "</{element}>");
        };
        match value {
            Value::Array(items) if items.is_empty() => {
                let _ = write!(out, "<{element}></{element}>");
            }
            Value::Array(items) => items.iter().for_each(|item| one(item, out)),
            value => one(value, out),
        }
    }
}
