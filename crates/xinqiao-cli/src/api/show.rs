//! An endpoint or a callback as text for a terminal.

use std::fmt::Write as _;

use xinqiao_catalog as catalog;
use xinqiao_catalog::{AuthSource, Field, Product, Shape, TypeRef};

use crate::export::type_text;
use crate::lang::Lang;
use crate::talk;

/// How deep named types are unfolded.
const DEPTH: usize = 3;

/// Prints an endpoint.
pub(super) fn endpoint(endpoint: &catalog::Endpoint, lang: Lang) {
    let mut out = head(endpoint.id, endpoint.title, lang);
    let _ = write!(
        out,
        "  {} https://{}{}",
        endpoint.method, endpoint.host, endpoint.path
    );
    if let Some(when) = endpoint.when {
        let _ = write!(out, "  {}={}", when.name, when.value);
    }
    out.push('\n');
    for other in &endpoint.path_alt {
        row(&mut out, lang.pick("另一写法", "also"), other);
    }
    if endpoint.partial {
        out.push_str(lang.pick(
            "  只知道路径，字段不详：以任意 JSON 调用\n",
            "  only the path is known, not the fields: call it with any JSON\n",
        ));
    }
    if !endpoint.deprecated.is_empty() {
        row(
            &mut out,
            lang.pick("已停用", "shut down"),
            endpoint.deprecated,
        );
    }
    row(
        &mut out,
        lang.pick("说明", "about"),
        endpoint.about.get(lang == Lang::Zh),
    );
    let credential = serde_json::to_value(endpoint.auth.kind).unwrap_or_default();
    let from = match endpoint.auth.source {
        AuthSource::Page => "",
        AuthSource::Sdk => lang.pick("（依公开 SDK）", " (as public SDKs send it)"),
        AuthSource::Inferred => lang.pick("（推断，未查证）", " (inferred, not looked up)"),
    };
    row(
        &mut out,
        lang.pick("凭据", "credential"),
        &format!("{}{from}", credential.as_str().unwrap_or_default()),
    );
    row(
        &mut out,
        lang.pick("权限", "permission"),
        &endpoint.permissions.join(", "),
    );
    row(
        &mut out,
        lang.pick("额度", "quota"),
        &endpoint.quotas.join(", "),
    );
    row(
        &mut out,
        lang.pick("角色", "roles"),
        &endpoint.roles.join(", "),
    );
    let codes: Vec<String> = endpoint.errors.iter().map(ToString::to_string).collect();
    row(&mut out, lang.pick("错误码", "errors"), &codes.join(", "));
    for page in &endpoint.doc {
        row(&mut out, lang.pick("官方文档", "official page"), page);
    }
    for (title, shape) in [
        (lang.pick("路径参数", "path"), &endpoint.path_params),
        (lang.pick("查询参数", "query"), &endpoint.query),
        (lang.pick("请求头", "headers"), &endpoint.headers),
        (lang.pick("请求", "request"), &endpoint.request),
        (lang.pick("应答", "answer"), &endpoint.response),
    ] {
        fields(&mut out, title, endpoint.product, shape, lang);
    }
    talk::data(out.trim_end());
}

/// Prints a callback.
pub(super) fn event(event: &catalog::Event, lang: Lang) {
    let mut out = head(event.id, event.title, lang);
    for (name, value) in [
        ("MsgType", event.msg_type),
        ("Event", event.event),
        ("InfoType", event.info_type),
        ("event_type", event.event_type),
    ] {
        row(&mut out, name, value);
    }
    if let Some((name, value)) = event.when {
        row(&mut out, name, value);
    }
    row(&mut out, lang.pick("何时推送", "sent on"), event.trigger);
    row(
        &mut out,
        lang.pick("可以回复", "may be answered"),
        event.reply,
    );
    for page in &event.doc {
        row(&mut out, lang.pick("官方文档", "official page"), page);
    }
    fields(
        &mut out,
        lang.pick("字段", "fields"),
        event.product,
        &event.shape,
        lang,
    );
    talk::data(out.trim_end());
}

fn head(id: &str, title: catalog::Text, lang: Lang) -> String {
    match title.get(lang == Lang::Zh) {
        "" => format!("{id}\n"),
        title => format!("{id}  {title}\n"),
    }
}

fn row(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        let _ = writeln!(out, "  {name}: {value}");
    }
}

