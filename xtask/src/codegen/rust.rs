//! Rust types of a product: one file a catalog file, all through the macros of `xinqiao-wire`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;

use anyhow::Result;
use xinqiao_catalog::{
    Code, Content, Endpoint, Field, Meaning, Product, Shape, Spelling, Text, TypeDef, TypeId,
    TypeRef, Union,
};

use super::Files;
use crate::names::{camel, ident, snake, split, type_name};
use crate::pack::Catalog;

mod called;
mod enums;
pub(crate) mod events;
mod files;
mod paging;
mod stock;
mod text;
mod users;

pub(crate) use self::called::{crate_name, event_module, field_name};
pub(crate) use self::enums::{Enums, variants};
use self::files::{Lints, print};
pub(crate) use self::stock::Stock;
use self::text::{
    Record, argument, doc, endpoint_doc, endpoint_info, field_doc, is_text, line, text_type,
    type_doc, whole_type,
};

/// What a Rust module holds.
#[derive(Default)]
pub(super) struct Module {
    body: String,
    /// Modules inside the same file.
    inner: BTreeMap<String, Module>,
}

/// A generated Rust file, as a tree.
#[derive(Default)]
pub(super) struct Source {
    root: Module,
    /// Files below it.
    files: BTreeSet<String>,
}

struct Writer<'a> {
    product: Product,
    types: &'a [TypeDef],
    /// Direct (not through a list) references between types, closed over.
    reach: Vec<HashSet<u32>>,
    many_arguments: bool,
    /// Whether a field has no meaning yet, and nothing else to be said of it.
    undocumented: bool,
    /// Types that a request can hold: only they get constructors and setters.
    sent: HashSet<u32>,
    /// Request types by module, so that no answer takes the name of one.
    requests: HashSet<(&'static str, String)>,
    /// Answers of each module so far: equal ones are one type under several names.
    answers: HashMap<&'static str, Vec<(&'a Endpoint, String)>>,
    /// Names of error codes.
    codes: HashMap<i64, &'static str>,
    /// Where each type stands, for its documentation.
    users: Vec<Vec<String>>,
    enums: Enums,
    stock: Stock<'a>,
    /// What is pushed is written: lists are always there, unless presence says something.
    pushed: bool,
}

