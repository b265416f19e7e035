//! Types, flags and documentation as Rust text.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use xinqiao_catalog::{
    AuthKind, Content, Endpoint, EnumValue, Field, Meaning, Origin, Product, Retry, Spelling,
    TypeDef, TypeRef,
};

use crate::names::snake;

/// Text for rustdoc: what stands between backticks is code, and nothing else is markup.
pub(super) fn doc(text: &str) -> String {
    let plain = |text: &str| {
        text.replace('[', "\\[")
            .replace(']', "\\]")
            .replace('<', "\\<")
            .replace('>', "\\>")
            .replace('*', "\\*")
    };
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return plain(text);
    }
    let parts = parts.iter().enumerate().map(|(at, part)| match at % 2 {
        0 => plain(part),
        _ => (*part).to_owned(),
    });
    parts.collect::<Vec<_>>().join("`")
}

/// Identifiers by the end of a field's name, and whether only WeCom has them.
const IDS: &[(&str, &str, bool)] = &[
    ("openid", "OpenId", false),
    ("unionid", "UnionId", false),
    ("appid", "AppId", false),
    ("mchid", "MchId", false),
    ("corpid", "CorpId", false),
    ("mediaid", "MediaId", false),
    ("externaluserid", "ExternalUserId", true),
    ("userid", "UserId", true),
];

/// Whose `userid` is no member's: those of other corporations, parents, students, service accounts.
const OTHER_USERS: &[&str] = &["open", "student", "parent", "pending", "tmp", "dingtalk"];

/// The type of a text: an identifier if the name ends in one, in the singular or as a list.
pub(crate) fn text_type(product: Product, field: &Field) -> String {
    if field.wire == Spelling::TextOrNumber {
        return "w::TextOrNumber".into();
    }
    let consumer = matches!(product, Product::OfficialAccount | Product::MiniProgram);
    if consumer && field.name == "touser" {
        return "xinqiao_types::OpenId".into();
    }
    let name = snake(field.name);
    let name = name.strip_suffix("_list").unwrap_or(&name).replace('_', "");
    let name = name.strip_suffix("list").unwrap_or(&name);
    let name = name.strip_suffix('s').unwrap_or(name);
    let found = IDS.iter().find_map(|(end, ty, work)| {
        let before = name.strip_suffix(end)?;
        let other = *end == "userid" && OTHER_USERS.iter().any(|word| before.ends_with(word));
        ((!work || product == Product::Work) && !other).then_some(*ty)
    });
    found.map_or_else(|| "String".into(), |ty| format!("xinqiao_types::{ty}"))
}

/// Whether a type is made from whatever looks like it: texts and identifiers.
pub(super) fn is_text(ty: &str) -> bool {
    ty == "String"
        || ty == "w::TextOrNumber"
        || ty.starts_with("w::Nested<")
        || (ty.starts_with("xinqiao_types::") && ty.ends_with("Id"))
}

/// A type as the argument of a constructor.
pub(super) fn argument(ty: &str, converts: bool) -> String {
    if converts {
        format!("impl Into<{ty}>")
    } else {
        ty.to_owned()
    }
}

/// Whether a type is a whole number, or a list of such.
pub(super) fn is_whole(ty: &TypeRef) -> bool {
    match ty {
        TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64 => true,
        TypeRef::List(inner) => is_whole(inner),
        _ => false,
    }
}

pub(super) fn whole_type(field: &Field) -> &'static str {
    if field.format == "unix" {
        "xinqiao_types::UnixSeconds"
    } else if field.unit == "fen" {
        "xinqiao_types::Fen"
    } else {
        "i64"
    }
}

