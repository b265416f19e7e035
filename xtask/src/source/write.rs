//! Prints the tree: one field a line, keys in one order, empty ones left out.

use std::fmt::Write as _;

use super::{
    Defaults, EndpointSpec, EventSpec, FieldSpec, Fields, File, ModuleSpec, Prose, UnionSpec,
};

/// Quotes a string as TOML.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            other if (other as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04X}", other as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A key, quoted where TOML needs it.
pub(crate) fn key(name: &str) -> String {
    let bare = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if bare { name.to_owned() } else { quote(name) }
}

/// A list of strings, broken into lines where it gets too long.
pub(crate) fn list(items: &[String]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| quote(item)).collect();
    let line = format!("[{}]", quoted.join(", "));
    if line.chars().count() <= 84 {
        return line;
    }
    let mut out = String::from("[");
    let mut width = usize::MAX;
    for item in quoted {
        let length = item.chars().count() + 2;
        if width.saturating_add(length) > 96 {
            out.push_str("\n  ");
            width = 2;
        } else {
            out.push(' ');
            width += 1;
        }
        out.push_str(&item);
        out.push(',');
        width += length;
    }
    out.push_str("\n]");
    out
}

/// Prose as an inline table.
pub(crate) fn prose(text: &Prose) -> String {
    match (text.zh.is_empty(), text.en.is_empty()) {
        (false, false) => format!("{{ zh = {}, en = {} }}", quote(&text.zh), quote(&text.en)),
        (false, true) => format!("{{ zh = {} }}", quote(&text.zh)),
        (true, _) => format!("{{ en = {} }}", quote(&text.en)),
    }
}

fn text(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        let _ = writeln!(out, "{name} = {}", quote(value));
    }
}

fn texts(out: &mut String, name: &str, value: &[String]) {
    if !value.is_empty() {
        let _ = writeln!(out, "{name} = {}", list(value));
    }
}

fn flag(out: &mut String, name: &str, value: bool) {
    if value {
        let _ = writeln!(out, "{name} = true");
    }
}

/// Prose as a line, or as two where it is long.
pub(crate) fn title(out: &mut String, name: &str, value: &Prose) {
    if value.is_empty() {
        return;
    }
    let line = format!("{name} = {}", prose(value));
    if line.chars().count() <= 100 {
        let _ = writeln!(out, "{line}");
    } else {
        text(out, &format!("{name}.zh"), &value.zh);
        text(out, &format!("{name}.en"), &value.en);
    }
}

/// One field's value.
fn field(spec: &FieldSpec) -> String {
    let plain = FieldSpec {
        ty: spec.ty.clone(),
        required: spec.required,
        ..FieldSpec::default()
    };
    if *spec == plain {
        return quote(&format!(
            "{}{}",
            spec.ty,
            if spec.required { "!" } else { "" }
        ));
    }
    let mut parts = Vec::new();
    let mut string = |name: &str, value: &str| {
        if !value.is_empty() {
            parts.push(format!("{name} = {}", quote(value)));
        }
    };
    string("type", &spec.ty);
    string("union", &spec.union);
    string("wire", &spec.wire);
    string("format", &spec.format);
    string("unit", &spec.unit);
    string("enum", &spec.allowed);
    string("const", &spec.constant);
    string("credential", &spec.credential);
    string("xml_name", &spec.xml_name);
    string("rust", &spec.rust);
    let flags = [
        ("required", spec.required),
        ("required_doc", spec.required_doc),
        ("auto", spec.auto),
        ("encrypted", spec.encrypted),
        ("secret", spec.secret),
        ("pii", spec.pii),
        ("xml_only", spec.xml_only),
        ("json_only", spec.json_only),
        ("no_cdata", spec.no_cdata),
    ];
    for (name, value) in flags {
        if value {
            parts.push(format!("{name} = true"));
        }
    }
    if spec.max > 0 {
        parts.push(format!("max = {}", spec.max));
    }
    if spec.max_bytes > 0 {
        parts.push(format!("max_bytes = {}", spec.max_bytes));
    }
    if spec.code != 0 {
        parts.push(format!("code = {}", spec.code));
    }
    if !spec.also.is_empty() {
        parts.push(format!("also = {}", list(&spec.also)));
    }
    if !spec.about.is_empty() {
        parts.push(format!("about = {}", prose(&spec.about)));
    }
    format!("{{ {} }}", parts.join(", "))
}

fn fields(out: &mut String, header: &str, value: &Fields) {
    if value.0.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n[{header}]");
    for (name, spec) in &value.0 {
        let _ = writeln!(out, "{} = {}", key(name), field(spec));
    }
}

fn when(out: &mut String, value: &std::collections::BTreeMap<String, String>) {
    if value.is_empty() {
        return;
    }
    let pairs: Vec<String> = value
        .iter()
        .map(|(name, value)| format!("{} = {}", quote(name), quote(value)))
        .collect();
    let _ = writeln!(out, "when = {{ {} }}", pairs.join(", "));
}