/// Everything that one product's crate is generated from.
pub(crate) fn write(catalog: &Catalog, files: &mut Files) -> Result<()> {
    events::write(catalog, files)?;
    for (product, section) in &catalog.sections {
        let stock = Stock::of(catalog, *product, section);
        let requests = section
            .endpoints
            .iter()
            .map(|endpoint| (endpoint.module, type_name(endpoint.verb)))
            .collect();
        let mut writer = Writer {
            sent: users::sent(&section.types, &section.endpoints),
            requests,
            codes: codes(catalog, *product),
            ..Writer::new(stock)
        };
        let mut sources: BTreeMap<String, Source> = BTreeMap::new();
        let none = Vec::new();
        let type_files = catalog.type_files.get(product).unwrap_or(&none);
        let pushed = catalog.events.get(product);
        let elsewhere = pushed.is_some_and(events::in_envelope);
        for (at, ty) in section.types.iter().enumerate() {
            let file = type_files.get(at).cloned().unwrap_or_default();
            let id = TypeId(at as u32);
            let text = match (file == "events", elsewhere) {
                (true, true) => continue,
                (true, false) => writer.pushed_type(id, ty),
                (false, _) => writer.type_def(id, ty),
            };
            sources.entry(file).or_default().root.body.push_str(&text);
        }
        for (file, text) in writer.enums.print(stock) {
            if file != "events" || !elsewhere {
                sources.entry(file).or_default().root.body.push_str(&text);
            }
        }
        let mut unions = BTreeSet::new();
        for endpoint in &section.endpoints {
            let file = catalog
                .endpoint_files
                .get(endpoint.id)
                .cloned()
                .unwrap_or_default();
            let path = inside(endpoint.module, &file);
            for shape in [&endpoint.request, &endpoint.response] {
                if let Some(union) = &shape.union
                    && unions.insert((file.clone(), union.name))
                {
                    let text = writer.union(union);
                    sources
                        .entry(file.clone())
                        .or_default()
                        .root
                        .body
                        .push_str(&text);
                }
            }
            let depth = path.len();
            let text = writer.endpoint(endpoint, depth);
            let mut module = &mut sources.entry(file).or_default().root;
            for part in path {
                module = module.inner.entry(part).or_default();
            }
            module.body.push_str(&text);
        }
        for (ty, file) in section.types.iter().zip(type_files) {
            if let Some(union) = &ty.shape.union
                && unions.insert((file.clone(), union.name))
            {
                let text = writer.union(union);
                sources
                    .entry(file.clone())
                    .or_default()
                    .root
                    .body
                    .push_str(&text);
            }
        }
        if let Some(events) = pushed.filter(|events| !events.events.is_empty() && !elsewhere) {
            let source = sources.entry("events".into()).or_default();
            let mut marks = String::new();
            for event in &events.events {
                let module = source.root.inner.entry(event_module(event)).or_default();
                module.body.push_str(&writer.event(event, &[]));
                let _ = writeln!(marks, "    NoticeBody {} = \"{}\";", event.rust, event.id);
            }
            if let Some(module) = source.root.inner.get_mut("notify") {
                let _ = write!(module.body, "\nw::pushed! {{\n{marks}}}\n");
            }
            let all = events::notices(*product, &events.events);
            source.root.body.push_str(&all);
        }
        let lints = Lints::of(&writer);
        let titles = titles(&catalog.outline.modules, *product);
        print(*product, sources, elsewhere, &titles, &lints, files);
    }
    Ok(())
}

/// Names of the error codes that a product may answer with.
fn codes(catalog: &Catalog, product: Product) -> HashMap<i64, &'static str> {
    let codes = catalog.errors.codes.iter();
    codes
        .filter(|error| error.family == product.errors() && !error.name.is_empty())
        .filter_map(|error| match error.code {
            Code::Number(code) => Some((code, error.name)),
            Code::Word(_) => None,
        })
        .collect()
}

/// Titles of a product's modules by name.
fn titles(modules: &[xinqiao_catalog::Module], product: Product) -> BTreeMap<&'static str, Text> {
    modules
        .iter()
        .filter(|module| module.product == product && !module.title.is_empty())
        .map(|module| (module.name, module.title))
        .collect()
}

/// Modules inside the file for an endpoint of `module`.
fn inside(module: &str, file: &str) -> Vec<String> {
    let rest = if module == file {
        ""
    } else {
        module
            .strip_prefix(file)
            .and_then(|rest| rest.strip_prefix('.'))
            .unwrap_or(module)
    };
    rest.split('.')
        .filter(|part| !part.is_empty())
        .map(ident)
        .collect()
}

impl<'a> Writer<'a> {
    fn new(stock: Stock<'a>) -> Self {
        Writer {
            product: stock.product,
            types: stock.types(),
            reach: users::reach(stock.types()),
            many_arguments: false,
            undocumented: false,
            sent: HashSet::new(),
            requests: HashSet::new(),
            answers: HashMap::new(),
            codes: HashMap::new(),
            users: users::of(stock.section, stock.events),
            enums: Enums::of(stock),
            stock,
            pushed: false,
        }
    }

    fn named(&self, id: TypeId, up: &str) -> String {
        match self.types.get(id.0 as usize) {
            Some(ty) if ty.shape.is_empty() => "w::Free".into(),
            Some(ty) if ty.module.is_empty() => format!("crate::types::{}", ty.name),
            Some(ty) => format!("{up}{}", ty.name),
            None => "w::Free".into(),
        }
    }