/// A field's line of the shape: its name and its marks, as `xinqiao_wire::Field` lists them.
pub(super) fn line(field: &Field, place: &str, required: bool) -> String {
    let mut marks = Vec::new();
    if required {
        marks.push("must".to_owned());
    }
    if !place.is_empty() {
        marks.push(place.to_ascii_lowercase());
    }
    let spelling = match field.wire {
        Spelling::BoolInt => "zero-one",
        Spelling::BoolYn => "yes-no",
        Spelling::BoolText => "true-false",
        Spelling::NumericText => "numeric",
        Spelling::JsonText => "json",
        Spelling::Comma => "comma",
        Spelling::Pipe => "pipe",
        Spelling::Semicolon => "semicolon",
        Spelling::JsonPart => "part",
        _ => "",
    };
    let text = matches!(field.ty, TypeRef::String | TypeRef::Timestamp)
        || matches!(&field.ty, TypeRef::List(inner) if **inner == TypeRef::String);
    for (mark, set) in [
        (spelling, !spelling.is_empty()),
        ("masked", field.secret || field.pii),
        ("encrypted", field.encrypted),
        (
            "number",
            field.enumeration.is_some() && spelling.is_empty() && is_whole(&field.ty),
        ),
        ("plain-xml", text && !field.cdata),
        ("numbered", field.numbered),
        // Only so where its fields were left out, see `events`.
        ("beside", field.xml_only && field.json_only),
    ] {
        if set {
            marks.push(mark.to_owned());
        }
    }
    if !field.xml_name.is_empty() {
        marks.push(format!("xml={}", field.xml_name));
    }
    if marks.is_empty() {
        field.name.to_owned()
    } else {
        format!("{}: {}", field.name, marks.join(" "))
    }
}

/// What a field means, in English; then what else is to know of it. Nothing where there is nothing to say: the field's
/// own name is no explanation.
pub(super) fn field_doc(
    field: &Field,
    rust: &str,
    said: &Meaning,
    values: &[EnumValue],
) -> Option<String> {
    let mut parts = Vec::new();
    if !said.text.is_empty() {
        parts.push(doc(said.text.get(false)));
    }
    let or = |own: &'static str, said: &'static str| if own.is_empty() { said } else { own };
    let (unit, format) = (or(field.unit, said.unit), or(field.format, said.format));
    let in_unit = format!("in {unit}");
    if !unit.is_empty() && !said.text.get(false).contains(&in_unit) {
        parts.push(in_unit);
    }
    if !format.is_empty() {
        parts.push(format!("format `{format}`"));
    }
    if !said.example.is_empty() {
        parts.push(format!("such as {}", code(said.example)));
    }
    let spelled = match field.wire {
        Spelling::NumericText => "a number as text on the wire",
        Spelling::JsonText => "JSON in a text on the wire",
        Spelling::Comma => "joined by `,` on the wire",
        Spelling::Pipe => "joined by `|` on the wire",
        Spelling::Semicolon => "joined by `;` on the wire",
        Spelling::BoolInt => "`0` or `1` on the wire",
        Spelling::BoolYn => "`Y` or `N` on the wire",
        _ => "",
    };
    if !spelled.is_empty() {
        parts.push(spelled.into());
    }
    if !values.is_empty() {
        let shown: Vec<String> = values
            .iter()
            .take(8)
            .map(|value| format!("`{}`", value.value))
            .collect();
        let more = if values.len() > 8 { " …" } else { "" };
        parts.push(format!("one of {}{more}", shown.join(" ")));
    }
    match field.origin {
        Origin::Constant => parts.push(format!("always `{}`", field.constant)),
        Origin::Auto => parts.push("filled in by the client".into()),
        Origin::Credential => parts.push(format!("the account's {}", field.credential)),
        Origin::Caller => {}
    }
    let list = matches!(field.ty, TypeRef::List(_));
    match (field.max, list) {
        (0, _) => {}
        (max, true) => parts.push(format!("at most {max} items")),
        (max, false) => parts.push(format!("at most {max} characters")),
    }
    if field.max_bytes > 0 {
        parts.push(format!("at most {} bytes", field.max_bytes));
    }
    if field.code != 0 {
        parts.push(format!("refused with {}", field.code));
    }
    if field.encrypted {
        parts.push("encrypted on the wire".into());
    }
    if field.secret {
        parts.push("a secret, masked in `Debug`".into());
    } else if field.pii {
        parts.push("personal data, masked in `Debug`".into());
    }
    if field.required_by_docs {
        parts.push("needed according to the documentation".into());
    }
    if rust.trim_end_matches('_') != field.name {
        parts.push(format!("`{}` on the wire", field.name));
    }
    let mut out = parts.join("; ");
    if let Some(first) = out.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if !out.is_empty() {
        out.push('.');
    }
    match said.from.get(false) {
        "" => {}
        from => {
            let _ = write!(out, " From: {}.", doc(from));
        }
    }
    (!out.is_empty()).then(|| out.trim_start().to_owned())
}