fn fields(out: &mut String, title: &str, product: Product, shape: &Shape, lang: Lang) {
    if !shape.is_empty() {
        let _ = writeln!(out, "\n  {title}");
        tree(out, product, shape, lang, 1);
    }
}

fn tree(out: &mut String, product: Product, shape: &Shape, lang: Lang, depth: usize) {
    let indent = "  ".repeat(depth + 1);
    for field in &shape.fields {
        let star = if field.required { "*" } else { "" };
        let name = format!("{indent}{}{star}", field.name);
        let ty = type_text(product, &field.ty);
        let mut notes = remarks(product, field, lang).into_iter();
        let first = notes.next().unwrap_or_default();
        let line = format!("{name:<32} {ty:<20} {first}");
        let _ = writeln!(out, "{}", line.trim_end());
        for note in notes {
            let _ = writeln!(out, "{indent}    {note}");
        }
        unfold(out, product, &field.ty, lang, depth);
    }
    if let Some(union) = &shape.union {
        let said = catalog::meaning(product, union.meaning);
        let name = format!("{indent}{}*", union.tag);
        let line = format!("{name:<53} {}", said.text.get(lang == Lang::Zh));
        let _ = writeln!(out, "{}", line.trim_end());
        for case in &union.cases {
            let _ = writeln!(out, "{indent}  = {}", case.value);
            if let Some(ty) = &case.ty {
                let _ = writeln!(
                    out,
                    "{indent}    {}* {}",
                    case.field,
                    type_text(product, ty)
                );
                unfold(out, product, ty, lang, depth + 2);
            }
        }
    }
    if let Some(open) = &shape.open {
        let _ = writeln!(out, "{indent}… {}", type_text(product, open));
    }
}

fn unfold(out: &mut String, product: Product, ty: &TypeRef, lang: Lang, depth: usize) {
    if depth < DEPTH
        && let Some(def) = ty.named().and_then(|id| catalog::type_def(product, id))
    {
        tree(out, product, &def.shape, lang, depth + 1);
    }
}

/// What is to know of a field: what it means with its limits, then an example and where to get it, then its values.
fn remarks(product: Product, field: &Field, lang: Lang) -> Vec<String> {
    use catalog::Origin;

    let said = catalog::meaning(product, field.meaning);
    let text = |text: catalog::Text| text.get(lang == Lang::Zh);
    let or = |own: &'static str, said: &'static str| if own.is_empty() { said } else { own };
    let origin = match field.origin {
        Origin::Caller => "",
        Origin::Credential => lang.pick("取自账号配置", "from the account"),
        Origin::Auto => lang.pick("由客户端计算", "made by the client"),
        Origin::Constant => field.constant,
    };
    let mut notes = vec![
        text(said.text).to_owned(),
        origin.to_owned(),
        or(field.format, said.format).to_owned(),
        or(field.unit, said.unit).to_owned(),
    ];
    if field.max > 0 {
        notes.push(format!("≤ {}", field.max));
    }
    if field.max_bytes > 0 {
        notes.push(format!("≤ {} B", field.max_bytes));
    }
    let mut further = Vec::new();
    if !said.example.is_empty() {
        further.push(format!("{} {}", lang.pick("例如", "such as"), said.example));
    }
    if !said.from.is_empty() {
        let from = lang.pick("来自：", "from: ");
        further.push(format!("{from}{}", text(said.from)));
    }
    let known = catalog::values(product, field);
    let meanings: Vec<&str> = known
        .iter()
        .map(|known| text(catalog::meaning(product, known.meaning).text))
        .collect();
    let mut values = Vec::new();
    if meanings.iter().all(|meaning| meaning.is_empty()) {
        let plain: Vec<&str> = known.iter().map(|known| known.value).collect();
        notes.push(plain.join(" | "));
    } else {
        let lines = known.iter().zip(meanings);
        let lines = lines.map(|(known, meaning)| format!("= {}  {meaning}", known.value));
        values.extend(lines.map(|line| line.trim_end().to_owned()));
    }
    let join = |mut notes: Vec<String>| {
        notes.retain(|note| !note.is_empty());
        notes.join(lang.pick("；", "; "))
    };
    let mut out = vec![join(notes)];
    out.extend(Some(join(further)).filter(|line| !line.is_empty()));
    out.extend(values);
    out
}