    fn plain(&self, field: &Field, ty: &TypeRef, up: &str) -> String {
        let single = matches!(ty, TypeRef::String | TypeRef::Int32 | TypeRef::Int64);
        if let (Some(id), true) = (field.enumeration, single) {
            return self.enums.path(id, up);
        }
        match ty {
            TypeRef::String if self.pushed && field.wire == Spelling::TextOrNumber => {
                "String".into()
            }
            TypeRef::String => text_type(self.product, field),
            TypeRef::Int32 | TypeRef::Int64 => whole_type(field).into(),
            TypeRef::Timestamp if field.format.starts_with("unix") => {
                "xinqiao_types::UnixSeconds".into()
            }
            TypeRef::Timestamp => "String".into(),
            TypeRef::Uint64 => "u64".into(),
            TypeRef::Float => "f64".into(),
            TypeRef::Bool => "bool".into(),
            TypeRef::File | TypeRef::Bytes => "w::FilePart".into(),
            TypeRef::Any => "w::serial::Value".into(),
            TypeRef::Named(id) => self.named(*id, up),
            TypeRef::List(inner) => format!("Vec<{}>", self.plain(field, inner, up)),
            TypeRef::Map(inner) => {
                format!(
                    "std::collections::BTreeMap<String, {}>",
                    self.plain(field, inner, up)
                )
            }
        }
    }

    /// The Rust type without `Option`. `owner`: the type that the field belongs to, for recursion.
    fn base_type(&self, field: &Field, owner: Option<TypeId>, up: &str) -> String {
        if !field.alternatives.is_empty() {
            return "w::serial::Value".into();
        }
        if field.numbered {
            // A number may come without this field: its place is then empty.
            let item = self.plain(field, &field.ty, up);
            return if field.name.contains("$m") {
                format!("Vec<Vec<Option<{item}>>>")
            } else {
                format!("Vec<Option<{item}>>")
            };
        }
        if let (TypeRef::Named(id), Some(owner)) = (&field.ty, owner)
            && (*id == owner
                || self
                    .reach
                    .get(id.0 as usize)
                    .is_some_and(|reach| reach.contains(&owner.0)))
        {
            return format!("w::Nested<{}>", self.named(*id, up));
        }
        self.plain(field, &field.ty, up)
    }