/// Text as code, whatever is in it.
fn code(text: &str) -> String {
    if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}

/// What a type is for: the fields that hold it.
pub(super) fn type_doc(ty: &TypeDef, users: &[String]) -> String {
    if !ty.about.is_empty() {
        return format!("/// {}\n", doc(ty.about.get(false)));
    }
    let mut shown = users.iter().take(2).cloned().collect::<Vec<_>>().join("; ");
    if let Some(first) = shown.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    match users.len() {
        0 => format!("/// `{}`.\n", ty.name),
        1..=2 => format!("/// {shown}.\n"),
        more => format!("/// {shown}; and {} more.\n", more - 2),
    }
}

pub(super) fn endpoint_doc(endpoint: &Endpoint, names: &HashMap<i64, &'static str>) -> String {
    let mut out = String::new();
    if endpoint.title.is_empty() {
        let _ = writeln!(out, "/// `{} {}`.", endpoint.method, endpoint.path);
    } else {
        let _ = writeln!(
            out,
            "/// {} ({}).",
            doc(endpoint.title.en),
            doc(endpoint.title.zh)
        );
    }
    out.push_str("///\n");
    let _ = writeln!(
        out,
        "/// * Call: `{} {}` on `{}`.",
        endpoint.method, endpoint.path, endpoint.host
    );
    if endpoint.partial {
        out.push_str("/// * Shape: unknown; free JSON in, free JSON out.\n");
    }
    if !endpoint.errors.is_empty() {
        let codes: Vec<String> = endpoint
            .errors
            .iter()
            .take(12)
            .map(|code| match names.get(code) {
                Some(name) => format!("{code} `{name}`"),
                None => code.to_string(),
            })
            .collect();
        let _ = writeln!(out, "/// * Errors: {}.", codes.join(", "));
    }
    if !endpoint.permissions.is_empty() {
        let _ = writeln!(
            out,
            "/// * Needs: `{}`.",
            endpoint.permissions.join("` or `")
        );
    }
    if !endpoint.roles.is_empty() {
        let _ = writeln!(out, "/// * For: {}.", endpoint.roles.join(", "));
    }
    if !endpoint.deprecated.is_empty() {
        let when = if endpoint.deprecated == "true" {
            "shut down"
        } else {
            endpoint.deprecated
        };
        let _ = writeln!(out, "/// * Deprecated: {when}.");
    }
    for url in endpoint.doc.iter().take(1) {
        let _ = writeln!(out, "/// * Source: <{url}>.");
    }
    let _ = writeln!(out, "/// * Catalog: `{}`.", endpoint.id);
    out
}