fn endpoint(out: &mut String, spec: &EndpointSpec) {
    let _ = writeln!(out, "\n[[endpoint]]");
    text(out, "id", &spec.id);
    text(out, "http", &spec.http);
    title(out, "title", &spec.title);
    title(out, "about", &spec.about);
    text(out, "host", &spec.host);
    texts(out, "path_alt", &spec.path_alt);
    when(out, &spec.when);
    flag(out, "method_assumed", spec.method_assumed);
    flag(out, "absolute_url", spec.absolute_url);
    text(out, "auth", &spec.auth);
    text(out, "auth_param", &spec.auth_param);
    text(out, "content", &spec.content);
    text(out, "content_alt", &spec.content_alt);
    text(out, "answer", &spec.answer);
    text(out, "answer_alt", &spec.answer_alt);
    texts(out, "envelope", &spec.envelope);
    text(out, "retry", &spec.retry);
    flag(out, "client_cert", spec.client_cert);
    texts(out, "encryption", &spec.encryption);
    texts(out, "roles", &spec.roles);
    texts(out, "lines", &spec.lines);
    text(out, "deprecated", &spec.deprecated);
    flag(out, "partial", spec.partial);
    texts(out, "doc", &spec.doc);
    fields(out, "endpoint.path", &spec.path);
    fields(out, "endpoint.query", &spec.query);
    fields(out, "endpoint.headers", &spec.headers);
    fields(out, "endpoint.request", &spec.request);
    fields(out, "endpoint.response", &spec.response);
    for variant in &spec.variant {
        let _ = writeln!(out, "\n[[endpoint.variant]]");
        text(out, "audience", &variant.audience);
        texts(out, "request", &variant.request);
        texts(out, "response", &variant.response);
    }
    for example in &spec.example {
        let _ = writeln!(out, "\n[[endpoint.example]]");
        for (name, value) in [
            ("request", &example.request),
            ("response", &example.response),
        ] {
            if !value.is_empty() {
                let _ = writeln!(out, "{name} = '''{value}'''");
            }
        }
    }
}

fn event(out: &mut String, spec: &EventSpec) {
    let _ = writeln!(out, "\n[[event]]");
    text(out, "id", &spec.id);
    title(out, "title", &spec.title);
    text(out, "wire", &spec.wire);
    text(out, "msg_type", &spec.msg_type);
    text(out, "event", &spec.event);
    text(out, "info_type", &spec.info_type);
    text(out, "event_type", &spec.event_type);
    text(out, "rust", &spec.rust);
    when(out, &spec.when);
    if spec.presence {
        let _ = writeln!(out, "presence = true");
    }
    text(out, "trigger", &spec.trigger);
    text(out, "reply", &spec.reply);
    text(out, "confidence", &spec.confidence);
    texts(out, "doc", &spec.doc);
    fields(out, "event.fields", &spec.fields);
}

fn union(out: &mut String, name: &str, spec: &UnionSpec) {
    let _ = writeln!(out, "\n[union.{name}]");
    text(out, "tag", &spec.tag);
    let _ = writeln!(out, "\n[union.{name}.cases]");
    for (value, case) in &spec.cases.0 {
        let mut parts = Vec::new();
        if !case.ty.is_empty() {
            parts.push(format!("type = {}", quote(&case.ty)));
        }
        if !case.field.is_empty() {
            parts.push(format!("field = {}", quote(&case.field)));
        }
        if !case.title.is_empty() {
            parts.push(format!("title = {}", prose(&case.title)));
        }
        let _ = writeln!(out, "{} = {{ {} }}", key(value), parts.join(", "));
    }
}

fn defaults(out: &mut String, value: &Defaults) {
    if *value == Defaults::default() {
        return;
    }
    let _ = writeln!(out, "\n[defaults]");
    text(out, "host", &value.host);
    text(out, "auth", &value.auth);
    text(out, "content", &value.content);
    text(out, "answer", &value.answer);
    text(out, "doc", &value.doc);
    texts(out, "roles", &value.roles);
}

/// A module file.
pub(crate) fn file(head: &str, file: &File) -> String {
    let mut out = format!("# {head}\n");
    defaults(&mut out, &file.defaults);
    for spec in &file.endpoint {
        endpoint(&mut out, spec);
    }
    for spec in &file.event {
        event(&mut out, spec);
    }
    for (name, value) in &file.types.0 {
        fields(&mut out, &format!("types.{name}"), value);
        if value.0.is_empty() {
            let _ = writeln!(out, "\n[types.{name}]");
        }
    }
    for (name, value) in &file.union.0 {
        union(&mut out, name, value);
    }
    if !file.enums.0.is_empty() {
        let _ = writeln!(out, "\n[enums]");
        for (name, values) in &file.enums.0 {
            let _ = writeln!(out, "{name} = {}", list(values));
        }
    }
    out
}

/// `modules.toml`.
pub(crate) fn modules(modules: &[ModuleSpec]) -> String {
    let mut out = String::from("# Modules: path prefix → first parts of the id. Titles by hand.\n");
    for module in modules {
        let _ = writeln!(out, "\n[[module]]");
        text(&mut out, "name", &module.name);
        texts(&mut out, "prefix", &module.prefix);
        text(&mut out, "file", &module.file);
        title(&mut out, "title", &module.title);
    }
    out
}