    fn fields(
        &mut self,
        groups: &[(&Shape, &str)],
        owner: Option<TypeId>,
        up: &str,
        skip: Option<&str>,
        answer_file: bool,
    ) -> Record {
        let mut out = Record::default();
        let mut index = 0;
        for (shape, place) in groups {
            for field in &shape.fields {
                if *place == "Query" && Some(field.name) == skip {
                    continue;
                }
                let mut name = field_name(field);
                if name == "rest" {
                    name = "rest_".into();
                }
                while out.names.contains(&name) {
                    name.push_str(if place.is_empty() { "_again" } else { "_param" });
                }
                out.names.insert(name.clone());
                let base = self.base_type(field, owner, up);
                let required = field.required && !field.numbered;
                let ty = if required || self.pushed && self.is_list(field) {
                    base.clone()
                } else {
                    format!("Option<{base}>")
                };
                let line = line(field, place, required);
                let none = Meaning::default();
                let said = self.stock.meaning(field.meaning);
                let values = field
                    .enumeration
                    .and_then(|id| self.stock.enumeration(id))
                    .map_or(&[][..], |known| &known.values);
                match field_doc(field, &name, said.unwrap_or(&none), values) {
                    Some(text) => {
                        let _ = writeln!(out.body, "    /// {text}");
                    }
                    None => self.undocumented = true,
                }
                let wire = snake(field.name);
                if ident(field.name) == name && split(&wire) != wire {
                    let _ = writeln!(out.body, "    #[doc(alias = \"{}\")]", field.name);
                }
                let _ = writeln!(out.body, "    {index} {name}: {ty} => \"{line}\",");
                let converts = is_text(&base) || enums::is_one(field, &base);
                if required {
                    out.new
                        .push(format!("{name}: {}", argument(&base, converts)));
                } else if !matches!(name.as_str(), "new" | "default" | "from" | "into") {
                    let setters = if converts {
                        &mut out.text
                    } else {
                        &mut out.set
                    };
                    setters.push(format!("{name}: {base}"));
                }
                index += 1;
            }
            if let Some(union) = &shape.union {
                let mut name = "body".to_owned();
                while !out.names.insert(name.clone()) {
                    name.push('_');
                }
                let said = self.stock.meaning(union.meaning);
                let said = said.map_or("The body", |said| said.text.get(false));
                let _ = writeln!(
                    out.body,
                    "    /// {}; told apart by `{}`.",
                    doc(said),
                    union.tag
                );
                let _ = writeln!(
                    out.body,
                    "    {index} {name}: {up}{} => \": flat\",",
                    union.name
                );
                out.new.push(format!("{name}: {up}{}", union.name));
                index += 1;
            }
            if let Some(open) = &shape.open {
                let mut name = "further".to_owned();
                while !out.names.insert(name.clone()) {
                    name.push('_');
                }
                let dummy = Field { ..any_field() };
                let inner = self.plain(&dummy, open, up);
                let _ = writeln!(out.body, "    /// Further keys.");
                let _ = writeln!(
                    out.body,
                    "    {index} {name}: std::collections::BTreeMap<String, {inner}> => \": open\","
                );
                index += 1;
            }
        }
        if answer_file {
            let name = if out.names.contains("file") {
                "download"
            } else {
                "file"
            };
            let _ = writeln!(out.body, "    /// The file, where the answer is one.");
            let _ = writeln!(out.body, "    {index} {name}: w::Download => \"\",");
        }
        if out.new.len() > 7 {
            self.many_arguments = true;
        }
        out
    }

    fn type_def(&mut self, id: TypeId, ty: &TypeDef) -> String {
        if ty.shape.is_empty() {
            return String::new();
        }
        let record = self.fields(&[(&ty.shape, "")], Some(id), "", None, false);
        let builder = self.sent.contains(&id.0);
        let users = self.users.get(id.0 as usize).map_or(&[][..], Vec::as_slice);
        let head = type_doc(ty, users);
        record.print(ty.name, &head, builder)
    }

    fn union(&mut self, union: &Union) -> String {
        let mut out = format!(
            "\nw::union! {{\n    /// One of several bodies, told apart by `{}`.\n    pub enum {} by \"{}\" {{\n",
            union.tag, union.name, union.tag
        );
        let mut bare = String::new();
        let tags: Vec<&str> = union.cases.iter().map(|case| case.value).collect();
        let prefix = users::common_prefix(&tags);
        for case in &union.cases {
            let title = if case.title.is_empty() {
                format!("`{}`", case.value)
            } else {
                format!("{} ({})", doc(case.title.en), doc(case.title.zh))
            };
            let variant = camel(&split(&snake(&case.value[prefix..])));
            match &case.ty {
                Some(ty) => {
                    let ty = self.plain(&any_field(), ty, "");
                    let _ = writeln!(out, "        /// {title}.");
                    let _ = writeln!(
                        out,
                        "        {variant}({ty}) = \"{}\" in \"{}\",",
                        case.value, case.field
                    );
                }
                None => {
                    let _ = writeln!(bare, "        /// {title}.");
                    let _ = writeln!(bare, "        {variant} = \"{}\",", case.value);
                }
            }
        }
        out.push_str("    }\n");
        if !bare.is_empty() {
            let _ = write!(out, "    bare {{\n{bare}    }}\n");
        }
        out.push_str("}\n");
        out
    }