pub(super) fn endpoint_info(endpoint: &Endpoint, name: &str, response: &str) -> String {
    let param = endpoint.auth.param;
    let auth = match endpoint.auth.kind {
        AuthKind::None => "w::Auth::None".to_owned(),
        AuthKind::Merchant => "w::Auth::Merchant".to_owned(),
        AuthKind::Chatbot => "w::Auth::Chatbot".to_owned(),
        AuthKind::Openai => "w::Auth::Openai".to_owned(),
        AuthKind::AccessToken => format!("w::Auth::AccessToken(\"{param}\")"),
        AuthKind::ComponentAccessToken => format!("w::Auth::ComponentAccessToken(\"{param}\")"),
        AuthKind::SuiteAccessToken => format!("w::Auth::SuiteAccessToken(\"{param}\")"),
        AuthKind::ProviderAccessToken => format!("w::Auth::ProviderAccessToken(\"{param}\")"),
        AuthKind::DeviceAccessToken => format!("w::Auth::DeviceAccessToken(\"{param}\")"),
        AuthKind::ModelAccessToken => format!("w::Auth::ModelAccessToken(\"{param}\")"),
        AuthKind::Sns => format!("w::Auth::Sns(\"{param}\")"),
        AuthKind::WebhookKey => format!("w::Auth::WebhookKey(\"{param}\")"),
    };
    let content = |content: Content| match content {
        Content::None => "None",
        Content::Json => "Json",
        Content::Xml => "Xml",
        Content::Multipart => "Multipart",
        Content::Form => "Form",
        Content::Raw => "Raw",
        Content::Binary => "Binary",
        Content::Csv => "Csv",
    };
    let retry = match endpoint.retry {
        Retry::Safe => "Safe",
        Retry::Keyed => "Keyed",
        Retry::Never => "Never",
    };
    let when = match endpoint.when.filter(|when| !when.in_body) {
        Some(when) => format!("Some((\"{}\", \"{}\"))", when.name, when.value),
        None => "None".into(),
    };
    let (code, message) = match (endpoint.envelope, endpoint.product) {
        (Some([code, message]), _) => (code, message),
        (None, Product::PayV3 | Product::PayGlobal) => ("code", "message"),
        (None, Product::PayV2) => ("err_code", "err_code_des"),
        (None, _) => ("errcode", "errmsg"),
    };
    let permissions: Vec<String> = endpoint
        .permissions
        .iter()
        .map(|row| format!("\"{row}\""))
        .collect();
    format!(
        "\nw::endpoint! {{\n    {name} => {response},\n    w::EndpointInfo {{\n        id: \"{}\",\n        method: \"{}\",\n        host: \"{}\",\n        path: \"{}\",\n        when: {when},\n        auth: {auth},\n        content: w::Content::{},\n        answer: w::Content::{},\n        retry: w::Retry::{retry},\n        code_field: \"{code}\",\n        message_field: \"{message}\",\n        client_cert: {},\n        permissions: &[{}],\n    }}\n}}\n",
        endpoint.id,
        endpoint.method,
        endpoint.host,
        endpoint.path,
        content(endpoint.content),
        content(endpoint.answer),
        endpoint.client_cert,
        permissions.join(", "),
    )
}

#[derive(Default)]
pub(super) struct Record {
    pub(super) body: String,
    pub(super) names: BTreeSet<String>,
    pub(super) new: Vec<String>,
    /// Setters that convert, and those that don't.
    pub(super) text: Vec<String>,
    pub(super) set: Vec<String>,
}

impl Record {
    pub(super) fn print(&self, name: &str, head: &str, builder: bool) -> String {
        let mut out = String::from("\nw::record! {\n");
        for line in head.lines() {
            let _ = writeln!(out, "    {line}");
        }
        let _ = writeln!(out, "    pub struct {name} {{");
        for line in self.body.lines() {
            let _ = writeln!(out, "    {line}");
        }
        out.push_str("    }\n}\n");
        if builder {
            let _ = writeln!(out, "\nw::built! {{\n    {name}");
            out.push_str(&wrap("new", &self.new));
            for (word, setters) in [("text", &self.text), ("set", &self.set)] {
                if !setters.is_empty() {
                    out.push_str(&wrap(word, setters));
                }
            }
            out.push_str("}\n");
        }
        out
    }
}

fn wrap(word: &str, items: &[String]) -> String {
    let line = format!("    {word}({})\n", items.join(", "));
    if line.len() <= 100 {
        return line;
    }
    let mut out = format!("    {word}(\n");
    for item in items {
        let _ = writeln!(out, "        {item},");
    }
    out.push_str("    )\n");
    out
}