    fn endpoint(&mut self, endpoint: &'a Endpoint, depth: usize) -> String {
        let up = "super::".repeat(depth);
        let name = type_name(endpoint.verb);
        let mut answer = format!("{name}Response");
        if self.requests.contains(&(endpoint.module, answer.clone())) {
            answer = format!("{name}Answer");
        }
        let mut out = String::new();
        let head = endpoint_doc(endpoint, &self.codes);
        let skip = endpoint
            .when
            .filter(|when| !when.in_body)
            .map(|when| when.name);
        if endpoint.partial {
            let free = Shape {
                open: Some(TypeRef::Any),
                ..endpoint.request.clone()
            };
            let groups = [
                (&endpoint.path_params, "Path"),
                (&endpoint.query, "Query"),
                (&endpoint.headers, "Header"),
                (&free, ""),
            ];
            let record = self.fields(&groups, None, &up, skip, false);
            out.push_str(&record.print(&name, &head, true));
        } else {
            let groups = [
                (&endpoint.path_params, "Path"),
                (&endpoint.query, "Query"),
                (&endpoint.headers, "Header"),
                (&endpoint.request, ""),
            ];
            let record = self.fields(&groups, None, &up, skip, false);
            out.push_str(&record.print(&name, &head, true));
        }
        let file = is_file(endpoint);
        let response = if endpoint.response.is_empty() {
            match (endpoint.partial, file) {
                (true, false) => "w::Free".to_owned(),
                (_, true) => "w::Blob".to_owned(),
                _ => "w::Empty".to_owned(),
            }
        } else if let Some((other, twin)) = self.twin(endpoint, file) {
            let _ = write!(
                out,
                "\n/// Answer to [`{name}`], the same as to [`{}`].\npub type {answer} = {twin};\n",
                type_name(other.verb)
            );
            answer
        } else {
            let same = self.answers.entry(endpoint.module).or_default();
            same.push((endpoint, answer.clone()));
            let record = self.fields(&[(&endpoint.response, "")], None, &up, None, file);
            let head = format!("/// Answer to [`{name}`].\n");
            out.push_str(&record.print(&answer, &head, false));
            answer
        };
        out.push_str(&endpoint_info(endpoint, &name, &response));
        out.push_str(&self.paged(endpoint, &name, &up));
        out
    }

    /// An earlier endpoint of the module with the same answer, and the type of it.
    fn twin(&self, endpoint: &Endpoint, file: bool) -> Option<(&'a Endpoint, &str)> {
        let same = self.answers.get(endpoint.module)?;
        same.iter()
            .find(|(other, _)| {
                is_file(other) == file && same_fields(&other.response, &endpoint.response)
            })
            .map(|(other, name)| (*other, name.as_str()))
    }
}

/// Whether two shapes have the same fields, whatever is said about them.
fn same_fields(one: &Shape, other: &Shape) -> bool {
    let unsaid = |field: &Field| Field {
        meaning: 0,
        ..field.clone()
    };
    one.union == other.union
        && one.open == other.open
        && one.fields.len() == other.fields.len()
        && one
            .fields
            .iter()
            .map(unsaid)
            .eq(other.fields.iter().map(unsaid))
}

/// Whether the answer may be a file.
fn is_file(endpoint: &Endpoint) -> bool {
    matches!(
        endpoint.answer,
        Content::Binary | Content::Csv | Content::Raw
    )
}

fn any_field() -> Field {
    Field {
        name: "",
        rust: "",
        ty: TypeRef::Any,
        required: false,
        required_by_docs: false,
        wire: Spelling::Plain,
        format: "",
        unit: "",
        enumeration: None,
        constant: "",
        origin: xinqiao_catalog::Origin::Caller,
        credential: "",
        encrypted: false,
        secret: false,
        pii: false,
        numbered: false,
        alternatives: Vec::new(),
        xml_only: false,
        json_only: false,
        xml_name: "",
        cdata: false,
        max: 0,
        max_bytes: 0,
        code: 0,
        meaning: 0,
    }
}

#[cfg(test)]
mod tests;
